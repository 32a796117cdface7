//! Date formats that an admin writes, a small subset of strftime.

use crate::date::{self, Clock, Day, Instant};

/// The longest accepted format, in bytes.
const FORMAT_BYTES_MAX: usize = 100;

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

/// How a day or an instant is written as text or as a number.
#[derive(Debug, Clone, PartialEq)]
pub enum DateFormat {
    /// Milliseconds since 1970.
    EpochMillis,
    /// Seconds since 1970.
    EpochSeconds,
    /// Directives and literal characters.
    Pattern(Vec<Item>),
}

/// One part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Item {
    Literal(char),
    Year,
    Month { padded: bool },
    Day { padded: bool },
    MonthName { short: bool },
    Hour,
    Minute,
    Second,
    Millisecond,
    Offset,
}

impl DateFormat {
    /// Reads a format; the error completes "`dateFormat` ...".
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "epoch-ms" => return Ok(Self::EpochMillis),
            "epoch-s" => return Ok(Self::EpochSeconds),
            "" => return Err("is empty".to_owned()),
            _ if text.len() > FORMAT_BYTES_MAX => {
                return Err(format!("is longer than {FORMAT_BYTES_MAX} bytes"));
            }
            _ => {}
        }
        let mut items = Vec::new();
        let mut rest = text.chars();
        while let Some(next) = rest.next() {
            if next != '%' {
                items.push(Item::Literal(next));
                continue;
            }
            let (directive, padded) = match rest.next() {
                Some('-') => (rest.next(), false),
                other => (other, true),
            };
            items.push(match (directive, padded) {
                (Some('Y'), true) => Item::Year,
                (Some('m'), padded) => Item::Month { padded },
                (Some('d'), padded) => Item::Day { padded },
                (Some('b'), true) => Item::MonthName { short: true },
                (Some('B'), true) => Item::MonthName { short: false },
                (Some('H'), true) => Item::Hour,
                (Some('M'), true) => Item::Minute,
                (Some('S'), true) => Item::Second,
                (Some('f'), true) => Item::Millisecond,
                (Some('z'), true) => Item::Offset,
                (Some('%'), true) => Item::Literal('%'),
                _ => {
                    return Err(
                        "may hold `%Y %m %-m %d %-d %b %B %H %M %S %f %z %%` only, or be \
                                `epoch-ms` or `epoch-s`"
                            .to_owned(),
                    );
                }
            });
        }
        let has = |wanted: fn(&Item) -> bool| items.iter().any(wanted);
        let month = has(|item| matches!(item, Item::Month { .. } | Item::MonthName { .. }));
        if has(|item| *item == Item::Year) && month && has(|item| matches!(item, Item::Day { .. }))
        {
            Ok(Self::Pattern(items))
        } else {
            Err("needs a year, a month and a day, such as `%d.%m.%Y`".to_owned())
        }
    }

    /// Whether it writes a number.
    pub fn is_epoch(&self) -> bool {
        !matches!(self, Self::Pattern(_))
    }

    /// Writes an instant in UTC.
    pub fn write(&self, instant: Instant) -> String {
        let items = match self {
            Self::EpochMillis => return instant.millis().to_string(),
            Self::EpochSeconds => return instant.millis().div_euclid(1_000).to_string(),
            Self::Pattern(items) => items,
        };
        let ((year, month, day), clock) = (instant.day().to_civil(), instant.clock());
        let mut text = String::new();
        for item in items {
            match *item {
                Item::Literal(literal) => text.push(literal),
                Item::Year => push_number(&mut text, year as u32, 4),
                Item::Month { padded } => push_number(&mut text, month, 1 + usize::from(padded)),
                Item::Day { padded } => push_number(&mut text, day, 1 + usize::from(padded)),
                Item::MonthName { short } => text += month_name(month, short),
                Item::Hour => push_number(&mut text, clock.hour, 2),
                Item::Minute => push_number(&mut text, clock.minute, 2),
                Item::Second => push_number(&mut text, clock.second, 2),
                Item::Millisecond => push_number(&mut text, clock.millisecond, 3),
                Item::Offset => text += "+0000",
            }
        }
        text
    }

    /// Reads what [`Self::write`] writes; numbers may lack leading zeros.
    pub fn read(&self, text: &str) -> Option<Instant> {
        let items = match self {
            Self::EpochMillis => return Instant::from_millis(text.parse().ok()?),
            Self::EpochSeconds => {
                let seconds: i64 = text.parse().ok()?;
                return Instant::from_millis(seconds.checked_mul(1_000)?);
            }
            Self::Pattern(items) => items,
        };
        let (mut year, mut month, mut day, mut offset_minutes) = (0, 0, 0, 0);
        let mut clock = Clock {
            hour: 0,
            minute: 0,
            second: 0,
            millisecond: 0,
        };
        let mut rest = text;
        for item in items {
            match item {
                Item::Literal(literal) => rest = rest.strip_prefix(*literal)?,
                Item::Year => year = number(&mut rest, 4)?,
                Item::Month { .. } => month = number(&mut rest, 2)?,
                Item::Day { .. } => day = number(&mut rest, 2)?,
                Item::MonthName { short } => month = read_month_name(&mut rest, *short)?,
                Item::Hour => clock.hour = number(&mut rest, 2)?,
                Item::Minute => clock.minute = number(&mut rest, 2)?,
                Item::Second => clock.second = number(&mut rest, 2)?,
                Item::Millisecond => clock.millisecond = number(&mut rest, 3)?,
                Item::Offset => {
                    let length = rest.find(|c: char| !"+-:Zz0123456789".contains(c));
                    let (offset, after) = rest.split_at(length.unwrap_or(rest.len()));
                    offset_minutes = date::parse_offset(offset.as_bytes())?;
                    rest = after;
                }
            }
        }
        if !rest.is_empty() {
            return None;
        }
        let local = Instant::from_parts(Day::from_civil(year as i32, month, day)?, clock)?;
        Instant::from_millis(local.millis() - offset_minutes * 60_000)
    }
}

fn push_number(text: &mut String, number: u32, width: usize) {
    let digits = number.to_string();
    text.extend(std::iter::repeat_n('0', width.saturating_sub(digits.len())));
    *text += &digits;
}

fn month_name(month: u32, short: bool) -> &'static str {
    let name = MONTHS.get(month as usize - 1).copied().unwrap_or_default();
    if short {
        name.get(..3).unwrap_or(name)
    } else {
        name
    }
}

fn read_month_name(rest: &mut &str, short: bool) -> Option<u32> {
    for month in 1..=12 {
        let name = month_name(month, short);
        if let (Some(start), Some(after)) = (rest.get(..name.len()), rest.get(name.len()..))
            && start.eq_ignore_ascii_case(name)
        {
            *rest = after;
            return Some(month);
        }
    }
    None
}

fn number(rest: &mut &str, digits_max: usize) -> Option<u32> {
    let digits = rest
        .bytes()
        .take(digits_max)
        .take_while(u8::is_ascii_digit)
        .count();
    let (number, after) = rest.split_at_checked(digits)?;
    *rest = after;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn format(text: &str) -> DateFormat {
        DateFormat::parse(text).unwrap_or_else(|error| panic!("`{text}` {error}"))
    }

    #[test]
    fn reads_and_writes_common_forms() {
        let instant = Instant::parse("2026-03-07T09:05:00.250Z").expect("an instant");
        let cases = [
            ("%d.%m.%Y", "07.03.2026"),
            ("%-m/%-d/%Y", "3/7/2026"),
            ("%d %b %Y", "07 Mar 2026"),
            ("%B %-d, %Y", "March 7, 2026"),
            ("%Y%m%d %H:%M:%S.%f%z", "20260307 09:05:00.250+0000"),
            ("epoch-ms", "1772874300250"),
            ("epoch-s", "1772874300"),
        ];
        for (pattern, expected) in cases {
            assert_eq!(format(pattern).write(instant), expected, "{pattern}");
            let read = format(pattern).read(expected).map(Instant::day);
            assert_eq!(read, Some(instant.day()), "{pattern}");
        }
    }

    #[test]
    fn refuses_patterns_without_a_whole_date() {
        for pattern in ["", "%d.%m", "%Y-%q-%d", "%", "%-Y %m %d", "iso"] {
            assert!(DateFormat::parse(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn refuses_text_of_another_form() {
        let format = format("%d.%m.%Y");
        for text in ["2026-03-07", "31.02.2026", "7.3.2026 ", "", "7.3"] {
            assert_eq!(format.read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(millis in 0_i64..4_000_000_000_000) {
            let instant = Instant::from_millis(millis).expect("within range");
            let format = format("%d %B %Y %H:%M:%S.%f %z");
            prop_assert_eq!(format.read(&format.write(instant)), Some(instant));
        }
    }
}
