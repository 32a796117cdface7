//! Days and instants: reading the forms that HubSpot and people write, writing the canonical ones.
//!
//! Hand-written because it runs for every date of every batch, and needs none of a calendar
//! library's time zones. Years go from 0000 to 9999, instants are milliseconds since 1970 in UTC.

/// Days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(i32);

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(i64);

/// The parts of an instant in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub millisecond: u32,
}

const DAY_MS: i64 = 86_400_000;

/// 0000-01-01 and 9999-12-31.
const DAYS: std::ops::RangeInclusive<i32> = -719_528..=2_932_896;

impl Day {
    /// The day of a year, month (from 1) and day of the month (from 1); `None` when there is none.
    pub fn from_civil(year: i32, month: u32, day: u32) -> Option<Self> {
        if !(0..=9999).contains(&year) || day == 0 || day > month_length(year, month)? {
            return None;
        }
        // Years start in March here, so that the leap day is the last day of a year.
        let (year, month) = if month > 2 {
            (year, month - 3)
        } else {
            (year - 1, month + 9)
        };
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let day_of_year = (153 * month as i32 + 2) / 5 + day as i32 - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Some(Self(era * 146_097 + day_of_era - 719_468))
    }

    /// Year, month and day of the month.
    pub fn to_civil(self) -> (i32, u32, u32) {
        let days = self.0 + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
        let year_of_era = (day_of_era - leap_days) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        } as u32;
        (era * 400 + year_of_era + i32::from(month <= 2), month, day)
    }

    /// Reads `2026-11-23`, or an instant, whose day in UTC it takes.
    pub fn parse(text: &str) -> Option<Self> {
        match text.as_bytes() {
            bytes if bytes.len() == 10 => parse_day(bytes),
            _ => Instant::parse(text).map(Instant::day),
        }
    }

    /// Midnight UTC.
    pub fn midnight(self) -> Instant {
        Instant(i64::from(self.0) * DAY_MS)
    }

    /// The day as `2026-11-23`, in `text` itself when that is what it says.
    pub fn write_to(self, text: String) -> String {
        let mut buffer = [b'-'; 10];
        write_day(self, &mut buffer);
        replaced(text, &buffer)
    }
}

impl Instant {
    /// An instant within the years that can be written.
    pub fn from_millis(millis: i64) -> Option<Self> {
        let day = i32::try_from(millis.div_euclid(DAY_MS)).ok()?;
        DAYS.contains(&day).then_some(Self(millis))
    }

    /// Milliseconds since 1970.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// The instant of a day and a time of day in UTC; `None` when the time does not exist.
    pub fn from_parts(day: Day, clock: Clock) -> Option<Self> {
        let Clock {
            hour: hour @ 0..24,
            minute: minute @ 0..60,
            second: second @ 0..60,
            ..
        } = clock
        else {
            return None;
        };
        let seconds = i64::from((hour * 60 + minute) * 60 + second);
        Some(Self(
            day.midnight().0 + seconds * 1_000 + i64::from(clock.millisecond),
        ))
    }

    /// The day in UTC.
    pub fn day(self) -> Day {
        Day(self.0.div_euclid(DAY_MS) as i32)
    }

    /// The time of day in UTC.
    pub fn clock(self) -> Clock {
        let millis = self.0.rem_euclid(DAY_MS) as u32;
        Clock {
            hour: millis / 3_600_000,
            minute: millis / 60_000 % 60,
            second: millis / 1_000 % 60,
            millisecond: millis % 1_000,
        }
    }

    /// Reads ISO 8601: `2026-11-23T09:30:00.000Z`, with an offset, without seconds or fraction, or a
    /// day alone, which is its midnight. Without an offset the time is UTC. Digits beyond the
    /// millisecond are cut off.
    pub fn parse(text: &str) -> Option<Self> {
        let (day, rest) = text.as_bytes().split_at_checked(10)?;
        let day = parse_day(day)?;
        let [b'T' | b't' | b' ', rest @ ..] = rest else {
            return rest.is_empty().then(|| day.midnight());
        };
        let [h1, h2, b':', m1, m2, rest @ ..] = rest else {
            return None;
        };
        let mut clock = Clock {
            hour: two(*h1, *h2)?,
            minute: two(*m1, *m2)?,
            second: 0,
            millisecond: 0,
        };
        let mut rest = rest;
        if let [b':', s1, s2, after @ ..] = rest {
            clock.second = two(*s1, *s2)?;
            rest = after;
            if let [b'.' | b',', fraction @ ..] = after {
                (clock.millisecond, rest) = parse_millis(fraction)?;
            }
        }
        let offset_minutes = parse_offset(rest)?;
        Self::from_millis(Self::from_parts(day, clock)?.0 - offset_minutes * 60_000)
    }

    /// The instant as `2026-11-23T09:30:00.000Z`, in `text` itself when that is what it says.
    pub fn write_to(self, text: String) -> String {
        let mut buffer = *b"0000-00-00T00:00:00.000Z";
        let clock = self.clock();
        write_day(self.day(), &mut buffer);
        write_number(&mut buffer[11..13], clock.hour);
        write_number(&mut buffer[14..16], clock.minute);
        write_number(&mut buffer[17..19], clock.second);
        write_number(&mut buffer[20..23], clock.millisecond);
        replaced(text, &buffer)
    }
}

fn replaced(text: String, canonical: &[u8]) -> String {
    if text.as_bytes() == canonical {
        text
    } else {
        String::from_utf8_lossy(canonical).into_owned()
    }
}

fn month_length(year: i32, month: u32) -> Option<u32> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

fn parse_day(bytes: &[u8]) -> Option<Day> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = bytes else {
        return None;
    };
    let year = two(*y1, *y2)? * 100 + two(*y3, *y4)?;
    Day::from_civil(year as i32, two(*m1, *m2)?, two(*d1, *d2)?)
}

fn parse_millis(fraction: &[u8]) -> Option<(u32, &[u8])> {
    let digits = fraction
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (digits, rest) = fraction.split_at_checked(digits)?;
    let padded = digits.iter().chain(&[b'0'; 3]).take(3);
    let millis = padded.fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'));
    (!digits.is_empty()).then_some((millis, rest))
}

/// Minutes east of UTC; nothing, like `Z`, is none.
pub fn parse_offset(bytes: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match bytes {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => {
            (sign, two(*h1, *h2)?, two(*m1, *m2)?)
        }
        [sign, h1, h2] => (sign, two(*h1, *h2)?, 0),
        _ => return None,
    };
    let offset = i64::from(hours * 60 + minutes);
    match sign {
        _ if hours > 23 || minutes > 59 => None,
        b'+' => Some(offset),
        b'-' => Some(-offset),
        _ => None,
    }
}

fn two(tens: u8, ones: u8) -> Option<u32> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
    Some(digit(tens)? * 10 + digit(ones)?)
}

fn write_day(day: Day, buffer: &mut [u8]) {
    let (year, month, day) = day.to_civil();
    write_number(&mut buffer[0..4], year as u32);
    write_number(&mut buffer[5..7], month);
    write_number(&mut buffer[8..10], day);
}

fn write_number(places: &mut [u8], mut number: u32) {
    for place in places.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn instant(text: &str) -> Option<String> {
        Instant::parse(text).map(|instant| instant.write_to(String::new()))
    }

    #[test]
    fn reads_every_form_of_an_instant() {
        let cases = [
            ("2024-09-11T13:27:39.356Z", "2024-09-11T13:27:39.356Z"),
            ("2024-09-11T13:27:39Z", "2024-09-11T13:27:39.000Z"),
            ("2024-09-11 13:27", "2024-09-11T13:27:00.000Z"),
            ("2024-09-11T13:27:39.3+02:00", "2024-09-11T11:27:39.300Z"),
            (
                "2024-09-11T13:27:39.123456789-0530",
                "2024-09-11T18:57:39.123Z",
            ),
            ("2024-02-29", "2024-02-29T00:00:00.000Z"),
            ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(instant(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_does_not_exist() {
        for text in [
            "",
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-01-00",
            "2024-1-1",
            "24-01-01",
            "2024-01-01T24:00",
            "2024-01-01T10:60",
            "2024-01-01T10:00:60",
            "2024-01-01T10:00:00.Z",
            "2024-01-01T10:00Zulu",
            "2024-01-01T10:00+25:00",
            "2024-01-01x",
            "1762212973632",
            "0000-01-01T00:00+01:00",
            "９999-01-01",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn bounds_are_the_first_and_the_last_year() {
        assert_eq!(Day::parse("0000-01-01"), Some(Day(*DAYS.start())));
        assert_eq!(Day::parse("9999-12-31"), Some(Day(*DAYS.end())));
        assert_eq!(Instant::from_millis(i64::MAX), None);
        assert_eq!(
            Instant::from_millis(0)
                .map(|instant| instant.write_to(String::new()))
                .as_deref(),
            Some("1970-01-01T00:00:00.000Z")
        );
    }

    #[test]
    fn a_day_is_the_day_of_an_instant_in_utc() {
        let day = Day::parse("2024-03-01T00:30:00+01:00").map(|day| day.write_to(String::new()));
        assert_eq!(day.as_deref(), Some("2024-02-29"));
    }

    proptest! {
        #[test]
        fn every_day_survives(days in DAYS) {
            let (year, month, day) = Day(days).to_civil();
            prop_assert_eq!(Day::from_civil(year, month, day), Some(Day(days)));
            prop_assert_eq!(Day::parse(&Day(days).write_to(String::new())), Some(Day(days)));
            // The next day is the next date.
            let next = Day(days + 1).to_civil();
            prop_assert!(next > (year, month, day));
        }

        #[test]
        fn every_instant_survives(millis in -62_167_219_200_000_i64..253_402_300_800_000) {
            let text = Instant(millis).write_to(String::new());
            prop_assert_eq!(Instant::parse(&text), Some(Instant(millis)));
        }
    }
}
