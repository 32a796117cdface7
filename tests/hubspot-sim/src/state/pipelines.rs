//! The pipelines of deals and their stages. Deals name both by id, never by label.

use serde_json::{Value, json};

use super::call::{Access, Call};
use super::object_type::Kind;
use super::sim::Sim;
use crate::errors::ApiError;

/// A pipeline.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Its id.
    pub id: String,
    /// For people.
    pub label: String,
    /// Its stages, in order.
    pub stages: Vec<Stage>,
}

/// A stage.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Its id.
    pub id: String,
    /// For people.
    pub label: String,
    /// How likely a deal in it is won, from 0 to 1, as HubSpot writes it.
    pub probability: String,
    /// Whether a deal in it is decided.
    pub closed: bool,
}

impl Stage {
    /// Whether a deal in it is won.
    pub fn won(&self) -> bool {
        self.closed && self.probability == "1.0"
    }

    /// The probability as a number.
    pub fn chance(&self) -> f64 {
        self.probability.parse().unwrap_or(0.0)
    }
}

/// HubSpot's own pipeline, and one that the customer made for partners.
pub fn seeded() -> Vec<Pipeline> {
    let sales = [
        ("appointmentscheduled", "Appointment Scheduled", "0.2"),
        ("qualifiedtobuy", "Qualified To Buy", "0.4"),
        ("presentationscheduled", "Presentation Scheduled", "0.6"),
        ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
        ("contractsent", "Contract Sent", "0.9"),
        ("closedwon", "Closed Won", "1.0"),
        ("closedlost", "Closed Lost", "0.0"),
    ];
    let partner = [
        ("68245101", "Registered", "0.1"),
        ("68245102", "Approved", "0.3"),
        ("68245103", "Co-selling", "0.6"),
        ("68245104", "Won with partner", "1.0"),
        ("68245105", "Lost", "0.0"),
    ];
    vec![
        pipeline("default", "Sales Pipeline", &sales),
        pipeline("24816357", "Partner Pipeline", &partner),
    ]
}

fn pipeline(id: &str, label: &str, stages: &[(&str, &str, &str)]) -> Pipeline {
    let stages = stages
        .iter()
        .map(|&(id, label, probability)| Stage {
            id: id.to_owned(),
            label: label.to_owned(),
            probability: probability.to_owned(),
            closed: matches!(probability, "0.0" | "1.0"),
        })
        .collect();
    Pipeline {
        id: id.to_owned(),
        label: label.to_owned(),
        stages,
    }
}

impl Sim {
    /// The pipelines of an object type; only deals have any.
    pub fn list_pipelines(&self, call: &Call, object_type: &str) -> Result<Value, ApiError> {
        let ix = self.resolve(object_type)?;
        let kind = self.object_type(ix).kind;
        call.require_objects(kind, Access::Read)?;
        let listed: Vec<_> = self
            .pipelines
            .iter()
            .enumerate()
            .filter(|_| kind == Kind::Deals)
            .map(|(order, pipeline)| pipeline_json(order, pipeline))
            .collect();
        Ok(json!({ "results": listed }))
    }

    /// One pipeline.
    pub fn read_pipeline(
        &self,
        call: &Call,
        object_type: &str,
        id: &str,
    ) -> Result<Value, ApiError> {
        let ix = self.resolve(object_type)?;
        let kind = self.object_type(ix).kind;
        call.require_objects(kind, Access::Read)?;
        let found = self.pipelines.iter().position(|pipeline| pipeline.id == id);
        match found.filter(|_| kind == Kind::Deals) {
            Some(order) => Ok(pipeline_json(order, &self.pipelines[order])),
            None => Err(ApiError::no_such_record(id)),
        }
    }

    /// The stages of one pipeline.
    pub fn list_stages(&self, call: &Call, object_type: &str, id: &str) -> Result<Value, ApiError> {
        let pipeline = self.read_pipeline(call, object_type, id)?;
        Ok(json!({ "results": pipeline["stages"] }))
    }

    /// The stage with an id, and its pipeline.
    pub fn stage(&self, id: &str) -> Option<(&Pipeline, &Stage)> {
        self.pipelines.iter().find_map(|pipeline| {
            pipeline
                .stages
                .iter()
                .find(|stage| stage.id == id)
                .map(|stage| (pipeline, stage))
        })
    }
}

const EPOCH: &str = "1970-01-01T00:00:00Z";

fn pipeline_json(order: usize, pipeline: &Pipeline) -> Value {
    let stages: Vec<_> = pipeline.stages.iter().enumerate().map(stage_json).collect();
    json!({
        "id": pipeline.id,
        "label": pipeline.label,
        "displayOrder": order,
        "stages": stages,
        "createdAt": EPOCH,
        "updatedAt": EPOCH,
        "archived": false,
    })
}

fn stage_json((order, stage): (usize, &Stage)) -> Value {
    json!({
        "id": stage.id,
        "label": stage.label,
        "displayOrder": order,
        "metadata": { "isClosed": stage.closed.to_string(), "probability": stage.probability },
        "createdAt": EPOCH,
        "updatedAt": EPOCH,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        "archived": false,
    })
}
