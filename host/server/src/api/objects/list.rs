//! `GET /api/objects`: the PartnerOS objects.

use axum::Json;
use partneros_domain::object;
use serde::Serialize;
use utoipa::ToSchema;

use super::ObjectView;
use crate::auth::{Permitted, permission};

/// All objects.
#[derive(Debug, Serialize, ToSchema)]
pub struct ObjectList {
    objects: Vec<ObjectView>,
}

/// Lists the PartnerOS objects with their fields.
#[utoipa::path(get, path = "/api/objects", tag = "objects", operation_id = "listObjects",
    responses((status = 200, description = "The objects.", body = ObjectList)))]
pub async fn handle(_caller: Permitted<permission::View>) -> Json<ObjectList> {
    let schemas = object::BUILT_IN.into_iter().filter_map(object::built_in);
    Json(ObjectList {
        objects: schemas.map(ObjectView::from).collect(),
    })
}

#[cfg(test)]
mod tests {
    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn the_objects_come_with_their_fields() {
        let api = TestApi::new().await;
        let answer = api.acme().get("/api/objects").await.expect(200);
        let objects = answer["objects"].as_array().unwrap();
        let names: Vec<_> = objects
            .iter()
            .map(|object| object["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["partners", "deals"]);
        let name = &objects[0]["fields"][0];
        assert_eq!(name["name"], "name");
        assert_eq!(name["required"], true);
        assert_eq!(name["dataType"], "text");
    }
}
