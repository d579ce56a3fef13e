//! Date patterns such as `yyyy-MM-dd HH:mm`, for reading and writing.

use jiff::{
    SignedDuration,
    civil::{Date, DateTime, Time},
};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

enum Part {
    /// A run of one pattern letter.
    Field(char, usize),
    Literal(String),
}

/// Patterns of one letter stand for a usual form; `%` in front makes a letter an ordinary pattern.
fn standard(pattern: &str) -> &str {
    match pattern {
        "d" => "M/d/yyyy",
        "D" => "dddd, MMMM d, yyyy",
        "f" => "dddd, MMMM d, yyyy h:mm tt",
        "F" => "dddd, MMMM d, yyyy h:mm:ss tt",
        "g" => "M/d/yyyy h:mm tt",
        "G" => "M/d/yyyy h:mm:ss tt",
        "m" | "M" => "MMMM d",
        "o" | "O" => "yyyy-MM-dd'T'HH:mm:ss.fffffffK",
        "r" | "R" => "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
        "s" => "yyyy-MM-dd'T'HH:mm:ss",
        "t" => "h:mm tt",
        "T" => "h:mm:ss tt",
        "u" => "yyyy-MM-dd HH:mm:ss'Z'",
        "y" | "Y" => "MMMM yyyy",
        other => other.strip_prefix('%').unwrap_or(other),
    }
}

fn parts(pattern: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut characters = standard(pattern).chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\'' | '"' => {
                parts.push(Part::Literal(
                    characters
                        .by_ref()
                        .take_while(|&inner| inner != character)
                        .collect(),
                ));
            }
            '\\' => parts.push(Part::Literal(
                characters.next().map(String::from).unwrap_or_default(),
            )),
            'y' | 'M' | 'd' | 'H' | 'h' | 'm' | 's' | 'f' | 'F' | 't' | 'z' | 'K' => {
                let mut count = 1;
                while characters.next_if_eq(&character).is_some() {
                    count += 1;
                }
                parts.push(Part::Field(character, count));
            }
            other => parts.push(Part::Literal(other.to_string())),
        }
    }
    parts
}

#[derive(Default)]
struct Fields {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    hour: i64,
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    nanosecond: i64,
    offset_minutes: i64,
}

/// Reads a date and moves it to UTC; a text without an offset is UTC.
pub(super) fn parse_with(text: &str, pattern: &str) -> Option<DateTime> {
    let mut fields = Fields::default();
    let mut rest = text;
    let mut parts = parts(pattern).into_iter().peekable();
    while let Some(part) = parts.next() {
        rest = match part {
            // The point before an optional fraction is as optional.
            Part::Literal(literal)
                if literal == "." && matches!(parts.peek(), Some(Part::Field('F', _))) =>
            {
                rest.strip_prefix('.').unwrap_or(rest)
            }
            Part::Literal(literal) => rest.strip_prefix(&literal)?,
            Part::Field(letter, count) => read(&mut fields, letter, count, rest)?,
        };
    }
    if rest.is_empty() {
        build(&fields)
    } else {
        None
    }
}

fn read<'a>(fields: &mut Fields, letter: char, count: usize, text: &'a str) -> Option<&'a str> {
    // Two letters or more fix the width; one letter reads one or two digits.
    let width = if count == 1 { (1, 2) } else { (count, count) };
    let (target, width) = match (letter, count) {
        ('y', 2) => {
            let (year, rest) = digits(text, (2, 2))?;
            fields.year = Some(if year < 50 { 2000 + year } else { 1900 + year });
            return Some(rest);
        }
        ('y', _) => {
            let (year, rest) = digits(text, (4, 4))?;
            fields.year = Some(year);
            return Some(rest);
        }
        ('M', 3..) => {
            let (month, rest) = name(text, &MONTHS, count)?;
            fields.month = Some(month + 1);
            return Some(rest);
        }
        ('d', 3..) => return name(text, &WEEKDAYS, count).map(|(_, rest)| rest),
        ('M', _) => (fields.month.insert(0), width),
        ('d', _) => (fields.day.insert(0), width),
        ('H' | 'h', _) => (&mut fields.hour, width),
        ('m', _) => (&mut fields.minute, width),
        ('s', _) => (&mut fields.second, width),
        ('f' | 'F', _) => return fraction(fields, letter, count, text),
        ('t', _) => return half_day(fields, count, text),
        ('z' | 'K', _) => return offset(fields, letter, text),
        _ => return None,
    };
    let (value, rest) = digits(text, width)?;
    *target = value;
    Some(rest)
}

fn digits(text: &str, (minimum, maximum): (usize, usize)) -> Option<(i64, &str)> {
    let length = text
        .bytes()
        .take(maximum)
        .take_while(u8::is_ascii_digit)
        .count();
    if length < minimum {
        return None;
    }
    let (number, rest) = text.split_at_checked(length)?;
    Some((number.parse().ok()?, rest))
}

fn name<'a>(text: &'a str, names: &[&str], count: usize) -> Option<(i64, &'a str)> {
    names.iter().enumerate().find_map(|(index, name)| {
        let name = if count == 3 { name.get(..3)? } else { name };
        let (head, rest) = text.split_at_checked(name.len())?;
        head.eq_ignore_ascii_case(name)
            .then_some((i64::try_from(index).ok()?, rest))
    })
}

fn fraction<'a>(fields: &mut Fields, letter: char, count: usize, text: &'a str) -> Option<&'a str> {
    let minimum = if letter == 'f' { count } else { 0 };
    let length = text
        .bytes()
        .take(count.min(9))
        .take_while(u8::is_ascii_digit)
        .count();
    if length < minimum {
        return None;
    }
    let (number, rest) = text.split_at_checked(length)?;
    fields.nanosecond = format!("{number:0<9}").parse().ok()?;
    Some(rest)
}

fn half_day<'a>(fields: &mut Fields, count: usize, text: &'a str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(count.min(2))?;
    fields.afternoon = Some(match head.to_ascii_uppercase().as_str() {
        "A" | "AM" => false,
        "P" | "PM" => true,
        _ => return None,
    });
    Some(rest)
}

/// `Z`, nothing (only for `K`), `+09`, `+0900` or `+09:00`.
fn offset<'a>(fields: &mut Fields, letter: char, text: &'a str) -> Option<&'a str> {
    if let Some(rest) = text.strip_prefix('Z') {
        return Some(rest);
    }
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None if letter == 'K' => return Some(text),
            None => return None,
        },
    };
    let (hours, rest) = digits(rest, (2, 2))?;
    let (minutes, rest) =
        digits(rest.strip_prefix(':').unwrap_or(rest), (2, 2)).unwrap_or((0, rest));
    fields.offset_minutes = sign * (hours * 60 + minutes);
    Some(rest)
}

fn build(fields: &Fields) -> Option<DateTime> {
    let hour = match fields.afternoon {
        Some(_) if !(1..=12).contains(&fields.hour) => return None,
        Some(true) => fields.hour % 12 + 12,
        Some(false) => fields.hour % 12,
        None => fields.hour,
    };
    let date = Date::new(
        fields.year?.try_into().ok()?,
        fields.month.unwrap_or(1).try_into().ok()?,
        fields.day.unwrap_or(1).try_into().ok()?,
    )
    .ok()?;
    let time = Time::new(
        hour.try_into().ok()?,
        fields.minute.try_into().ok()?,
        fields.second.try_into().ok()?,
        fields.nanosecond.try_into().ok()?,
    )
    .ok()?;
    DateTime::from_parts(date, time)
        .checked_sub(SignedDuration::from_mins(fields.offset_minutes))
        .ok()
}

/// Writes a date, which is UTC, by a pattern.
pub(super) fn format_date(date: DateTime, pattern: &str) -> Result<String, String> {
    let mut text = String::new();
    for part in parts(pattern) {
        match part {
            Part::Literal(literal) => text.push_str(&literal),
            Part::Field('F', count) => {
                let fraction = write(date, 'f', count);
                text.push_str(fraction.trim_end_matches('0'));
                if text.ends_with('.') {
                    text.pop();
                }
            }
            Part::Field(letter, count) => text.push_str(&write(date, letter, count)),
        }
    }
    if text.is_empty() {
        return Err("The output pattern is empty; write for example \"yyyy-MM-dd\"".to_owned());
    }
    Ok(text)
}

fn write(date: DateTime, letter: char, count: usize) -> String {
    let padded = |value: i64| format!("{value:0width$}", width = count.min(9));
    match (letter, count) {
        ('y', 1 | 2) => padded(i64::from(date.year()).rem_euclid(100)),
        ('y', _) => padded(i64::from(date.year())),
        ('M', 3) => label(&MONTHS, date.month()).chars().take(3).collect(),
        ('M', 4..) => label(&MONTHS, date.month()),
        ('M', _) => padded(i64::from(date.month())),
        ('d', 3) => label(&WEEKDAYS, date.weekday().to_monday_one_offset())
            .chars()
            .take(3)
            .collect(),
        ('d', 4..) => label(&WEEKDAYS, date.weekday().to_monday_one_offset()),
        ('d', _) => padded(i64::from(date.day())),
        ('H', _) => padded(i64::from(date.hour())),
        ('h', _) => padded(match i64::from(date.hour()) % 12 {
            0 => 12,
            hour => hour,
        }),
        ('m', _) => padded(i64::from(date.minute())),
        ('s', _) => padded(i64::from(date.second())),
        ('f', _) => format!("{:09}", date.subsec_nanosecond())
            .chars()
            .take(count)
            .collect(),
        ('t', 1) => if date.hour() < 12 { "A" } else { "P" }.to_owned(),
        ('t', _) => if date.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        ('z', 1 | 2) => "+00".to_owned(),
        ('z', _) => "+00:00".to_owned(),
        _ => "Z".to_owned(),
    }
}

/// Name number `one_based`.
fn label(names: &[&str], one_based: i8) -> String {
    let index = usize::try_from(one_based)
        .unwrap_or_default()
        .saturating_sub(1);
    names.get(index).copied().unwrap_or_default().to_owned()
}
