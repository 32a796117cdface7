//! Finds the choice of a field that a text of the other side means.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use crate::bindings::{ChoiceOption, FieldSchema};

use super::text::shown;

/// How many allowed values a message lists.
const LISTED_MAX: usize = 10;

/// How many texts that are no target value are remembered with their meaning.
const REMEMBERED_MAX: usize = 1_000;

/// The listed choices of a target field, indexed for the ways of matching.
///
/// Most values are the target's own; so only those are indexed at once, and the weaker ways when
/// a text needs them.
#[derive(Debug)]
pub struct Choices<'p> {
    target: &'p FieldSchema,
    source: &'p [ChoiceOption],
    /// Positions in the target's choices, by value.
    by_value: Vec<(&'p str, usize)>,
    /// Positions by each weaker way of matching, strongest first.
    folded: OnceCell<[Vec<(String, usize)>; 3]>,
    /// What earlier texts meant.
    remembered: RefCell<BTreeMap<String, Option<usize>>>,
}

impl<'p> Choices<'p> {
    /// Indexes the target's choices; `None` when it lists none, and any value passes.
    pub fn of(target: &'p FieldSchema, source: &'p FieldSchema) -> Option<Self> {
        let entries = target.choices.iter().enumerate();
        (!target.choices.is_empty()).then(|| Self {
            target,
            source: &source.choices,
            by_value: sorted(entries.map(|(at, choice)| (choice.value.as_str(), at))),
            folded: OnceCell::new(),
            remembered: RefCell::default(),
        })
    }

    /// The target's value that a source text means: the same value, the same but for case, the same
    /// label, or a value or label with the same letters and digits. A text that could mean two
    /// choices means none.
    pub fn find(&self, text: &str) -> Option<&'p str> {
        let at = lookup(&self.by_value, text).or_else(|| self.recall(text))?;
        Some(self.target.choices.get(at)?.value.as_str())
    }

    fn recall(&self, text: &str) -> Option<usize> {
        if let Some(known) = self.remembered.borrow().get(text) {
            return *known;
        }
        let found = self.search(text);
        let mut remembered = self.remembered.borrow_mut();
        if remembered.len() < REMEMBERED_MAX {
            remembered.insert(text.to_owned(), found);
        }
        found
    }

    /// A sentence for a text that means no choice.
    pub fn unknown(&self, text: &str) -> String {
        let mut allowed: Vec<String> = self
            .target
            .choices
            .iter()
            .take(LISTED_MAX)
            .map(|choice| format!("`{}`", shown(&choice.value)))
            .collect();
        if let Some(more @ 1..) = self.target.choices.len().checked_sub(LISTED_MAX) {
            allowed.push(format!("and {more} more"));
        }
        let (text, name) = (shown(text), &self.target.name);
        format!(
            "`{text}` is not a choice of `{name}`; it takes {}",
            allowed.join(", ")
        )
    }

    fn label_of(&self, text: &str) -> Option<&'p str> {
        let choice = self
            .source
            .iter()
            .find(|choice| choice.value.eq_ignore_ascii_case(text))?;
        Some(&choice.label)
    }

    fn search(&self, value: &str) -> Option<usize> {
        let texts = || [Some(value), self.label_of(value)].into_iter().flatten();
        let [values, labels, letters] = self.folded.get_or_init(|| fold(&self.target.choices));
        lookup(values, &value.to_lowercase())
            .or_else(|| texts().find_map(|text| lookup(labels, &text.to_lowercase())))
            .or_else(|| texts().find_map(|text| lookup(letters, &normalized(text))))
    }
}

fn fold(choices: &[ChoiceOption]) -> [Vec<(String, usize)>; 3] {
    let index = |keys: fn(&ChoiceOption) -> Vec<String>| {
        let entries = choices.iter().enumerate();
        sorted(entries.flat_map(|(at, choice)| keys(choice).into_iter().map(move |key| (key, at))))
    };
    [
        index(|choice| vec![choice.value.to_lowercase()]),
        index(|choice| vec![choice.label.to_lowercase()]),
        index(|choice| vec![normalized(&choice.value), normalized(&choice.label)]),
    ]
}

/// Letters and digits only, in lower case, so that `Closed Won` is `closedwon`.
fn normalized(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn sorted<K: Ord>(entries: impl Iterator<Item = (K, usize)>) -> Vec<(K, usize)> {
    let mut entries: Vec<_> = entries.collect();
    entries.sort_unstable();
    entries.dedup();
    entries
}

/// The only entry with this key.
fn lookup<K: AsRef<str>>(entries: &[(K, usize)], key: &str) -> Option<usize> {
    if key.is_empty() {
        return None;
    }
    let start = entries.partition_point(|(found, _)| found.as_ref() < key);
    let mut same = entries
        .get(start..)?
        .iter()
        .take_while(|(found, _)| found.as_ref() == key);
    let (_, at) = same.next()?;
    same.next().is_none().then_some(*at)
}

#[cfg(test)]
mod tests {
    use crate::bindings::DataType;
    use crate::transform::fixtures::{field, with_choices};

    use super::*;

    #[test]
    fn matches_from_the_strongest_way_to_the_weakest() {
        let target = with_choices(
            field("stage", DataType::Choice),
            &[
                ("101", "Closed Won"),
                ("102", "closed lost"),
                ("open", "Open"),
                ("OPEN", "Opened"),
            ],
        );
        let source = field("stage", DataType::Text);
        let choices = Choices::of(&target, &source).expect("lists choices");
        let cases = [
            ("101", Some("101")),
            ("open", Some("open")),
            ("OPEN", Some("OPEN")),
            ("CLOSED LOST", Some("102")),
            ("closedwon", Some("101")),
            ("closed_won", Some("101")),
            ("opened", Some("OPEN")),
            ("lost", None),
            ("", None),
            ("---", None),
        ];
        for (text, expected) in cases {
            assert_eq!(choices.find(text), expected, "{text}");
        }
    }

    #[test]
    fn a_label_of_the_source_matches_too() {
        let target = with_choices(field("a", DataType::Choice), &[("7", "Closed won")]);
        let source = with_choices(field("b", DataType::Choice), &[("cw", "Closed Won")]);
        let choices = Choices::of(&target, &source).expect("lists choices");
        assert_eq!(choices.find("cw"), Some("7"));
    }

    #[test]
    fn two_meanings_are_none() {
        let target = with_choices(
            field("stage", DataType::Choice),
            &[("101", "Closed Won"), ("202", "Closed won")],
        );
        let source = field("stage", DataType::Text);
        let choices = Choices::of(&target, &source).expect("lists choices");
        assert_eq!(choices.find("closed won"), None);
        assert_eq!(choices.find("202"), Some("202"));
    }

    #[test]
    fn the_message_lists_ten_values() {
        let values: Vec<String> = (0..13).map(|n| format!("v{n}")).collect();
        let pairs: Vec<(&str, &str)> = values.iter().map(|v| (v.as_str(), v.as_str())).collect();
        let target = with_choices(field("f", DataType::Choice), &pairs);
        let source = field("s", DataType::Text);
        let message = Choices::of(&target, &source)
            .expect("lists choices")
            .unknown("gold");
        assert!(
            message.starts_with("`gold` is not a choice of `f`; it takes `v0`, "),
            "{message}"
        );
        assert!(message.ends_with("`v9`, and 3 more"), "{message}");
    }
}
