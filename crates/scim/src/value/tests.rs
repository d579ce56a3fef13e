use serde_json::{Value, json};

use super::{decode_base64, format_time_us, key, parse_time_us, pattern_key, text_key};
use crate::schema::{Attribute, AttributeType};

#[test]
fn text_is_folded_without_context() {
    let same = |left: &str, right: &str| assert_eq!(text_key(left, false), text_key(right, false));
    same("MIRA", "mira");
    same("ÉMILE", "e\u{301}mile");
    same("ΟΔΟΣ", "οδος");
    same("ＡＢＣ　１", "abc 1");
    same("ｶﾞ", "ガ");
    assert_ne!(text_key("straße", false), text_key("strasse", false));
    assert_eq!(text_key("É", true), text_key("E\u{301}", true));
    assert_ne!(text_key("É", true), text_key("é", true));
    // The key of a part is part of the key of the whole.
    assert!(text_key("ΟΔΟΣ ΜΟΥ", false).starts_with(&text_key("οδοσ", false)));
}

#[test]
fn folding_twice_changes_nothing() {
    for text in ["İstanbul", "ǅ", "ﾞｶ", "Å\u{345}", "ﬀ", "ẞ", "K"] {
        let once = text_key(text, false);
        assert_eq!(text_key(&once, false), once, "{text}");
    }
}

#[track_caller]
fn ascending(kind: AttributeType, values: &[Value]) {
    let attribute = Attribute::of(kind, "x", "");
    let keys: Vec<String> = values
        .iter()
        .map(|value| key(&attribute, value).unwrap())
        .collect();
    assert!(keys.is_sorted_by(|left, right| left < right), "{keys:?}");
}

#[test]
fn keys_have_the_order_of_their_values() {
    ascending(
        AttributeType::Integer,
        &[
            json!(i64::MIN),
            json!(-10),
            json!(-2),
            json!(0),
            json!(3),
            json!(20),
            json!(i64::MAX),
        ],
    );
    ascending(
        AttributeType::Decimal,
        &[
            json!(-1e300),
            json!(-2.5),
            json!(-1),
            json!(-1e-300),
            json!(0),
            json!(0.1),
            json!(2),
            json!(10.0),
        ],
    );
    ascending(
        AttributeType::DateTime,
        &[
            json!("0001-01-01T00:00:00Z"),
            json!("1969-12-31T23:59:59.999999Z"),
            json!("1970-01-01T00:00:00Z"),
            json!("2026-01-01T00:00:00+01:00"),
            json!("2026-01-01T00:00:00"),
            json!("2026-01-01T00:00:00.000001"),
        ],
    );
}

#[test]
fn equal_values_have_one_key_and_others_none() {
    let check = |kind, values: &[Value]| {
        let attribute = Attribute::of(kind, "x", "");
        let keys: Vec<_> = values.iter().map(|value| key(&attribute, value)).collect();
        assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "{keys:?}");
        keys.first().cloned().flatten()
    };
    assert!(check(AttributeType::Integer, &[json!(5), json!(5.0)]).is_some());
    assert!(check(AttributeType::Decimal, &[json!(0.0), json!(-0.0), json!(0)]).is_some());
    assert!(check(AttributeType::Boolean, &[json!(true), json!("True")]).is_some());
    assert!(
        check(
            AttributeType::Binary,
            &[json!("-_8="), json!("+/8"), json!("+/\n8=")]
        )
        .is_some()
    );
    assert_eq!(
        check(
            AttributeType::Integer,
            &[json!(1.5), json!("1"), json!(u64::MAX), json!(1e300)]
        ),
        None
    );
    assert_eq!(
        check(
            AttributeType::Boolean,
            &[json!("yes"), json!(1), Value::Null]
        ),
        None
    );
    assert_eq!(
        check(AttributeType::String, &[json!(1), json!({}), Value::Null]),
        None
    );
    assert_eq!(
        check(AttributeType::Complex, &[json!({}), json!("x")]),
        None
    );
    assert_eq!(decode_base64("a"), None);
    let number = Attribute::of(AttributeType::Integer, "x", "");
    assert_eq!(pattern_key(&number, "1"), None);
}

#[test]
fn times_are_read_and_written() {
    let check = |text: &str, expected: Option<&str>| {
        let found = parse_time_us(text).map(format_time_us);
        assert_eq!(found.as_deref(), expected, "{text}");
    };
    check("2026-11-24T20:30:40Z", Some("2026-11-24T20:30:40.000Z"));
    check(
        "2026-11-24t20:30:40.1239999z",
        Some("2026-11-24T20:30:40.123Z"),
    );
    check("2026-11-24T20:30:40.5", Some("2026-11-24T20:30:40.500Z"));
    check(
        "2026-11-24T20:30:40+14:00",
        Some("2026-11-24T06:30:40.000Z"),
    );
    check(
        "2026-11-24T20:30:40-03:30",
        Some("2026-11-25T00:00:40.000Z"),
    );
    check("2026-12-31T24:00:00Z", Some("2027-01-01T00:00:00.000Z"));
    check(
        "2024-02-29T00:00:00.000000000000001Z",
        Some("2024-02-29T00:00:00.000Z"),
    );
    for wrong in [
        "",
        "T",
        "2026-11-24",
        "2026-11-24T",
        "2026-11-24 20:30:40Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-24T24:00:01Z",
        "2026-11-24T25:00:00Z",
        "2026-11-24T20:60:00Z",
        "2026-11-24T20:30Z",
        "2026-11-24T20:30:40.Z",
        "2026-11-24T20:30:40+1",
        "2026-11-24T20:30:40+15:00",
        "2026-11-24T20:30:40ZZ",
        "-001-11-24T20:30:40Z",
        "0000-01-01T00:00:00+01:00",
        "２026-11-24T20:30:40Z",
        "2026-11-24T20:30:40Zé",
    ] {
        check(wrong, None);
    }
    assert_eq!(format_time_us(-1), "1969-12-31T23:59:59.999Z");
    assert!(format_time_us(i64::MAX).starts_with("9999-"));
    assert!(format_time_us(i64::MIN).starts_with("-9999-"));
}
