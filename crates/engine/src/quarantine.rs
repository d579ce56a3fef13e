//! When a job is unhealthy as a whole.

/// Credentials or protocol.
pub(crate) const EXCEPTION: &str = "EncounteredQuarantineException";
/// More accounts would lose access than the threshold allows.
pub(crate) const TOO_MANY_DELETES: &str = tenure_store::notification::HELD_CODE;

/// Below this many failures nothing is judged.
const FEWEST_FAILURES: u64 = 5_000;
/// Share of failed events, in percent, above which a job is unhealthy.
const FAILED_PERCENT: u64 = 40;
/// Failures above which a job is unhealthy whatever the share.
const MOST_FAILURES: u64 = 40_000;

/// The code and reason when too many objects of a cycle failed.
pub(crate) fn by_failures(failed: u64, succeeded: u64) -> Option<(&'static str, String)> {
    if failed < FEWEST_FAILURES {
        return None;
    }
    if failed > MOST_FAILURES {
        return Some((
            "EncounteredBaseEscrowThreshold",
            format!("{failed} objects failed, more than {MOST_FAILURES}"),
        ));
    }
    let total = failed + succeeded;
    (failed * 100 > total * FAILED_PERCENT).then(|| {
        (
            "EncounteredEscrowProportionThreshold",
            format!("{failed} of {total} objects failed, more than {FAILED_PERCENT} %"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_published_examples() {
        for (failed, succeeded, expected) in [
            (4_000, 0, None),
            (30_000, 5_000, Some("EncounteredEscrowProportionThreshold")),
            (20_000, 100_000, None),
            (45_000, 1_000_000, Some("EncounteredBaseEscrowThreshold")),
        ] {
            assert_eq!(
                by_failures(failed, succeeded).map(|(code, _)| code),
                expected,
                "{failed}/{succeeded}"
            );
        }
    }
}
