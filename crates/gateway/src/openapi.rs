//! The description of the API in OpenAPI 3.1, made from the table of routes and the schemas of the
//! protocol. It exists in tests only: the server sends the file that the test below keeps current.

use crate::{
    query::{Kind, Parameter},
    route::{Route, Takes, Work},
    routes,
    translation::Translation,
};
use fourauth_protocol::schema;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, path::Path};

const FILE: &str = "../../docs/openapi.json";

/// The whole description.
fn document() -> Value {
    let mut components = Map::new();
    let mut commands = BTreeMap::new();
    for (name, mut schema) in schema::all() {
        for (name, part) in take_parts(&mut schema) {
            components.insert(name, part);
        }
        commands.insert(name, schema);
    }
    components.insert("Answer".to_owned(), commands["answer"].clone());
    components.insert("Error".to_owned(), error());
    let mut paths = Map::new();
    for route in routes::all() {
        let Work::Command(translation) = &route.work else { continue };
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        let method = route.method.as_str().to_lowercase();
        path[method] = operation(route, translation, &commands[translation.command]);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "fourauth",
            "version": "1",
            "description": "Each request is one command of the protocol. docs/PROTOCOL.md has their \
                            meaning, and all codes.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description":
                    "The token of a session." },
                "admin_secret": { "type": "http", "scheme": "bearer", "description":
                    "The secret of an administrator." },
            },
        },
    })
}

/// Takes the parts out of a schema that it refers to, and makes all references those of OpenAPI.
fn take_parts(schema: &mut Value) -> Map<String, Value> {
    refer_to_components(schema);
    let fields = schema.as_object_mut().expect("a schema is an object");
    fields.remove("$schema");
    match fields.remove("$defs") {
        Some(Value::Object(parts)) => parts,
        _ => Map::new(),
    }
}

fn refer_to_components(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(target) if name == "$ref" => {
                        *target = target.replace("#/$defs/", "#/components/schemas/");
                    }
                    value => refer_to_components(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(refer_to_components),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn operation(route: &Route, translation: &Translation, command: &Value) -> Value {
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": translation.summary,
        "description": format!("Command {}.", translation.command),
        "responses": {
            "200": { "description": "Granted.", "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/Answer" } } } },
            "default": { "description": "Not granted, or not decided.", "content": {
                "application/json": { "schema": { "$ref": "#/components/schemas/Error" } },
                "application/problem+json": {} } },
        },
    });
    let parameters = parameters(route, translation);
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    if route.body != Takes::Nothing {
        let schema = body(translation, command.clone());
        let mut content = json!({ "application/json": { "schema": schema } });
        if route.body == Takes::Pictures {
            content["multipart/form-data"] = form();
        }
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    if let Some(field) = translation.bearer {
        operation["security"] = json!([{ field: [] }]);
    }
    operation
}

/// The same command as a form.
fn form() -> Value {
    json!({ "schema": { "type": "object", "description":
        "The same members as texts; pictures as files `face` or `new_face` instead of base64." } })
}

/// `post_passcodes_redeem`.
fn operation_id(route: &Route) -> String {
    let path = route.path.trim_start_matches("/api/v1/").replace('/', "_");
    format!("{}_{}", route.method.as_str().to_lowercase(), path.replace(['{', '}'], ""))
}

/// The members that the body has: those of the command that come from nowhere else.
fn body(translation: &Translation, mut schema: Value) -> Value {
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

fn parameters(route: &Route, translation: &Translation) -> Vec<Value> {
    let name = route.path.split(['{', '}']).nth(1);
    let of_path = name.map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
    });
    of_path.into_iter().chain(translation.query.iter().map(parameter)).collect()
}

fn parameter(parameter: &Parameter) -> Value {
    let kind = match parameter.kind {
        Kind::Text => "string",
        Kind::Number => "integer",
        Kind::Flag => "boolean",
    };
    json!({ "name": parameter.name, "in": "query", "schema": { "type": kind } })
}

fn error() -> Value {
    json!({
        "type": "object",
        "required": ["error", "request_id"],
        "properties": {
            "error": { "type": "string", "description": "Text for people." },
            "code": { "$ref": "#/components/schemas/Code" },
            "request_id": { "$ref": "#/components/schemas/RequestId" },
            "missing": { "type": "array", "items": { "$ref": "#/components/schemas/Method" } },
        },
    })
}

/// All targets of references in a value.
fn targets<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| targets(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| targets(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a person asks for an update in the environment")]
fn the_description_of_the_api_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let current = format!("{:#}\n", document());
    if std::env::var("FOURAUTH_UPDATE").is_ok() {
        std::fs::write(&file, &current).unwrap();
    }
    let checked_in = std::fs::read_to_string(file).unwrap();
    assert!(checked_in == current, "docs/openapi.json is outdated; FOURAUTH_UPDATE=1 rewrites it");
}

#[test]
fn every_reference_of_the_description_has_a_target() {
    let document = document();
    let mut found = Vec::new();
    targets(&document, &mut found);
    assert!(found.len() > 50, "only {} references", found.len());
    for target in found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target}");
    }
}

#[test]
fn a_body_has_no_member_that_comes_from_elsewhere() {
    let document = document();
    for (path, method, field) in [
        ("/api/v1/login", "post", "cmd"),
        ("/api/v1/register", "post", "admin_secret"),
        ("/api/v1/devices/{name}", "delete", "device_name"),
        ("/api/v1/session/check", "post", "token"),
    ] {
        let body = &document["paths"][path][method]["requestBody"]["content"]["application/json"];
        let properties = body["schema"]["properties"].as_object().unwrap();
        assert!(properties.contains_key("mac"), "{path}");
        assert!(!properties.contains_key(field), "{path} {field}");
        assert!(!body["schema"]["required"].to_string().contains(field), "{path} {field}");
    }
}
