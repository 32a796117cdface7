//! Blanks and words.

const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// Without blanks at both ends.
pub fn trim(text: &str) -> &str {
    text.trim_matches(BLANKS)
}

/// The first word.
pub fn first_word(text: &str) -> &str {
    let text = trim(text);
    text.split(BLANKS).next().unwrap_or(text)
}

/// What follows the first word.
pub fn rest(text: &str) -> &str {
    let rest = trim(text).split_once(BLANKS).map(|(_, rest)| rest);
    rest.map_or("", trim)
}
