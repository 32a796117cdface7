//! Parses a page of objects straight into columns, in one pass over the bytes.
//!
//! This is the hot path of a sync. No object is ever built: a requested property's value goes from the body into its
//! column, anything else is skipped without allocation. Objects of a page list their properties in the same order, so
//! the column of the same position in the previous row is tried first; only when that guess fails is the name looked up.
//!
//! Invariant: every column gets exactly one entry per row, whether the row has the property or not; `absent` tells the
//! columns that no row had.

use std::fmt;

use partneros_domain::FieldName;
use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value;

use crate::portal::Rows;
use crate::scalar::{Id, Instant, Text};

/// A page of objects: of a search, a list or a batch read.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// How many match; only searches say.
    pub(crate) total: Option<u64>,
    pub(crate) rows: Rows,
    /// The cursor of the next page.
    pub(crate) after: Option<String>,
    /// The error rows of a batch.
    pub(crate) errors: Vec<Value>,
}

/// Parses a page with one column for each of `names`; `rows_expected` sizes the columns.
pub(crate) fn parse(
    body: &[u8],
    names: &[FieldName],
    rows_expected: usize,
) -> Result<Page, serde_json::Error> {
    let mut lookup = Lookup::new(names);
    let mut page = Page::default();
    page.rows.ids.reserve(rows_expected);
    page.rows.updated_at.reserve(rows_expected);
    page.rows.archived.reserve(rows_expected);
    page.rows
        .columns
        .resize_with(names.len(), || Vec::with_capacity(rows_expected));
    page.rows.absent.resize(names.len(), true);
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    PageSeed {
        page: &mut page,
        lookup: &mut lookup,
    }
    .deserialize(&mut deserializer)?;
    deserializer.end()?;
    lookup.copy_repeated(&mut page.rows);
    Ok(page)
}

/// Finds the column of a property.
struct Lookup<'n> {
    names: &'n [FieldName],
    /// Columns in order of name, each name once.
    sorted: Vec<usize>,
    /// Columns whose name another column has already, and that column.
    repeated: Vec<(usize, usize)>,
    /// The column that each position of the previous row went to.
    guesses: Vec<usize>,
}

impl<'n> Lookup<'n> {
    fn new(names: &'n [FieldName]) -> Self {
        let mut sorted: Vec<usize> = (0..names.len()).collect();
        sorted.sort_by_key(|column| &names[*column]);
        let mut repeated = Vec::new();
        sorted.dedup_by(|column, kept| {
            let same = names[*column] == names[*kept];
            if same {
                repeated.push((*column, *kept));
            }
            same
        });
        Self {
            names,
            sorted,
            repeated,
            guesses: Vec::new(),
        }
    }

    fn column(&mut self, position: usize, name: &str) -> Option<usize> {
        if let Some(&guess) = self.guesses.get(position)
            && self
                .names
                .get(guess)
                .is_some_and(|known| known.as_str() == name)
        {
            return Some(guess);
        }
        let found = self
            .sorted
            .binary_search_by(|column| self.names[*column].as_str().cmp(name))
            .ok()
            .map(|at| self.sorted[at])?;
        if self.guesses.len() <= position {
            self.guesses.resize(position + 1, usize::MAX);
        }
        self.guesses[position] = found;
        Some(found)
    }

    fn copy_repeated(&self, rows: &mut Rows) {
        for &(to, from) in &self.repeated {
            rows.columns[to] = rows.columns[from].clone();
            rows.absent[to] = rows.absent[from];
        }
    }
}

struct PageSeed<'a, 'n> {
    page: &'a mut Page,
    lookup: &'a mut Lookup<'n>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum PageKey {
    Total,
    Results,
    Paging,
    Errors,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Paging {
    #[serde(default)]
    next: Option<Next>,
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    after: Option<String>,
}

impl<'de> DeserializeSeed<'de> for PageSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PageSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut has_results = false;
        while let Some(key) = map.next_key::<PageKey>()? {
            match key {
                PageKey::Total => self.page.total = map.next_value()?,
                PageKey::Results => {
                    has_results = true;
                    map.next_value_seed(ResultsSeed {
                        rows: &mut self.page.rows,
                        lookup: self.lookup,
                    })?;
                }
                PageKey::Paging => {
                    self.page.after = map
                        .next_value::<Option<Paging>>()?
                        .and_then(|paging| paging.next)
                        .and_then(|next| next.after);
                }
                PageKey::Errors => {
                    self.page.errors = map.next_value::<Option<Vec<Value>>>()?.unwrap_or_default();
                }
                PageKey::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if has_results {
            Ok(())
        } else {
            Err(A::Error::missing_field("results"))
        }
    }
}

struct ResultsSeed<'a, 'n> {
    rows: &'a mut Rows,
    lookup: &'a mut Lookup<'n>,
}

impl<'de> DeserializeSeed<'de> for ResultsSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ResultsSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list
            .next_element_seed(RowSeed {
                rows: &mut *self.rows,
                lookup: &mut *self.lookup,
            })?
            .is_some()
        {}
        Ok(())
    }
}

struct RowSeed<'a, 'n> {
    rows: &'a mut Rows,
    lookup: &'a mut Lookup<'n>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum RowKey {
    Id,
    Properties,
    UpdatedAt,
    Archived,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `id`, `properties` and `updatedAt`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        for column in &mut self.rows.columns {
            column.push(None);
        }
        let mut id = None;
        let mut updated_at = None;
        let mut archived = false;
        while let Some(key) = map.next_key::<RowKey>()? {
            match key {
                RowKey::Id => id = Some(map.next_value::<Id>()?.0),
                RowKey::Properties => map.next_value_seed(PropertiesSeed {
                    rows: &mut *self.rows,
                    lookup: &mut *self.lookup,
                })?,
                RowKey::UpdatedAt => updated_at = Some(map.next_value::<Instant>()?.0),
                RowKey::Archived => archived = map.next_value::<Option<bool>>()?.unwrap_or(false),
                RowKey::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        self.rows
            .ids
            .push(id.ok_or_else(|| A::Error::missing_field("id"))?);
        self.rows
            .updated_at
            .push(updated_at.ok_or_else(|| A::Error::missing_field("updatedAt"))?);
        self.rows.archived.push(archived);
        Ok(())
    }
}

struct PropertiesSeed<'a, 'n> {
    rows: &'a mut Rows,
    lookup: &'a mut Lookup<'n>,
}

impl<'de> DeserializeSeed<'de> for PropertiesSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PropertiesSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of property values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut position = 0;
        while let Some(column) = map.next_key_seed(ColumnSeed {
            lookup: &mut *self.lookup,
            position,
        })? {
            position += 1;
            match column {
                Some(column) => {
                    let value = map.next_value::<Text>()?.0;
                    self.rows.absent[column] = false;
                    if let Some(last) = self.rows.columns[column].last_mut() {
                        *last = value;
                    }
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Reads a property's name as the column it belongs to.
struct ColumnSeed<'a, 'n> {
    lookup: &'a mut Lookup<'n>,
    position: usize,
}

impl<'de> DeserializeSeed<'de> for ColumnSeed<'_, '_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for ColumnSeed<'_, '_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.lookup.column(self.position, name))
    }
}

#[cfg(test)]
mod tests {
    use partneros_domain::{HubSpotId, Timestamp};

    use super::*;

    const PAGE: &str = r#"{"total":38,"results":[
        {"id":"7945143592","properties":{"createdate":"2020-02-29T00:00:00.000Z","name":"Acme \"\u00e9\" Inc","city":null,"hs_object_id":"7945143592"},
         "createdAt":"2020-02-29T00:00:00.000Z","updatedAt":"2024-09-11T13:27:39.356Z","archived":false},
        {"id":7945057905,"url":"https://example.com/","properties":{"city":"","name":"","createdate":null,"amount":1500,"other":{"a":[1]}},
         "updatedAt":"2024-09-11T13:27:39.357Z"}
        ],"paging":{"next":{"after":"200","link":"x"}},"unknown":[{}]}"#;

    fn names(names: &[&str]) -> Vec<FieldName> {
        names.iter().map(FieldName::from).collect()
    }

    fn column(values: &[Option<&str>]) -> Vec<Option<String>> {
        let owned = values.iter().map(|value| value.map(str::to_owned));
        owned.collect()
    }

    #[test]
    fn a_page_becomes_columns_in_the_order_of_the_request() {
        let page = parse(PAGE.as_bytes(), &names(&["name", "city", "amount"]), 200).unwrap();
        assert_eq!(page.total, Some(38));
        assert_eq!(page.after.as_deref(), Some("200"));
        assert_eq!(page.rows.ids, [7_945_143_592, 7_945_057_905].map(HubSpotId));
        assert_eq!(
            page.rows.updated_at,
            [1_726_061_259_356, 1_726_061_259_357].map(Timestamp)
        );
        assert_eq!(page.rows.archived, [false, false]);
        assert_eq!(
            page.rows.columns,
            [
                column(&[Some("Acme \"é\" Inc"), None]),
                column(&[None, None]),
                column(&[None, Some("1500")]),
            ]
        );
    }

    #[test]
    fn a_property_that_no_row_has_is_absent_and_a_null_is_not() {
        let page = parse(PAGE.as_bytes(), &names(&["city", "gone", "amount"]), 2).unwrap();
        assert_eq!(page.rows.absent, [false, true, false]);
        assert_eq!(page.rows.columns[1], [None, None]);
    }

    #[test]
    fn a_name_asked_for_twice_fills_both_columns() {
        let page = parse(PAGE.as_bytes(), &names(&["name", "city", "name"]), 2).unwrap();
        assert_eq!(page.rows.columns[0], page.rows.columns[2]);
        assert!(page.rows.columns[0][0].is_some());
        assert_eq!(page.rows.absent, [false, false, false]);
    }

    #[test]
    fn rows_whose_properties_change_order_land_in_the_same_columns() {
        let row = |id: usize, first: &str, second: &str| {
            format!(
                r#"{{"id":"{id}","properties":{{"{first}":"{first}","{second}":"{second}"}},"updatedAt":"2024-09-11T13:27:39Z"}}"#
            )
        };
        let rows = [
            row(1, "a", "b"),
            row(2, "b", "a"),
            row(3, "c", "b"),
            row(4, "a", "c"),
        ];
        let body = format!(r#"{{"results":[{}]}}"#, rows.join(","));
        let page = parse(body.as_bytes(), &names(&["b", "a"]), 0).unwrap();
        assert_eq!(
            page.rows.columns,
            [
                column(&[Some("b"), Some("b"), Some("b"), None]),
                column(&[Some("a"), Some("a"), None, Some("a")]),
            ]
        );
    }

    #[test]
    fn no_beginning_of_a_page_is_taken_for_the_whole() {
        let names = names(&["name", "city"]);
        for end in 0..PAGE.len() {
            let Some(start) = PAGE.get(..end) else {
                continue;
            };
            assert!(parse(start.as_bytes(), &names, 2).is_err(), "{start}");
        }
        assert!(parse(format!("{PAGE}}}").as_bytes(), &names, 2).is_err());
    }

    #[test]
    fn objects_without_identity_or_time_are_refused() {
        for (body, missing) in [
            ("{}", "results"),
            (
                r#"{"results":[{"properties":{},"updatedAt":"2024-09-11T13:27:39Z"}]}"#,
                "id",
            ),
            (r#"{"results":[{"id":"1","properties":{}}]}"#, "updatedAt"),
        ] {
            let error = parse(body.as_bytes(), &[], 0).unwrap_err().to_string();
            assert!(error.contains(missing), "{error}");
        }
        for body in [
            "null",
            "[]",
            r#"{"results":{}}"#,
            r#"{"results":[{"id":"x"}]}"#,
            "<html>",
        ] {
            assert!(parse(body.as_bytes(), &[], 0).is_err(), "{body}");
        }
    }
}
