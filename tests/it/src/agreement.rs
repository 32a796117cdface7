//! Whether both sides hold the same, judged without the engine: the simulator's values, sent through the mapper, must be
//! the records' values, or the records' values sent through it must be the simulator's.

use std::collections::{HashMap, HashSet};

use partneros_domain::plan::{Plan, Rule, TransformDirection};
use partneros_domain::{Column, ColumnKind, Direction, FieldMapping, FieldSchema};
use partneros_runtime::PreparedPlan;
use partneros_store::{Pairs as _, Record, Records as _, SyncState as _};

use crate::pair::TestPair;

pub(crate) async fn assert_agreement(pair: &TestPair<'_>) {
    let organization = pair.organization();
    let host = organization.host;
    let stored = host
        .store
        .pair(organization.id, pair.id)
        .await
        .expect("the pair exists");
    let (ours, theirs) = host
        .engine
        .schemas_of(organization.id, &stored)
        .await
        .expect("schemas");
    let mappings = host
        .store
        .mappings(organization.id, pair.id)
        .await
        .expect("mappings")
        .mappings;
    let records = all_records(pair).await;
    let mut objects = HashMap::new();
    for record in &records {
        let link = host
            .store
            .link_of_record(organization.id, pair.id, record.id)
            .await
            .expect("a lookup");
        if let Some(link) = link {
            objects.insert(record.id, u64::try_from(link.hubspot_id.0).expect("an id"));
        }
    }
    let distinct: HashSet<_> = objects.values().collect();
    assert_eq!(distinct.len(), objects.len(), "an object is linked twice");
    for (mapping, property, direction) in mappings.live(Direction::Bidirectional) {
        let field = ours.field(mapping.field.as_str()).expect("a known field");
        let Some(property) = theirs.field(property.as_str()) else {
            continue;
        };
        for record in records
            .iter()
            .filter(|record| objects.contains_key(&record.id))
        {
            let id = objects[&record.id];
            let held = host.hubspot_value(&pair.hubspot_object, id, property.name.as_str());
            let agrees = agree(mapping, field, property, direction, record, held.as_deref());
            assert!(
                agrees,
                "record {} and object {id} differ in `{}`: {:?} and {held:?}",
                record.id,
                field.name,
                record.fields.get(field.name.as_str()),
            );
        }
    }
}

pub(crate) async fn all_records(pair: &TestPair<'_>) -> Vec<Record> {
    let organization = pair.organization();
    let mut records = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = organization
            .host
            .store
            .records(organization.id, &pair.object, after.as_deref(), 500)
            .await
            .expect("records");
        records.extend(page.items);
        after = page.next;
        if after.is_none() {
            return records;
        }
    }
}

fn agree(
    mapping: &FieldMapping,
    field: &FieldSchema,
    property: &FieldSchema,
    direction: Direction,
    record: &Record,
    held: Option<&str>,
) -> bool {
    let value = record.fields.get(field.name.as_str()).cloned();
    let inbound = transform(
        TransformDirection::ToPartnerOs,
        property,
        field,
        mapping,
        Column::Text(vec![held.map(ToOwned::to_owned)]),
    );
    if inbound.and_then(|mut column| column.take(0)) == value {
        return true;
    }
    if !direction.writes_hubspot() {
        return false;
    }
    let mut column = Column::with_capacity(ColumnKind::of(field.data_type), 1);
    column.push(value);
    let outbound = transform(
        TransformDirection::ToHubSpot,
        field,
        property,
        mapping,
        column,
    );
    matches!(outbound, Some(Column::Text(cells)) if cells[0].as_deref().filter(|text| !text.is_empty()) == held)
}

fn transform(
    direction: TransformDirection,
    from: &FieldSchema,
    to: &FieldSchema,
    mapping: &FieldMapping,
    column: Column,
) -> Option<Column> {
    let plan = Plan {
        direction,
        inputs: vec![from.clone()],
        outputs: vec![to.clone()],
        rules: vec![Rule {
            inputs: vec![0],
            output: 0,
            options: mapping.options.clone(),
        }],
        extra: Vec::new(),
    };
    let prepared = PreparedPlan::new(plan).expect("a sound plan");
    let answer = crate::host::plugins()
        .default_mapper()
        .transform(&prepared, vec![column])
        .expect("an answer")
        .value;
    let mut columns = answer.columns;
    answer.failures.is_empty().then(|| columns.remove(0))
}
