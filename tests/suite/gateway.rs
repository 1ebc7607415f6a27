//! Gateways: one connection carries the commands of many peers, and the limits of each peer hold.

mod identity;
mod session;
mod visitors;

use fourauth_client::{GatewayConnection, Identity, Outcome};
use fourauth_config::Config;
use fourauth_protocol::{
    answer::{Answer, AuditRow},
    command::{Command, Login, ProveGateway},
    envelope::Reference,
    gateway::{GatewayName, message},
    username::Username,
};
use fourauth_store::{Error, Gateway};
use fourauth_tests::{raw::RawConnection, server::TestServer};
use std::net::IpAddr;

const HELLO: &str = r#"{"cmd":"190"}"#;
const UNKNOWN: &str = r#"{"cmd":"100","username":"nobody","password":"x"}"#;

/// Tests connect from the machine itself, which is exempt by default.
fn no_exemptions(config: &mut Config) {
    config.limits.penalty_exempt.clear();
}

pub(crate) fn portal() -> GatewayName {
    GatewayName::parse("portal").unwrap()
}

/// The address of a visitor.
fn visitor(number: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, number])
}

/// A wrong login of an account that does not exist.
fn guess() -> Command {
    Command::Login(Login::new(Username::parse("nobody").unwrap(), "x".to_owned()))
}

/// Registers the gateway `portal` as `fourauthd gateway add` does.
pub(crate) async fn register(server: &TestServer) -> Identity {
    let identity = Identity::generate().unwrap();
    let gateway = Gateway { name: portal(), key: identity.key(), added_at: server.now() };
    let added: Result<bool, Error> = server
        .server()
        .store()
        .write(move |tx| Box::pin(async move { tx.add_gateway(&gateway).await }))
        .await;
    assert!(added.unwrap());
    identity
}

/// Removes it again.
pub(crate) async fn remove(server: &TestServer) {
    let removed: Result<bool, Error> = server
        .server()
        .store()
        .write(|tx| Box::pin(async move { tx.remove_gateway(&portal()).await }))
        .await;
    assert!(removed.unwrap());
}

/// Connects and proves the gateway.
pub(crate) async fn prove(server: &TestServer, identity: &Identity) -> Outcome<GatewayConnection> {
    server.connect().await.as_gateway(&portal(), identity).await.unwrap()
}

/// A gateway's connection over TLS.
async fn connected(server: &TestServer) -> GatewayConnection {
    let identity = register(server).await;
    prove(server, &identity).await.granted().unwrap()
}

/// A gateway's connection that can send any payload.
async fn raw(server: &TestServer) -> RawConnection {
    let identity = register(server).await;
    let mut connection = server.raw().await;
    let signature = identity.sign(&message(&connection.exporter(), &portal()));
    let proof = Command::ProveGateway(ProveGateway::new(portal(), signature));
    connection.send_payload(proof.to_json().expose()).await;
    assert!(connection.answer().await.unwrap().is_ok());
    connection
}

/// A payload with further fields.
fn with(payload: &str, fields: &str) -> String {
    payload.replacen('{', &format!("{{{fields},"), 1)
}

/// The text that an answer repeats.
fn reference(answer: &Answer) -> Option<&str> {
    answer.reference.as_ref().map(Reference::as_str)
}

/// Waits until there are `count` rows of this action, and returns them.
async fn rows(server: &TestServer, action: &str, count: usize) -> Vec<AuditRow> {
    loop {
        let mut rows = server.audit().await;
        rows.retain(|row| row.action == *action);
        if rows.len() >= count {
            return rows;
        }
        tokio::task::yield_now().await;
    }
}
