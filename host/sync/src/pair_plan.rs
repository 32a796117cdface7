//! A pair made ready to sync: which properties to ask for, which columns feed which rule, in both directions.
//!
//! Made once a run from the pair, its mappings and both schemas. Mappings that cannot run at present (their property is
//! gone, the mapper refuses them) are parked with a reason; the others run.

use std::sync::Arc;

use partneros_domain::plan::{Plan, Rule, TransformDirection};
use partneros_domain::{
    Agreed, ConflictPolicy, Direction, FieldMapping, FieldName, FieldSchema, Fields, Mappings,
    ObjectPair, ObjectSchema, RulePlugin, Side, Tug, Value,
};
use partneros_store::NewFailure;

use crate::brake::PassBrake;
use crate::discovery::RECORD_ID_PROPERTY;
use crate::error::MappingProblem;
use crate::presence::MERGED_IDS_PROPERTY;
use crate::row::Row;

/// One live mapping.
#[derive(Debug, Clone)]
pub struct Route {
    /// The PartnerOS field.
    pub field: FieldSchema,
    /// The HubSpot property.
    pub property: FieldName,
    /// Where values may flow: the pair's direction and the mapping's.
    pub direction: Direction,
    /// What happens when both sides changed.
    pub policy: ConflictPolicy,
    /// The side whose changes by the other were discarded by somebody: what it holds stays.
    pub discard: Option<Side>,
    /// The fields that make up PartnerOS's side: the field itself first.
    pub fields: Vec<FieldName>,
    /// The properties that make up HubSpot's side: the property itself first.
    pub properties: Vec<FieldName>,
    /// Tells this mapping's rule from those it had before; agreements hold for one rule.
    pub rule: u32,
    /// The columns of those properties in [`PairPlan::properties`].
    pub columns: Vec<usize>,
    /// The rule, which is also the output, of the inbound plan.
    pub inbound: usize,
    /// The rule, which is also the output, of the outbound plan; none when HubSpot is not written.
    pub outbound: Option<usize>,
}

impl Route {
    /// PartnerOS's side of a record.
    pub fn partneros_values<'a>(
        &self,
        fields: &'a Fields,
    ) -> impl Iterator<Item = Option<&'a Value>> {
        self.fields.iter().map(|field| fields.get(field.as_str()))
    }

    /// HubSpot's side of a row.
    pub fn hubspot_values<'a>(&self, row: &Row<'a>) -> impl Iterator<Item = Option<&'a str>> {
        self.columns.iter().map(|column| row.value(*column))
    }

    /// Both sides as they are now, taken for an agreement.
    pub fn agreement(&self, fields: &Fields, row: &Row<'_>) -> Agreed {
        let hubspot = self
            .hubspot_values(row)
            .map(|value| value.map(ToOwned::to_owned));
        Agreed {
            rule: self.rule,
            partneros: self
                .partneros_values(fields)
                .map(Option::<&Value>::cloned)
                .collect(),
            hubspot: hubspot.collect(),
            owed: false,
            sent: None,
            tug: Tug::default(),
        }
    }
}

/// A mapping that does not run, although our values would flow by it: edits of its fields wait.
#[derive(Debug)]
pub struct Waiting {
    /// The field.
    pub field: FieldName,
    /// The fields that make up PartnerOS's side: the field itself first.
    pub fields: Vec<FieldName>,
    /// The mapping's rule.
    pub rule: u32,
    /// Why it does not run.
    pub failure: NewFailure,
}

/// A pair made ready to sync.
#[derive(Debug)]
pub struct PairPlan {
    /// The pair.
    pub pair: ObjectPair,
    /// The schema of the PartnerOS object.
    pub object: ObjectSchema,
    /// The live mappings in order of field.
    pub routes: Vec<Route>,
    /// The properties to ask for; the columns of a page.
    pub properties: Arc<[FieldName]>,
    /// The column of the property that carries our record id.
    pub record_id_column: usize,
    /// The column of the property that lists what was merged into an object.
    pub merged_column: usize,
    /// The column of the match key's property.
    pub match_column: Option<usize>,
    /// Whether a property is read that nobody but HubSpot sets, as what it calculates is.
    pub reads_calculated: bool,
    /// HubSpot to PartnerOS. Its inputs are `inbound_columns` of a page.
    pub inbound: Plan,
    /// The column of [`PairPlan::properties`] that feeds each input of the inbound plan.
    pub inbound_columns: Vec<usize>,
    /// The plugins that the inbound plan's rules name, in order.
    pub inbound_plugins: Vec<Option<RulePlugin>>,
    /// PartnerOS to HubSpot.
    pub outbound: Plan,
    /// The plugins that the outbound plan's rules name, in order.
    pub outbound_plugins: Vec<Option<RulePlugin>>,
    /// The PartnerOS field that feeds each input of the outbound plan.
    pub outbound_fields: Vec<FieldSchema>,
    /// Mappings that do not run, with the reasons.
    pub parked: Vec<NewFailure>,
    /// Those of them by which our values would flow.
    pub waiting: Vec<Waiting>,
}

impl PairPlan {
    /// Makes a pair ready. Mappings whose field or property is unknown are parked.
    pub fn new(
        pair: &ObjectPair,
        mappings: &Mappings,
        object: &ObjectSchema,
        hubspot: &ObjectSchema,
    ) -> Self {
        let mut builder = Builder::new(pair, object, hubspot);
        let mut live: Vec<_> = mappings.live(pair.direction).collect();
        live.sort_by(|(a, ..), (b, ..)| a.field.cmp(&b.field));
        for (mapping, property, direction) in live {
            builder.add(mapping, property, direction);
        }
        let mut plan = builder.finish();
        plan.waiting = waiting(&plan, mappings);
        plan
    }

    /// The same pair without the mappings that the mapper refuses.
    pub fn without(
        &self,
        refused: &[(FieldName, NewFailure)],
        mappings: &Mappings,
        hubspot: &ObjectSchema,
    ) -> Self {
        let mut kept = mappings.clone();
        kept.0
            .retain(|mapping| !refused.iter().any(|(field, _)| *field == mapping.field));
        let mut plan = Self::new(&self.pair, &kept, &self.object, hubspot);
        plan.parked
            .extend(refused.iter().map(|(_, failure)| failure.clone()));
        plan.waiting = waiting(&plan, mappings);
        plan
    }

    /// Obeys what somebody decided about mass changes.
    pub fn obey(&mut self, brake: &PassBrake) {
        if brake.is_decided() {
            for route in &mut self.routes {
                let sides = [Side::PartnerOs, Side::HubSpot];
                let discards = |side: &Side| brake.discards(*side, Some(&route.field.name));
                route.discard = sides.into_iter().find(discards);
            }
        }
    }

    /// The mapper's problems with a rule, by the field they concern.
    pub fn name_problems(
        &self,
        direction: TransformDirection,
        problems: &[partneros_domain::plan::Problem],
    ) -> Vec<(FieldName, MappingProblem)> {
        let route = |rule: usize| match direction {
            TransformDirection::ToPartnerOs => {
                self.routes.iter().find(|route| route.inbound == rule)
            }
            TransformDirection::ToHubSpot => self
                .routes
                .iter()
                .find(|route| route.outbound == Some(rule)),
        };
        problems
            .iter()
            .filter_map(|problem| {
                let route = route(problem.rule as usize)?;
                let name = route.field.name.clone();
                let problem = MappingProblem {
                    field: Some(name.to_string()),
                    code: problem.code.clone(),
                    message: format!(
                        "field `{name}` and property `{}`: {}",
                        route.property, problem.message
                    ),
                };
                Some((name, problem))
            })
            .collect()
    }
}

struct Builder<'a> {
    pair: &'a ObjectPair,
    object: &'a ObjectSchema,
    hubspot: &'a ObjectSchema,
    routes: Vec<Route>,
    properties: Vec<FieldName>,
    inbound: Plan,
    inbound_columns: Vec<usize>,
    inbound_plugins: Vec<Option<RulePlugin>>,
    outbound: Plan,
    outbound_plugins: Vec<Option<RulePlugin>>,
    reads_calculated: bool,
    parked: Vec<NewFailure>,
}

impl<'a> Builder<'a> {
    fn new(pair: &'a ObjectPair, object: &'a ObjectSchema, hubspot: &'a ObjectSchema) -> Self {
        let plan = |direction| Plan {
            direction,
            inputs: Vec::new(),
            outputs: Vec::new(),
            rules: Vec::new(),
            extra: Vec::new(),
        };
        Self {
            pair,
            object,
            hubspot,
            routes: Vec::new(),
            properties: Vec::new(),
            inbound: plan(TransformDirection::ToPartnerOs),
            inbound_columns: Vec::new(),
            inbound_plugins: Vec::new(),
            outbound: plan(TransformDirection::ToHubSpot),
            outbound_plugins: Vec::new(),
            reads_calculated: false,
            parked: Vec::new(),
        }
    }

    fn add(&mut self, mapping: &FieldMapping, property: &FieldName, direction: Direction) {
        let Some(field) = self.object.field(mapping.field.as_str()) else {
            return self.park(
                mapping,
                "unknown_field",
                "the PartnerOS object has no such field",
            );
        };
        let properties: Vec<_> = std::iter::once(property)
            .chain(&mapping.extra_properties)
            .cloned()
            .collect();
        let fields: Vec<_> = std::iter::once(&mapping.field)
            .chain(&mapping.extra_fields)
            .cloned()
            .collect();
        let property_schemas: Option<Vec<_>> = properties
            .iter()
            .map(|name| self.hubspot.field(name.as_str()))
            .collect();
        let field_schemas: Option<Vec<_>> = fields
            .iter()
            .map(|name| self.object.field(name.as_str()))
            .collect();
        let (Some(property_schemas), Some(field_schemas)) = (property_schemas, field_schemas)
        else {
            return self.park(
                mapping,
                "property_missing",
                "the HubSpot object has no such property any more",
            );
        };
        self.reads_calculated |=
            direction.writes_partneros() && property_schemas.iter().any(|schema| schema.read_only);
        let columns: Vec<_> = properties.iter().map(|name| self.column(name)).collect();
        let inbound = self.add_inbound(&columns, &property_schemas, field, &mapping.options);
        self.inbound_plugins.push(mapping.plugin);
        let outbound = direction.writes_hubspot().then(|| {
            self.outbound_plugins.push(mapping.plugin);
            add_rule(
                &mut self.outbound,
                &field_schemas,
                property_schemas[0],
                &mapping.options,
            )
        });
        self.routes.push(Route {
            field: field.clone(),
            property: property.clone(),
            direction,
            policy: mapping.conflict_policy,
            discard: None,
            rule: mapping.rule(),
            fields,
            properties,
            columns,
            inbound,
            outbound,
        });
    }

    fn add_inbound(
        &mut self,
        columns: &[usize],
        properties: &[&FieldSchema],
        field: &FieldSchema,
        options: &str,
    ) -> usize {
        let rule = add_rule(&mut self.inbound, properties, field, options);
        let inputs = &self.inbound.rules[rule].inputs;
        for (input, column) in inputs.iter().zip(columns) {
            let input = *input as usize;
            if input >= self.inbound_columns.len() {
                self.inbound_columns.resize(input + 1, 0);
            }
            self.inbound_columns[input] = *column;
        }
        rule
    }

    fn park(&mut self, mapping: &FieldMapping, code: &str, problem: &str) {
        self.parked.push(parked(
            &mapping.field,
            mapping.property.as_ref(),
            code,
            problem,
        ));
    }

    /// The column of a property, added when it is new.
    fn column(&mut self, property: &FieldName) -> usize {
        let known = self.properties.iter().position(|name| name == property);
        known.unwrap_or_else(|| {
            self.properties.push(property.clone());
            self.properties.len() - 1
        })
    }

    fn finish(mut self) -> PairPlan {
        let record_id_column = self.column(&RECORD_ID_PROPERTY.into());
        let merged_column = self.column(&MERGED_IDS_PROPERTY.into());
        let match_column = self
            .pair
            .match_key
            .as_ref()
            .filter(|key| self.hubspot.field(key.property.as_str()).is_some())
            .map(|key| key.property.clone())
            .map(|property| self.column(&property));
        let outbound_fields = self.outbound.inputs.clone();
        PairPlan {
            pair: self.pair.clone(),
            object: self.object.clone(),
            routes: self.routes,
            properties: self.properties.into(),
            record_id_column,
            merged_column,
            match_column,
            reads_calculated: self.reads_calculated,
            inbound: self.inbound,
            inbound_columns: self.inbound_columns,
            inbound_plugins: self.inbound_plugins,
            outbound: self.outbound,
            outbound_plugins: self.outbound_plugins,
            outbound_fields,
            parked: self.parked,
            waiting: Vec::new(),
        }
    }
}

fn waiting(plan: &PairPlan, mappings: &Mappings) -> Vec<Waiting> {
    let live = mappings.live(plan.pair.direction);
    let ours = live.filter(|(_, _, direction)| direction.writes_hubspot());
    let waiting = ours.filter_map(|(mapping, ..)| {
        let mut parked = plan.parked.iter();
        let failure = parked.find(|failure| failure.field.as_ref() == Some(&mapping.field))?;
        let fields = std::iter::once(&mapping.field).chain(&mapping.extra_fields);
        Some(Waiting {
            field: mapping.field.clone(),
            fields: fields.cloned().collect(),
            rule: mapping.rule(),
            failure: failure.clone(),
        })
    });
    waiting.collect()
}

/// Adds a rule and its output; inputs are shared between rules. Returns the rule's position.
fn add_rule(
    plan: &mut Plan,
    inputs: &[&FieldSchema],
    output: &FieldSchema,
    options: &str,
) -> usize {
    let inputs = inputs
        .iter()
        .map(|schema| {
            let at = plan
                .inputs
                .iter()
                .position(|input| input.name == schema.name);
            at.unwrap_or_else(|| {
                plan.inputs.push((*schema).clone());
                plan.inputs.len() - 1
            }) as u32
        })
        .collect();
    plan.outputs.push(output.clone());
    let rule = plan.rules.len();
    plan.rules.push(Rule {
        inputs,
        output: rule as u32,
        options: options.to_owned(),
    });
    rule
}

/// A field that does not sync at present.
pub fn parked(
    field: &FieldName,
    property: Option<&FieldName>,
    code: &str,
    problem: &str,
) -> NewFailure {
    let hint = match code {
        "property_missing" => {
            "refresh the schema, then map the field to another property or ignore it"
        }
        "unknown_field" => "remove the mapping",
        _ => "change the mapping or its options",
    };
    NewFailure {
        field: Some(field.clone()),
        property: property.cloned(),
        code: code.to_owned(),
        message: problem.to_owned(),
        hint: hint.to_owned(),
    }
}
