//! How long a server that is too busy asks to be left alone (RFC 9110 section 10.2.3).

use crate::ws::ServerAnswer;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// What a 429 or 503 asks for: a number of seconds, or a date. A date counts from the server's own, where it tells one, so
/// that its clock may be wrong.
pub(super) fn retry_after(answer: &ServerAnswer) -> Option<Duration> {
    let value = matches!(answer.status, 429 | 503).then(|| answer.values("retry-after").next()).flatten()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than fits is for ever.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let now = answer.values("date").next().and_then(date).unwrap_or_else(OffsetDateTime::now_utc);
    Duration::try_from(date(value)? - now).ok()
}

/// The form that servers have to send: `Sun, 06 Nov 1994 08:49:37 GMT`, which is also one of mail.
fn date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text.trim(), &Rfc2822).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(status: u16, headers: &[(&str, &str)]) -> Option<u64> {
        retry_after(&ServerAnswer::with_headers(status, headers)).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_read() {
        const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            // Past, and no date at all.
            ("Sun, 06 Nov 1994 08:49:30 GMT", None),
            ("soon", None),
            ("-5", None),
            ("", None),
        ] {
            assert_eq!(asked(503, &[("retry-after", value), DATE]), seconds, "{value}");
        }
        assert_eq!(asked(429, &[("retry-after", "7")]), Some(7));
        assert_eq!(asked(403, &[("retry-after", "7")]), None);
        assert_eq!(asked(503, &[]), None);
        // Without a date of the server's own ours counts.
        assert_eq!(asked(503, &[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]), None);
        assert!(asked(503, &[("retry-after", "Fri, 31 Dec 2100 23:59:59 GMT")]).is_some());
    }
}
