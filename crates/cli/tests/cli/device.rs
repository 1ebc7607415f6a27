//! This device's key: when it is created, which commands it precedes, and commands about devices.

use crate::{
    desk::{Desk, MAC},
    server::Server,
};
use fourauth_cli::exit::Exit;
use fourauth_protocol::mac_address::MacAddress;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _};

const YES: &str = r#"{"status":"ok","message":"Done.","code":"ok"}"#;
const FACTORS: &str = "--username alice --password-file @password --totp-file @totp --face @a.png";
const OTHER: &str = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const OTHER_MAC: &str = "02:00:00:00:00:01";
const ROWS: &str = r#"{"status":"ok","message":"1 device.","code":"ok","devices":[{
    "name":"lap\u001b[2Jtop","device_id":"21fe31dfa154a261626bf854046fd227",
    "mac":"00:1b:44:11:3a:b7","bound_at":"2025-03-01T12:00:00Z","bound_by":"first_login",
    "last_seen":"2025-03-02T12:00:00Z"}]}"#;

/// The output of `fourauth device key`.
async fn shown(desk: &mut Desk) -> Value {
    let printed = desk.types("fourauth device key --output json").await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    serde_json::from_str(&printed.output).unwrap()
}

#[tokio::test]
async fn a_login_is_preceded_by_a_proof_and_sends_the_key() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    assert_eq!(desk.asks(&server, &format!("login {FACTORS}")).await.exit, Exit::Ok);

    let key = shown(&mut desk).await;
    let requests = server.requests();
    let [_hello, proof, login] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((&proof["cmd"], &proof["username"]), (&json!("150"), &json!("alice")));
    assert_eq!((&proof["device_id"], &proof["mac"]), (&key["device_id"], &json!(MAC)));
    assert_eq!((&login["cmd"], &login["device_name"]), (&json!("100"), &json!("desk")));
    assert_eq!(login["device_pubkey"], key["device_pubkey"]);
}

#[tokio::test]
async fn the_key_is_created_once_and_is_private() {
    let mut desk = Desk::new();
    let first = shown(&mut desk).await;
    assert_eq!(shown(&mut desk).await, first);
    let mode = fs::metadata(desk.file("device.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_registration_does_not_send_the_administrators_key() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    let line = format!("register {FACTORS} --admin-secret-file @admin");
    assert_eq!(desk.asks(&server, &line).await.exit, Exit::Ok);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(server.request().get("device_pubkey"), None);
    assert!(!desk.file("device.key").exists());

    let line = format!("{line} --device-pubkey {OTHER} --device-name phone");
    assert_eq!(desk.asks(&server, &line).await.exit, Exit::Ok);
    let request = server.requests().remove(1);
    assert_eq!(
        (&request["device_pubkey"], &request["device_name"]),
        (&json!(OTHER), &json!("phone"))
    );
}

#[tokio::test]
async fn no_key_is_created_if_the_option_disables_it() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    let line = format!("login {FACTORS} --no-device-key");
    assert_eq!(desk.asks(&server, &line).await.exit, Exit::Ok);
    assert!(server.requests().iter().all(|request| request["cmd"] != "150"));
    assert!(!desk.file("device.key").exists());
    assert_eq!(desk.types("fourauth device key --no-device-key").await.exit, Exit::Usage);
}

#[tokio::test]
async fn the_key_file_can_be_chosen() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    let line = "trust --device-key @elsewhere/my.key --username alice";
    assert_eq!(desk.asks(&server, line).await.exit, Exit::Ok);
    let saved = shown(&mut desk).await;
    assert!(desk.file("elsewhere/my.key").exists());
    let printed = desk.types("fourauth device key --device-key @third.key --output json").await;
    assert_ne!(serde_json::from_str::<Value>(&printed.output).unwrap(), saved);
}

#[tokio::test]
async fn a_key_that_other_users_can_read_is_not_used() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    shown(&mut desk).await;
    fs::set_permissions(desk.file("device.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let printed = desk.asks(&server, &format!("login {FACTORS}")).await;
    assert_eq!(printed.exit, Exit::LocalDevice);
    assert!(printed.notes.contains("chmod 600"), "{}", printed.notes);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_confirmation_is_preceded_by_a_proof() {
    let server = Server::start(YES).await;
    assert_eq!(Desk::new().asks(&server, &format!("confirm {FACTORS}")).await.exit, Exit::Ok);
    let requests = server.requests();
    assert_eq!((&requests[0]["cmd"], &requests[0]["mac"]), (&json!("150"), &json!(MAC)));
    assert_eq!((&requests[1]["cmd"], requests[1].get("mac")), (&json!("210"), None));
}

#[tokio::test]
async fn another_device_is_added_from_this_one() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    let line = format!("device add {FACTORS} --pubkey {OTHER} --name phone");
    assert_eq!(desk.asks(&server, &line).await.exit, Exit::Usage, "the address is missing");
    let line = format!("{line} --mac 02-00-00-00-00-01");
    assert_eq!(desk.asks(&server, &line).await.exit, Exit::Ok);
    let requests = server.requests();
    assert_eq!((&requests[0]["cmd"], &requests[0]["mac"]), (&json!("150"), &json!(MAC)));
    assert_eq!(
        requests[1],
        json!({"cmd": "220", "username": "alice", "password": "Tr0ub4dor&3", "totp": "287082",
            "mac": MAC, "client_ts_utc": "2025-03-01T12:00:00.000Z", "new_mac": "02:00:00:00:00:01",
            "device_pubkey": OTHER, "device_name": "phone"})
    );
}

#[tokio::test]
async fn devices_are_listed_without_control_characters() {
    let server = Server::start(ROWS).await;
    let mut desk = Desk::new();
    desk.input = b"t0k\n".to_vec();
    let printed = desk.asks(&server, "device list --username alice --token-file -").await;
    assert_eq!(server.request(), json!({"cmd": "222", "token": "t0k", "mac": MAC}));
    for expected in ["lap\\u{1b}[2Jtop", "00:1b:44:11:3a:b7", "first_login"] {
        assert!(printed.output.contains(expected), "{}", printed.output);
    }
}

#[tokio::test]
async fn a_device_is_revoked_by_its_name() {
    let server = Server::start(YES).await;
    let line = format!("device revoke phone {FACTORS}");
    assert_eq!(Desk::new().asks(&server, &line).await.exit, Exit::Ok);
    let request = server.request();
    assert_eq!((&request["cmd"], &request["device_name"]), (&json!("224"), &json!("phone")));
    assert_eq!(server.requests()[0]["cmd"], "150");
}

#[tokio::test]
async fn the_address_of_this_device_is_chosen_once() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    let line = format!("login {FACTORS} --no-device-key");
    // An address that is given may be that of another machine, and is not kept.
    desk.asks(&server, &format!("{line} --mac {OTHER_MAC}")).await;
    desk.asks(&server, &line).await;
    desk.device_address = || MacAddress::parse(OTHER_MAC).ok();
    desk.asks(&server, &line).await;
    let logins = server.requests().into_iter().filter(|request| request["cmd"] == "100");
    let sent: Vec<_> = logins.map(|request| request["mac"].clone()).collect();
    assert_eq!(sent, [OTHER_MAC, MAC, MAC]);
    assert_eq!(fs::read_to_string(desk.file("device.address")).unwrap(), format!("{MAC}\n"));
}

#[tokio::test]
async fn the_address_of_the_last_login_stays() {
    let mut desk = Desk::new();
    let session =
        json!({"server": "a.example:65432", "username": "alice", "mac": OTHER_MAC, "token": "t0k"});
    desk.put("session.json", session.to_string().as_bytes());
    assert_eq!(shown(&mut desk).await["mac"], OTHER_MAC);
    fs::remove_file(desk.file("session.json")).unwrap();
    assert_eq!(shown(&mut desk).await["mac"], OTHER_MAC);
}

#[tokio::test]
async fn a_key_is_shown_with_the_command_that_adds_it() {
    let mut desk = Desk::new();
    let printed = desk.types("fourauth device key").await;
    let key = shown(&mut desk).await["device_pubkey"].as_str().unwrap().to_owned();
    assert!(printed.output.contains(&key) && printed.output.contains(MAC), "{}", printed.output);
    let line = format!("fourauth device add --pubkey {key} --mac {MAC}");
    assert!(printed.notes.contains(&line), "{}", printed.notes);
}
