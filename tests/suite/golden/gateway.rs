//! Command 152, and commands with a stated peer.

use super::transcript::Transcript;
use data_encoding::BASE64;
use fourauth_client::Identity;
use fourauth_protocol::{
    command::{Command, ProveGateway},
    gateway::{GatewayName, message},
    secret::Secret,
};
use fourauth_store::{Error, Gateway};
use fourauth_tests::server::TestServer;

/// The name and key of a gateway that an operator has registered.
pub(super) async fn registered(server: &TestServer) -> (GatewayName, Identity) {
    let identity = Identity::from_seed(Secret::new([3; 32]));
    let name = GatewayName::parse("portal").unwrap();
    let gateway = Gateway { name: name.clone(), key: identity.key(), added_at: server.now() };
    let store = server.server().store();
    let added: Result<bool, Error> =
        store.write(move |tx| Box::pin(async move { tx.add_gateway(&gateway).await })).await;
    assert!(added.unwrap());
    (name, identity)
}

#[tokio::test]
async fn prove_gateway() {
    let server = TestServer::start().await;
    let (name, identity) = registered(&server).await;
    let mut talk = Transcript::with(server).await;
    talk.ask_text(
        "Without a proof no peer may be stated.",
        r#"{"cmd":"190","peer":"198.51.100.7","ref":"1"}"#,
    )
    .await;
    let signature = identity.sign(&message(&talk.exporter(), &name));
    talk.name(&BASE64.encode(signature.as_bytes()), "<signature>");
    let proof = Command::ProveGateway(ProveGateway::new(name, signature));
    talk.ask("The gateway proves its key on this connection.", proof).await;
    talk.ask_text(
        "A command of a visitor. The answer repeats `ref`.",
        r#"{"cmd":"100","peer":"198.51.100.7","ref":"2","username":"alice","password":"x"}"#,
    )
    .await;
    talk.ask_text(
        "The peer is missing.",
        r#"{"cmd":"100","ref":"3","username":"alice","password":"x"}"#,
    )
    .await;
    talk.settle("152-prove-gateway");
}
