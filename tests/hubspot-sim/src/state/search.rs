//! Search: which records match, in which order, and which page of them.
//!
//! A search that is nothing but a window of modification times, in that order, is answered from the index without
//! looking at a single value; that is what a sync does all day. Everything else looks at each record in the window.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::json;

use super::call::{Access, Call};
use super::filter::{self, Condition, Filter, Key, Operator};
use super::object_type::{Kind, ObjectType, TypeIx};
use super::objects::{Show, cannot_deserialize};
use super::record::{PropertyIx, Record};
use super::sim::Sim;
use super::view::{RecordView, Text};
use crate::errors::ApiError;

/// Results on a page at most.
pub const SEARCH_PAGE_MAX: usize = 200;
/// Results on a page unless asked otherwise.
const SEARCH_PAGE: usize = 10;
/// No page reaches beyond this many results.
pub const SEARCH_RESULTS_MAX: usize = 10_000;
/// Filter groups in a search.
const GROUPS_MAX: usize = 5;
/// Filters in a group.
const FILTERS_PER_GROUP_MAX: usize = 6;
/// Filters in a search.
const FILTERS_MAX: usize = 18;
/// Characters of the query and the filters of a search.
// Unverified: documentation says the body, but clients that list hundreds of properties get by.
pub const SEARCH_CHARS_MAX: usize = 3_000;

/// The body of a search.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SearchRequest {
    /// Alternatives.
    pub filter_groups: Vec<FilterGroup>,
    /// Conditions without a group.
    pub filters: Vec<Filter>,
    /// At most one.
    pub sorts: Vec<Sort>,
    /// Words to look for in the type's usual properties.
    pub query: Option<String>,
    /// Properties by name; none means the type's defaults.
    pub properties: Vec<String>,
    /// Results on the page.
    pub limit: Option<usize>,
    /// How many results come before the page.
    pub after: Option<Text>,
}

/// Conditions that all must hold.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct FilterGroup {
    /// The conditions.
    pub filters: Vec<Filter>,
}

/// An order.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Sort {
    /// A property and a direction.
    #[serde(rename_all = "camelCase")]
    By {
        /// The property.
        property_name: String,
        /// `ASCENDING` or `DESCENDING`.
        #[serde(default)]
        direction: Direction,
    },
    /// A property, with `-` before it for descending.
    // Unverified: the form with `-`.
    Short(String),
}

/// Up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Direction {
    /// Smallest first.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
}

/// A page of results.
#[derive(Debug, Clone, Default)]
pub struct SearchPage {
    /// How many records match in all.
    pub total: usize,
    /// The results.
    pub records: Vec<RecordView>,
    /// The offset of the next page.
    pub after: Option<usize>,
}

impl serde::Serialize for SearchPage {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("total", &self.total)?;
        map.serialize_entry("results", &self.records)?;
        if let Some(after) = self.after {
            map.serialize_entry("paging", &json!({ "next": { "after": after.to_string() } }))?;
        }
        map.end()
    }
}

/// A search that is ready to run.
struct Plan {
    groups: Vec<Vec<Condition>>,
    linked: Vec<Vec<(TypeIx, u64)>>,
    words: Vec<String>,
    /// The keys of the index to look at, both included.
    low: (i64, u64),
    high: (i64, u64),
    order: Order,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// The order of the index.
    Natural { descending: bool },
    /// By the values of a property, or by creation.
    By {
        property: Option<PropertyIx>,
        descending: bool,
    },
}

impl Sim {
    /// A page of the records that match.
    pub fn search(
        &mut self,
        call: &Call,
        object_type: &str,
        request: &SearchRequest,
    ) -> Result<SearchPage, ApiError> {
        self.settle(call.now);
        let ix = self.resolve(object_type)?;
        call.require_objects(self.object_type(ix).kind, Access::Read)?;
        let (offset, limit) = page_bounds(request, self.config.search_results_max)?;
        check_counts(request)?;
        let plan = self.plan(ix, request)?;
        let (total, ids) = self.run(ix, &plan, offset, limit);
        let show = Show {
            properties: request.properties.clone(),
            ..Show::default()
        };
        let projection = self.projection(ix, &show)?;
        let records: &std::collections::BTreeMap<u64, Record> = &self.object_type(ix).records;
        let hits = ids.iter().filter_map(|id| records.get(id));
        let records: Vec<_> = hits
            .map(|record| self.view(ix, record, &projection))
            .collect();
        let next = offset + records.len();
        Ok(SearchPage {
            total,
            records,
            after: (next < total).then_some(next),
        })
    }

    fn plan(&self, ix: TypeIx, request: &SearchRequest) -> Result<Plan, ApiError> {
        let object_type = self.object_type(ix);
        let bare = (!request.filters.is_empty()).then_some(&request.filters);
        let sent = request
            .filter_groups
            .iter()
            .map(|group| &group.filters)
            .chain(bare);
        let mut groups = Vec::new();
        let mut linked = Vec::new();
        for filters in sent {
            let (mut conditions, mut ends) = (Vec::new(), Vec::new());
            for filter in filters {
                match filter.property_name.strip_prefix("associations.") {
                    Some(to) => ends.push(self.association_end(object_type, to, filter)?),
                    None => conditions.push(compile(object_type, filter)?),
                }
            }
            groups.push(conditions);
            linked.push(ends);
        }
        let query = request.query.as_deref().unwrap_or_default();
        let mut plan = Plan {
            groups,
            linked,
            words: filter::words(query, false),
            low: (i64::MIN, 0),
            high: (i64::MAX, u64::MAX),
            order: Order::By {
                property: None,
                descending: false,
            },
        };
        plan.narrow(object_type);
        plan.sort(object_type, request.sorts.first())?;
        Ok(plan)
    }

    fn association_end(
        &self,
        object_type: &ObjectType,
        to: &str,
        filter: &Filter,
    ) -> Result<(TypeIx, u64), ApiError> {
        let id = filter.value.as_ref().and_then(|value| value.0.parse().ok());
        match (object_type.kind, filter.operator, self.resolve(to), id) {
            (Kind::Custom, ..) => Err(ApiError::validation(
                "associations cannot be searched for custom objects",
            )),
            (_, Operator::Eq, Ok(to), Some(id)) => Ok((to, id)),
            (_, _, Err(error), _) => Err(error),
            _ => Err(ApiError::validation(format!(
                "{} takes EQ and an id",
                filter.property_name
            ))),
        }
    }

    /// How many match, and the ids of those from `offset`.
    fn run(&self, ix: TypeIx, plan: &Plan, offset: usize, limit: usize) -> (usize, Vec<u64>) {
        let object_type = self.object_type(ix);
        let order = object_type.index.order();
        let start = order.rank(plan.low);
        let end = if plan.high.1 == u64::MAX {
            if plan.high.0 == i64::MAX {
                order.len()
            } else {
                order.rank((plan.high.0 + 1, 0))
            }
        } else {
            order.rank((plan.high.0, plan.high.1 + 1))
        };
        let end = end.max(start);
        if plan.window_only()
            && let Order::Natural { descending } = plan.order
        {
            let total = end - start;
            let ids = if descending {
                let last = end.saturating_sub(offset).max(start);
                order
                    .range(last.saturating_sub(limit).max(start), last)
                    .rev()
                    .map(|key| key.1)
                    .collect()
            } else {
                let first = (start + offset).min(end);
                order
                    .range(first, (first + limit).min(end))
                    .map(|key| key.1)
                    .collect()
            };
            return (total, ids);
        }
        let mut hits: Vec<(&Record, u64)> = order
            .range(start, end)
            .filter_map(|(_, id)| {
                let seen = object_type.index.seen(object_type.records.get(&id)?)?;
                self.matches(ix, seen, plan).then_some((seen, id))
            })
            .collect();
        self.arrange(object_type, plan.order, &mut hits);
        let page = hits
            .iter()
            .skip(offset)
            .take(limit)
            .map(|hit| hit.1)
            .collect();
        (hits.len(), page)
    }

    fn matches(&self, ix: TypeIx, record: &Record, plan: &Plan) -> bool {
        let object_type = self.object_type(ix);
        let in_groups = plan.groups.is_empty()
            || plan
                .groups
                .iter()
                .zip(&plan.linked)
                .any(|(conditions, ends)| {
                    let holds = |condition: &Condition| {
                        condition.matches(
                            self.value(object_type, record, condition.property)
                                .as_deref(),
                        )
                    };
                    conditions.iter().all(holds)
                        && ends
                            .iter()
                            .all(|end| self.associations.linked((ix, record.id), *end))
                });
        in_groups && (plan.words.is_empty() || self.mentions(object_type, record, &plan.words))
    }

    /// Whether each word begins a word of one of the properties that a query looks at.
    fn mentions(&self, object_type: &ObjectType, record: &Record, wanted: &[String]) -> bool {
        let mut have = Vec::new();
        for name in searched_by_query(object_type.kind) {
            if let Some(value) = self.value_named(object_type, record, name) {
                have.extend(filter::words(&value, false));
            }
        }
        wanted
            .iter()
            .all(|word| have.iter().any(|have| have.starts_with(word.as_str())))
    }

    fn arrange(&self, object_type: &ObjectType, order: Order, hits: &mut [(&Record, u64)]) {
        match order {
            Order::Natural { descending: false } => {}
            Order::Natural { descending: true } => hits.reverse(),
            Order::By { property: None, .. } => {
                hits.sort_by_key(|(record, id)| (record.created, *id));
            }
            Order::By {
                property: Some(property),
                descending,
            } => {
                let data_type = object_type.registry.get(property).data_type;
                let key = |record: &Record| -> Option<Key> {
                    let value: Option<Cow<'_, str>> = self.value(object_type, record, property);
                    filter::key(data_type, &value?)
                };
                let mut keyed: Vec<(Option<Key>, (&Record, u64))> =
                    hits.iter().map(|hit| (key(hit.0), *hit)).collect();
                keyed.sort_by(|left, right| {
                    compare(left.0.as_ref(), right.0.as_ref(), descending)
                        .then(left.1.1.cmp(&right.1.1))
                });
                for (hit, (_, sorted)) in hits.iter_mut().zip(keyed) {
                    *hit = sorted;
                }
            }
        }
    }
}

impl Plan {
    /// Moves conditions on the modification time, and on the id within one instant, into the window.
    fn narrow(&mut self, object_type: &ObjectType) {
        let [conditions] = self.groups.as_mut_slice() else {
            return;
        };
        let modified = object_type.registry.find(object_type.modified_property());
        let id = object_type.registry.find("hs_object_id");
        let (Some((modified, _)), Some((id, _))) = (modified, id) else {
            return;
        };
        conditions.retain(|condition| match condition.instants() {
            Some((low, high)) if condition.property == modified => {
                self.low.0 = self.low.0.max(low);
                self.high.0 = self.high.0.min(high);
                false
            }
            _ => true,
        });
        if self.low.0 != self.high.0 {
            return;
        }
        conditions.retain(|condition| match condition.ids() {
            Some((low, high)) if condition.property == id => {
                self.low.1 = self.low.1.max(low.max(0) as u64);
                let high = if high == i64::MAX {
                    u64::MAX
                } else {
                    high.max(0) as u64
                };
                self.high.1 = self.high.1.min(high);
                false
            }
            _ => true,
        });
    }

    fn sort(&mut self, object_type: &ObjectType, sort: Option<&Sort>) -> Result<(), ApiError> {
        let (name, descending) = match sort {
            None => return Ok(()),
            Some(Sort::By {
                property_name,
                direction,
            }) => (property_name.as_str(), *direction == Direction::Descending),
            Some(Sort::Short(text)) => text
                .strip_prefix('-')
                .map_or((text.as_str(), false), |name| (name, true)),
        };
        let Some((property, _)) = object_type.registry.find(name) else {
            return Err(no_such_property(name));
        };
        let one_instant = self.low.0 == self.high.0;
        let natural =
            name == object_type.modified_property() || (one_instant && name == "hs_object_id");
        self.order = if natural {
            Order::Natural { descending }
        } else {
            Order::By {
                property: Some(property),
                descending,
            }
        };
        Ok(())
    }

    fn window_only(&self) -> bool {
        self.words.is_empty()
            && self.groups.iter().all(Vec::is_empty)
            && self.linked.iter().all(Vec::is_empty)
    }
}

fn compile(object_type: &ObjectType, filter: &Filter) -> Result<Condition, ApiError> {
    match object_type.registry.find(&filter.property_name) {
        Some((property, definition)) => filter.compile(property, definition),
        None => Err(no_such_property(&filter.property_name)),
    }
}

// Unverified: that a filter on an undefined property is refused, and with which text.
fn no_such_property(name: &str) -> ApiError {
    ApiError::validation(format!("Property \"{name}\" does not exist"))
        .with("propertyName", vec![name.to_owned()])
}

// Unverified: that records without a value come last in either direction.
fn compare(left: Option<&Key>, right: Option<&Key>, descending: bool) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => {
            let order = left.partial_cmp(right).unwrap_or(Ordering::Equal);
            if descending { order.reverse() } else { order }
        }
        (left, right) => left.is_none().cmp(&right.is_none()),
    }
}

fn page_bounds(request: &SearchRequest, results_max: usize) -> Result<(usize, usize), ApiError> {
    let limit = request.limit.unwrap_or(SEARCH_PAGE);
    if limit > SEARCH_PAGE_MAX {
        return Err(ApiError::validation(format!(
            "limit must be at most {SEARCH_PAGE_MAX}, but was {limit}"
        )));
    }
    let offset = match &request.after {
        Some(text) if !text.0.is_empty() => text
            .0
            .parse::<usize>()
            .map_err(|_| cannot_deserialize(&text.0))?,
        _ => 0,
    };
    if offset.saturating_add(limit) > results_max {
        // Unverified: documentation gives the status only.
        return Err(ApiError::validation(format!(
            "A search returns at most {results_max} results; the page after {offset} reaches beyond them."
        )));
    }
    Ok((offset, limit))
}

fn check_counts(request: &SearchRequest) -> Result<(), ApiError> {
    let groups = request.filter_groups.len() + usize::from(!request.filters.is_empty());
    let sizes = request
        .filter_groups
        .iter()
        .map(|group| group.filters.len());
    let sizes: Vec<usize> = sizes.chain([request.filters.len()]).collect();
    let all: usize = sizes.iter().sum();
    let largest = sizes.into_iter().max().unwrap_or(0);
    if groups > GROUPS_MAX || largest > FILTERS_PER_GROUP_MAX || all > FILTERS_MAX {
        return Err(ApiError::validation(format!(
            "A search takes at most {GROUPS_MAX} filter groups, {FILTERS_PER_GROUP_MAX} filters in a group and \
             {FILTERS_MAX} filters in all, but got {groups}, {largest} and {all}"
        )));
    }
    if request.sorts.len() > 1 {
        return Err(ApiError::validation("A search takes at most one sort"));
    }
    let texts = request
        .filter_groups
        .iter()
        .flat_map(|group| &group.filters)
        .chain(&request.filters);
    let chars: usize = texts
        .map(|filter| {
            let values = filter
                .value
                .iter()
                .chain(&filter.high_value)
                .chain(&filter.values);
            filter.property_name.len() + values.map(|text| text.0.chars().count()).sum::<usize>()
        })
        .sum();
    let query = request
        .query
        .as_ref()
        .map_or(0, |query| query.chars().count());
    if chars + query > SEARCH_CHARS_MAX {
        return Err(ApiError::validation(format!(
            "A search takes at most {SEARCH_CHARS_MAX} characters, but got {}",
            chars + query
        )));
    }
    Ok(())
}

const fn searched_by_query(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Contacts => &["firstname", "lastname", "email", "phone", "company"],
        Kind::Companies => &["name", "domain", "website", "phone"],
        Kind::Deals => &[
            "dealname",
            "pipeline",
            "dealstage",
            "description",
            "dealtype",
        ],
        Kind::Custom => &["name"],
    }
}
