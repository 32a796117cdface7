//! HubSpot's descriptions of itself: properties, pipelines, owners, custom schemas, the account.
//!
//! Only what the host uses is read; every field that HubSpot may leave out has a default, since definitions in the wild
//! are looser than the documentation.

use partneros_domain::FieldName;
use serde::{Deserialize, Serialize};

/// One allowed value of an enumeration property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyOption {
    /// What people see.
    #[serde(default)]
    pub label: String,
    /// What is stored.
    pub value: String,
    /// Hidden in forms and lists.
    #[serde(default)]
    pub hidden: bool,
    /// Position among the options.
    #[serde(default)]
    pub display_order: i64,
}

/// What can be changed about a property.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModificationMetadata {
    /// The definition may be archived.
    pub archivable: bool,
    /// The definition may not be changed.
    pub read_only_definition: bool,
    /// Values cannot be written.
    pub read_only_value: bool,
}

/// A property definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "HubSpot's definition has them, each independent of the others"
)]
pub struct Property {
    /// The name in the API.
    pub name: FieldName,
    /// The name people see.
    #[serde(default)]
    pub label: String,
    /// What the property is for.
    #[serde(default)]
    pub description: String,
    /// `string`, `number`, `bool`, `enumeration`, `date`, `datetime`, `phone_number`, or one of HubSpot's internal ones.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// How it is edited, such as `text`, `select`, `checkbox`, `calculation_equation`.
    #[serde(default)]
    pub field_type: String,
    /// The group it is shown in.
    #[serde(default)]
    pub group_name: String,
    /// Allowed values; empty when they are kept elsewhere.
    #[serde(default)]
    pub options: Vec<PropertyOption>,
    /// The allowed values are kept elsewhere (pipelines, owners).
    #[serde(default)]
    pub external_options: bool,
    /// HubSpot computes it.
    #[serde(default)]
    pub calculated: bool,
    /// No two objects share a value.
    #[serde(default)]
    pub has_unique_value: bool,
    /// Hidden in HubSpot's pages.
    #[serde(default)]
    pub hidden: bool,
    /// Comes with HubSpot rather than made by the portal.
    #[serde(default)]
    pub hubspot_defined: bool,
    /// What a reference refers to, such as `OWNER`.
    #[serde(default)]
    pub referenced_object_type: Option<String>,
    /// What can be changed.
    #[serde(default)]
    pub modification_metadata: ModificationMetadata,
    /// Archived definitions hold no values.
    #[serde(default)]
    pub archived: bool,
}

impl Property {
    /// Whether values cannot be written.
    pub fn is_read_only(&self) -> bool {
        self.calculated || self.modification_metadata.read_only_value
    }
}

/// A property to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewProperty {
    /// The name in the API: lowercase letters, digits and underscores.
    pub name: FieldName,
    /// The name people see.
    pub label: String,
    /// What the property is for.
    pub description: String,
    /// The group it is shown in, such as `companyinformation`.
    pub group_name: String,
    /// The type, such as `string`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The field type, such as `text`.
    pub field_type: String,
    /// No two objects may share a value. Can only be set here.
    pub has_unique_value: bool,
    /// Not shown in forms.
    pub hidden: bool,
    /// Not offered in HubSpot's forms.
    pub form_field: bool,
}

/// One stage of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// What `dealstage` holds.
    pub id: String,
    /// What people see.
    #[serde(default)]
    pub label: String,
    /// Position in the pipeline.
    #[serde(default)]
    pub display_order: i64,
    /// No longer used.
    #[serde(default)]
    pub archived: bool,
}

/// A pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pipeline {
    /// What `pipeline` holds.
    pub id: String,
    /// What people see.
    #[serde(default)]
    pub label: String,
    /// Position among the pipelines.
    #[serde(default)]
    pub display_order: i64,
    /// The stages.
    #[serde(default)]
    pub stages: Vec<Stage>,
    /// No longer used.
    #[serde(default)]
    pub archived: bool,
}

/// A person or queue that records can belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// What `hubspot_owner_id` holds.
    pub id: String,
    /// The address.
    #[serde(default)]
    pub email: Option<String>,
    /// Given name.
    #[serde(default)]
    pub first_name: Option<String>,
    /// Family name.
    #[serde(default)]
    pub last_name: Option<String>,
    /// No longer active.
    #[serde(default)]
    pub archived: bool,
}

/// The names of a custom object type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Labels {
    /// One.
    pub singular: Option<String>,
    /// Many.
    pub plural: Option<String>,
}

/// A custom object type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomSchema {
    /// What API paths take, such as `2-3465404`.
    pub object_type_id: String,
    /// The short name.
    pub name: String,
    /// The name with the portal's prefix, such as `p1234_car`.
    #[serde(default)]
    pub fully_qualified_name: String,
    /// Names for people.
    #[serde(default)]
    pub labels: Labels,
    /// Needed to create an object.
    #[serde(default)]
    pub required_properties: Vec<String>,
    /// The properties.
    #[serde(default)]
    pub properties: Vec<Property>,
    /// No longer used.
    #[serde(default)]
    pub archived: bool,
}

/// What a portal says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountInfo {
    /// The portal's id.
    pub portal_id: i64,
    /// `STANDARD`, `DEVELOPER_TEST`, `SANDBOX` or `APP_DEVELOPER`.
    #[serde(default)]
    pub account_type: String,
    /// The portal's time zone, such as `US/Eastern`.
    #[serde(default)]
    pub time_zone: String,
    /// The portal's currency.
    #[serde(default)]
    pub company_currency: String,
    /// Where people open it, such as `app.hubspot.com`.
    #[serde(default)]
    pub ui_domain: String,
    /// Where it is hosted, such as `na1`.
    #[serde(default)]
    pub data_hosting_location: String,
}
