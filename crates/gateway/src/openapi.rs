//! The description of the API in OpenAPI 3.1, made from the table of routes and the schemas of the
//! protocol. It exists in tests only: the server sends the file that the test below keeps current.

mod bodies;
mod responses;
mod shaped;

use crate::{
    route::{Route, Takes, Work},
    routes,
    translation::Translation,
};
use fourauth_protocol::{printable::PrintableJson, schema};
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
    components.extend(responses::schemas());
    let mut paths = Map::new();
    for route in routes::all() {
        let operation = match &route.work {
            Work::Command(translation) => {
                operation(route, translation, &commands[translation.command], &components)
            }
            Work::Described(_, shape) => shaped::operation(route, shape),
            Work::Own(_) => continue,
        };
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_lowercase()] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "fourauth",
            "version": "1",
            "description": "Each request below /api/v1 is one command of the protocol. \
                            docs/PROTOCOL.md has their meaning, and all codes. The paths beside it \
                            are those of two older systems; a listener offers them with the \
                            resource `compat`. Another path is answered with 404, and another \
                            method with 405, as an Error.",
        },
        "tags": [
            { "name": "commands", "description": "One command of the protocol each." },
            { "name": "accounts", "description": "Registration and logins of two older systems." },
            { "name": "one-time codes", "description": "The second step of those logins." },
            { "name": "forgotten passwords", "description": "Their way back to an account." },
        ],
        "paths": paths,
        "components": {
            "schemas": components,
            "headers": responses::headers(),
            "responses": responses::problems(),
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

fn operation(
    route: &Route,
    translation: &Translation,
    command: &Value,
    parts: &Map<String, Value>,
) -> Value {
    let mut operation = json!({
        "operationId": operation_id(route),
        "tags": ["commands"],
        "summary": translation.summary,
        "description": format!("Command {}.", translation.command),
        "responses": responses::of(route, translation),
    });
    let parameters = parameters(route, translation, command);
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    if route.body != Takes::Nothing {
        operation["requestBody"] = bodies::of(route, translation, command, parts);
    }
    if let Some(field) = translation.bearer {
        operation["security"] = json!([{ field: [] }]);
    }
    operation
}

/// `post_passcodes_redeem`.
fn operation_id(route: &Route) -> String {
    let path = route.path.trim_start_matches("/api/v1/").replace('/', "_");
    format!("{}_{}", route.method.as_str().to_lowercase(), path.replace(['{', '}'], ""))
}

fn parameters(route: &Route, translation: &Translation, command: &Value) -> Vec<Value> {
    let name = route.path.split(['{', '}']).nth(1);
    let of_path = name.zip(translation.path).map(|(name, field)| {
        let schema = of_field(command, field);
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    });
    let of_query = translation.query.iter().map(|parameter| {
        let schema = of_field(command, parameter.name);
        json!({ "name": parameter.name, "in": "query", "schema": schema })
    });
    of_path.into_iter().chain(of_query).collect()
}

/// The schema of a field that is not null, because a path, a query or a form has no null.
fn of_field(command: &Value, field: &str) -> Value {
    let schema = &command["properties"][field];
    let mut schema = schema.get("anyOf").map_or(schema, |choices| &choices[0]).clone();
    if let Some(kind) = schema.get("type").and_then(|kinds| kinds.get(0)) {
        schema["type"] = kind.clone();
    }
    schema
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
    let current = format!("{:#}", document());
    let current = format!("{}\n", PrintableJson(&current));
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

#[test]
fn every_route_of_the_older_systems_is_described() {
    let document = document();
    for route in &crate::compat::ROUTES {
        let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema["properties"].is_object(), "{}", route.path);
        assert!(operation["tags"][0].is_string(), "{}", route.path);
        let is_read = route.body == crate::route::Takes::Json;
        assert_eq!(operation["requestBody"].is_object(), is_read, "{}", route.path);
    }
    let register = &document["paths"]["/register"]["post"]["requestBody"]["content"];
    let forms = register["application/json"]["schema"]["anyOf"].as_array().unwrap();
    assert_eq!(forms[0]["required"], json!(["username", "email", "password"]));
    assert_eq!(forms[1]["required"], json!(["email", "password"]));
    assert_eq!(forms[1]["properties"]["username"]["anyOf"], json!([{ "type": "null" }]));
}
