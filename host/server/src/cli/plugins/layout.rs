//! The layout of golden files: a case after the other, a line for each of its entries.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use serde_json::{Map, Value};

/// One line, with a space after each comma and colon.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

/// The text of a golden file.
pub(super) fn cases(cases: &[Map<String, Value>]) -> io::Result<Vec<u8>> {
    let mut text = b"[".to_vec();
    for (position, case) in cases.iter().enumerate() {
        text.extend(if position == 0 {
            &b"\n  {"[..]
        } else {
            b",\n  {"
        });
        for (position, (key, value)) in case.iter().enumerate() {
            text.extend(if position == 0 {
                &b"\n    "[..]
            } else {
                b",\n    "
            });
            write(key, &mut text)?;
            text.extend(b": ");
            write(value, &mut text)?;
        }
        text.extend(b"\n  }");
    }
    text.extend(b"\n]\n");
    Ok(text)
}

fn write(value: &impl Serialize, text: &mut Vec<u8>) -> io::Result<()> {
    Ok(value.serialize(&mut Serializer::with_formatter(text, Spaced))?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn an_entry_takes_a_line() {
        let case = json!({"name": "a", "batch": [{"text": ["x", null]}]});
        let case = case.as_object().unwrap().clone();
        let text = super::cases(&[case.clone(), case]).unwrap();
        let one = "  {\n    \"name\": \"a\",\n    \"batch\": [{\"text\": [\"x\", null]}]\n  }";
        assert_eq!(
            String::from_utf8(text).unwrap(),
            format!("[\n{one},\n{one}\n]\n")
        );
    }
}
