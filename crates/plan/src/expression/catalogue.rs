//! Which functions exist.

use super::{
    ExpressionError, condition, date,
    evaluate::{Arguments, Evaluator},
    multi, replace, text,
};
use serde_json::Value;

/// A function as help for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct FunctionInfo {
    /// Its name; case matters.
    pub name: &'static str,
    /// How it is written; parameters with `?` may be left blank.
    pub signature: &'static str,
    /// What it gives, in one line.
    pub description: &'static str,
}

type Implementation = fn(&mut Evaluator<'_>, Arguments<'_>) -> Result<Value, ExpressionError>;

/// A function as the evaluator needs it.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) info: FunctionInfo,
    pub(super) minimum: usize,
    pub(super) maximum: usize,
    /// Slots below `minimum` that may still be blank.
    pub(super) optional: &'static [usize],
    pub(super) implementation: Implementation,
}

const MANY: usize = usize::MAX;

const fn function(
    (name, signature, description): (&'static str, &'static str, &'static str),
    (minimum, maximum): (usize, usize),
    optional: &'static [usize],
    implementation: Implementation,
) -> Function {
    Function {
        info: FunctionInfo {
            name,
            signature,
            description,
        },
        minimum,
        maximum,
        optional,
        implementation,
    }
}

static FUNCTIONS: [Function; 41] = [
    function(
        (
            "Append",
            "Append(source, suffix)",
            "The source with a suffix behind it.",
        ),
        (2, 2),
        &[],
        text::append,
    ),
    function(
        (
            "BitAnd",
            "BitAnd(value1, value2)",
            "The bits that two whole numbers have in common.",
        ),
        (2, 2),
        &[],
        condition::bit_and,
    ),
    function(
        (
            "CBool",
            "CBool(expression)",
            "True when the expression is true or a number other than 0.",
        ),
        (1, 1),
        &[],
        condition::to_bool,
    ),
    function(
        (
            "CDate",
            "CDate(text)",
            "A date and time read from text, in UTC.",
        ),
        (1, 1),
        &[],
        date::parse_date,
    ),
    function(
        ("CStr", "CStr(value)", "A number or boolean as text."),
        (1, 1),
        &[],
        condition::to_string,
    ),
    function(
        (
            "Coalesce",
            "Coalesce(source1, source2, …)",
            "The first parameter that has a value.",
        ),
        (1, MANY),
        &[],
        condition::coalesce,
    ),
    function(
        (
            "ConvertFromBase64",
            "ConvertFromBase64(source, encoding?)",
            "Text from base64; the encoding is Unicode, ASCII or UTF8.",
        ),
        (1, 2),
        &[],
        text::from_base64,
    ),
    function(
        (
            "ConvertToBase64",
            "ConvertToBase64(source)",
            "Base64 of the text in UTF-16, low byte first.",
        ),
        (1, 1),
        &[],
        text::to_base64,
    ),
    function(
        (
            "ConvertToUTF8Hex",
            "ConvertToUTF8Hex(source)",
            "The UTF-8 bytes in hexadecimal.",
        ),
        (1, 1),
        &[],
        text::to_utf8_hex,
    ),
    function(
        (
            "Count",
            "Count(attribute)",
            "How many values a multi-valued attribute has.",
        ),
        (1, 1),
        &[],
        multi::count,
    ),
    function(
        (
            "DateAdd",
            "DateAdd(interval, value, dateTime)",
            "A date moved by a number of yyyy, m, d, ww, h, n or s.",
        ),
        (3, 3),
        &[],
        date::add,
    ),
    function(
        (
            "DateDiff",
            "DateDiff(interval, date1, date2)",
            "How many calendar boundaries lie between two dates.",
        ),
        (3, 3),
        &[],
        date::difference,
    ),
    function(
        (
            "DateFromNum",
            "DateFromNum(value)",
            "A date from the count of 100-nanosecond ticks since 1601.",
        ),
        (1, 1),
        &[],
        date::from_number,
    ),
    function(
        (
            "Error",
            "Error(message)",
            "Fails the object with this message.",
        ),
        (1, 1),
        &[],
        condition::fail,
    ),
    function(
        (
            "FormatDateTime",
            "FormatDateTime(source, styles?, inputFormat, outputFormat)",
            "A date rewritten from one pattern to another.",
        ),
        (3, 4),
        &[1],
        date::format,
    ),
    function(
        (
            "IIF",
            "IIF(condition, valueIfTrue, valueIfFalse)",
            "One of two values, by a condition.",
        ),
        (3, 3),
        &[1, 2],
        condition::iif,
    ),
    function(
        (
            "IgnoreFlowIfNullOrEmpty",
            "IgnoreFlowIfNullOrEmpty(expression)",
            "The value; when empty, the attribute is not written at all.",
        ),
        (1, 1),
        &[],
        condition::ignore_flow,
    ),
    function(
        (
            "InStr",
            "InStr(value1, value2, start?, compareType?)",
            "Position of value2 in value1 from 1; 0 when absent.",
        ),
        (2, 4),
        &[],
        text::in_string,
    ),
    function(
        (
            "IsNull",
            "IsNull(expression)",
            "True when there is no value.",
        ),
        (1, 1),
        &[],
        condition::is_null,
    ),
    function(
        (
            "IsNullOrEmpty",
            "IsNullOrEmpty(expression)",
            "True when there is no value or an empty text.",
        ),
        (1, 1),
        &[],
        condition::is_null_or_empty,
    ),
    function(
        (
            "IsPresent",
            "IsPresent(expression)",
            "True when there is a value that is not empty.",
        ),
        (1, 1),
        &[],
        condition::is_present,
    ),
    function(
        (
            "IsString",
            "IsString(expression)",
            "True when the value can be read as text.",
        ),
        (1, 1),
        &[],
        condition::is_string,
    ),
    function(
        (
            "Item",
            "Item(attribute, index)",
            "One value of a multi-valued attribute, counted from 1.",
        ),
        (2, 2),
        &[],
        multi::item,
    ),
    function(
        (
            "Join",
            "Join(separator, source1, source2, …)",
            "All sources that have a value, with the separator between them.",
        ),
        (2, MANY),
        &[],
        text::join,
    ),
    function(
        ("Left", "Left(string, numChars)", "The first characters."),
        (2, 2),
        &[],
        text::left,
    ),
    function(
        (
            "Mid",
            "Mid(source, start, length)",
            "Characters from a position, counted from 1.",
        ),
        (3, 3),
        &[],
        text::mid,
    ),
    function(
        (
            "NormalizeDiacritics",
            "NormalizeDiacritics(source)",
            "Letters without accents and other marks.",
        ),
        (1, 1),
        &[],
        text::normalize_diacritics,
    ),
    function(
        (
            "Not",
            "Not(source)",
            "False when the source is True, else True.",
        ),
        (1, 1),
        &[],
        condition::not,
    ),
    function(
        ("Now", "Now()", "The time of the cycle, in UTC."),
        (0, 0),
        &[],
        date::now,
    ),
    function(
        (
            "NumFromDate",
            "NumFromDate(text)",
            "The count of 100-nanosecond ticks since 1601 from a date.",
        ),
        (1, 1),
        &[],
        date::to_number,
    ),
    function(
        (
            "PCase",
            "PCase(source, wordSeparators?)",
            "Each word with a capital first letter and the rest small.",
        ),
        (1, 2),
        &[],
        text::proper_case,
    ),
    function(
        (
            "Redact",
            "Redact(value)",
            "The value itself, hidden in the provisioning logs.",
        ),
        (1, 1),
        &[],
        condition::redact,
    ),
    function(
        (
            "RemoveDuplicates",
            "RemoveDuplicates(attribute)",
            "Each value once, in the order of first appearance.",
        ),
        (1, 1),
        &[],
        multi::remove_duplicates,
    ),
    function(
        (
            "Replace",
            "Replace(source, oldValue?, regexPattern?, regexGroupName?, replacementValue?, replacementAttributeName?, template?)",
            "The source with a text or the matches of a regular expression replaced.",
        ),
        (5, 7),
        &[1, 2, 3, 4],
        replace::replace,
    ),
    function(
        (
            "Split",
            "Split(source, delimiter)",
            "The parts of a text as a list, without spaces around them.",
        ),
        (2, 2),
        &[],
        text::split,
    ),
    function(
        (
            "StripSpaces",
            "StripSpaces(source)",
            "The text without spaces.",
        ),
        (1, 1),
        &[],
        text::strip_spaces,
    ),
    function(
        (
            "Switch",
            "Switch(source, defaultValue?, key1, value1, …)",
            "The value behind the first key that equals the source.",
        ),
        (2, MANY),
        &[1],
        condition::switch,
    ),
    function(
        ("ToLower", "ToLower(source, culture?)", "Small letters."),
        (1, 2),
        &[],
        text::to_lower,
    ),
    function(
        ("ToUpper", "ToUpper(source, culture?)", "Capital letters."),
        (1, 2),
        &[],
        text::to_upper,
    ),
    function(
        (
            "Trim",
            "Trim(value)",
            "The text, or each text of a list, without white space at both ends.",
        ),
        (1, 1),
        &[],
        text::trim,
    ),
    function(
        (
            "Word",
            "Word(string, wordNumber, delimiters)",
            "One word, counted from 1.",
        ),
        (3, 3),
        &[],
        text::word,
    ),
];

/// All functions, by name.
#[must_use]
pub fn functions() -> Vec<FunctionInfo> {
    FUNCTIONS.iter().map(|function| function.info).collect()
}

pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.info.name == name)
}

/// Known from other products, but their answer differs from one evaluation to the next.
const RANDOM: [&str; 3] = ["Guid", "RandomString", "SelectUniqueValue"];
const ROLES: [&str; 4] = [
    "SingleAppRoleAssignment",
    "AppRoleAssignmentsComplex",
    "AssertiveAppRoleAssignmentsComplex",
    "AppRoleAssignments",
];

/// The message for an unknown function.
pub(super) fn suggestion(name: &str) -> String {
    if RANDOM.contains(&name) {
        return format!(
            "{name} is not available, because the same person must always give the same value; build the value from attributes"
        );
    }
    if ROLES.contains(&name) {
        return format!("{name} is not available; map the `roles` attribute of the person instead");
    }
    let nearest = FUNCTIONS
        .iter()
        .map(|function| function.info.name)
        .min_by_key(|known| distance(&known.to_lowercase(), &name.to_lowercase()));
    match nearest {
        Some(known) if distance(&known.to_lowercase(), &name.to_lowercase()) <= 3 => {
            format!("There is no function {name}; did you mean {known}?")
        }
        _ => format!("There is no function {name}"),
    }
}

/// Edit distance (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, left) in left.chars().take(64).enumerate() {
        let mut diagonal = line;
        let mut previous = line + 1;
        let mut next = vec![previous];
        for (&right, &above) in right.iter().zip(row.iter().skip(1)) {
            let cost = diagonal + usize::from(left != right);
            previous = cost.min(above + 1).min(previous + 1);
            next.push(previous);
            diagonal = above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
