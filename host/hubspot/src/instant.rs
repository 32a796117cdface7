//! Reads HubSpot's timestamps, quickly in the one form that it nearly always uses.

use partneros_domain::{InvalidTimestamp, Timestamp};

/// Reads `2024-09-11T13:27:39.356Z`, with or without milliseconds, without a general parser; anything else goes to
/// [`Timestamp`]'s.
pub(crate) fn parse(text: &str) -> Result<Timestamp, InvalidTimestamp> {
    match utc(text.as_bytes()) {
        Some(instant) => Ok(instant),
        None => text.parse(),
    }
}

fn utc(text: &[u8]) -> Option<Timestamp> {
    let millis = match text.get(19..)? {
        [b'.', m1, m2, m3, b'Z'] => number(&[*m1, *m2, *m3])?,
        [b'Z'] => 0,
        _ => return None,
    };
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
    ] = text.get(..19)?
    else {
        return None;
    };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let month = number(&[*m1, *m2])?;
    let day = number(&[*d1, *d2])?;
    let hour = number(&[*h1, *h2])?;
    let minute = number(&[*n1, *n2])?;
    let second = number(&[*s1, *s2])?;
    if !(1..=days_in(year, month)?).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let minutes = (days_since_epoch(year, month, day) * 24 + hour) * 60 + minute;
    Some(Timestamp(minutes * 60_000 + second * 1_000 + millis))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + i64::from(digit - b'0'))
    })
}

fn days_in(year: i64, month: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

/// Days from 1970-01-01, negative before it. Counts years from March, so that the leap day ends a year.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month < 3 { year - 1 } else { year };
    let from_march = (month + 9) % 12;
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_form_agrees_with_the_general_parser() {
        for text in [
            "1970-01-01T00:00:00Z",
            "1970-01-01T00:00:00.001Z",
            "1969-12-31T23:59:59.999Z",
            "2000-02-29T12:00:00.000Z",
            "1900-02-28T00:00:00.000Z",
            "2024-09-11T13:27:39.356Z",
            "2024-12-31T23:59:59Z",
            "2100-03-01T00:00:00.500Z",
        ] {
            assert_eq!(utc(text.as_bytes()), text.parse().ok(), "{text}");
        }
    }

    #[test]
    fn other_forms_are_left_to_the_general_parser() {
        let expected = Ok(Timestamp(1_726_061_259_356));
        for text in [
            "2024-09-11T13:27:39.356123Z",
            "2024-09-11T15:27:39.356+02:00",
        ] {
            assert_eq!(utc(text.as_bytes()), None, "{text}");
            assert_eq!(parse(text), expected, "{text}");
        }
        for text in [
            "",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00.000Z",
            "soon",
            "2024-09-11TT3:27:39Z",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
