//! What the values of a field are, on either side, and which kinds convert into which.

use crate::bindings::{DataType, FieldSchema};

use super::decimal::Decimal;
use super::text::parse_flag;

/// A side of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    PartnerOs,
    HubSpot,
}

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    Date,
    Datetime,
    Choice,
    MultiChoice,
    Reference,
    /// HubSpot's own structures (`json`, `object_coordinates`), which can only be read, as text.
    Opaque,
}

impl Side {
    pub fn name(self) -> &'static str {
        match self {
            Self::PartnerOs => "PartnerOS",
            Self::HubSpot => "HubSpot",
        }
    }
}

impl Kind {
    /// The kind of a field. For HubSpot its `type` and `fieldType` decide where they are known,
    /// since they are finer than the data type.
    pub fn of(side: Side, field: &FieldSchema) -> Self {
        let extra = |name: &str| {
            field
                .extra
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let declared = Self::of_data_type(field.data_type);
        match (side, extra("type")) {
            (Side::HubSpot, Some("string" | "phone_number")) if declared != Self::Reference => {
                Self::Text
            }
            (Side::HubSpot, Some("number")) if declared != Self::Reference => Self::Number,
            (Side::HubSpot, Some("bool")) => Self::Boolean,
            (Side::HubSpot, Some("date")) => Self::Date,
            (Side::HubSpot, Some("datetime")) => Self::Datetime,
            (Side::HubSpot, Some("enumeration")) => match extra("fieldType") {
                Some("checkbox") => Self::MultiChoice,
                _ if declared == Self::Reference => Self::Reference,
                _ => Self::Choice,
            },
            (Side::HubSpot, Some("json" | "object_coordinates")) => Self::Opaque,
            _ => declared,
        }
    }

    fn of_data_type(data_type: DataType) -> Self {
        match data_type {
            DataType::Text => Self::Text,
            DataType::Integer => Self::Integer,
            DataType::Number => Self::Number,
            DataType::Boolean => Self::Boolean,
            DataType::Date => Self::Date,
            DataType::Datetime => Self::Datetime,
            DataType::Choice => Self::Choice,
            DataType::MultiChoice => Self::MultiChoice,
            DataType::Reference => Self::Reference,
        }
    }

    /// The kind in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Choice => "choice",
            Self::MultiChoice => "multi-choice",
            Self::Reference => "reference",
            Self::Opaque => "internal structure",
        }
    }

    pub fn is_numeric(self) -> bool {
        matches!(self, Self::Integer | Self::Number)
    }

    pub fn is_temporal(self) -> bool {
        matches!(self, Self::Date | Self::Datetime)
    }
}

/// In which directions a field and a property convert without further options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    BothWays,
    OneWay,
    None,
}

/// Says how well the types of a PartnerOS field and a HubSpot property fit.
pub fn fit(partneros: &FieldSchema, hubspot: &FieldSchema) -> Fit {
    let ours = End {
        kind: Kind::of(Side::PartnerOs, partneros),
        field: partneros,
    };
    let theirs = End {
        kind: Kind::of(Side::HubSpot, hubspot),
        field: hubspot,
    };
    match (converts(ours, theirs), converts(theirs, ours)) {
        (true, true) => Fit::BothWays,
        (false, false) => Fit::None,
        _ => Fit::OneWay,
    }
}

/// One end of a conversion: a field with its kind.
#[derive(Debug, Clone, Copy)]
pub struct End<'p> {
    pub kind: Kind,
    pub field: &'p FieldSchema,
}

/// Whether values convert from one end to the other without further options.
///
/// A choice stands in for a number or a boolean only when all of its listed values are some.
pub fn converts(source: End, target: End) -> bool {
    use Kind::{
        Boolean, Choice, Date, Datetime, Integer, MultiChoice, Number, Opaque, Reference, Text,
    };
    match (source.kind, target.kind) {
        (_, Opaque) => false,
        (Text, _)
        | (_, Text)
        | (Integer | Number | Reference, Integer | Number | Reference)
        | (Boolean, Boolean)
        | (Date | Datetime, Date | Datetime)
        | (Choice, Choice | MultiChoice | Reference)
        | (MultiChoice, Choice | MultiChoice)
        | (Reference, Choice) => true,
        (Choice, kind @ (Integer | Number | Boolean)) => all_choices_are(source.field, kind),
        (kind @ (Integer | Number | Boolean), Choice) => all_choices_are(target.field, kind),
        _ => false,
    }
}

fn all_choices_are(field: &FieldSchema, kind: Kind) -> bool {
    let fits = |value: &str| match kind {
        Kind::Boolean => parse_flag(value).is_some(),
        Kind::Integer => Decimal::parse(value).is_some_and(Decimal::is_integer),
        _ => Decimal::parse(value).is_some(),
    };
    !field.choices.is_empty() && field.choices.iter().all(|choice| fits(&choice.value))
}
