//! Prints the suggestions for a pair of schemas: reads `{"partneros": schema, "hubspot": schema}` from
//! standard input, where a schema has the form of `object-schema` in JSON, and prints one line a field.

use std::io::Read;

use hubspot_mapper::bindings::{ChoiceOption, DataType, FieldSchema, ObjectSchema};
use serde_json::Value as Json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let pair: Json = serde_json::from_str(&text)?;
    let partneros = object(&pair["partneros"]);
    let suggestions = hubspot_mapper::suggest(&partneros, &object(&pair["hubspot"]));
    for suggestion in suggestions {
        let candidates = suggestion.candidates.iter().map(|candidate| {
            let codes = candidate
                .reasons
                .iter()
                .map(|reason| Json::from(reason.code.as_str()));
            serde_json::json!({
                "property": candidate.property,
                "confidence": candidate.confidence,
                "reasons": codes.collect::<Json>(),
            })
        });
        let candidates: Json = candidates.collect();
        println!(
            "{}",
            serde_json::json!({ "field": suggestion.field, "candidates": candidates })
        );
    }
    Ok(())
}

fn object(json: &Json) -> ObjectSchema {
    ObjectSchema {
        name: text(&json["name"]),
        label: text(&json["label"]),
        fields: list(&json["fields"]).map(field).collect(),
    }
}

fn field(json: &Json) -> FieldSchema {
    let choice = |json: &Json| ChoiceOption {
        value: text(&json["value"]),
        label: text(&json["label"]),
    };
    let extra = json["extra"].as_object().into_iter().flatten();
    FieldSchema {
        name: text(&json["name"]),
        label: text(&json["label"]),
        description: text(&json["description"]),
        data_type: data_type(json["dataType"].as_str().unwrap_or_default()),
        choices: list(&json["choices"]).map(choice).collect(),
        read_only: json["readOnly"] == true,
        required: json["required"] == true,
        unique: json["unique"] == true,
        extra: extra
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
    }
}

fn data_type(name: &str) -> DataType {
    match name {
        "integer" => DataType::Integer,
        "number" => DataType::Number,
        "boolean" => DataType::Boolean,
        "date" => DataType::Date,
        "datetime" => DataType::Datetime,
        "choice" => DataType::Choice,
        "multi-choice" => DataType::MultiChoice,
        "reference" => DataType::Reference,
        _ => DataType::Text,
    }
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

fn list(json: &Json) -> impl Iterator<Item = &Json> {
    json.as_array().into_iter().flatten()
}
