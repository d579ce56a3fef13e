//! Functions over dates. Between functions a date travels as text, `1/5/2026 4:07:00 PM`, always UTC.

use super::{
    ExpressionError,
    catalogue::{Function, function},
    date_format::{format_date, parse_with},
    evaluate::{Arguments, Evaluator},
};
use jiff::{Span, Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::Value;

type Evaluated = Result<Value, ExpressionError>;

pub(super) static FUNCTIONS: [Function; 7] = [
    function(
        "CDate(text)",
        "A date and time read from text, in UTC.",
        (1, 1),
        &[],
        parse_date,
    ),
    function(
        "DateAdd(interval, value, dateTime)",
        "A date moved by a number of yyyy, m, d, ww, h, n or s.",
        (3, 3),
        &[],
        add,
    ),
    function(
        "DateDiff(interval, date1, date2)",
        "How many calendar boundaries lie between two dates.",
        (3, 3),
        &[],
        difference,
    ),
    function(
        "DateFromNum(value)",
        "A date from the count of 100-nanosecond ticks since 1601.",
        (1, 1),
        &[],
        from_number,
    ),
    function(
        "FormatDateTime(source, styles?, inputFormat, outputFormat)",
        "A date rewritten from one pattern to another.",
        (3, 4),
        &[1],
        format,
    ),
    function("Now()", "The time of the cycle, in UTC.", (0, 0), &[], now),
    function(
        "NumFromDate(text)",
        "The count of 100-nanosecond ticks since 1601 from a date.",
        (1, 1),
        &[],
        to_number,
    ),
];

/// The form in which dates are exchanged.
const CANONICAL: &str = "M/d/yyyy h:mm:ss tt";
/// Forms that `CDate` reads, besides the canonical one.
const READABLE: [&str; 21] = [
    CANONICAL,
    "yyyy-MM-ddTHH:mm:ss.FFFFFFFK",
    "yyyy-MM-ddTHH:mm:ssK",
    "yyyy-MM-ddTHH:mmK",
    "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
    "yyyy-MM-dd HH:mm:ssK",
    "yyyy-MM-dd HH:mmK",
    "yyyy-MM-ddK",
    "yyyyMMdd",
    "M/d/yyyy H:mm:ss",
    "M/d/yyyy H:mm",
    "M/d/yyyy h:mm tt",
    "M/d/yyyy",
    "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "dddd, MMMM d, yyyy h:mm:ss tt",
    "dddd, MMMM d, yyyy",
    "MMMM d, yyyy",
    "MMM d, yyyy",
    "d MMMM yyyy",
    "d MMM yyyy",
    "yyyy/M/d",
];
/// Styles that `FormatDateTime` knows. All of them give the same here: white space around the text is always allowed, and
/// a time without an offset is UTC.
const STYLES: [&str; 10] = [
    "None",
    "AllowLeadingWhite",
    "AllowTrailingWhite",
    "AllowInnerWhite",
    "AllowWhiteSpaces",
    "NoCurrentDateDefault",
    "AdjustToUniversal",
    "AssumeLocal",
    "AssumeUniversal",
    "RoundtripKind",
];
/// Ticks of 100 nanoseconds per second, and seconds from 1601 to 1970.
const TICKS_PER_SECOND: i64 = 10_000_000;
const SECONDS_1601_TO_1970: i64 = 11_644_473_600;

fn parse_date(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    Ok(date_argument(evaluator, arguments, 0)?.map_or(Value::Null, canonical))
}

fn now(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let now = Timestamp::from_microsecond(evaluator.setting.now_us)
        .map_err(|_| arguments.error("The current time is out of range"))?;
    Ok(canonical(TimeZone::UTC.to_datetime(now)))
}

fn add(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let interval = evaluator.text(arguments, 0)?.unwrap_or_default();
    let amount = evaluator.integer(arguments, 1)?.unwrap_or_default();
    let Some(date) = date_argument(evaluator, arguments, 2)? else {
        return Ok(Value::Null);
    };
    let span = match interval.as_str() {
        "yyyy" => Span::new().try_years(amount),
        "m" => Span::new().try_months(amount),
        "d" => Span::new().try_days(amount),
        "ww" => Span::new().try_weeks(amount),
        "h" => Span::new().try_hours(amount),
        "n" => Span::new().try_minutes(amount),
        "s" => Span::new().try_seconds(amount),
        other => return Err(unknown_interval(arguments, other)),
    };
    let moved = span.and_then(|span| date.checked_add(span));
    moved
        .map(canonical)
        .map_err(|_| arguments.error("The resulting date is out of range"))
}

fn difference(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let interval = evaluator.text(arguments, 0)?.unwrap_or_default();
    let (Some(first), Some(second)) = (
        date_argument(evaluator, arguments, 1)?,
        date_argument(evaluator, arguments, 2)?,
    ) else {
        return Ok(Value::Null);
    };
    let count = |measure: fn(DateTime) -> i64| measure(second) - measure(first);
    let boundaries = match interval.as_str() {
        "yyyy" => count(|date| i64::from(date.year())),
        "m" => count(|date| i64::from(date.year()) * 12 + i64::from(date.month())),
        // 1970-01-04 was a Sunday, on which a week begins.
        "ww" => count(|date| (seconds(date).div_euclid(86_400) - 3).div_euclid(7)),
        "d" => count(|date| seconds(date).div_euclid(86_400)),
        "h" => count(|date| seconds(date).div_euclid(3_600)),
        "n" => count(|date| seconds(date).div_euclid(60)),
        "s" => count(seconds),
        other => return Err(unknown_interval(arguments, other)),
    };
    Ok(Value::from(boundaries))
}

fn from_number(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let Some(ticks) = evaluator.integer(arguments, 0)? else {
        return Ok(Value::Null);
    };
    let second = ticks.div_euclid(TICKS_PER_SECOND) - SECONDS_1601_TO_1970;
    let time = Timestamp::from_second(second)
        .map_err(|_| arguments.error(format!("{ticks} is outside of the calendar")))?;
    Ok(canonical(TimeZone::UTC.to_datetime(time)))
}

fn to_number(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let Some(date) = date_argument(evaluator, arguments, 0)? else {
        return Ok(Value::Null);
    };
    let ticks = seconds(date)
        .checked_add(SECONDS_1601_TO_1970)
        .and_then(|seconds| seconds.checked_mul(TICKS_PER_SECOND))
        .and_then(|ticks| ticks.checked_add(i64::from(date.subsec_nanosecond()) / 100));
    ticks
        .map(|ticks| Value::from(ticks.to_string()))
        .ok_or_else(|| arguments.error("The date is out of range"))
}

/// With three parameters the styles are left out altogether.
fn format(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let input = if arguments.count() == 3 { 1 } else { 2 };
    let Some(source) = evaluator.text(arguments, 0)? else {
        return Ok(Value::Null);
    };
    let styles = match input {
        1 => None,
        _ => evaluator.text(arguments, 1)?,
    };
    for style in styles.iter().flat_map(|styles| styles.split(',')) {
        if !STYLES.contains(&style.trim()) {
            return Err(arguments.error_at(
                1,
                format!(
                    "\"{}\" is not a style; use some of {}",
                    style.trim(),
                    STYLES.join(", ")
                ),
            ));
        }
    }
    let input_format = evaluator.text(arguments, input)?.unwrap_or_default();
    let output_format = evaluator.text(arguments, input + 1)?.unwrap_or_default();
    if source.is_empty() {
        return Ok(Value::from(""));
    }
    let date = parse_with(source.trim(), &input_format).ok_or_else(|| {
        arguments.error_at(
            0,
            format!("\"{source}\" is not a date of the form \"{input_format}\""),
        )
    })?;
    format_date(date, &output_format)
        .map(Value::from)
        .map_err(|message| arguments.error_at(input + 1, message))
}

fn date_argument(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
    index: usize,
) -> Result<Option<DateTime>, ExpressionError> {
    let Some(text) = evaluator
        .text(arguments, index)?
        .filter(|text| !text.is_empty())
    else {
        return Ok(None);
    };
    let found = READABLE
        .iter()
        .find_map(|form| parse_with(text.trim(), form));
    found.map(Some).ok_or_else(|| {
        arguments.error_at(
            index,
            format!("\"{text}\" is not a date that can be read; write it as 2026-01-31T13:30:00Z"),
        )
    })
}

fn canonical(date: DateTime) -> Value {
    format_date(date, CANONICAL).map_or(Value::Null, Value::from)
}

/// Seconds since 1970, with the date taken as UTC.
fn seconds(date: DateTime) -> i64 {
    TimeZone::UTC
        .to_timestamp(date)
        .map_or(0, Timestamp::as_second)
}

fn unknown_interval(arguments: Arguments<'_>, interval: &str) -> ExpressionError {
    arguments.error_at(
        0,
        format!("\"{interval}\" is not an interval; use yyyy, m, d, ww, h, n or s"),
    )
}
