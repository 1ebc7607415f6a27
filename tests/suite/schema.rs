//! The checked-in JSON Schema matches the types, and commands and answers match the schema.

use crate::checked_in;
use fourauth_protocol::{
    command::{
        CodeStep, Command, GetKeys, Hello, PasswordStep, RequestReset, ResetPassword, SelfRegister,
        ValidateReset,
    },
    grant::GrantToken,
    mac_address::MacAddress,
    printable::PrintableJson,
    reset_code::ResetCode,
    schema,
};
use fourauth_tests::{models::picture, server::TestServer, with::With as _};
use serde_json::{Map, Value, json};
use std::fs;

#[test]
fn the_checked_in_schema_matches_the_types() {
    for (name, schema) in schema::all() {
        let text = serde_json::to_string_pretty(&schema).unwrap();
        let text = format!("{}\n", PrintableJson(&text));
        checked_in::settle(&format!("docs/schema/{name}.json"), &text);
    }
    let files = fs::read_dir(checked_in::path("docs/schema")).unwrap().count();
    assert_eq!(files, schema::all().len(), "docs/schema has a file that no type generates");
}

#[tokio::test]
async fn commands_of_the_client_match_their_schema() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let now = server.now();
    let mac = MacAddress::parse("00:1b:44:11:3a:ff").unwrap();
    let right = alice.login(now);
    let faces = vec![picture("obama2.jpg"); 3];
    let new_faces = faces.clone();
    for (name, command) in [
        ("100", Command::Login(right.clone())),
        (
            "100",
            Command::Login(right.clone().with(|login| {
                login.face = None;
                login.faces = faces;
            })),
        ),
        (
            "100",
            Command::Login(right.with(|login| {
                login.totp = None;
                login.mac = None;
                login.client_ts_utc = None;
            })),
        ),
        ("160", Command::SelfRegister(SelfRegister::new(alice.username.clone(), "p".to_owned()))),
        ("170", Command::PasswordStep(PasswordStep::new(alice.username.clone(), "p".to_owned()))),
        (
            "180",
            Command::CodeStep(CodeStep::new(
                alice.username.clone(),
                alice.code(now),
                Some(GrantToken::from_bytes([0xfb; 32])),
            )),
        ),
        ("190", Command::Hello(Hello::default())),
        ("192", Command::GetKeys(GetKeys::default())),
        ("200", Command::Register(server.registration("bob", "biden.jpg"))),
        ("210", Command::ConfirmTotp(alice.confirm(now))),
        ("240", Command::ReadAudit(server.read_audit())),
        ("300", Command::RecoverTotp(alice.recover_totp(now))),
        ("310", Command::RecoverPassword(alice.recover_password("amber-Fox-17", now))),
        ("320", Command::RecoverFace(alice.recover_face(picture("obama3.jpg"), now))),
        (
            "320",
            Command::RecoverFace(
                alice
                    .recover_face(picture("obama3.jpg"), now)
                    .with(|recover| recover.new_faces = new_faces),
            ),
        ),
        ("330", Command::RecoverDevice(alice.recover_device(mac, now))),
        ("340", Command::RequestReset(RequestReset::new(alice.username.clone()))),
        (
            "350",
            Command::ValidateReset(ValidateReset::new(
                alice.username.clone(),
                ResetCode::from_number(5924),
            )),
        ),
        (
            "360",
            Command::ResetPassword(
                ResetPassword::new(alice.username.clone(), "amber-Fox-17".to_owned())
                    .grant(GrantToken::from_bytes([7; 32])),
            ),
        ),
    ] {
        let payload = serde_json::from_slice(command.to_json().expose()).unwrap();
        assert_eq!(objection(&named(name), &payload), None);
    }
}

#[tokio::test]
async fn answers_of_the_server_match_their_schema() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let mut connection = server.raw().await;
    for command in [
        Command::Hello(Hello::default()),
        Command::Login(alice.login(server.now())),
        Command::Login(alice.login(server.now())),
        Command::Register(server.registration("bob", "biden.jpg")),
        Command::ReadAudit(server.read_audit()),
    ] {
        connection.send_payload(command.to_json().expose()).await;
        let payload = serde_json::from_slice(&connection.payload().await.unwrap()).unwrap();
        assert_eq!(objection(&named("answer"), &payload), None);
    }
}

#[test]
fn a_payload_that_does_not_match_is_reported() {
    let obeys = json!({ "status": "error", "message": "Later.", "code": "unavailable" });
    assert_eq!(objection(&named("answer"), &obeys), None);
    for (key, value, path) in [
        ("status", Value::Null, "$.status"),
        ("status", json!("perhaps"), "$.status"),
        ("code", json!("quantum_flux"), "$.code"),
        ("retry_after_ms", json!("soon"), "$.retry_after_ms"),
        ("mesage", json!("Later."), "$.mesage"),
        ("server", json!({ "protocol": 1 }), "$.server"),
        ("rows", json!([{ "id": 1 }]), "$.rows"),
    ] {
        let mut payload = obeys.clone();
        payload[key] = value;
        let objection = objection(&named("answer"), &payload);
        assert!(objection.as_deref().is_some_and(|text| text.starts_with(path)), "{objection:?}");
    }
    let unnamed = json!({ "cmd": "170", "password": "p" });
    let lacks = Some("$ lacks one of several keys".to_owned());
    assert_eq!(objection(&named("170"), &unnamed), lacks);
    let incomplete = json!({ "status": "ok", "code": "ok" });
    assert_eq!(objection(&named("answer"), &incomplete), Some("$.message is missing".into()));
}

fn named(name: &str) -> Value {
    schema::all().into_iter().find(|(other, _)| *other == name).unwrap().1
}

/// The first place where `value` differs from the structure that `schema` describes: types,
/// constants, required keys, and keys that are not described. Patterns and lengths are not checked.
fn objection(schema: &Value, value: &Value) -> Option<String> {
    Checker { definitions: &schema["$defs"] }.check(schema, value, "$")
}

struct Checker<'a> {
    definitions: &'a Value,
}

impl Checker<'_> {
    fn check(&self, schema: &Value, value: &Value, path: &str) -> Option<String> {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.strip_prefix("#/$defs/").unwrap();
            return self.check(&self.definitions[name], value, path);
        }
        let choices = schema.get("anyOf").or(schema.get("oneOf"));
        if let Some(choices) = choices.filter(|_| schema.get("properties").is_none()) {
            return self.check_choices(choices, value, path);
        }
        if !is_of_type(&schema["type"], value) || !is_of_values(schema, value) {
            return Some(format!("{path} is {value}"));
        }
        match value {
            Value::Object(object) => self.check_object(schema, object, path),
            Value::Array(items) => {
                items.iter().find_map(|item| self.check(&schema["items"], item, path))
            }
            _ => None,
        }
    }

    /// One choice must match. Otherwise the objection of the first choice is returned: the others
    /// are `null` or other constants.
    fn check_choices(&self, choices: &Value, value: &Value, path: &str) -> Option<String> {
        let choices = choices.as_array().into_iter().flatten();
        let objections: Vec<_> =
            choices.map(|choice| self.check(choice, value, path)).collect::<Option<_>>()?;
        objections.into_iter().next()
    }

    fn check_object(
        &self,
        schema: &Value,
        object: &Map<String, Value>,
        path: &str,
    ) -> Option<String> {
        let required = schema["required"].as_array().into_iter().flatten();
        let missing = required.filter_map(Value::as_str).find(|key| !object.contains_key(*key));
        if let Some(key) = missing {
            return Some(format!("{path}.{key} is missing"));
        }
        // The account has several names, and one of them must be there.
        let has = |choice: &Value| object.contains_key(choice["required"][0].as_str().unwrap());
        if schema["anyOf"].as_array().is_some_and(|choices| !choices.iter().any(has)) {
            return Some(format!("{path} lacks one of several keys"));
        }
        object.iter().find_map(|(key, value)| match schema["properties"].get(key) {
            None => Some(format!("{path}.{key} is not described")),
            Some(schema) => self.check(schema, value, &format!("{path}.{key}")),
        })
    }
}

fn is_of_type(types: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the schemas use no type {other}"),
    };
    match types {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    }
}

fn is_of_values(schema: &Value, value: &Value) -> bool {
    let listed = schema["enum"].as_array().is_none_or(|values| values.contains(value));
    listed && schema.get("const").is_none_or(|constant| constant == value)
}
