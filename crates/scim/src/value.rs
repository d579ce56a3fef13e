//! The one place where values are folded, compared and ordered; index and evaluator both call it.

#[cfg(test)]
mod tests;

use base64::{
    Engine as _,
    alphabet::{self, Alphabet},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use jiff::{Timestamp, civil, tz::Offset};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

use crate::schema::{Attribute, AttributeType};

/// Comparison key of a string: NFC of the case-folded text when `case_exact` is false, else NFC of the text.
///
/// Folding is lower-casing character by character, so that the key of a part of a text is found in the key of
/// the whole; full-width and half-width forms count as the ordinary characters (RFC 8265 section 3.3).
///
/// ```
/// use tenure_scim::value::text_key;
/// assert_eq!(text_key("ÅSA@Example.TEST", false), text_key("a\u{30a}sa@example.test", false));
/// assert_ne!(text_key("Abc", true), text_key("abc", true));
/// ```
#[must_use]
pub fn text_key(text: &str, case_exact: bool) -> String {
    match (text.is_ascii(), case_exact) {
        (true, true) => text.to_owned(),
        (true, false) => text.to_ascii_lowercase(),
        (false, true) => text.nfc().collect(),
        (false, false) => {
            let composed: String = text.nfc().flat_map(fold_width).collect();
            // Lower-casing and width mapping can leave combining marks apart.
            composed
                .chars()
                .flat_map(char::to_lowercase)
                .map(fold_sigma)
                .nfc()
                .collect()
        }
    }
}

fn fold_width(character: char) -> impl Iterator<Item = char> {
    let wide = matches!(character, '\u{3000}' | '\u{ff00}'..='\u{ffef}');
    let plain = (!wide).then_some(character);
    let folded = wide.then(|| std::iter::once(character).nfkc());
    plain.into_iter().chain(folded.into_iter().flatten())
}

/// The final form of sigma depends on what follows, a key must not.
fn fold_sigma(character: char) -> char {
    if character == 'ς' { 'σ' } else { character }
}

/// Comparison key of any simple value of an attribute: text as [`text_key`], booleans `true`/`false`, dates as a
/// sortable UTC instant, integers and decimals in a form whose byte order is numeric order. `None` when the value does not fit the type.
///
/// ```
/// use serde_json::json;
/// use tenure_scim::{schema::SchemaSet, value::key};
///
/// let user_name = SchemaSet::user().attribute("userName").unwrap();
/// assert_eq!(key(user_name, &json!("Mira")).as_deref(), Some("mira"));
/// assert_eq!(key(user_name, &json!(5)), None);
/// ```
#[must_use]
pub fn key(attribute: &Attribute, value: &Value) -> Option<String> {
    match attribute.kind {
        AttributeType::String | AttributeType::Reference => value
            .as_str()
            .map(|text| text_key(text, attribute.case_exact)),
        AttributeType::Boolean => boolean(value).map(|value| value.to_string()),
        AttributeType::DateTime => value
            .as_str()
            .and_then(parse_time_us)
            .and_then(sortable_time),
        AttributeType::Integer => integer(value).map(sortable_integer),
        AttributeType::Decimal => value.as_f64().map(sortable_decimal),
        AttributeType::Binary => {
            let bytes = decode_base64(value.as_str()?)?;
            Some(base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes))
        }
        AttributeType::Complex => None,
    }
}

/// The text to look for in keys of this attribute with `co`, `sw` and `ew`; `None` when these operators do not apply.
/// Dates are searched in their UTC form `2026-11-24T20:30:40.123456Z`.
#[must_use]
pub fn pattern_key(attribute: &Attribute, text: &str) -> Option<String> {
    match attribute.kind {
        AttributeType::String | AttributeType::Reference => {
            Some(text_key(text, attribute.case_exact))
        }
        AttributeType::DateTime => Some(text.to_ascii_uppercase()),
        _ => None,
    }
}

/// A boolean literal, or its name as a string in any case, as some clients send it.
pub(crate) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A whole number in 64 bits; `5.0` counts as one.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let number = value.as_f64()?;
    // Beyond 2^53 a float no longer names one integer.
    let exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    exact.then_some(number as i64)
}

fn sortable_integer(number: i64) -> String {
    format!("{:016x}", number.cast_unsigned() ^ (1 << 63))
}

fn sortable_decimal(number: f64) -> String {
    // Adding zero turns -0.0 into 0.0, which is the same number.
    let bits = (number + 0.0).to_bits();
    let ordered = if bits >> 63 == 1 {
        !bits
    } else {
        bits | (1 << 63)
    };
    format!("{ordered:016x}")
}

fn sortable_time(time_us: i64) -> Option<String> {
    let time = Offset::UTC.to_datetime(Timestamp::from_microsecond(time_us).ok()?);
    (time.year() >= 0).then(|| {
        let fraction_us = time.subsec_nanosecond() / 1000;
        format!("{}.{fraction_us:06}Z", seconds_text(time))
    })
}

fn seconds_text(time: civil::DateTime) -> String {
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// A time in microseconds since 1970 as SCIM writes it: `2026-11-24T20:30:40.123Z`. Times outside of the years
/// -9999 to 9999 are moved to the nearest end.
///
/// ```
/// assert_eq!(tenure_scim::value::format_time_us(1_500_000), "1970-01-01T00:00:01.500Z");
/// ```
#[must_use]
pub fn format_time_us(time_us: i64) -> String {
    let nearest = if time_us < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    let timestamp = Timestamp::from_microsecond(time_us).unwrap_or(nearest);
    let time = Offset::UTC.to_datetime(timestamp);
    format!(
        "{}.{:03}Z",
        seconds_text(time),
        time.subsec_nanosecond() / 1_000_000
    )
}

/// Reads an `xsd:dateTime` as microseconds since 1970. A missing zone means UTC, digits beyond the microsecond
/// are cut, `24:00:00` is the start of the next day. `None` when the text is not one, or the year is not 0 to 9999.
///
/// ```
/// use tenure_scim::value::parse_time_us;
/// assert_eq!(parse_time_us("1970-01-01T02:00:01.5+02:00"), Some(1_500_000));
/// assert_eq!(parse_time_us("yesterday"), None);
/// ```
#[must_use]
pub fn parse_time_us(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, rest) = text.split_once(['T', 't'])?;
    let mut parts = date.split('-');
    let date = civil::Date::new(
        digits(parts.next()?, 4)?,
        digits(parts.next()?, 2)?.try_into().ok()?,
        digits(parts.next()?, 2)?.try_into().ok()?,
    )
    .ok()?;
    if parts.next().is_some() {
        return None;
    }
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at_checked(zone_at)?;
    let seconds = zone_seconds(zone)?;
    let (time_us, next_day) = time_of_day_us(time)?;
    let midnight = Offset::UTC
        .to_timestamp(date.to_datetime(civil::Time::midnight()))
        .ok()?;
    let day_us = if next_day { 86_400_000_000 } else { 0 };
    let total_us = midnight.as_microsecond() + day_us + time_us - seconds * 1_000_000;
    let instant = Timestamp::from_microsecond(total_us).ok()?;
    (Offset::UTC.to_datetime(instant).year() >= 0).then_some(total_us)
}

fn digits(text: &str, count: usize) -> Option<i16> {
    let fits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// Microseconds since midnight, and whether it is the midnight at the end of the day.
fn time_of_day_us(text: &str) -> Option<(i64, bool)> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let mut parts = whole.split(':');
    let hour = i64::from(digits(parts.next()?, 2)?);
    let minute = i64::from(digits(parts.next()?, 2)?);
    let second = i64::from(digits(parts.next()?, 2)?);
    if parts.next().is_some() || hour > 24 || minute > 59 || second > 59 {
        return None;
    }
    let fraction_us = fraction.map_or(Some(0), fraction_us)?;
    let time_us = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction_us;
    match hour {
        24 if time_us == 86_400_000_000 => Some((0, true)),
        24 => None,
        _ => Some((time_us, false)),
    }
}

fn fraction_us(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let six: String = text.chars().chain(std::iter::repeat('0')).take(6).collect();
    six.parse().ok()
}

fn zone_seconds(text: &str) -> Option<i64> {
    let sign = match text.chars().next() {
        None => return Some(0),
        Some('Z' | 'z') => return (text.len() == 1).then_some(0),
        Some('-') => -1,
        Some(_) => 1,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let (hours, minutes) = (i64::from(digits(hours, 2)?), i64::from(digits(minutes, 2)?));
    (hours <= 14 && minutes <= 59).then_some(sign * (hours * 60 + minutes) * 60)
}

/// Decodes base64 in the standard or the URL-safe alphabet, with or without padding and line breaks.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let compact: String = text
        .chars()
        .filter(|character| !character.is_ascii_whitespace())
        .collect();
    let decode = |alphabet: &Alphabet| GeneralPurpose::new(alphabet, config).decode(&compact).ok();
    decode(&alphabet::STANDARD).or_else(|| decode(&alphabet::URL_SAFE))
}
