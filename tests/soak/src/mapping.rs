//! The pair that each connection has: Partners and companies, texts that are the same on both sides.

use partneros_domain::{
    ConflictPolicy, ConnectionId, DeletePolicy, Direction, FieldMapping, MappingState, Mappings,
    MatchKey, ObjectPair, PairId, PairState, PluginFailurePolicy, Thresholds, Timestamp,
};

/// The PartnerOS object.
pub const OBJECT: &str = "partners";
/// The HubSpot object.
pub const COMPANIES: &str = "companies";
/// The fields that people edit; the properties have the same names.
pub const EDITED: [&str; 4] = ["city", "phone", "description", "country"];

/// The pair, not active yet.
pub fn pair(id: PairId, connection: ConnectionId, now: Timestamp) -> ObjectPair {
    ObjectPair {
        id,
        connection_id: connection,
        object: OBJECT.to_owned(),
        hubspot_object: COMPANIES.to_owned(),
        direction: Direction::Bidirectional,
        state: PairState::Draft,
        conflict_policy: ConflictPolicy::NewestWins,
        match_key: Some(MatchKey {
            field: "domain".into(),
            property: "domain".into(),
        }),
        thresholds: Thresholds::default(),
        plugin_failure_policy: PluginFailurePolicy::default(),
        delete_policy: DeletePolicy::default(),
        created_at: now,
    }
}

/// The mappings, all confirmed.
pub fn mappings() -> Mappings {
    let names = ["name", "domain"].into_iter().chain(EDITED);
    let mapping = |name: &str| FieldMapping {
        property: Some(name.into()),
        state: MappingState::Confirmed,
        ..FieldMapping::unmapped(name.into(), ConflictPolicy::NewestWins)
    };
    Mappings(names.map(mapping).collect())
}
