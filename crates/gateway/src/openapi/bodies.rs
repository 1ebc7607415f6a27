//! The bodies of requests: the fields of a command that come from nowhere else, as JSON, and where
//! there are pictures as a form too.

use super::of_field;
use crate::{
    multipart::PICTURES,
    route::{Route, Takes},
    translation::Translation,
};
use fourauth_protocol::picture::MAX_PICTURES;
use serde_json::{Map, Value, json};

/// The body of a route that takes one.
pub(super) fn of(
    route: &Route,
    translation: &Translation,
    command: &Value,
    parts: &Map<String, Value>,
) -> Value {
    let json = json(translation, command.clone());
    let mut content = json!({ "application/json": { "schema": json } });
    if route.body == Takes::Pictures {
        content["multipart/form-data"] = form(&json, parts);
    }
    json!({ "required": true, "content": content })
}

/// The members that the body has: those of the command that come from nowhere else.
fn json(translation: &Translation, mut schema: Value) -> Value {
    let elsewhere = [Some("cmd"), translation.bearer, translation.path];
    for field in elsewhere.into_iter().flatten() {
        if let Some(properties) = schema["properties"].as_object_mut() {
            properties.remove(field);
        }
        if let Some(required) = schema["required"].as_array_mut() {
            required.retain(|name| name != field);
        }
    }
    schema
}

/// The same members as a form. A form has texts and files only, so members of other types are not
/// there.
fn form(json: &Value, parts: &Map<String, Value>) -> Value {
    let fields = json["properties"].as_object().expect("a body has members");
    let mut properties = Map::new();
    for name in fields.keys() {
        if let Some((file, _)) = PICTURES.iter().find(|(_, field)| field == name) {
            let file_schema = json!({ "type": "string", "format": "binary" });
            let files = json!({ "type": "array", "items": file_schema, "maxItems": MAX_PICTURES });
            properties.insert((*file).to_owned(), files);
            continue;
        }
        let schema = of_field(json, name);
        let part = schema.get("$ref").and_then(Value::as_str).and_then(|it| it.rsplit('/').next());
        if part.map_or(&schema, |part| &parts[part])["type"] == "string" {
            properties.insert(name.clone(), schema);
        }
    }
    json!({ "schema": {
        "type": "object",
        "properties": properties,
        "required": json["required"],
        // Others are ignored.
        "propertyNames": { "pattern": "^[0-9A-Za-z_]+$" },
        "additionalProperties": { "type": "string" },
    } })
}
