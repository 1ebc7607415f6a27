//! `/api/v1`: one route for each command that makes sense over HTTP.
//!
//! 150 and 152 are not here: a proof is about the connection of the device itself.

use crate::{
    query::{Kind, Parameter},
    route::{Route, Takes, Work},
    settings::Resource,
    translation::Translation,
};
use hyper::Method;

/// The device of a session. It is a label and no secret.
const MAC: Parameter = Parameter { name: "mac", kind: Kind::Text };

const TOKEN: Option<&str> = Some("token");
const ADMIN: Option<&str> = Some("admin_secret");

pub(super) static ROUTES: [Route; 33] = [
    route(
        Method::GET,
        "/api/v1/hello",
        Takes::Nothing,
        Translation::new("190", "The version, limits and requirements of the server"),
    ),
    route(
        Method::POST,
        "/api/v1/login",
        Takes::Pictures,
        Translation::new("100", "Log in; the answer has the token of a session"),
    ),
    route(
        Method::POST,
        "/api/v1/passcodes",
        Takes::Json,
        Translation::new("110", "Send a passcode by mail or text message"),
    ),
    route(
        Method::POST,
        "/api/v1/passcodes/redeem",
        Takes::Json,
        Translation::new("120", "Log in with a password and a passcode"),
    ),
    route(
        Method::POST,
        "/api/v1/face-challenge",
        Takes::Json,
        Translation::new("154", "Begin a face challenge; the answer says what to do"),
    ),
    route(
        Method::POST,
        "/api/v1/account",
        Takes::Json,
        Translation::new("160", "Register an account of one's own"),
    ),
    route(
        Method::POST,
        "/api/v1/sign-in",
        Takes::Json,
        Translation::new("170", "Prove a password; the answer has a token, or a grant"),
    ),
    route(
        Method::POST,
        "/api/v1/sign-in/code",
        Takes::Json,
        Translation::new("180", "Prove a one-time code with that grant; the answer has a token"),
    ),
    route(
        Method::GET,
        "/api/v1/keys",
        Takes::Nothing,
        Translation::new("192", "The public keys that verify signed tokens"),
    ),
    route(
        Method::POST,
        "/api/v1/session/check",
        Takes::Json,
        with_token("130", "Check the token of a session, and renew it when it is due"),
    ),
    route(
        Method::POST,
        "/api/v1/session/exchange",
        Takes::Json,
        with_token("132", "Exchange the token for one that a single service can check"),
    ),
    route(
        Method::POST,
        "/api/v1/session/raise",
        Takes::Pictures,
        with_token(
            "259",
            "Raise the level of a session; the answer has the token to use from then on",
        ),
    ),
    route(
        Method::DELETE,
        "/api/v1/session",
        Takes::Nothing,
        of_device("140", "End the session of this token"),
    ),
    route(
        Method::GET,
        "/api/v1/sessions",
        Takes::Nothing,
        of_device("142", "List the sessions of the account"),
    ),
    route(
        Method::GET,
        "/api/v1/session/proof",
        Takes::Nothing,
        of_device("144", "The proof of the sign-in of this token"),
    ),
    route(
        Method::GET,
        "/api/v1/sessions/{id}/proof",
        Takes::Nothing,
        Translation { path: Some("session"), ..of_device("144", "The proof of one sign-in") },
    ),
    route(
        Method::DELETE,
        "/api/v1/sessions",
        Takes::Nothing,
        Translation { is_for_all: true, ..of_device("140", "End all sessions of the account") },
    ),
    route(
        Method::DELETE,
        "/api/v1/sessions/{id}",
        Takes::Nothing,
        Translation { path: Some("session"), ..of_device("140", "End one session of the account") },
    ),
    route(
        Method::GET,
        "/api/v1/devices",
        Takes::Nothing,
        of_device("222", "List the devices of the account"),
    ),
    route(Method::POST, "/api/v1/devices", Takes::Json, Translation::new("220", "Add a device")),
    route(
        Method::DELETE,
        "/api/v1/devices/{name}",
        Takes::Json,
        Translation { path: Some("device_name"), ..Translation::new("224", "Revoke a device") },
    ),
    route(
        Method::POST,
        "/api/v1/register",
        Takes::Pictures,
        Translation {
            bearer: ADMIN,
            ..Translation::new("200", "Register an account, as an administrator")
        },
    ),
    route(
        Method::POST,
        "/api/v1/invitations",
        Takes::Json,
        Translation {
            bearer: ADMIN,
            ..Translation::new("202", "Invite a person, as an administrator")
        },
    ),
    route(
        Method::POST,
        "/api/v1/invitations/accept",
        Takes::Json,
        Translation::new("162", "Accept an invitation, with a password of one's own"),
    ),
    route(
        Method::POST,
        "/api/v1/totp/confirm",
        Takes::Json,
        Translation::new("210", "Confirm that a new authenticator works"),
    ),
    route(
        Method::POST,
        "/api/v1/recover/totp",
        Takes::Pictures,
        Translation::new("300", "Replace the secret for one-time codes"),
    ),
    route(
        Method::POST,
        "/api/v1/recover/password",
        Takes::Pictures,
        Translation::new("310", "Replace the password"),
    ),
    route(
        Method::POST,
        "/api/v1/recover/face",
        Takes::Pictures,
        Translation::new("320", "Replace the face"),
    ),
    route(
        Method::POST,
        "/api/v1/recover/device",
        Takes::Pictures,
        Translation::new("330", "Replace a device"),
    ),
    route(
        Method::POST,
        "/api/v1/password/forgot",
        Takes::Json,
        Translation::new("340", "Send a code for a forgotten password"),
    ),
    route(
        Method::POST,
        "/api/v1/password/validate",
        Takes::Json,
        Translation::new("350", "Exchange that code for a grant"),
    ),
    route(
        Method::POST,
        "/api/v1/password/reset",
        Takes::Json,
        Translation::new("360", "Replace the password with that grant"),
    ),
    route(
        Method::GET,
        "/api/v1/audit",
        Takes::Nothing,
        Translation {
            bearer: ADMIN,
            query: &AUDIT,
            ..Translation::new("240", "Read the audit log, as an administrator")
        },
    ),
];

/// The filters of the audit log.
static AUDIT: [Parameter; 6] = [
    Parameter { name: "username", kind: Kind::Text },
    Parameter { name: "action", kind: Kind::Text },
    Parameter { name: "success", kind: Kind::Flag },
    Parameter { name: "id", kind: Kind::Number },
    Parameter { name: "before_id", kind: Kind::Number },
    Parameter { name: "limit", kind: Kind::Number },
];

static DEVICE: [Parameter; 1] = [MAC];

const fn route(method: Method, path: &'static str, body: Takes, translation: Translation) -> Route {
    Route { method, path, resource: Resource::Api, body, work: Work::Command(translation) }
}

/// A command with the token of a session.
const fn with_token(command: &'static str, summary: &'static str) -> Translation {
    Translation { bearer: TOKEN, ..Translation::new(command, summary) }
}

/// A command with the token of a session, which its device sends.
const fn of_device(command: &'static str, summary: &'static str) -> Translation {
    Translation { query: &DEVICE, ..with_token(command, summary) }
}
