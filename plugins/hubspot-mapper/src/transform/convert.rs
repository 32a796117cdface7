//! What a compiled rule does to one value.

use crate::bindings::Direction;

use super::date::{Day, Instant};
use super::decimal::Decimal;
use super::kind::{Kind, Side};
use super::rule::{Combine, Piece, Rule};
use super::text::{trim, truncate};
use super::value::{
    Cell, Fault, HUBSPOT_SEPARATOR, Value, Wire, in_kind, list, not_a_date, read_decimal,
    read_flag, read_time,
};

impl Rule<'_> {
    /// Converts the cell of a rule with one input; `None` is no value.
    pub fn convert(&self, cell: Option<Cell>) -> Result<Option<Cell>, Fault> {
        let read = match cell {
            Some(cell) => cell.read(self.source_side, self.source_kind())?,
            None => None,
        };
        self.finish_value(read)
    }

    /// Converts the cells of a rule whose inputs are combined.
    pub fn convert_combined(&self, cells: Vec<Option<Cell>>) -> Result<Option<Cell>, Fault> {
        let mut texts = Vec::with_capacity(cells.len());
        for (cell, kind) in cells.into_iter().zip(&self.input_kinds) {
            let value = match cell {
                Some(cell) => cell.read(self.source_side, *kind)?,
                None => None,
            };
            texts.push(value.map(|value| self.text_of(value)).transpose()?);
        }
        if texts.iter().all(Option::is_none) {
            return self.finish_value(None);
        }
        let text = match &self.combine {
            Combine::Template(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    text += match piece {
                        Piece::Literal(literal) => literal,
                        Piece::Input(at) => texts.get(*at).and_then(Option::as_deref).unwrap_or(""),
                    };
                }
                text
            }
            Combine::Join(separator) => {
                let present: Vec<String> = texts.into_iter().flatten().collect();
                present.join(separator)
            }
            Combine::One => texts.into_iter().flatten().next().unwrap_or_default(),
        };
        self.finish_value(Some(Value::Text(text)))
    }

    /// Writes the default, which goes through the conversion to the target only.
    pub fn write_default(&self, default: Value) -> Result<Option<Cell>, Fault> {
        match (&default, self.target.kind) {
            // A default is written as the target has it: neither scaled nor formatted.
            (Value::Decimal(number), Kind::Integer | Kind::Number) => self.write_number(*number),
            (Value::Text(text), Kind::Integer | Kind::Number) => {
                self.write_number(read_decimal(text)?)
            }
            (Value::Text(text), kind @ (Kind::Date | Kind::Datetime)) => {
                let time = read_time(text, kind).ok_or_else(|| not_a_date(text, kind))?;
                self.write(time)
            }
            _ => self.write(default),
        }
    }

    fn finish_value(&self, value: Option<Value>) -> Result<Option<Cell>, Fault> {
        let value = match value {
            Some(value) if self.has_text_steps() => self.text_steps(value)?,
            value => value,
        };
        let cell = match value {
            Some(value) => self.write(value)?,
            None => None,
        };
        Ok(cell.or_else(|| self.default.clone()))
    }

    fn text_steps(&self, value: Value) -> Result<Option<Value>, Fault> {
        if let Value::Texts(texts) = value {
            return Ok(list(
                texts.into_iter().map(|text| self.text_step(text)).collect(),
            ));
        }
        let text = self.text_of(value)?;
        let piece = match (&self.options.split, &self.combine) {
            (Some(split), Combine::One) => split.apply(&text).unwrap_or_default().to_owned(),
            _ => text,
        };
        let text = self.text_step(piece);
        Ok((!text.is_empty()).then_some(Value::Text(text)))
    }

    fn text_step(&self, text: String) -> String {
        let text = if self.options.trim { trim(text) } else { text };
        let values = &self.options.values;
        let mapped = values.iter().find(|(from, _)| *from == text).or_else(|| {
            values
                .iter()
                .find(|(from, _)| from.eq_ignore_ascii_case(&text))
        });
        match (mapped, self.options.case) {
            (Some((_, to)), _) => to.clone(),
            (None, Some(case)) => case.apply(text),
            (None, None) => text,
        }
    }

    /// The value as text: canonical, or as `dateFormat` and `separator` say.
    fn text_of(&self, value: Value) -> Result<String, Fault> {
        let format = self.options.date_format.as_ref();
        Ok(match (value, format) {
            (Value::Text(text), _) => text,
            (Value::Decimal(number), _) => number.to_text(),
            (Value::Boolean(flag), _) => flag.to_string(),
            (Value::Day(day, _), Some(format)) => format.write(day.midnight()),
            (Value::Instant(instant, _), Some(format)) => format.write(instant),
            (Value::Day(day, text), None) => day.write_to(text),
            (Value::Instant(instant, text), None) => instant.write_to(text),
            (Value::Texts(texts), _) => join(&texts, self.separator())?,
        })
    }

    fn separator(&self) -> &str {
        self.options
            .separator
            .as_deref()
            .unwrap_or(HUBSPOT_SEPARATOR)
    }

    /// Converts a value to the target's kind and form.
    fn write(&self, value: Value) -> Result<Option<Cell>, Fault> {
        match self.target.kind {
            Kind::Text | Kind::Reference | Kind::Opaque => self.write_text(value),
            Kind::Integer | Kind::Number => {
                let number = self.scaled(self.number_of(value)?)?;
                self.write_number(number)
            }
            Kind::Boolean => {
                let flag = match value {
                    Value::Boolean(flag) => flag,
                    value => read_flag(&self.text_of(value)?)?,
                };
                Ok(Some(match self.target.wire {
                    Wire::Boolean => Cell::Boolean(flag),
                    _ => Cell::Text(flag.to_string()),
                }))
            }
            kind @ (Kind::Date | Kind::Datetime) => self.write_time(value, kind),
            Kind::Choice => self.write_choice(value),
            Kind::MultiChoice => self.write_choices(value),
        }
    }

    fn write_text(&self, value: Value) -> Result<Option<Cell>, Fault> {
        let text = match (value, self.options.decimals) {
            (Value::Decimal(number), Some(decimals)) => {
                self.scaled(number)?.to_text_fixed(decimals)
            }
            (Value::Decimal(number), None) => self.scaled(number)?.to_text(),
            (value, _) => self.text_of(value)?,
        };
        let text = match self.options.truncate {
            Some(characters) if self.target.kind == Kind::Text => truncate(text, characters),
            _ => text,
        };
        Ok((!text.is_empty()).then_some(Cell::Text(text)))
    }

    fn number_of(&self, value: Value) -> Result<Decimal, Fault> {
        match (value, &self.options.date_format) {
            (Value::Decimal(number), _) => Ok(number),
            (Value::Day(day, _), Some(format)) => read_decimal(&format.write(day.midnight())),
            (Value::Instant(instant, _), Some(format)) => read_decimal(&format.write(instant)),
            (value, _) => read_decimal(&self.text_of(value)?),
        }
    }

    /// Applies `scale` (times outbound, divided inbound) and `decimals`.
    fn scaled(&self, number: Decimal) -> Result<Decimal, Fault> {
        let scaled = match (self.options.scale, self.direction) {
            (None, _) => Some(number),
            (Some(factor), Direction::ToHubspot) => number.times(factor),
            (Some(factor), Direction::ToPartneros) => number.divided_by(factor),
        };
        let scaled = scaled.ok_or_else(|| {
            Fault::of(
                "out-of-range",
                &number.to_text(),
                "is out of range once it is scaled",
            )
        })?;
        Ok(match self.options.decimals {
            Some(decimals) => scaled.rounded(decimals),
            None => scaled,
        })
    }

    fn write_number(&self, number: Decimal) -> Result<Option<Cell>, Fault> {
        let fault = |code, what| Fault::of(code, &number.to_text(), what);
        if self.target.kind == Kind::Integer && !number.is_integer() {
            return Err(fault("not-an-integer", "is not a whole number"));
        }
        Ok(Some(match self.target.wire {
            Wire::Integer => Cell::Integer(
                number
                    .to_i64()
                    .ok_or_else(|| fault("out-of-range", "does not fit 64 bits"))?,
            ),
            Wire::Number => Cell::Number(number.to_f64().ok_or_else(|| {
                fault(
                    "out-of-range",
                    "has more digits than a number field can hold",
                )
            })?),
            _ => Cell::Text(number.to_text()),
        }))
    }

    fn write_time(&self, value: Value, kind: Kind) -> Result<Option<Cell>, Fault> {
        let format = self.options.date_format.as_ref();
        let text = match (value, kind) {
            (Value::Day(day, text), Kind::Date) => day.write_to(text),
            (Value::Day(day, text), _) => day.midnight().write_to(text),
            (Value::Instant(instant, text), Kind::Date) => instant.day().write_to(text),
            (Value::Instant(instant, text), _) => instant.write_to(text),
            (value, kind) => {
                let text = self.text_of(value)?;
                let text = text.trim();
                if text.is_empty() {
                    return Ok(None);
                }
                let read = match format {
                    Some(format) => format.read(text).map(|instant| in_kind(instant, kind)),
                    None => read_time(text, kind),
                };
                match read.ok_or_else(|| self.not_in_format(text, kind))? {
                    Value::Day(day, _) => Day::write_to(day, String::new()),
                    Value::Instant(instant, _) => Instant::write_to(instant, String::new()),
                    _ => return Ok(None),
                }
            }
        };
        Ok(Some(Cell::Text(text)))
    }

    fn not_in_format(&self, text: &str, kind: Kind) -> Fault {
        match self.options.date_format {
            Some(_) => Fault::of(
                "not-a-date",
                text,
                "does not have the form that `dateFormat` says",
            ),
            None => not_a_date(text, kind),
        }
    }

    fn write_choice(&self, value: Value) -> Result<Option<Cell>, Fault> {
        let text = match value {
            Value::Texts(texts) if texts.len() > 1 => {
                let text = texts.join(HUBSPOT_SEPARATOR);
                return Err(Fault::of(
                    "too-many-choices",
                    &text,
                    "is more than one choice",
                ));
            }
            Value::Texts(mut texts) => texts.pop().unwrap_or_default(),
            value => self.text_of(value)?,
        };
        match self.choice(text)? {
            text if text.is_empty() => Ok(None),
            text => Ok(Some(Cell::Text(text))),
        }
    }

    fn write_choices(&self, value: Value) -> Result<Option<Cell>, Fault> {
        let texts = match value {
            Value::Texts(texts) => texts,
            Value::Text(text) if self.source_kind() == Kind::Text => text
                .split(self.separator())
                .map(|piece| piece.trim().to_owned())
                .collect(),
            value => vec![self.text_of(value)?],
        };
        let mut chosen = Vec::with_capacity(texts.len());
        for text in texts {
            if !text.is_empty() {
                chosen.push(self.choice(text)?);
            }
        }
        let Some(Value::Texts(texts)) = list(chosen) else {
            return Ok(None);
        };
        Ok(Some(match self.target.side {
            Side::HubSpot => Cell::Text(join(&texts, HUBSPOT_SEPARATOR)?),
            Side::PartnerOs => Cell::Texts(texts),
        }))
    }

    /// The target's value for a text, in the text itself when it is the same.
    fn choice(&self, mut text: String) -> Result<String, Fault> {
        let Some(choices) = &self.choices else {
            return Ok(text);
        };
        match choices.find(&text) {
            Some(value) if value == text => {}
            Some(value) => value.clone_into(&mut text),
            // True and false may go by other words among the choices.
            None => {
                let Some(value) = self.flag_choice(&text) else {
                    let message = choices.unknown(&text);
                    return Err(Fault {
                        code: "unknown-choice",
                        message,
                    });
                };
                value.clone_into(&mut text);
            }
        }
        Ok(text)
    }

    fn flag_choice(&self, text: &str) -> Option<&str> {
        if self.source_kind() != Kind::Boolean {
            return None;
        }
        let flag = read_flag(text).ok()?;
        let mut choices = self
            .target
            .field
            .choices
            .iter()
            .map(|choice| choice.value.as_str());
        choices.find(|value| read_flag(value) == Ok(flag))
    }
}

fn join(texts: &[String], separator: &str) -> Result<String, Fault> {
    match texts.iter().find(|text| text.contains(separator)) {
        Some(text) => Err(Fault::of(
            "separator-in-choice",
            text,
            &format!("holds `{separator}`, which separates the values of a list"),
        )),
        None => Ok(texts.join(separator)),
    }
}
