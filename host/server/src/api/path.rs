//! Path parameters. An id that is none is answered like one that is unknown: 404.

use axum::extract::FromRequestParts;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::http::request::Parts;
use partneros_domain::{
    ConnectionId, Digest, InvitationId, MemberId, PairId, RecordId, RunId, TokenId,
};
use partneros_store::{AlertId, EventId, WebhookId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::problem::Problem;

/// The parameters of a path.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

/// Names a PartnerOS object.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ObjectPath {
    /// The PartnerOS object, such as `partners`.
    pub object: String,
}

/// Names a record.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub struct RecordPath {
    /// The PartnerOS object, such as `partners`.
    pub object: String,
    /// The record.
    #[param(value_type = uuid::Uuid)]
    pub record_id: RecordId,
}

/// Names a connection.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub struct ConnectionPath {
    /// The connection.
    #[param(value_type = uuid::Uuid)]
    pub connection_id: ConnectionId,
}

/// Names an object pair.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub struct PairPath {
    /// The object pair.
    #[param(value_type = uuid::Uuid)]
    pub pair_id: PairId,
}

/// Names a record in a pair.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub struct DetachedPath {
    /// The object pair.
    #[param(value_type = uuid::Uuid)]
    pub pair_id: PairId,
    /// The record.
    #[param(value_type = uuid::Uuid)]
    pub record_id: RecordId,
}

/// Names the mapping of a field.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub struct MappingPath {
    /// The object pair.
    #[param(value_type = uuid::Uuid)]
    pub pair_id: PairId,
    /// The PartnerOS field, such as `employees`.
    pub field: String,
}

/// Names a plugin, or a trusted key.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct PluginPath {
    /// The name.
    pub name: String,
}

/// Names a version of a plugin.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub struct VersionPath {
    /// The sha256 of its component, in hex.
    #[param(value_type = String)]
    pub version_id: Digest,
}

/// Names an alert.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub struct AlertPath {
    /// The alert.
    #[param(value_type = uuid::Uuid)]
    pub alert_id: AlertId,
}

/// Names a webhook.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub struct WebhookPath {
    /// The webhook.
    #[param(value_type = uuid::Uuid)]
    pub webhook_id: WebhookId,
}

/// Names a message to a webhook.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub struct DeliveryPath {
    /// The webhook.
    #[param(value_type = uuid::Uuid)]
    pub webhook_id: WebhookId,
    /// The message: the event's id, and what the header `webhook-id` says.
    #[param(value_type = uuid::Uuid)]
    pub delivery_id: EventId,
}

/// Names a run.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub struct RunPath {
    /// The run.
    #[param(value_type = uuid::Uuid)]
    pub run_id: RunId,
}

/// Names a member.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub struct MemberPath {
    /// The member.
    #[param(value_type = uuid::Uuid)]
    pub member_id: MemberId,
}

/// Names an invitation.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub struct InvitationPath {
    /// The invitation.
    #[param(value_type = uuid::Uuid)]
    pub invitation_id: InvitationId,
}

/// Names an API token.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub struct TokenPath {
    /// The token.
    #[param(value_type = uuid::Uuid)]
    pub token_id: TokenId,
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => Err(unknown(error.kind())),
            Err(error) => Err(Problem::internal(error.to_string())),
        }
    }
}

fn unknown(kind: &ErrorKind) -> Problem {
    let what = match kind {
        ErrorKind::ParseErrorAtKey { key, value, .. }
        | ErrorKind::DeserializeError { key, value, .. } => format!("`{value}` is no `{key}`"),
        _ => "the path has a part that is no id".to_owned(),
    };
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        &format!("failed to find it: {what}"),
    )
}
