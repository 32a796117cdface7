//! The tug of war over a field: we write, HubSpot's side rewrites, and so on without end.
//!
//! An agreement counts the turns. What they mean is for others to say: people take turns too.

use serde::{Deserialize, Serialize};

/// The turns that both sides have taken at the value of one mapping of one link.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tug {
    /// Whether HubSpot's value is what we wrote last, and nobody has changed it since.
    #[serde(rename = "o", default, skip_serializing_if = "is_default")]
    pub ours: bool,
    /// How many of our writes in a row were rewritten by HubSpot's side.
    #[serde(rename = "n", default, skip_serializing_if = "is_default")]
    pub rewrites: u32,
    /// What rewrites the value, while the mapping is paused for this link and its values flow neither way.
    #[serde(rename = "p", default, skip_serializing_if = "is_default")]
    pub paused: Option<String>,
}

impl Tug {
    /// We have written a value. If the one before still stood, HubSpot's side takes our writes.
    #[must_use]
    pub fn written(self) -> Self {
        Self {
            ours: true,
            rewrites: if self.ours { 0 } else { self.rewrites },
            paused: self.paused,
        }
    }

    /// HubSpot holds another value than the agreed one. That counts once for each write of ours.
    #[must_use]
    pub fn rewritten(self) -> Self {
        Self {
            ours: false,
            rewrites: self.rewrites.saturating_add(self.ours.into()),
            paused: self.paused,
        }
    }
}

/// Whether a part of it is left out of what is stored.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_count_only_while_each_of_our_writes_is_rewritten() {
        let mut tug = Tug::default();
        for turn in 1..=3 {
            tug = tug.written().rewritten().rewritten();
            assert_eq!(tug.rewrites, turn);
        }
        tug = tug.written();
        assert_eq!(tug.rewrites, 3);
        assert_eq!(tug.written().rewrites, 0, "a write that stood");
    }
}
