//! Brings names and labels into one form: a set of plain words.
//!
//! `annlRevAmt`, `ANNL_REV_AMT` and `Annual revenue (amount)` mean the same, and so they become the
//! same words. Words that only repeat the object's own name say nothing and are left out, unless
//! nothing else is there.

/// Spelling variants and abbreviations, by the word they become.
const WORDS: &[(&str, &str)] = &[
    ("account", "acct acc accnt"),
    ("address", "addr adr adress"),
    ("amount", "amt value val monetary"),
    ("annual", "annl annualized yearly ann"),
    ("average", "avg"),
    ("birth", "birthdate birthday dob"),
    ("category", "cat ctg"),
    ("city", "cty town locality village"),
    ("close", "closing closure closes"),
    ("code", "cd iso"),
    ("commission", "comm"),
    ("company", "companies organization organisation org corp"),
    ("contact", "contacts"),
    ("count", "cnt num number no nr qty quantity"),
    ("country", "ctry cntry"),
    ("create", "created creation crt add added"),
    ("currency", "curr ccy cur"),
    ("customer", "cust client"),
    ("date", "dt at on time timestamp ts datetime"),
    ("deal", "deals opportunity opportunities opp oppty"),
    ("description", "desc descr beschreibung"),
    ("discount", "disc"),
    ("email", "mail emails"),
    ("employee", "emp employees staff headcount"),
    ("expire", "expires expiration expiry expired"),
    ("first", "fst"),
    ("flag", "flg"),
    ("forecast", "fcst"),
    ("founded", "founding foundation"),
    ("id", "key uid guid identifier"),
    ("industry", "ind"),
    ("last", "lst latest recent"),
    ("line", "ln"),
    ("manager", "mgr"),
    ("message", "msg"),
    ("mobile", "cell cellphone"),
    (
        "modify",
        "modified modification updated update upd change changed modstamp",
    ),
    ("month", "monthly mth"),
    ("name", "nm names"),
    ("next", "nxt"),
    ("opt", "opted"),
    ("owner", "ownr rep assigned assignee"),
    ("parent", "par"),
    ("partner", "partners partnership"),
    ("percent", "pct percentage"),
    ("phone", "tel telephone ph phones"),
    ("postal", "zip zipcode postcode plz"),
    ("priority", "prio"),
    ("probability", "prob likelihood"),
    ("product", "prod prd"),
    ("reason", "rsn"),
    ("region", "rgn regions"),
    ("registration", "registered reg"),
    ("revenue", "rev turnover"),
    ("sale", "sls sales"),
    ("stage", "stg phase"),
    ("state", "province"),
    ("status", "sts stat"),
    ("step", "stp"),
    ("street", "str"),
    ("total", "ttl tot"),
    ("type", "typ"),
    ("url", "link uri"),
    ("website", "web webpage homepage"),
    ("year", "yr"),
];

/// Words that carry no meaning in a name.
const STOP: &[&str] = &[
    "the", "a", "an", "of", "for", "to", "in", "and", "or", "hs", "hubspot", "c", "s", "mst",
    "hdr", "is", "has", "profile",
];

/// Words that weigh less, in hundredths of an ordinary one.
const LIGHT: &[(&str, f64)] = &[
    ("date", 0.45),
    ("count", 0.8),
    ("id", 0.35),
    ("code", 0.4),
    ("name", 0.6),
    ("last", 0.7),
    ("url", 0.4),
    ("flag", 0.1),
    ("percent", 0.35),
    ("current", 0.4),
    ("iso", 0.2),
    ("user", 0.6),
    ("text", 0.3),
    ("amount", 0.7),
    ("by", 0.5),
    ("rate", 0.6),
    ("label", 0.4),
    ("total", 0.5),
    ("old", 0.8),
];

/// A name or label as words, in order, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(pub Vec<String>);

impl Words {
    /// The words of a name or label, all of them.
    pub fn of(text: &str) -> Self {
        let mut words: Vec<String> = Vec::new();
        for piece in pieces(text) {
            let word = standard(&piece);
            if !STOP.contains(&word.as_str()) && !words.contains(&word) {
                words.push(word);
            }
        }
        Self(words)
    }

    /// The same without the words that name the object, unless they are all there is.
    pub fn without(&self, object: &[String]) -> Self {
        let left: Vec<String> = self
            .0
            .iter()
            .filter(|word| !object.contains(word))
            .cloned()
            .collect();
        if left.is_empty() {
            self.clone()
        } else {
            Self(left)
        }
    }

    /// The words in one order, so that `date created` equals `create date`.
    pub fn key(&self) -> String {
        let mut words = self.0.clone();
        words.sort_unstable();
        words.join(" ")
    }
}

/// How much a word says, from 0 to 1.
pub fn weight(word: &str) -> f64 {
    LIGHT
        .iter()
        .find(|(light, _)| *light == word)
        .map_or(1.0, |(_, weight)| *weight)
}

/// Whether a word is one of those that spellings are brought to, and so is not short for another.
pub fn is_standard(word: &str) -> bool {
    WORDS.iter().any(|(known, _)| *known == word)
}

/// Letters and digits of a name in lower case, such as `closedate` for `closeDate`.
pub fn compact(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Cuts at anything that is no letter or digit, where the case rises and around digits.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let letters: Vec<char> = text.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let rises = before.is_some_and(|before| {
            let next_is_lower = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
            letter.is_uppercase()
                && (before.is_lowercase() || before.is_uppercase() && next_is_lower)
                || letter.is_numeric() != before.is_numeric()
        });
        if (rises || !letter.is_alphanumeric()) && !piece.is_empty() {
            pieces.push(std::mem::take(&mut piece));
        }
        if letter.is_alphanumeric() {
            piece.extend(letter.to_lowercase());
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// The word that a spelling stands for, in the singular.
fn standard(piece: &str) -> String {
    let known = |spelling: &str| {
        WORDS.iter().find(|(word, variants)| {
            *word == spelling || variants.split(' ').any(|variant| variant == spelling)
        })
    };
    let singular = match piece {
        _ if piece.len() > 4 && piece.ends_with("ies") => format!("{}y", &piece[..piece.len() - 3]),
        _ if piece.ends_with("ss") || piece.ends_with("us") || piece.ends_with("is") => {
            piece.to_owned()
        }
        _ if piece.len() > 3 && piece.ends_with('s') => piece[..piece.len() - 1].to_owned(),
        _ => piece.to_owned(),
    };
    let found = known(piece).or_else(|| known(&singular));
    found.map_or(singular, |(word, _)| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        Words::of(text).0
    }

    #[test]
    fn every_spelling_becomes_the_same_words() {
        for text in [
            "annualRevenue",
            "ANNL_REV",
            "Annual Revenue",
            "annual-revenues",
            "hs_annual_revenue",
        ] {
            assert_eq!(words(text), ["annual", "revenue"], "{text}");
        }
        assert_eq!(words("HTMLBody2"), ["html", "body", "2"]);
        assert_eq!(words("Partner_Tier__c"), ["partner", "tier"]);
        assert_eq!(words("addressLine1"), ["address", "line", "1"]);
        assert_eq!(words("Cities / Größe"), ["city", "größe"]);
        assert_eq!(words("status"), ["status"]);
        assert_eq!(words(""), Vec::<String>::new());
    }

    #[test]
    fn order_does_not_matter_for_the_key() {
        assert_eq!(
            Words::of("Date Created").key(),
            Words::of("createDate").key()
        );
    }

    #[test]
    fn the_objects_own_name_says_nothing() {
        let object = ["deal".to_owned()];
        assert_eq!(Words::of("Deal name").without(&object).0, ["name"]);
        assert_eq!(Words::of("Deal").without(&object).0, ["deal"]);
    }
}
