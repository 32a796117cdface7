//! The property of a HubSpot object type by which objects that this host makes can be found again.

use partneros_hubspot::Portal;
use partneros_hubspot::model::NewProperty;

use crate::discovery::RECORD_ID_PROPERTY;
use crate::error::Error;

/// Makes sure that the property is there and unique; without that, a repeated create would make duplicates.
pub async fn ensure(portal: &dyn Portal, object: &str) -> Result<(), Error> {
    let property = NewProperty {
        name: RECORD_ID_PROPERTY.into(),
        label: "PartnerOS record ID".to_owned(),
        description: "The PartnerOS record that this object syncs with. Set by the integration."
            .to_owned(),
        group_name: group_name(portal, object).await?,
        kind: "string".to_owned(),
        field_type: "text".to_owned(),
        has_unique_value: true,
        hidden: false,
        form_field: false,
    };
    let property = portal
        .create_property(object, &property)
        .await
        .map_err(|source| Error::Prepare {
            object: object.to_owned(),
            source,
        })?;
    if property.has_unique_value && !property.archived {
        Ok(())
    } else {
        Err(Error::KeyNotUnique(object.to_owned()))
    }
}

/// The group that the property is shown in. A custom object's properties live in a group of its own: the first in use.
async fn group_name(portal: &dyn Portal, object: &str) -> Result<String, Error> {
    match object {
        "companies" => return Ok("companyinformation".to_owned()),
        "deals" => return Ok("dealinformation".to_owned()),
        _ => {}
    }
    let properties = portal.properties(object).await.map_err(Error::Discover)?;
    let mut groups = properties.into_iter().map(|property| property.group_name);
    let group = groups.find(|name| !name.is_empty());
    Ok(group.unwrap_or_else(|| format!("{object}_information")))
}
