//! Parses a page of objects straight into columns, in one pass over the bytes.
//!
//! This is the hot path of a sync. No object is ever built: a requested property's value goes from the body into its
//! column, anything else is skipped without allocation. Objects of a page list their properties in the same order, so
//! the column of the same position in the previous row is tried first; only when that guess fails is the name looked up.
//!
//! Invariant: every column gets exactly one entry per row, whether the row has the property or not; `absent` tells the
//! columns that no row had.

use std::fmt;

use partneros_domain::{FieldName, HubSpotId, Timestamp};
use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value;

use crate::instant;
use crate::portal::Rows;

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

/// A property's value: text, or nothing for null and "". A number or boolean, which HubSpot should not send, is taken
/// as its text.
pub(crate) struct Text(pub(crate) Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property's value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text((!text.is_empty()).then(|| text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }
}

/// An object's id, as text or as a number.
pub(crate) struct Id(pub(crate) HubSpotId);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object's id")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Id, E> {
        text.parse().map(Id).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, id: u64) -> Result<Id, E> {
        i64::try_from(id)
            .map(|id| Id(HubSpotId(id)))
            .map_err(E::custom)
    }
}

/// A timestamp, read the quick way.
pub(crate) struct Instant(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(InstantVisitor)
    }
}

struct InstantVisitor;

impl Visitor<'_> for InstantVisitor {
    type Value = Instant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an ISO 8601 timestamp")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Instant, E> {
        instant::parse(text).map(Instant).map_err(E::custom)
    }
}
