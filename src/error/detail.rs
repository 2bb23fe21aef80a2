//! What the operating system or a library has said, which follows our own text in brackets.

use super::language::Language;
use super::parts::OneLine;
use super::quote::{DETAIL, quote};
use std::fmt::{self, Write};
use std::io::{self, ErrorKind};

/// In both languages where they differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Detail {
    said: String,
    /// For a reader of Russian, where the system speaks English only.
    ru: Option<String>,
    /// Our own text says all that a user can use of it: it stands in the log alone.
    log_only: bool,
}

impl Detail {
    /// Nothing where nothing was said.
    pub fn new(said: impl fmt::Display, log_only: bool) -> Option<Self> {
        let said = said.to_string();
        (!said.is_empty()).then(|| Self { said: quote(&said, DETAIL), ru: None, log_only })
    }

    /// Of the system: Windows says it in its own language, other systems in English.
    pub fn system(error: &io::Error) -> Option<Self> {
        let mut detail = Self::new(error, false)?;
        if let (false, Some(code)) = (cfg!(windows), error.raw_os_error()) {
            let phrase = in_russian(error.kind()).map(|phrase| format!("{phrase}, ")).unwrap_or_default();
            detail.ru = Some(format!("{phrase}код ошибки {code}"));
        }
        Some(detail)
    }

    pub fn write(&self, out: &mut String, language: Language, for_log: bool) {
        if self.log_only && !for_log {
            return;
        }
        let said = match (&self.ru, language) {
            (Some(ru), Language::Russian) => ru,
            _ => &self.said,
        };
        out.push_str(" (");
        // Writing to a String cannot fail.
        let _ = OneLine(out).write_str(said);
        out.push(')');
    }
}

/// What is worth saying beyond the number: our own texts cover what happens to connections.
fn in_russian(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::NotFound => "не найдено",
        ErrorKind::PermissionDenied => "нет прав доступа",
        ErrorKind::IsADirectory => "это каталог",
        ErrorKind::NotADirectory => "часть пути не является каталогом",
        ErrorKind::ReadOnlyFilesystem => "файловая система доступна только для чтения",
        ErrorKind::StorageFull => "на диске нет места",
        ErrorKind::QuotaExceeded => "исчерпана квота диска",
        ErrorKind::InvalidFilename => "недопустимое имя файла",
        ErrorKind::OutOfMemory => "недостаточно памяти",
        ErrorKind::TimedOut => "время ожидания истекло",
        ErrorKind::BrokenPipe => "другая сторона закрыла канал",
        _ => return None,
    })
}
