//! The operations of routes that answer by themselves, from their shapes.

use super::responses;
use crate::{
    route::{Route, Takes},
    shape::{Kind, Member, Shape},
};
use serde_json::{Map, Value, json};

/// The operation of a route of this shape.
pub(super) fn operation(route: &Route, shape: &Shape) -> Value {
    let mut operation = json!({
        "operationId": operation_id(route),
        "tags": [shape.tag],
        "summary": shape.summary,
        "responses": responses::of_shape(route, &object(shape.granted, Of::Answer)),
    });
    let bodies: Vec<_> = shape.bodies.iter().map(|members| object(members, Of::Body)).collect();
    let schema = match <[Value; 1]>::try_from(bodies) {
        Ok([one]) => one,
        Err(several) => json!({ "anyOf": several }),
    };
    if !shape.bodies.is_empty() {
        let content = json!({ "application/json": { "schema": schema } });
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    if shape.takes_token {
        operation["security"] = json!([{}, { "token": [] }]);
    }
    operation
}

/// What an object is. An absent member of a body may be null; one of an answer is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Body,
    Answer,
}

/// `post_forgot_password`, and `get_well_known_jwks_json`.
fn operation_id(route: &Route) -> String {
    let path = route.path.trim_start_matches(['/', '.']).replace(['/', '-', '.'], "_");
    format!("{}_{path}", route.method.as_str().to_lowercase())
}

fn object(members: &[Member], of: Of) -> Value {
    let properties = members.iter().map(|member| (member.name.to_owned(), property(member, of)));
    let properties: Map<_, _> = properties.collect();
    let required = members.iter().filter(|member| member.is_required).map(|member| member.name);
    let required: Vec<_> = required.collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

fn property(member: &Member, of: Of) -> Value {
    let part = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let mut choices = match member.kind {
        Kind::Text => vec![json!({ "type": "string" })],
        Kind::Syntax(names) => names.iter().map(|name| part(name)).collect(),
        Kind::List(name) => vec![json!({ "type": "array", "items": part(name) })],
        Kind::Absent => Vec::new(),
    };
    if of == Of::Body && !member.is_required {
        choices.push(json!({ "type": "null" }));
    }
    json!({ "description": member.about, "anyOf": choices })
}

#[test]
fn a_route_with_a_shape_reads_its_body_as_json() {
    for route in crate::routes::all() {
        if let crate::route::Work::Described(_, shape) = &route.work {
            assert_eq!(route.body == Takes::Json, !shape.bodies.is_empty(), "{}", route.path);
        }
    }
}
