//! The pair that is measured: Partners and companies, 12 fields, both ways.

use partneros_domain::{
    ConflictPolicy, ConnectionId, DataType, Direction, FieldMapping, FieldSchema, MappingState,
    Mappings, MatchKey, ObjectPair, ObjectSchema, PairId, PairState, PluginFailurePolicy,
    Thresholds, Timestamp,
};

/// Field, property, and the property's `type` and `fieldType`: eight texts, two numbers that become integers, a number
/// and a boolean.
const MAPPED: [(&str, &str, &str, &str); 12] = [
    ("name", "name", "string", "text"),
    ("domain", "domain", "string", "text"),
    ("website", "website", "string", "text"),
    ("industry", "industry", "string", "text"),
    ("description", "description", "string", "textarea"),
    ("employees", "numberofemployees", "number", "number"),
    ("companyRevenue", "annualrevenue", "number", "number"),
    ("foundedYear", "founded_year", "string", "text"),
    ("phone", "phone", "string", "phonenumber"),
    ("city", "city", "string", "text"),
    ("country", "country", "string", "text"),
    (
        "isTargetAccount",
        "hs_is_target_account",
        "bool",
        "booleancheckbox",
    ),
];

/// The pair, not active yet.
pub fn pair(id: PairId, connection: ConnectionId, now: Timestamp) -> ObjectPair {
    ObjectPair {
        id,
        connection_id: connection,
        object: "partners".to_owned(),
        hubspot_object: "companies".to_owned(),
        direction: Direction::Bidirectional,
        state: PairState::Draft,
        conflict_policy: ConflictPolicy::NewestWins,
        match_key: Some(MatchKey {
            field: "domain".into(),
            property: "domain".into(),
        }),
        thresholds: Thresholds::default(),
        plugin_failure_policy: PluginFailurePolicy::default(),
        delete_policy: partneros_domain::DeletePolicy::default(),
        created_at: now,
    }
}

/// The mappings, all confirmed.
pub fn mappings() -> Mappings {
    let mapping = |(field, property, ..): &(&str, &str, &str, &str)| FieldMapping {
        property: Some((*property).into()),
        state: MappingState::Confirmed,
        ..FieldMapping::unmapped((*field).into(), ConflictPolicy::NewestWins)
    };
    Mappings(MAPPED.iter().map(mapping).collect())
}

/// The schema of companies as discovery would give it, for a portal that cannot be asked.
pub fn companies() -> ObjectSchema {
    let field = |(_, property, kind, field_type): &(&str, &str, &str, &str)| {
        let data_type = match *kind {
            "number" => DataType::Number,
            "bool" => DataType::Boolean,
            _ => DataType::Text,
        };
        let mut schema = FieldSchema::new(*property, property, data_type);
        schema.extra = vec![
            ("type".to_owned(), (*kind).to_owned()),
            ("fieldType".to_owned(), (*field_type).to_owned()),
        ];
        schema
    };
    ObjectSchema {
        name: "companies".to_owned(),
        label: "Companies".to_owned(),
        fields: MAPPED.iter().map(field).collect(),
    }
}

#[cfg(test)]
mod tests {
    use partneros_domain::object;

    use super::*;

    #[test]
    fn the_mappings_are_sound_and_their_properties_are_in_every_company() {
        let partners = object::built_in("partners").unwrap();
        let problems = mappings().problems(&partners, &companies(), Direction::Bidirectional);
        assert_eq!(problems, []);
        let company: serde_json::Value = serde_json::from_str(&crate::companies::json(1)).unwrap();
        for (_, property, ..) in MAPPED {
            assert!(company["properties"][property].is_string(), "{property}");
        }
    }
}
