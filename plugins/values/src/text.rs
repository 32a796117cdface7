//! What the options do to text: case, cutting, joining, templates; and the words for true and false.

/// How letters are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Lower,
    Upper,
    Title,
}

impl Case {
    /// Changes the letters, in place where all of them are ASCII.
    pub fn apply(self, mut text: String) -> String {
        match self {
            Self::Title => return title(&text),
            Self::Lower if text.is_ascii() => text.make_ascii_lowercase(),
            Self::Upper if text.is_ascii() => text.make_ascii_uppercase(),
            Self::Lower => text = text.to_lowercase(),
            Self::Upper => text = text.to_uppercase(),
        }
        text
    }
}

/// Capitalises every word; a word starts after anything that is neither a letter, a digit nor an
/// apostrophe.
fn title(text: &str) -> String {
    let mut inside = false;
    let mut titled = String::with_capacity(text.len());
    for letter in text.chars() {
        if inside {
            titled.extend(letter.to_lowercase());
        } else {
            titled.extend(letter.to_uppercase());
        }
        inside = letter.is_alphanumeric() || letter == '\'' || letter == '’';
    }
    titled
}

/// Which piece of a split text is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The piece at this position, from 0.
    Index(usize),
    Last,
    /// Everything after the first separator.
    Rest,
}

/// Cuts text into pieces and takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    pub separator: String,
    pub part: Part,
}

impl Split {
    /// The piece; `None` when the text has none at that place.
    pub fn apply<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut pieces = text.split(self.separator.as_str());
        match self.part {
            Part::Index(index) => pieces.nth(index),
            Part::Last => text.rsplit(self.separator.as_str()).next(),
            Part::Rest => text
                .split_once(self.separator.as_str())
                .map(|(_, rest)| rest),
        }
    }
}

/// Text with names of inputs in braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub parts: Vec<TemplatePart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplatePart {
    Literal(String),
    Input(String),
}

impl Template {
    /// Reads `{firstName} {lastName}`; doubled braces stand for themselves. The error completes
    /// "`template` ...".
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text.chars().peekable();
        while let Some(next) = rest.next() {
            match next {
                '{' | '}' if rest.next_if_eq(&next).is_some() => literal.push(next),
                '}' => return Err("has a `}` without its `{`; write `}}` for a brace".to_owned()),
                '{' => {
                    let mut name = String::new();
                    loop {
                        match rest.next() {
                            Some('}') => break,
                            Some(letter) => name.push(letter),
                            None => return Err("has a `{` without its `}`".to_owned()),
                        }
                    }
                    if !literal.is_empty() {
                        parts.push(TemplatePart::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(TemplatePart::Input(name.trim().to_owned()));
                }
                letter => literal.push(letter),
            }
        }
        if !literal.is_empty() {
            parts.push(TemplatePart::Literal(literal));
        }
        if parts
            .iter()
            .any(|part| matches!(part, TemplatePart::Input(_)))
        {
            Ok(Self { parts })
        } else {
            Err("names no input; write one in braces, such as `{firstName}`".to_owned())
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Input(name) => Some(name.as_str()),
            TemplatePart::Literal(_) => None,
        })
    }
}

/// Shortens text to this many characters.
pub fn truncate(mut text: String, characters: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
    }
    text
}

/// Removes white space at both ends, without a new text where there is none.
pub fn trim(text: String) -> String {
    match text.trim() {
        trimmed if trimmed.len() == text.len() => text,
        trimmed => trimmed.to_owned(),
    }
}

/// Reads true or false as HubSpot, people and other systems write it.
pub fn parse_flag(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(&["true", "yes", "y", "1", "on"]) {
        Some(true)
    } else if is(&["false", "no", "n", "0", "off"]) {
        Some(false)
    } else {
        None
    }
}

/// The start of a value, short enough for a message.
pub fn shown(text: &str) -> &str {
    let end = text.char_indices().nth(60).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_knows_words_and_letters_beyond_ascii() {
        assert_eq!(
            Case::Title.apply("o'NEILL & söhne-GMBH".to_owned()),
            "O'neill & Söhne-Gmbh"
        );
        assert_eq!(Case::Lower.apply("ÄB".to_owned()), "äb");
        assert_eq!(Case::Upper.apply("straße".to_owned()), "STRASSE");
    }

    #[test]
    fn split_takes_one_piece() {
        let split = |part| Split {
            separator: " ".to_owned(),
            part,
        };
        let text = "Ada King Lovelace";
        assert_eq!(split(Part::Index(0)).apply(text), Some("Ada"));
        assert_eq!(split(Part::Index(1)).apply(text), Some("King"));
        assert_eq!(split(Part::Index(3)).apply(text), None);
        assert_eq!(split(Part::Last).apply(text), Some("Lovelace"));
        assert_eq!(split(Part::Rest).apply(text), Some("King Lovelace"));
        assert_eq!(split(Part::Rest).apply("Ada"), None);
    }

    #[test]
    fn template_reads_names_and_braces() {
        let template = Template::parse("{{{ first }}} of {last}").expect("is sound");
        assert_eq!(template.names().collect::<Vec<_>>(), ["first", "last"]);
        for text in ["plain", "{open", "close}", ""] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn cuts_by_characters_not_bytes() {
        assert_eq!(truncate("Łódź".to_owned(), 2), "Łó");
        assert_eq!(truncate("ab".to_owned(), 2), "ab");
        assert_eq!(shown(&"é".repeat(100)).chars().count(), 60);
    }
}
