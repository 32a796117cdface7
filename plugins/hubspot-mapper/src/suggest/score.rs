//! How likely a HubSpot property is the counterpart of a PartnerOS field, and why.

use crate::bindings::{DataType, FieldSchema, ObjectSchema, Reason};
use crate::transform::{Fit, fit};

use super::aliases::{Alias, Aliases};
use super::normalize::{Words, compact, is_standard, weight};

/// What the evidence is worth, as a confidence. Fitted by hand so that a confidence of 0.9 is right
/// about nine times out of ten.
mod worth {
    pub const SAME_NAME: f64 = 0.96;
    pub const SAME_LABEL: f64 = 0.94;
    pub const SAME_WORDS: f64 = 0.94;
    pub const ALIAS: f64 = 0.93;
    /// For every further piece of evidence.
    pub const MORE: f64 = 0.02;
    pub const POSSIBLE_ALIAS: f64 = 0.72;
    /// What the best merely similar name can reach.
    pub const SIMILAR: f64 = 0.86;
    pub const SAME_CHOICES: f64 = 0.12;
    /// Values that the other side does not know cannot be written without a value map.
    pub const OTHER_CHOICES: f64 = 0.7;
    pub const CONVERTS_ONE_WAY: f64 = 0.9;
    pub const DOES_NOT_CONVERT: f64 = 0.62;
    /// Free text for something that is not, which converts but is seldom meant.
    pub const LOOSE: f64 = 0.9;
    pub const READ_ONLY: f64 = 0.93;
    pub const HIDDEN: f64 = 0.8;
}

/// Below this a candidate is not worth showing.
pub const CONFIDENCE_MIN: f64 = 0.3;

/// A field or property with its words.
#[derive(Debug)]
pub struct Named<'s> {
    pub field: &'s FieldSchema,
    compact: String,
    name: Words,
    /// Name and label without the object's own name.
    bare: [Words; 2],
    keys: Vec<String>,
    aliases: Aliases,
}

/// A property with its confidence.
#[derive(Debug, Clone)]
pub struct Scored {
    pub property: usize,
    pub confidence: f64,
    pub reasons: Vec<Reason>,
}

/// The fields of an object with their words.
pub fn named<'s>(object: &'s ObjectSchema, hubspot: &str) -> Vec<Named<'s>> {
    let own = own_names(object, hubspot);
    let named = object.fields.iter().map(|field| {
        let (name, label) = (Words::of(&field.name), Words::of(&field.label));
        let bare = [name.without(&own), label.without(&own)];
        let mut keys = Vec::new();
        for words in [&name, &label, &bare[0], &bare[1]] {
            let key = words.key();
            if !key.is_empty() && !keys.contains(&key) {
                keys.push(key);
            }
        }
        let aliases = Aliases::of(hubspot, &field.name);
        Named {
            field,
            compact: compact(&field.name),
            name,
            bare,
            keys,
            aliases,
        }
    });
    named.collect()
}

/// The words that name the object itself, in either system.
fn own_names(object: &ObjectSchema, hubspot: &str) -> Vec<String> {
    let usual = match hubspot {
        "companies" => "company account customer organization crm",
        "deals" => "deal opportunity crm",
        "contacts" => "contact person lead crm",
        "products" => "product item",
        "line_items" => "line item",
        "tickets" => "ticket case",
        _ => "",
    };
    let mut words = Words::of(usual).0;
    words.extend(Words::of(&object.name).0);
    words.extend(Words::of(&object.label).0);
    words.retain(|word| word != "name" && word != "type");
    words
}

/// Scores a property as counterpart of a field; `None` when there is nothing in common.
pub fn score(field: &Named, property: &Named, position: usize) -> Option<Scored> {
    let mut reasons = Vec::new();
    let mut confidence = by_name(field, property, &mut reasons)?;
    if let Some(overlap) = choice_overlap(field.field, property.field) {
        let message = format!("{:.0} % of the choices are the same.", overlap * 100.0);
        if overlap >= 0.5 {
            confidence += worth::SAME_CHOICES * overlap;
            reasons.push(reason("same-choices", message));
        } else {
            confidence *= worth::OTHER_CHOICES + overlap / 3.0;
            reasons.push(reason("choices-differ", message));
        }
    }
    confidence = confidence.min(0.99);
    match fit(field.field, property.field) {
        Fit::BothWays if is_loose(field.field, property.field) => confidence *= worth::LOOSE,
        Fit::BothWays => {}
        Fit::OneWay => {
            confidence *= worth::CONVERTS_ONE_WAY;
            reasons.push(reason(
                "converts-one-way",
                "The types convert in one direction only.",
            ));
        }
        Fit::None => {
            confidence *= worth::DOES_NOT_CONVERT;
            reasons.push(reason(
                "types-differ",
                "The types do not convert without a value map.",
            ));
        }
    }
    if property.field.read_only {
        confidence *= worth::READ_ONLY;
        reasons.push(reason(
            "read-only",
            "HubSpot computes the property; it can only be read.",
        ));
    }
    let hidden = property
        .field
        .extra
        .iter()
        .any(|(name, value)| name == "hidden" && value == "true");
    if hidden {
        confidence *= worth::HIDDEN;
        reasons.push(reason("hidden", "The property is hidden in HubSpot."));
    }
    let scored = Scored {
        property: position,
        confidence,
        reasons,
    };
    (confidence >= CONFIDENCE_MIN).then_some(scored)
}

/// How much names and labels have in common, as a confidence.
fn by_name(field: &Named, property: &Named, reasons: &mut Vec<Reason>) -> Option<f64> {
    let (ours, theirs) = (field.field, property.field);
    let mut evidence: Vec<f64> = Vec::new();
    if let Some(worth) = same_name(field, property) {
        evidence.push(worth);
        reasons.push(reason(
            "same-name",
            format!("Both are named `{}`.", theirs.name),
        ));
    }
    let label = |named: &Named| named.bare.last().map(Words::key).unwrap_or_default();
    if !label(field).is_empty() && label(field) == label(property) {
        evidence.push(worth::SAME_LABEL);
        reasons.push(reason(
            "same-label",
            format!("Both are labelled \"{}\".", theirs.label),
        ));
    }
    let aliases = || field.keys.iter().map(|key| property.aliases.find(key));
    let sure = aliases()
        .filter(|alias| *alias == Some(Alias::Sure))
        .count();
    let possible = aliases().any(|alias| alias == Some(Alias::Possible));
    if sure > 0 || possible {
        evidence.push(if sure > 0 {
            worth::ALIAS
        } else {
            worth::POSSIBLE_ALIAS
        });
        // Name and label may be different aliases.
        evidence.extend(std::iter::repeat_n(
            worth::ALIAS,
            sure.saturating_sub(1).min(1),
        ));
        let verb = if sure > 0 {
            "is a usual name for"
        } else {
            "may stand for"
        };
        let message = format!("\"{}\" {verb} HubSpot's \"{}\".", ours.label, theirs.label);
        reasons.push(reason("alias", message));
    }
    if let Some(best) = evidence.iter().copied().reduce(f64::max) {
        let more = (evidence.len() - 1) as f64;
        return Some((best + worth::MORE * more).min(0.99));
    }
    let confidence = worth::SIMILAR * similarity(field, property);
    if confidence < CONFIDENCE_MIN {
        return None;
    }
    let message = format!("\"{}\" resembles \"{}\".", ours.label, theirs.label);
    reasons.push(reason("similar-name", message));
    Some(confidence)
}

fn same_name(field: &Named, property: &Named) -> Option<f64> {
    if field.compact == property.compact {
        Some(worth::SAME_NAME)
    } else if !field.name.0.is_empty() && field.name.key() == property.name.key() {
        Some(worth::SAME_WORDS)
    } else {
        None
    }
}

/// Whether text would hold, or be held by, a number, a date or a truth value.
fn is_loose(field: &FieldSchema, property: &FieldSchema) -> bool {
    let is_text = |field: &FieldSchema| matches!(field.data_type, DataType::Text);
    let is_strict = |field: &FieldSchema| {
        matches!(
            field.data_type,
            DataType::Integer
                | DataType::Number
                | DataType::Boolean
                | DataType::Date
                | DataType::Datetime
        )
    };
    is_text(field) && is_strict(property) || is_strict(field) && is_text(property)
}

fn reason(code: &str, message: impl Into<String>) -> Reason {
    Reason {
        code: code.to_owned(),
        message: message.into(),
    }
}

/// The best agreement of a name or label with the other's, from 0 to 1.
fn similarity(field: &Named, property: &Named) -> f64 {
    let mut best: f64 = 0.0;
    for ours in [&field.bare[0], &field.bare[1]] {
        for theirs in [&property.bare[0], &property.bare[1]] {
            best = best.max(words_in_common(&ours.0, &theirs.0));
        }
    }
    best
}

/// The weight of the words in common over the weight of all words.
fn words_in_common(left: &[String], right: &[String]) -> f64 {
    let mut common = 0.0;
    let mut unmatched: Vec<&String> = right.iter().collect();
    let mut all: f64 = right.iter().map(|word| weight(word)).sum();
    for word in left {
        let best = unmatched
            .iter()
            .enumerate()
            .map(|(at, other)| (alike(word, other), at))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
            .filter(|(likeness, _)| *likeness > 0.0);
        match best {
            Some((likeness, at)) => common += likeness * weight(unmatched.swap_remove(at)),
            None => all += weight(word),
        }
    }
    if all > 0.0 { common / all } else { 0.0 }
}

/// Whether two words are the same, or one is short for the other, or a letter differs.
fn alike(left: &str, right: &str) -> f64 {
    if left == right {
        return 1.0;
    }
    let (short, long) = if left.len() < right.len() {
        (left, right)
    } else {
        (right, left)
    };
    if short.len() >= 3 && !is_standard(short) && is_short_for(short, long) {
        return 0.8;
    }
    0.0
}

/// Whether a word drops letters of another, as `mktg` does of `marketing`.
fn is_short_for(short: &str, long: &str) -> bool {
    let vowels = short.chars().filter(|c| "aeiou".contains(*c)).count();
    let prefix = long.starts_with(short) && short.len() >= 4;
    let mut rest = long.chars();
    let inside = short
        .chars()
        .all(|letter| rest.any(|other| other == letter));
    let starts_alike = short.chars().next() == long.chars().next();
    prefix || vowels == 0 && inside && starts_alike && short.chars().all(char::is_alphabetic)
}

/// The share of the field's choices that the property has too, by value or label; `None` unless
/// both list some.
fn choice_overlap(field: &FieldSchema, property: &FieldSchema) -> Option<f64> {
    if field.choices.is_empty() || property.choices.is_empty() {
        return None;
    }
    let theirs: Vec<String> = property
        .choices
        .iter()
        .flat_map(|choice| [compact(&choice.value), compact(&choice.label)])
        .collect();
    let shared = field.choices.iter().filter(|choice| {
        theirs.contains(&compact(&choice.value)) || theirs.contains(&compact(&choice.label))
    });
    Some(shared.count() as f64 / field.choices.len() as f64)
}
