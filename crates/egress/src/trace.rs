//! W3C Trace Context: which larger undertaking a request belongs to, so that it can be followed from system to system.

use std::fmt;

/// Bytes of `00-{32 digits}-{16 digits}-{2 digits}`.
const LENGTH: usize = 55;

/// The trace that a piece of work belongs to, as <https://www.w3.org/TR/trace-context/> defines it.
///
/// `Display` shows the trace id, which is what log lines carry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    id: [u8; 16],
    /// Whether the caller records this trace.
    sampled: bool,
}

tokio::task_local! {
    static CURRENT: Trace;
}

impl Trace {
    /// A new trace with a random id.
    #[must_use]
    pub fn random() -> Self {
        Self {
            id: random(),
            sampled: false,
        }
    }

    /// The trace of a `traceparent` header of any version; `None` when it breaks the rules, and is to be ignored.
    #[must_use]
    pub fn from_header(value: &str) -> Option<Self> {
        let rest = value.get(LENGTH..)?;
        let mut parts = value.get(..LENGTH)?.split('-');
        let version: [u8; 1] = digits(parts.next()?)?;
        let id: [u8; 16] = digits(parts.next()?)?;
        let parent: [u8; 8] = digits(parts.next()?)?;
        let [flags] = digits::<1>(parts.next()?)?;
        // Later versions may append fields; this one has none.
        let ends_well = match version {
            [0] => rest.is_empty(),
            [255] => false,
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        let valid = ends_well && parts.next().is_none() && id != [0; 16] && parent != [0; 8];
        valid.then_some(Self {
            id,
            sampled: flags & 1 == 1,
        })
    }

    /// A `traceparent` header for one request of this trace, with a new parent id.
    #[must_use]
    pub fn header(&self) -> String {
        let flags = u8::from(self.sampled);
        format!("00-{self}-{}-{flags:02x}", Hex(&random::<8>()))
    }

    /// The trace of the running task, if [`Trace::scope`] gave it one.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|trace| *trace).ok()
    }

    /// Runs a future within this trace. Tasks that it spawns are not within it.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.id).fmt(formatter)
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Trace({self})")
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// Bytes that are not all zero, which would make an id invalid.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [1; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::warn!(%error, "no randomness for a trace id");
    }
    if bytes == [0; N] {
        return [1; N];
    }
    bytes
}

/// Lower-case hexadecimal digits of exactly `N` bytes; capitals are not allowed.
fn digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = value(*high)? * 16 + value(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn headers_are_read_as_the_standard_says() {
        let check = |header: &str, expected: Option<bool>| {
            let found = Trace::from_header(header);
            assert_eq!(found.map(|trace| trace.sampled), expected, "{header}");
            assert!(
                found.is_none_or(|trace| trace.to_string() == ID),
                "{header}"
            );
        };
        check(&format!("00-{ID}-b7ad6b7169203331-01"), Some(true));
        check(&format!("00-{ID}-b7ad6b7169203331-00"), Some(false));
        // Unknown flags say nothing; later versions may be longer.
        check(&format!("00-{ID}-b7ad6b7169203331-fe"), Some(false));
        check(&format!("cc-{ID}-b7ad6b7169203331-01"), Some(true));
        check(&format!("cc-{ID}-b7ad6b7169203331-01-what"), Some(true));
        for wrong in [
            String::new(),
            "00".to_owned(),
            format!("00-{ID}-b7ad6b7169203331-01-"),
            format!("00-{ID}-b7ad6b7169203331-01-what"),
            format!("cc-{ID}-b7ad6b7169203331-01.what"),
            format!("ff-{ID}-b7ad6b7169203331-01"),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("00-{ID}-0000000000000000-01"),
            format!("00-{}-b7ad6b7169203331-01", ID.to_uppercase()),
            format!("00-{ID}-b7ad6b716920333-001"),
            format!("0-0{ID}-b7ad6b7169203331-01"),
            format!("00-{ID}-b7ad6b7169203331-0g"),
            format!("00-{ID}_b7ad6b7169203331-01"),
            format!("00-{ID}-b7ad6b716920333é01"),
            "é".repeat(40),
        ] {
            check(&wrong, None);
        }
    }

    #[test]
    fn what_is_sent_on_keeps_the_trace_and_names_a_new_parent() {
        let header = format!("00-{ID}-b7ad6b7169203331-03");
        let trace = Trace::from_header(&header).unwrap();
        let (first, second) = (trace.header(), trace.header());
        assert_ne!(first, second);
        assert_eq!(Trace::from_header(&first), Some(trace));
        assert!(first.ends_with("-01") && !first.contains("b7ad6b7169203331"));
        assert_ne!(Trace::random(), Trace::random());
        let own = Trace::random().header();
        assert!(Trace::from_header(&own).is_some(), "{own}");
    }

    #[tokio::test]
    async fn work_knows_its_trace() {
        assert_eq!(Trace::current(), None);
        let trace = Trace::random();
        let seen = trace.scope(async { Trace::current() }).await;
        assert_eq!(seen, Some(trace));
    }
}
