//! What an admin does before anything moves: discover, suggest, save mappings, activate.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use partneros_domain::{
    Candidate, ConnectionId, Direction, FieldMapping, FieldName, MappingState, Mappings,
    ObjectPair, ObjectSchema, OrganizationId, PairId, PairState, Suggestion,
};
use partneros_store::{CachedSchema, MappingSet, PairPatch, PairSetup};

use crate::discovery;
use crate::engine::{Engine, Parts, describe};
use crate::error::{Error, MappingProblem};
use crate::plugins::{Example, Mapper};
use crate::{key_property, plugins, trial};

/// A mapping with the candidates that led to it.
#[derive(Debug, Clone, PartialEq)]
pub struct SuggestedMapping {
    /// The mapping as it is stored.
    pub mapping: FieldMapping,
    /// What the mapper proposed, best first.
    pub candidates: Vec<Candidate>,
}

/// What activating a pair did.
#[derive(Debug, Clone, PartialEq)]
pub struct Activation {
    /// How many fields sync.
    pub live_fields: usize,
    /// Fields that wait for a decision and do not sync.
    pub undecided_fields: Vec<FieldName>,
    /// Two-way fields whose values do not come back to HubSpot as they were: better synced one way.
    pub not_reversible: Vec<Example>,
}

impl Engine {
    /// Reads the portal's schema and replaces what is known of it. What differs is written down, and mappings that it
    /// affects are an alert.
    pub async fn discover(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
    ) -> Result<Vec<CachedSchema>, Error> {
        let parts = &self.parts;
        let portal = parts.portals.portal(organization, connection).await?;
        let now = parts.environment.now();
        let schemas = discovery::discover(portal.as_ref(), now).await?;
        let before = parts.store.schemas(organization, connection).await?;
        parts
            .store
            .replace_schemas(organization, connection, &schemas, now)
            .await?;
        self.note_drift(organization, connection, &before, &schemas)
            .await?;
        Ok(schemas)
    }

    /// Asks the mapper for suggestions and stores what follows from them.
    ///
    /// What a person confirmed or ignored stays as it is, and so does whatever is mapped once the pair is past its draft;
    /// the properties in use are taken. Everything else follows the suggestions: mapped where the mapper is sure (in a
    /// draft only), proposed where it is not, unmapped where it has nothing.
    pub async fn suggest(
        &self,
        organization: OrganizationId,
        pair: PairId,
    ) -> Result<(i64, Vec<SuggestedMapping>), Error> {
        let parts = &self.parts;
        let pair = parts.store.pair(organization, pair).await?;
        let (object, hubspot) = self.schemas_of(organization, &pair).await?;
        let MappingSet {
            version,
            mappings: old,
        } = parts.store.mappings(organization, pair.id).await?;
        let mapper = Arc::new(plugins::resolve(parts, organization, &pair, &old).await?);
        let (ours, theirs, asked) = (object.clone(), hubspot.clone(), Arc::clone(&mapper));
        let suggestions = parts
            .compute(move || asked.suggest(&ours, &theirs))
            .await??;
        let mut suggested = merge(&pair, &object, &hubspot, &old, suggestions);
        demote_refused(parts, &mapper, &pair, &object, &hubspot, &mut suggested).await?;
        let mappings = Mappings(
            suggested
                .iter()
                .map(|entry| entry.mapping.clone())
                .collect(),
        );
        let version = parts
            .store
            .put_mappings(organization, pair.id, version, &mappings)
            .await?;
        Ok((version, suggested))
    }

    /// What is wrong with these mappings of a pair; each problem names its field.
    pub async fn check_mappings(
        &self,
        organization: OrganizationId,
        pair: &ObjectPair,
        mappings: &Mappings,
    ) -> Result<Vec<MappingProblem>, Error> {
        let (object, hubspot) = self.schemas_of(organization, pair).await?;
        let mapper = plugins::resolve(&self.parts, organization, pair, mappings).await?;
        trial::problems(
            &self.parts,
            &Arc::new(mapper),
            pair,
            mappings,
            &object,
            &hubspot,
        )
        .await
    }

    /// Checks mappings and replaces the pair's if they are still of version `from`. Returns the new version.
    ///
    /// On an active pair every record is looked at again, since a field that is newly mapped may have something to say.
    pub async fn save_mappings(
        &self,
        organization: OrganizationId,
        pair: PairId,
        from: i64,
        mappings: &Mappings,
    ) -> Result<i64, Error> {
        let store = &self.parts.store;
        let pair = store.pair(organization, pair).await?;
        let seen = store.effective_binding(organization, pair.id).await?;
        let problems = self.check_mappings(organization, &pair, mappings).await?;
        if !problems.is_empty() {
            return Err(Error::Mappings(problems));
        }
        let setup = PairSetup {
            settings: PairPatch::default(),
            mappings: mappings.clone(),
            replaces: from,
            seen,
            mapper: None,
            at: self.parts.environment.now(),
        };
        let (version, _) = store.put_setup(organization, pair.id, setup).await?;
        Ok(version)
    }

    /// Starts a pair: from now on values flow.
    pub async fn activate(
        &self,
        organization: OrganizationId,
        pair: PairId,
    ) -> Result<Activation, Error> {
        let parts = &self.parts;
        let pair = parts.store.pair(organization, pair).await?;
        let brakes = parts.store.brakes(organization, pair.id).await?;
        if brakes.iter().any(|brake| brake.decision.is_none()) {
            return Err(Error::Braked);
        }
        let MappingSet { mappings, .. } = parts.store.mappings(organization, pair.id).await?;
        let mut problems = self.check_mappings(organization, &pair, &mappings).await?;
        let live_fields = mappings.live(pair.direction).count();
        if live_fields == 0 {
            problems.push(MappingProblem {
                field: None,
                code: "nothing_mapped".to_owned(),
                message: "no field is mapped; confirm at least one mapping first".to_owned(),
            });
        }
        if !problems.is_empty() {
            return Err(Error::Mappings(problems));
        }
        if pair.direction.writes_hubspot() {
            let portal = parts
                .portals
                .portal(organization, pair.connection_id)
                .await?;
            key_property::ensure(portal.as_ref(), &pair.hubspot_object).await?;
        }
        let now = parts.environment.now();
        parts
            .store
            .set_pair_state(organization, pair.id, PairState::Active, now)
            .await?;
        let undecided = |mapping: &&FieldMapping| mapping.state == MappingState::Suggested;
        let undecided_fields = mappings
            .0
            .iter()
            .filter(undecided)
            .map(|mapping| mapping.field.clone())
            .collect();
        // A warning, whose failure takes nothing back.
        let proof = self.prove(organization, pair.id).await;
        let proof = proof.inspect_err(|error| {
            tracing::warn!(pair.id = %pair.id, error = describe(error), "values were not tried both ways");
        });
        Ok(Activation {
            live_fields,
            undecided_fields,
            not_reversible: proof.map(|proof| proof.examples).unwrap_or_default(),
        })
    }

    /// Both schemas of a pair.
    pub async fn schemas_of(
        &self,
        organization: OrganizationId,
        pair: &ObjectPair,
    ) -> Result<(ObjectSchema, ObjectSchema), Error> {
        let object = self.parts.partner_schema(&pair.object)?;
        let store = &self.parts.store;
        let hubspot = store
            .schema(organization, pair.connection_id, &pair.hubspot_object)
            .await?;
        Ok((object, hubspot.schema))
    }
}

/// Mappings that were applied automatically but cannot run become suggestions, so that a person looks at them.
async fn demote_refused(
    parts: &Parts,
    mapper: &Arc<Mapper>,
    pair: &ObjectPair,
    object: &ObjectSchema,
    hubspot: &ObjectSchema,
    suggested: &mut [SuggestedMapping],
) -> Result<(), Error> {
    let mappings = Mappings(
        suggested
            .iter()
            .map(|entry| entry.mapping.clone())
            .collect(),
    );
    let plan = crate::pair_plan::PairPlan::new(pair, &mappings, object, hubspot);
    let refused: HashSet<_> = trial::refused(parts, mapper, &plan)
        .await?
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    for entry in suggested {
        let mapping = &mut entry.mapping;
        if mapping.state == MappingState::AutoMapped && refused.contains(&mapping.field) {
            mapping.state = MappingState::Suggested;
        }
    }
    Ok(())
}

fn merge(
    pair: &ObjectPair,
    object: &ObjectSchema,
    hubspot: &ObjectSchema,
    old: &Mappings,
    suggestions: Vec<Suggestion>,
) -> Vec<SuggestedMapping> {
    let live = pair.state != PairState::Draft;
    let decided = |mapping: &&FieldMapping| match mapping.state {
        MappingState::Confirmed | MappingState::Ignored => true,
        MappingState::AutoMapped => live,
        MappingState::Suggested | MappingState::Unmapped => false,
    };
    let mut taken: HashSet<FieldName> = old
        .0
        .iter()
        .filter(decided)
        .filter_map(|mapping| mapping.property.clone())
        .collect();
    let mut by_field: HashMap<String, Vec<Candidate>> = suggestions
        .into_iter()
        .map(|entry| (entry.field, entry.candidates))
        .collect();
    let mut merged = Vec::with_capacity(object.fields.len());
    for field in &object.fields {
        let candidates = by_field.remove(field.name.as_str()).unwrap_or_default();
        if let Some(kept) = old.get(field.name.as_str()).filter(decided) {
            merged.push(SuggestedMapping {
                mapping: kept.clone(),
                candidates,
            });
            continue;
        }
        let mut mapping = old
            .get(field.name.as_str())
            .cloned()
            .unwrap_or_else(|| FieldMapping::unmapped(field.name.clone(), pair.conflict_policy));
        mapping.property = None;
        mapping.state = MappingState::Unmapped;
        mapping.confidence = None;
        let mut free = candidates
            .iter()
            .filter(|candidate| !taken.contains(candidate.property.as_str()));
        if let Some(best) = free.next() {
            mapping.confidence = Some(best.confidence);
            // Once values flow, nothing is mapped without a person.
            let state = match pair.thresholds.state(best.confidence) {
                MappingState::AutoMapped if pair.state != PairState::Draft => {
                    MappingState::Suggested
                }
                state => state,
            };
            if state != MappingState::Unmapped {
                let property = FieldName::from(best.property.as_str());
                taken.insert(property.clone());
                mapping.direction = mapping
                    .direction
                    .or_else(|| narrowed(pair, hubspot, &property));
                mapping.property = Some(property);
                mapping.state = state;
            }
        }
        merged.push(SuggestedMapping {
            mapping,
            candidates,
        });
    }
    merged
}

/// A read-only property can only be read.
fn narrowed(pair: &ObjectPair, hubspot: &ObjectSchema, property: &FieldName) -> Option<Direction> {
    let read_only = hubspot
        .field(property.as_str())
        .is_some_and(|schema| schema.read_only);
    (read_only && pair.direction == Direction::Bidirectional)
        .then_some(Direction::HubSpotToPartnerOs)
}
