//! When a failed object is tried again.

use crate::code;

const MINUTE_US: i64 = 60_000_000;
const HOUR_US: i64 = 60 * MINUTE_US;
/// After this long nobody tries any more.
pub(crate) const GIVE_UP_US: i64 = 28 * 24 * HOUR_US;
const TRANSIENT_MINUTES: [i64; 5] = [1, 2, 5, 10, 40];

/// Time of the next attempt. `attempts` counts from 1, `first_us` is the first failure. `None`: give up.
///
/// Temporary troubles are tried again soon, conflicts once; those that somebody has to repair 6, 12 and 24 hours after the first
/// failure and then daily.
pub(crate) fn next_us(
    code: &str,
    attempts: u32,
    first_us: i64,
    now_us: i64,
    retry_after_s: Option<u64>,
) -> Option<i64> {
    if now_us - first_us >= GIVE_UP_US {
        return None;
    }
    let step = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let next = if attempts <= 1 && matches!(code, code::CONFLICT | code::DUPLICATE_SOURCE) {
        // Whoever has the value may just be giving it up: somebody who is renamed or leaves in the same cycle.
        now_us + MINUTE_US
    } else if code::is_transient(code) {
        let minutes = TRANSIENT_MINUTES.get(step).copied().unwrap_or(40);
        now_us + (minutes * MINUTE_US).max(asked_us(retry_after_s))
    } else {
        ladder_us(first_us, now_us)
    };
    Some(next)
}

/// What a target asked for with `Retry-After`: a day at most.
pub(crate) fn asked_us(retry_after_s: Option<u64>) -> i64 {
    retry_after_s
        .and_then(|seconds| i64::try_from(seconds).ok())
        .map_or(0, |seconds| seconds.min(86_400) * 1_000_000)
}

/// 6, 12, 24 hours after the first failure, then every 24 hours.
pub(crate) fn ladder_us(first_us: i64, now_us: i64) -> i64 {
    let age = now_us - first_us;
    for hours in [6, 12, 24] {
        if age < hours * HOUR_US {
            return first_us + hours * HOUR_US;
        }
    }
    now_us + 24 * HOUR_US
}

/// When a job runs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at_us: i64,
    /// Changes do not make it run earlier.
    pub(crate) backs_off: bool,
}

impl Due {
    /// Then, or as soon as something changes.
    pub(crate) fn at(at_us: i64) -> Self {
        Self {
            at_us,
            backs_off: false,
        }
    }

    /// Then, and not before.
    pub(crate) fn not_before(at_us: i64) -> Self {
        Self {
            at_us,
            backs_off: true,
        }
    }
}

/// Time of the next cycle after `failures` interrupted ones.
pub(crate) fn interrupted_us(failures: u32, now_us: i64, interval_minutes: u32) -> i64 {
    let minutes = 1_i64 << failures.min(6);
    now_us + minutes.min(i64::from(interval_minutes).max(1)) * MINUTE_US
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_follow_the_ladder() {
        let hour = |hours: i64| hours * HOUR_US;
        for (code, attempts, age_us, retry_after_s, expected) in [
            ("InternalServerError", 1, 0, None, Some(MINUTE_US)),
            (
                "InternalServerError",
                4,
                hour(1),
                None,
                Some(hour(1) + 10 * MINUTE_US),
            ),
            ("Timeout", 50, hour(1), None, Some(hour(1) + 40 * MINUTE_US)),
            ("TooManyRequests", 1, 0, Some(300), Some(5 * MINUTE_US)),
            ("Conflict", 1, 0, None, Some(MINUTE_US)),
            ("Conflict", 2, MINUTE_US, None, Some(hour(6))),
            ("InsufficientRights", 1, 0, None, Some(hour(6))),
            ("Conflict", 2, hour(6), None, Some(hour(12))),
            ("Conflict", 3, hour(12), None, Some(hour(24))),
            ("Conflict", 4, hour(24), None, Some(hour(48))),
            ("Conflict", 40, GIVE_UP_US, None, None),
            ("Timeout", 40, GIVE_UP_US, None, None),
        ] {
            assert_eq!(
                next_us(code, attempts, 0, age_us, retry_after_s),
                expected,
                "{code} {attempts}"
            );
        }
    }
}
