//! When, and by whom, the last connection or attempt was ended.

use crate::error::Arg;
use std::time::{Duration, Instant};

/// How the last connection, or attempt, ended; the client's state says the rest.
#[derive(Default)]
pub(super) struct LastEnd {
    at: Option<Instant>,
    /// `Disconnect` began it.
    pub by_host: bool,
}

impl LastEnd {
    pub fn now(by_host: bool) -> Self {
        Self { at: Some(Instant::now()), by_host }
    }

    /// How long that is ago, for people.
    pub fn ago(&self) -> Arg {
        ago(self.at.map_or(Duration::ZERO, |at| at.elapsed()))
    }
}

/// What a person wants to know of a time that has gone by: one number.
fn ago(time: Duration) -> Arg {
    let seconds = time.as_secs();
    let (number, en, ru) = match seconds {
        0..120 => (seconds, "s", "с"),
        120..7_200 => (seconds / 60, "min", "мин"),
        7_200.. => (seconds / 3600, "h", "ч"),
    };
    Arg::Each { en: format!("{number} {en} ago"), ru: format!("{number} {ru} назад") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Id, Language};

    #[test]
    fn a_time_gone_by_is_one_number() {
        for (seconds, en, ru) in [
            (0, "0 s ago", "0 с назад"),
            (119, "119 s ago", "119 с назад"),
            (120, "2 min ago", "2 мин назад"),
            (7_199, "119 min ago", "119 мин назад"),
            (7_200, "2 h ago", "2 ч назад"),
            (400_000, "111 h ago", "111 ч назад"),
        ] {
            let error = Error::new(Id::AttemptFailed, [ago(Duration::from_secs(seconds))]);
            assert!(error.text(Language::English).ends_with(en), "{error}");
            assert!(error.text(Language::Russian).contains(ru), "{error}");
        }
    }
}
