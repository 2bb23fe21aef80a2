//! The values of one object's properties.

use super::origin::check_origins;
use super::path::check_paths;
use super::pins::check_pins;
use super::trusted::check_trusted;
use super::{AskClients, Default, Kind, Opt, Row, Side, TABLE, check_path, check_protocols};
use crate::error::{Error, Id, Result, memory};
use crate::proxy::Setting;
use once_cell::sync::OnceCell;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// The values of one object. Reading and setting never block and never fail because of the object's state.
pub struct Options {
    side: Side,
    numbers: Vec<AtomicI64>,
    texts: Mutex<Vec<Arc<String>>>,
    proxy: Mutex<Arc<Setting>>,
    token: Mutex<Arc<String>>,
    control_token: Mutex<Arc<String>>,
    on_change: OnceCell<Box<dyn Fn(Opt) + Send + Sync>>,
}

impl Options {
    pub fn new(side: Side) -> Self {
        let number = |row: &Row| match row.default(side) {
            Some(Default::Int(value)) => value,
            Some(Default::Flag(value)) => i64::from(value),
            Some(Default::Text(_)) | None => 0,
        };
        let text = |row: &Row| match row.default(side) {
            Some(Default::Text(value)) => Arc::new(value.to_owned()),
            Some(Default::Int(_) | Default::Flag(_)) | None => Arc::default(),
        };
        Self {
            side,
            numbers: TABLE.iter().map(|row| AtomicI64::new(number(row))).collect(),
            proxy: Mutex::default(),
            token: Mutex::default(),
            control_token: Mutex::default(),
            texts: Mutex::new(TABLE.iter().map(text).collect()),
            on_change: OnceCell::new(),
        }
    }

    /// Whom to tell that a number was set; the first caller's wish counts.
    pub fn on_change(&self, tell: impl Fn(Opt) + Send + Sync + 'static) {
        let _ = self.on_change.set(Box::new(tell));
    }

    pub fn int(&self, option: Opt) -> i64 {
        self.numbers[option as usize].load(Relaxed)
    }

    /// A number that is a size or a count: never negative.
    pub fn size(&self, option: Opt) -> usize {
        usize::try_from(self.int(option)).unwrap_or(usize::MAX)
    }

    /// Whether this side has that property.
    pub fn has(&self, option: Opt) -> bool {
        option.row().default(self.side).is_some()
    }

    pub fn flag(&self, option: Opt) -> bool {
        self.int(option) != 0
    }

    pub fn text(&self, option: Opt) -> Arc<String> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)[option as usize].clone()
    }

    /// Sets a number or a flag (0 or 1); out of range is refused and changes nothing.
    pub fn set_int(&self, option: Opt, value: i64) -> Result<()> {
        let (min, max) = match (option.row().default(self.side), option.row().kind) {
            (None, _) | (_, Kind::Text) => return Err(Error::new(Id::Unsupported, [option.label()])),
            (Some(_), Kind::Int { min, max }) => (min, max),
            (Some(_), Kind::Bool) => (0, 1),
        };
        if value < min || value > max {
            return Err(Error::new(Id::OutOfRange, [option.label(), value.into(), min.into(), max.into()]));
        }
        self.numbers[option as usize].store(value, Relaxed);
        if let Some(tell) = self.on_change.get() {
            tell(option);
        }
        Ok(())
    }

    /// Sets a text; one that is not allowed for this property is refused and changes nothing.
    pub fn set_text(&self, option: Opt, value: &str) -> Result<()> {
        if option.row().default(self.side).is_none() || option.row().kind != Kind::Text {
            return Err(Error::new(Id::Unsupported, [option.label()]));
        }
        match option {
            Opt::Protocols => check_protocols(value)?,
            Opt::Proxy => return self.set_proxy(value),
            Opt::AllowedOrigins => check_origins(value)?,
            Opt::HealthPath | Opt::ControlPath => check_path(option, value)?,
            Opt::Paths => check_paths(value)?,
            Opt::PinnedCertificates => check_pins(value)?,
            Opt::TrustedProxies => check_trusted(value)?,
            Opt::ClientCertificates => drop(AskClients::read(value)?),
            Opt::AccessToken => {
                return self.set_secret(&self.token, option, value);
            }
            Opt::ControlToken => {
                return self.set_secret(&self.control_token, option, value);
            }
            _ => {}
        }
        let copy = Arc::new(memory::copy(value)?);
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)[option as usize] = copy;
        Ok(())
    }
}

impl Options {
    /// What to connect through, with its credentials; as a text it reads `***` for them.
    pub fn proxy(&self) -> Arc<Setting> {
        self.proxy.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The access token itself; as a text it reads `***`.
    pub fn token(&self) -> Arc<String> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same of plain HTTP's control.
    pub fn control_token(&self) -> Arc<String> {
        self.control_token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_secret(&self, place: &Mutex<Arc<String>>, option: Opt, value: &str) -> Result<()> {
        let copy = Arc::new(memory::copy(value)?);
        let mut token = place.lock().unwrap_or_else(PoisonError::into_inner);
        // A host that writes back what it has read must not make `***` the token.
        if value == "***" && !token.is_empty() {
            return Ok(());
        }
        *token = copy;
        let shown = if value.is_empty() { "" } else { "***" };
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)[option as usize] = Arc::new(shown.to_owned());
        Ok(())
    }

    fn set_proxy(&self, value: &str) -> Result<()> {
        let mut proxy = self.proxy.lock().unwrap_or_else(PoisonError::into_inner);
        // A host that writes back what it has read must not make `***` the password.
        if value == proxy.shown() {
            return Ok(());
        }
        let setting = Setting::parse(value)?;
        let shown = Arc::new(setting.shown().to_owned());
        *proxy = Arc::new(setting);
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)[Opt::Proxy as usize] = shown;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::list;

    #[test]
    fn a_refused_value_changes_nothing() {
        let options = Options::new(Side::Client);
        assert!(options.set_int(Opt::CloseTimeout, -1).is_err());
        assert!(options.set_int(Opt::IoThreads, 2).is_err(), "a client has no IoThreads");
        assert!(options.set_text(Opt::Protocols, "chat, chat").is_err());
        assert!(options.set_text(Opt::Protocols, "chat room").is_err());
        assert_eq!(options.int(Opt::CloseTimeout), 3_000);
        assert_eq!(&*options.text(Opt::Protocols), "");
        options.set_text(Opt::Protocols, "chat, v2.chat").unwrap();
        assert_eq!(list(&options.text(Opt::Protocols)).collect::<Vec<_>>(), ["chat", "v2.chat"]);
    }
}
