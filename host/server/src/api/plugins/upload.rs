//! `POST /api/plugins`: uploads a version of a plugin.

use axum::Json;
use axum::body::Body as HttpBody;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use futures::StreamExt as _;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::accept::{Offer, accept};
use super::{VersionBody, signature};
use crate::api::query::Query;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// The name of the part that holds the component in a multipart upload.
const PART: &str = "component";

/// Of which plugin a version is.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Upload {
    /// The plugin, such as `acme-mapper`; it is made by its first version.
    name: String,
}

/// An upload that is not taken.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(
        "failed to take the upload: it is longer than `runtime.upload.component_bytes_max` = {0} bytes"
    )]
    TooLong(usize),
    #[error("failed to read the upload: it ended early")]
    CutOff,
    #[error("failed to read the upload: a multipart form must have a file part named `{PART}`")]
    NoPart,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match error {
            Error::TooLong(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Error::CutOff => (StatusCode::BAD_REQUEST, "unreadable_body"),
            Error::NoPart => (StatusCode::BAD_REQUEST, "invalid_body"),
        };
        Self::new(status, code, &error)
    }
}

/// Uploads a version of a plugin: as the body, or as the part `component` of a form. The component is validated, compiled
/// and tried on a built-in set of records; it runs nowhere until it is bound. The same component again changes nothing.
///
/// Where the organization trusts keys, `Partneros-Signature` must carry a detached Ed25519 signature in base64.
#[utoipa::path(post, path = "/api/plugins", tag = "plugins", operation_id = "uploadPlugin",
    params(Upload),
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses(
        (status = 200, description = "The version, staged, and what the checks found.", body = VersionBody),
        (status = 400, description = "`invalid_query`, `invalid_name`, `invalid_body` or `unreadable_body`.", body = ErrorBody),
        (status = 409, description = "`plugin_conflict`: the component is a version of another plugin.", body = ErrorBody),
        (status = 413, description = "`body_too_large`.", body = ErrorBody),
        (status = 422, description = "`plugin_rejected` with every problem, `signature_required` or `signature_untrusted`.", body = ErrorBody),
        (status = 503, description = "`busy`: too many uploads at a time.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ManagePlugins>,
    Query(query): Query<Upload>,
    request: Request,
) -> Result<Json<VersionBody>, Problem> {
    signature::name(&query.name)?;
    let slot = state.uploads.slot()?;
    let bytes_max = state.engine.parts().plugins.runtime().component_bytes_max();
    let (head, body) = request.into_parts();
    let component = component(&head.headers, body, bytes_max).await?;
    let offer = Offer {
        plugin: query.name,
        component,
        signature: signature::sent(&head.headers),
        enclosed_signature: None,
        origin: json!({}),
    };
    let version = accept(&state, &caller, offer, slot).await?;
    Ok(Json(version.into()))
}

/// Reads the component, and stops reading what is too long.
async fn component(
    headers: &HeaderMap,
    body: HttpBody,
    bytes_max: usize,
) -> Result<Vec<u8>, Problem> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let Ok(boundary) = multer::parse_boundary(kind) else {
        return Ok(collect(body.into_data_stream(), bytes_max).await?);
    };
    let size = multer::SizeLimit::new().whole_stream(bytes_max as u64 + FORM_BYTES_MAX);
    let limits = multer::Constraints::new().size_limit(size);
    let stream = body.into_data_stream();
    let mut form = multer::Multipart::with_constraints(stream, boundary, limits);
    let unreadable = |error: multer::Error| match error {
        multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => {
            Error::TooLong(bytes_max)
        }
        _ => Error::CutOff,
    };
    while let Some(part) = form.next_field().await.map_err(unreadable)? {
        if part.name() == Some(PART) {
            return Ok(collect(part, bytes_max).await?);
        }
    }
    Err(Error::NoPart.into())
}

/// What a form may add to its file.
const FORM_BYTES_MAX: u64 = 64 << 10;

async fn collect<B, E>(
    mut chunks: impl futures::Stream<Item = Result<B, E>> + Unpin,
    bytes_max: usize,
) -> Result<Vec<u8>, Error>
where
    B: AsRef<[u8]>,
{
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Error::CutOff)?;
        if bytes.len() + chunk.as_ref().len() > bytes_max {
            return Err(Error::TooLong(bytes_max));
        }
        bytes.extend_from_slice(chunk.as_ref());
    }
    Ok(bytes)
}
