//! Dates such as `2026-11-23` and instants such as `2026-11-23T09:30:00.000Z`, both as text. Times
//! are UTC.

use mapper_values::date::{Day, Instant};
use mapper_values::date_format::DateFormat;
use mapper_values::text::shown;

use super::{Answer, Arguments, Helper, Second};

pub const HELPERS: &[Helper] = &[
    Helper::new("toDate", 1..=1, to_date),
    Helper::new("toDatetime", 1..=1, to_datetime),
    Helper::new("parseDate", 2..=2, parse_date).second(Second::DateFormat),
    Helper::new("parseDatetime", 2..=2, parse_datetime).second(Second::DateFormat),
    Helper::new("formatDate", 2..=2, format_date).second(Second::DateFormat),
    Helper::new("toEpochMillis", 1..=1, to_epoch_millis),
    Helper::new("addDays", 2..=2, add_days),
    Helper::new("addMonths", 2..=2, add_months),
    Helper::new("daysBetween", 2..=2, days_between),
    Helper::new("year", 1..=1, year),
    Helper::new("month", 1..=1, month),
    Helper::new("day", 1..=1, day),
];

const DAY_MS: i64 = 86_400_000;

/// A day, or an instant.
#[derive(Debug, Clone, Copy)]
enum Time {
    Day(Day),
    Instant(Instant),
}

impl Time {
    /// Reads ISO 8601, or milliseconds since 1970 as HubSpot sends them.
    fn read(arguments: &Arguments, position: usize) -> Result<Self, String> {
        let Some(text) = arguments.maybe_text(position) else {
            let instant = Instant::from_millis(arguments.integer(position)?);
            return instant.map(Self::Instant).ok_or_else(out_of_range);
        };
        let trimmed = text.trim();
        let day = if trimmed.len() == 10 {
            Day::parse(trimmed)
        } else {
            None
        };
        let time = match day {
            Some(day) => Some(Self::Day(day)),
            None => Instant::parse(trimmed)
                .or_else(|| DateFormat::EpochMillis.read(trimmed))
                .map(Self::Instant),
        };
        time.ok_or_else(|| {
            let text = shown(text);
            format!("`{text}` is not a date such as `2026-11-23` or `2026-11-23T09:30:00.000Z`")
        })
    }

    fn day(self) -> Day {
        match self {
            Self::Day(day) => day,
            Self::Instant(instant) => instant.day(),
        }
    }

    fn instant(self) -> Instant {
        match self {
            Self::Day(day) => day.midnight(),
            Self::Instant(instant) => instant,
        }
    }

    /// The same kind of time at another instant.
    fn moved(self, instant: Instant) -> Self {
        match self {
            Self::Day(_) => Self::Day(instant.day()),
            Self::Instant(_) => Self::Instant(instant),
        }
    }

    fn answer(self) -> Answer {
        Answer::Text(match self {
            Self::Day(day) => day.write_to(String::new()),
            Self::Instant(instant) => instant.write_to(String::new()),
        })
    }
}

fn out_of_range() -> String {
    "the date is not within the years 0 to 9999".to_owned()
}

fn to_date(arguments: &Arguments) -> Result<Answer, String> {
    Ok(Time::Day(Time::read(arguments, 0)?.day()).answer())
}

fn to_datetime(arguments: &Arguments) -> Result<Answer, String> {
    Ok(Time::Instant(Time::read(arguments, 0)?.instant()).answer())
}

fn format(arguments: &Arguments) -> Result<DateFormat, String> {
    let text = arguments.text(1)?;
    DateFormat::parse(text).map_err(|error| format!("the format `{}` {error}", shown(text)))
}

fn parse(arguments: &Arguments) -> Result<Instant, String> {
    let text = arguments.text(0)?;
    format(arguments)?.read(text.trim()).ok_or_else(|| {
        let (text, format) = (shown(text), arguments.maybe_text(1).unwrap_or_default());
        format!("`{text}` does not have the form `{}`", shown(format))
    })
}

fn parse_date(arguments: &Arguments) -> Result<Answer, String> {
    Ok(Time::Day(parse(arguments)?.day()).answer())
}

fn parse_datetime(arguments: &Arguments) -> Result<Answer, String> {
    Ok(Time::Instant(parse(arguments)?).answer())
}

fn format_date(arguments: &Arguments) -> Result<Answer, String> {
    let instant = Time::read(arguments, 0)?.instant();
    Ok(Answer::Text(format(arguments)?.write(instant)))
}

fn to_epoch_millis(arguments: &Arguments) -> Result<Answer, String> {
    let millis = Time::read(arguments, 0)?.instant().millis();
    Ok(Answer::Text(millis.to_string()))
}

fn add_days(arguments: &Arguments) -> Result<Answer, String> {
    let time = Time::read(arguments, 0)?;
    let moved = arguments
        .integer(1)?
        .checked_mul(DAY_MS)
        .and_then(|added| time.instant().millis().checked_add(added))
        .and_then(Instant::from_millis);
    Ok(time.moved(moved.ok_or_else(out_of_range)?).answer())
}

/// The same day of another month, or its last day where it has no such day.
fn add_months(arguments: &Arguments) -> Result<Answer, String> {
    let time = Time::read(arguments, 0)?;
    let (year, month, day) = time.day().to_civil();
    let months = i64::from(year) * 12 + i64::from(month) - 1;
    let months = months.checked_add(arguments.integer(1)?);
    let months = months.ok_or_else(out_of_range)?;
    let year = i32::try_from(months.div_euclid(12)).map_err(|_| out_of_range())?;
    let month = months.rem_euclid(12) as u32 + 1;
    let mut days = (1..=day).rev();
    let day = days.find_map(|day| Day::from_civil(year, month, day));
    let clock = time.instant().clock();
    let moved = Instant::from_parts(day.ok_or_else(out_of_range)?, clock);
    Ok(time.moved(moved.ok_or_else(out_of_range)?).answer())
}

/// Whole days from the first to the second, negative when that is earlier.
fn days_between(arguments: &Arguments) -> Result<Answer, String> {
    if arguments.is_null(1) {
        return Ok(Answer::Null);
    }
    let (from, to) = (Time::read(arguments, 0)?, Time::read(arguments, 1)?);
    let millis = to.instant().millis() - from.instant().millis();
    Ok(Answer::Integer(millis / DAY_MS))
}

fn part(arguments: &Arguments, part: fn((i32, u32, u32)) -> i64) -> Result<Answer, String> {
    let day = Time::read(arguments, 0)?.day();
    Ok(Answer::Integer(part(day.to_civil())))
}

fn year(arguments: &Arguments) -> Result<Answer, String> {
    part(arguments, |(year, ..)| i64::from(year))
}

fn month(arguments: &Arguments) -> Result<Answer, String> {
    part(arguments, |(_, month, _)| i64::from(month))
}

fn day(arguments: &Arguments) -> Result<Answer, String> {
    part(arguments, |(.., day)| i64::from(day))
}
