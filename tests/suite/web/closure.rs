//! The gateway has no crate that stores, decides or keeps a key.

use crate::checked_in;
use serde_json::Value;
use std::{collections::BTreeSet, process::Command};

/// Crates that a gateway must not have.
const FORBIDDEN: [&str; 8] = [
    "fourauth-auth",
    "fourauth-checkpoints",
    "fourauth-config",
    "fourauth-face",
    "fourauth-factors",
    "fourauth-server",
    "fourauth-store",
    "sqlx",
];

/// The triple of the platform that the tests run on.
fn platform() -> String {
    let ran = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let said = String::from_utf8(ran.stdout).unwrap();
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc names its host").to_owned()
}

/// The names of the crates that `name` is built with, and its own.
fn closure(name: &str) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    // A build has fetched only what this platform needs.
    cargo
        .args(["metadata", "--offline", "--format-version", "1", "--filter-platform", &platform()])
        .current_dir(checked_in::path(""));
    let ran = cargo.output().expect("cargo runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let metadata: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let named = |id: &Value| packages.iter().find(|it| it["id"] == *id).unwrap()["name"].clone();
    let first = packages.iter().find(|it| it["name"] == name).unwrap()["id"].clone();
    let (mut seen, mut next) = (BTreeSet::new(), vec![first]);
    while let Some(id) = next.pop() {
        if !seen.insert(named(&id).as_str().unwrap().to_owned()) {
            continue;
        }
        let node = nodes.iter().find(|it| it["id"] == id).unwrap();
        for dependency in node["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            if kinds.iter().any(|it| it["kind"].is_null()) {
                next.push(dependency["pkg"].clone());
            }
        }
    }
    seen
}

#[test]
fn the_gateway_is_built_without_store_and_decisions() {
    let has = |closure: &BTreeSet<String>| -> Vec<_> {
        FORBIDDEN.into_iter().filter(|name| closure.contains(*name)).collect()
    };
    let gateway = closure("fourauth-gateway");
    assert!(gateway.contains("fourauth-client") && gateway.contains("hyper"), "{gateway:?}");
    assert_eq!(has(&gateway), [""; 0]);
    assert_eq!(has(&closure("fourauth-server")), FORBIDDEN, "the control");
}
