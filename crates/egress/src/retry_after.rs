//! `Retry-After` in both forms (RFC 9110 section 10.2.3).

/// Seconds to wait, from a header value; `now_s` is seconds since 1970. Dates in the past give 0.
pub(crate) fn seconds(value: &str, now_s: i64) -> Option<u64> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(seconds);
    }
    let at_s = http_date_s(value)?;
    Some(u64::try_from(at_s - now_s).unwrap_or(0))
}

/// An HTTP-date in the one form that may be sent today: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date_s(value: &str) -> Option<i64> {
    let (_, rest) = value.split_once(", ")?;
    let mut parts = rest.split(' ');
    let (day, month, year, time, zone) = (
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
    );
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = i64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()? + 1;
    let day: i64 = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    let year: i64 = year
        .parse()
        .ok()
        .filter(|year| (1970..=9999).contains(year))?;
    let mut clock = time.split(':').map(|part| {
        part.parse::<i64>()
            .ok()
            .filter(|number| (0..=60).contains(number))
    });
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    (zone == "GMT")
        .then(|| days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days of the Gregorian calendar; the year is counted from March so that the leap day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    shifted_year * 365 + shifted_year / 4 - shifted_year / 100 + shifted_year / 400 + day_of_year
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms() {
        for (value, now_s, expected) in [
            ("120", 0, Some(120)),
            (" 0 ", 0, Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777 - 30, Some(30)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777 + 30, Some(0)),
            ("Thu, 29 Feb 2024 00:00:01 GMT", 1_709_164_800, Some(1)),
            ("soon", 0, None),
            ("-5", 0, None),
            ("Sun, 06 Foo 1994 08:49:37 GMT", 0, None),
            ("", 0, None),
        ] {
            assert_eq!(seconds(value, now_s), expected, "{value}");
        }
    }
}
