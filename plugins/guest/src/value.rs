//! One value of a field.

use crate::column::Kind;

/// A value as the contract types it; "no value" is an `Option` around it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text, a date, a datetime, a choice or a reference; and everything of HubSpot.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A decimal number.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// Multiple choices.
    Texts(Vec<String>),
}

impl Value {
    /// The kind of column that carries it.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Integer(_) => Kind::Integer,
            Self::Number(_) => Kind::Number,
            Self::Boolean(_) => Kind::Boolean,
            Self::Texts(_) => Kind::Texts,
        }
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
