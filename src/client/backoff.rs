//! When a client comes back: after which ends, after how long, and where the tries stand.

use crate::engine::{CloseInfo, Reason};
use crate::ws::random_u64;
use std::time::{Duration, Instant};

/// Where the tries stand.
#[derive(Default)]
pub(super) struct RetryState {
    /// Dials since `Connect`, or since the last connection was lost; the `open` event tells it.
    pub count: u32,
    /// Failures in a row: they make the waits longer.
    pub failures: u32,
    /// Attempts that have failed since the last connection, or since `Connect`.
    pub failed_attempts: u32,
    /// The server has asked not to be tried before.
    pub not_before: Option<Instant>,
    /// Since when the connection is open.
    pub open_since: Option<Instant>,
    /// There was a connection before, so that the next is a reconnection.
    pub has_opened: bool,
    /// When the next dial begins; `None` while one is under way.
    pub due: Option<Instant>,
}

impl RetryState {
    /// Of a new `Connect`.
    pub fn first() -> Self {
        Self { count: 1, ..Self::default() }
    }
}

/// Whether a connection that ended so is followed by another. Our own `Disconnect` is the caller's affair.
pub(super) fn is_followed(close_info: &CloseInfo) -> bool {
    match close_info.reason {
        // The peer's close: it is done, or refuses what we are or what we do.
        Reason::Text(_) => !matches!(close_info.code, 1000 | 1002 | 1003 | 1007..=1010 | 4000..=4999),
        // It broke, or the keepalive gave it up; any other end that we make is for a breach of the protocol.
        Reason::Ours(_) => matches!(close_info.code, 1006 | 1011),
    }
}

/// The longest that the wait after `failures` failures in a row may be.
pub(super) fn longest_wait(interval: Duration, max: Duration, failures: u32) -> Duration {
    if max <= interval {
        return interval;
    }
    2_u32.checked_pow(failures).and_then(|factor| interval.checked_mul(factor)).map_or(max, |bound| bound.min(max))
}

/// How long to wait: always `interval`, or with a larger `max` anything up to a bound that doubles ("full jitter"), so
/// that clients that lost their server together do not come back together.
pub(super) fn next_wait(interval: Duration, max: Duration, failures: u32) -> Duration {
    let longest = longest_wait(interval, max, failures);
    if max <= interval {
        return longest;
    }
    let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
    // The bias of the remainder is below one in a million for waits of hours.
    Duration::from_nanos(random_u64() % nanos.saturating_add(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Id};

    #[test]
    fn which_ends_are_followed() {
        let peer = |code| is_followed(&CloseInfo { code, reason: Reason::none(), clean: true });
        for code in [1001, 1005, 1011, 1012, 1013, 1014, 3000, 3999] {
            assert!(peer(code), "{code}");
        }
        for code in [1000, 1002, 1003, 1007, 1008, 1009, 1010, 4000, 4001, 4999] {
            assert!(!peer(code), "{code}");
        }
        let ours = |code| is_followed(&CloseInfo { code, reason: Reason::Ours(Error::of(Id::Io)), clean: false });
        assert!(ours(1006) && ours(1011));
        assert!(![1002, 1003, 1007, 1009].into_iter().any(ours));
    }

    #[test]
    fn a_constant_interval_is_constant_and_jitter_stays_below_its_bound() {
        let ms = Duration::from_millis;
        for failures in [0, 1, 40] {
            assert_eq!(next_wait(ms(1000), ms(0), failures), ms(1000));
            assert_eq!(next_wait(ms(1000), ms(1000), failures), ms(1000));
        }
        for (failures, bound) in [(0, 1000), (1, 2000), (2, 4000), (4, 16_000), (5, 30_000), (31, 30_000), (90, 30_000)]
        {
            let waits: Vec<_> = (0..400).map(|_| next_wait(ms(1000), ms(30_000), failures)).collect();
            assert!(waits.iter().all(|wait| *wait <= ms(bound)));
            // Each tenth of the range has its part: 40 expected, below 10 one time in ten million.
            for tenth in 0..10 {
                let range = ms(bound * tenth / 10)..ms(bound * (tenth + 1) / 10);
                assert!(waits.iter().filter(|wait| range.contains(*wait)).count() >= 10, "{failures} {range:?}");
            }
        }
    }
}
