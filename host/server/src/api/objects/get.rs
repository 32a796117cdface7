//! `GET /api/objects/{object}`: one PartnerOS object.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::{ObjectView, schema};
use crate::api::path::{ObjectPath, Path};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};

/// One object.
#[derive(Debug, Serialize, ToSchema)]
pub struct ObjectBody {
    object: ObjectView,
}

/// Shows a PartnerOS object with its fields.
#[utoipa::path(get, path = "/api/objects/{object}", tag = "objects", operation_id = "getObject",
    params(ObjectPath),
    responses(
        (status = 200, description = "The object.", body = ObjectBody),
        (status = 404, description = "`unknown_object`.", body = ErrorBody),
    ))]
pub async fn handle(
    _caller: Permitted<permission::View>,
    Path(path): Path<ObjectPath>,
) -> Result<Json<ObjectBody>, Problem> {
    Ok(Json(ObjectBody {
        object: schema(&path.object)?.into(),
    }))
}

#[cfg(test)]
mod tests {
    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn an_object_lists_its_choices() {
        let api = TestApi::new().await;
        let answer = api.acme().get("/api/objects/deals").await.expect(200);
        let fields = answer["object"]["fields"].as_array().unwrap();
        let priority = fields
            .iter()
            .find(|field| field["name"] == "priority")
            .unwrap();
        assert_eq!(priority["choices"][0]["value"], "low");
    }

    #[tokio::test]
    async fn an_unknown_object_names_those_there_are() {
        let api = TestApi::new().await;
        let message = api
            .acme()
            .get("/api/objects/companies")
            .await
            .refused(404, "unknown_object");
        assert!(message.contains("`partners`, `deals`"), "{message}");
    }
}
