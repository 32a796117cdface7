//! Numbers and money, in exact decimal arithmetic, and conversions between types.

use mapper_values::decimal::Decimal;
use mapper_values::text::{parse_flag, shown};

use super::{Answer, Arguments, Helper};

pub const HELPERS: &[Helper] = &[
    Helper::new("toNumber", 1..=1, to_number),
    Helper::new("toInteger", 1..=1, to_integer),
    Helper::new("toText", 1..=1, to_text),
    Helper::new("toBoolean", 1..=1, to_boolean),
    Helper::new("round", 1..=2, round),
    Helper::new("roundHalfEven", 1..=2, round_half_even),
    Helper::new("floor", 1..=1, floor),
    Helper::new("ceil", 1..=1, ceil),
    Helper::new("abs", 1..=1, abs),
    Helper::new("min", 1..=usize::MAX, min).null(),
    Helper::new("max", 1..=usize::MAX, max).null(),
    Helper::new("toCents", 1..=1, to_cents),
    Helper::new("fromCents", 1..=1, from_cents),
    Helper::new("formatNumber", 2..=4, format_number),
    Helper::new("formatMoney", 2..=3, format_money),
];

/// The most decimals that a number can be rounded to.
const DECIMALS_MAX: usize = 20;

fn number(value: Decimal) -> Result<Answer, String> {
    let number = value.to_f64();
    let number = number.ok_or_else(|| {
        let text = value.to_text();
        format!("`{}` has more digits than a number can hold", shown(&text))
    })?;
    Ok(Answer::Number(number))
}

fn integer(value: Decimal) -> Result<Answer, String> {
    let number = value.to_i64();
    let number = number.ok_or_else(|| {
        let text = value.to_text();
        format!("`{}` is not a whole number of 64 bits", shown(&text))
    })?;
    Ok(Answer::Integer(number))
}

fn to_number(arguments: &Arguments) -> Result<Answer, String> {
    number(arguments.decimal(0)?)
}

fn to_integer(arguments: &Arguments) -> Result<Answer, String> {
    integer(arguments.decimal(0)?)
}

fn to_text(arguments: &Arguments) -> Result<Answer, String> {
    if arguments.maybe_text(0).is_some() {
        return Ok(Answer::Same(0));
    }
    Ok(Answer::Text(match arguments.maybe_boolean(0) {
        Some(flag) => flag.to_string(),
        None => arguments.decimal(0)?.to_text(),
    }))
}

fn to_boolean(arguments: &Arguments) -> Result<Answer, String> {
    if arguments.maybe_boolean(0).is_some() {
        return Ok(Answer::Same(0));
    }
    let text = arguments.text(0)?;
    let flag = parse_flag(text.trim());
    let flag = flag.ok_or_else(|| format!("`{}` is neither `true` nor `false`", shown(text)))?;
    Ok(Answer::Boolean(flag))
}

fn decimals(arguments: &Arguments, position: usize, absent: u32) -> Result<u32, String> {
    if position < arguments.count() {
        Ok(arguments.count_at(position, DECIMALS_MAX)? as u32)
    } else {
        Ok(absent)
    }
}

fn round(arguments: &Arguments) -> Result<Answer, String> {
    number(arguments.decimal(0)?.rounded(decimals(arguments, 1, 0)?))
}

fn round_half_even(arguments: &Arguments) -> Result<Answer, String> {
    let decimals = decimals(arguments, 1, 0)?;
    number(arguments.decimal(0)?.rounded_half_even(decimals))
}

fn double(arguments: &Arguments, position: usize) -> Result<f64, String> {
    let value = arguments.decimal(position)?;
    let number = value.to_f64();
    number.ok_or_else(|| {
        format!(
            "`{}` has more digits than a number can hold",
            value.to_text()
        )
    })
}

fn floor(arguments: &Arguments) -> Result<Answer, String> {
    Ok(Answer::Number(double(arguments, 0)?.floor()))
}

fn ceil(arguments: &Arguments) -> Result<Answer, String> {
    Ok(Answer::Number(double(arguments, 0)?.ceil()))
}

fn abs(arguments: &Arguments) -> Result<Answer, String> {
    if arguments.maybe_double(0).is_some() || arguments.maybe_text(0).is_some() {
        return Ok(Answer::Number(double(arguments, 0)?.abs()));
    }
    let number = arguments.integer(0)?.checked_abs();
    Ok(Answer::Integer(number.ok_or("the number is out of range")?))
}

fn min(arguments: &Arguments) -> Result<Answer, String> {
    extreme(arguments, |number, best| number < best)
}

fn max(arguments: &Arguments) -> Result<Answer, String> {
    extreme(arguments, |number, best| number > best)
}

/// The argument that is the best number; `null` does not count.
fn extreme(arguments: &Arguments, better: fn(f64, f64) -> bool) -> Result<Answer, String> {
    let mut best: Option<(usize, f64)> = None;
    for position in 0..arguments.count() {
        if arguments.is_null(position) {
            continue;
        }
        let number = double(arguments, position)?;
        if best.is_none_or(|(_, known)| better(number, known)) {
            best = Some((position, number));
        }
    }
    Ok(best.map_or(Answer::Null, |(position, _)| Answer::Same(position)))
}

fn to_cents(arguments: &Arguments) -> Result<Answer, String> {
    let cents = arguments.decimal(0)?.times(Decimal::from_i64(100));
    integer(cents.ok_or("the amount is out of range")?.rounded(0))
}

fn from_cents(arguments: &Arguments) -> Result<Answer, String> {
    let amount = arguments.decimal(0)?.divided_by(Decimal::from_i64(100));
    number(amount.ok_or("the amount is out of range")?)
}

fn format_number(arguments: &Arguments) -> Result<Answer, String> {
    let decimals = decimals(arguments, 1, 0)?;
    let (thousands, point) = (arguments.text_or(2, ",")?, arguments.text_or(3, ".")?);
    let text = arguments.decimal(0)?.to_text_fixed(decimals);
    Ok(Answer::Text(grouped(&text, thousands, point)))
}

fn format_money(arguments: &Arguments) -> Result<Answer, String> {
    let symbol = arguments.text(1)?;
    let text = arguments
        .decimal(0)?
        .to_text_fixed(decimals(arguments, 2, 2)?);
    let text = grouped(&text, ",", ".");
    Ok(Answer::Text(match text.strip_prefix('-') {
        Some(positive) => format!("-{symbol}{positive}"),
        None => format!("{symbol}{text}"),
    }))
}

/// A plain decimal number with separators between groups of three digits.
fn grouped(number: &str, thousands: &str, point: &str) -> String {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = whole.trim_start_matches('-');
    let mut text = String::from(if digits.len() < whole.len() { "-" } else { "" });
    for (position, digit) in digits.char_indices() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text += thousands;
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text += point;
        text += fraction;
    }
    text
}
