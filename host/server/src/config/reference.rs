//! The reference of every key, written from the types' own documentation.
//!
//! A key without documentation does not get past the test below, and `host/docs/configuration.md` is what this prints.

use std::fmt::Write as _;

use schemars::schema_for;
use serde_json::{Map, Value as Json};

use super::{Config, defaults};

/// Where a key's documentation is not, or is of no use.
const PREAMBLE: &str = "\
# Configuration

Settings come from `partneros.toml` (or the file that `--config` names), then from the environment, then from flags; the later ones
count. An unknown key is an error. In the environment a key is `PARTNEROS_` and its path with two underscores between the parts:
`hubspot.client_id` is `PARTNEROS_HUBSPOT__CLIENT_ID`. Sizes are in bytes and times in milliseconds unless the key says otherwise.

This file is printed by `partneros config reference`.
";

/// Every key with its type, default and meaning, as Markdown.
pub fn reference() -> String {
    let keys = keys();
    let mut text = PREAMBLE.to_owned();
    let mut section = None;
    for key in &keys {
        if section != Some(key.section()) {
            section = Some(key.section());
            let title = match key.section() {
                "" => "Host".to_owned(),
                name => format!("`[{name}]`"),
            };
            write!(text, "\n## {title}\n\n").expect("writing to text works");
        }
        writeln!(
            text,
            "- `{}` ({}{}): {}",
            key.path,
            key.kind,
            key.default(),
            key.about
        )
        .expect("writing to text works");
    }
    text
}

/// One key.
struct Key {
    /// Its path, such as `api.body_bytes_max`; `[]` stands for each entry of a list.
    path: String,
    kind: String,
    default: Option<Json>,
    about: String,
}

impl Key {
    fn section(&self) -> &str {
        self.path
            .rsplit_once('.')
            .map_or("", |(section, _)| section)
    }

    fn default(&self) -> String {
        match &self.default {
            None | Some(Json::Null) => String::new(),
            Some(default) => format!(", default `{default}`"),
        }
    }
}

/// All keys, those of a table before those of the tables in it.
fn keys() -> Vec<Key> {
    let schema = schema_for!(Config).to_value();
    let mut walk = Walk {
        definitions: schema["$defs"].as_object().cloned().unwrap_or_default(),
        keys: Vec::new(),
    };
    walk.table("", &schema, Some(&defaults()));
    walk.keys
}

struct Walk {
    definitions: Map<String, Json>,
    keys: Vec<Key>,
}

impl Walk {
    fn table(&mut self, path: &str, schema: &Json, defaults: Option<&Json>) {
        let properties = schema["properties"].as_object().cloned();
        let mut tables = Vec::new();
        for (name, property) in properties.unwrap_or_default() {
            let path = match path {
                "" => name.clone(),
                path => format!("{path}.{name}"),
            };
            let default = defaults.and_then(|defaults| defaults.get(&name));
            let value = self.resolved(&property).clone();
            let entry = self.resolved(&value["items"]).clone();
            if value["properties"].is_object() {
                tables.push((path, value, default.cloned()));
            } else {
                self.keys.push(Key {
                    kind: self.kind(&value),
                    default: default.cloned(),
                    about: about(&property, &value),
                    path: path.clone(),
                });
                if entry["properties"].is_object() {
                    tables.push((format!("{path}[]"), entry, None));
                }
            }
        }
        for (path, schema, default) in tables {
            self.table(&path, &schema, default.as_ref());
        }
    }

    /// What a reference refers to, and which of the alternatives is not `null`.
    fn resolved<'a>(&'a self, schema: &'a Json) -> &'a Json {
        if let Some(name) = schema["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next())
        {
            return self.definitions.get(name).unwrap_or(schema);
        }
        let alternatives = schema["anyOf"].as_array();
        let some = alternatives.and_then(|all| all.iter().find(|one| one["type"] != "null"));
        some.map_or(schema, |one| self.resolved(one))
    }

    fn kind(&self, schema: &Json) -> String {
        if let Some(words) = words(schema) {
            return words.join(" | ");
        }
        let kind = match &schema["type"] {
            Json::Array(kinds) => kinds.iter().find(|kind| *kind != "null"),
            kind => Some(kind),
        };
        match kind.and_then(Json::as_str) {
            Some("array") => {
                let entry = self.resolved(&schema["items"]);
                if entry["properties"].is_object() {
                    "list of tables".to_owned()
                } else {
                    format!("list of {}", self.kind(entry))
                }
            }
            Some(kind) => kind.to_owned(),
            None => "string".to_owned(),
        }
    }
}

/// The words that an enum takes.
fn words(schema: &Json) -> Option<Vec<String>> {
    let quoted = |word: &Json| word.as_str().map(|word| format!("`{word}`"));
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(quoted).collect();
    }
    let variants = schema["oneOf"].as_array()?;
    let words = variants.iter().map(|variant| match &variant["enum"] {
        Json::Array(words) => words.iter().map(quoted).collect(),
        _ => quoted(&variant["const"]).map(|word| vec![word]),
    });
    let words: Option<Vec<Vec<String>>> = words.collect();
    words.map(|words| words.concat())
}

/// The documentation in one line, without links, which lead into the code.
fn about(property: &Json, value: &Json) -> String {
    let text = property["description"]
        .as_str()
        .or_else(|| value["description"].as_str())
        .unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, link)) = rest.split_once("[`") {
        plain.push_str(before);
        let Some((name, after)) = link.split_once("`]") else {
            plain.push_str("[`");
            rest = link;
            continue;
        };
        let _ = write!(plain, "`{name}`");
        rest = match after
            .strip_prefix('(')
            .and_then(|target| target.split_once(')'))
        {
            Some((_, after)) => after,
            None => after,
        };
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ENVIRONMENT_PREFIX;

    #[test]
    fn every_key_is_documented_and_can_be_set_from_the_environment() {
        let keys = keys();
        assert!(keys.len() > 50, "{}", keys.len());
        for key in keys {
            assert!(
                key.about.len() > 20,
                "`{}` has no documentation: {:?}",
                key.path,
                key.about
            );
            let variable = format!(
                "{ENVIRONMENT_PREFIX}{}",
                key.path.replace('.', "__").to_uppercase()
            );
            assert!(!variable.contains(' '), "{variable}");
        }
    }

    /// `cargo run -p partneros-server -- config reference > host/docs/configuration.md` writes it anew.
    #[test]
    fn the_published_reference_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            published == reference(),
            "host/docs/configuration.md is out of date; run `cargo run -p partneros-server -- config reference > \
             host/docs/configuration.md`"
        );
    }

    #[test]
    fn links_into_the_code_become_their_names() {
        let property = serde_json::json!({
            "description": "Meeting it is [`OutOfTime`](crate::CompileError::OutOfTime), see [`Config`].\nDefault 1."
        });
        assert_eq!(
            about(&property, &Json::Null),
            "Meeting it is `OutOfTime`, see `Config`. Default 1."
        );
    }
}
