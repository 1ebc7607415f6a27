//! Only a gateway may state a peer: in the process, or with a registered key that is proved.

use super::{
    HELLO, UNKNOWN, connected, guess, no_exemptions, portal, prove, raw, reference, register,
    remove, rows, visitor, with,
};
use fourauth_client::{Identity, Outcome};
use fourauth_protocol::{
    code::Code,
    command::{Command, ProveGateway},
    device, gateway,
    mac_address::MacAddress,
    username::Username,
};
use fourauth_tests::server::{TestServer, quick};
use fourauthd::{command::gateway::GatewayCommand, local_store::LocalStore};

const STATED: &str = r#""peer":"198.51.100.1""#;

#[tokio::test]
async fn a_peer_that_is_no_gateway_cannot_state_a_peer() {
    let server = TestServer::start().await;
    let mut stranger = server.raw().await;
    for payload in [HELLO, UNKNOWN] {
        let answer = stranger.ask(&with(payload, STATED)).await;
        assert_eq!(answer.code, Code::GatewayDenied);
        assert_eq!(answer.message, "Only a gateway may state a peer.");
        assert!(stranger.ask(payload).await.code != Code::GatewayDenied);
    }
    drop(stranger);
    let row = rows(&server, "protocol", 1).await.remove(0);
    assert!(row.detail.contains("not_a_gateway=2 peer=127.0.0.1"), "{}", row.detail);
    let logins = rows(&server, "login", 1).await;
    assert_eq!(logins.len(), 1, "a command with a stated peer was decided");
}

#[tokio::test]
async fn a_reference_without_a_gateway_is_ignored() {
    let server = TestServer::start().await;
    let mut stranger = server.raw().await;
    for reference_field in [r#""ref":"a""#, r#""ref":5"#] {
        let answer = stranger.ask(&with(HELLO, reference_field)).await;
        assert_eq!((answer.code, reference(&answer)), (Code::Ok, None));
    }
}

#[tokio::test]
async fn a_gateway_must_state_the_peer_of_each_command() {
    let server = TestServer::start().await;
    let mut gateway = raw(&server).await;
    let answer = gateway.ask(&with(UNKNOWN, r#""ref":"r""#)).await;
    assert_eq!((answer.code, reference(&answer)), (Code::Malformed, Some("r")));
    assert_eq!(answer.message, "Malformed request: missing field `peer`.");
    assert_eq!(gateway.ask(HELLO).await.code, Code::Ok);
    assert_eq!(gateway.ask(&with(UNKNOWN, STATED)).await.code, Code::Denied);
    for wrong in [r#""peer":7"#, r#""peer":"here""#] {
        assert_eq!(gateway.ask(&with(UNKNOWN, wrong)).await.code, Code::Malformed, "{wrong}");
    }
}

#[tokio::test]
async fn a_wrong_proof_is_audited_and_an_offence() {
    let server = TestServer::configured(no_exemptions).await;
    let identity = register(&server).await;
    let stranger = Identity::generate().unwrap();
    let mut codes = Vec::new();
    for _ in 0..4 {
        let Outcome::Refused(refusal) = prove(&server, &stranger).await else {
            panic!("a stranger is a gateway")
        };
        codes.push(refusal.code);
    }
    assert_eq!(codes[..3], [Code::GatewayDenied; 3]);
    assert_eq!(codes[3], Code::Throttled);
    let row = rows(&server, "prove_gateway", 3).await.remove(0);
    assert!(!row.success && row.detail.contains("gateway=portal peer=127.0.0.1"), "{}", row.detail);
    // The source is blocked, and a right proof is granted from there nevertheless.
    assert_eq!(server.raw().await.ask(UNKNOWN).await.code, Code::Throttled);
    assert!(prove(&server, &identity).await.is_granted());
    let row = rows(&server, "prove_gateway", 4).await.remove(0);
    assert!(
        row.success && row.detail.starts_with("Gateway proved. gateway=portal"),
        "{}",
        row.detail
    );
}

#[tokio::test]
async fn a_proof_holds_on_its_own_connection_only() {
    let server = TestServer::start().await;
    let identity = register(&server).await;
    let (mut here, mut there) = (server.raw().await, server.raw().await);
    let signature = identity.sign(&gateway::message(&here.exporter(), &portal()));
    let proof = Command::ProveGateway(ProveGateway::new(portal(), signature));
    there.send_payload(proof.to_json().expose()).await;
    assert_eq!(there.answer().await.unwrap().code, Code::GatewayDenied);
    here.send_payload(proof.to_json().expose()).await;
    assert_eq!(here.answer().await.unwrap().code, Code::Ok);
}

#[tokio::test]
async fn the_proof_of_a_device_is_no_proof_of_a_gateway() {
    let server = TestServer::start().await;
    let identity = register(&server).await;
    let mut connection = server.raw().await;
    let name = Username::parse("portal").unwrap();
    let mac = MacAddress::parse("00:1b:44:11:3a:b7").unwrap();
    let signature = identity.sign(&device::message(&connection.exporter(), &name, mac));
    let proof = Command::ProveGateway(ProveGateway::new(portal(), signature));
    connection.send_payload(proof.to_json().expose()).await;
    assert_eq!(connection.answer().await.unwrap().code, Code::GatewayDenied);
}

#[tokio::test]
async fn a_removed_gateway_is_refused_at_its_next_command() {
    let server = TestServer::start().await;
    let identity = register(&server).await;
    let gateway = prove(&server, &identity).await.granted().unwrap();
    assert_eq!(gateway.send(visitor(1), guess()).await.unwrap().code, Code::Denied);
    let logins = rows(&server, "login", 1).await.len();
    remove(&server).await;
    assert_eq!(gateway.send(visitor(1), guess()).await.unwrap().code, Code::GatewayDenied);
    assert_eq!(rows(&server, "login", 1).await.len(), logins);
    assert!(!prove(&server, &identity).await.is_granted());
    // The connection ends, and a later command is an error that decided nothing.
    gateway.send(visitor(1), guess()).await.unwrap_err();
    assert!(!gateway.is_open());
}

#[tokio::test]
async fn a_device_proof_through_a_gateway_is_refused() {
    let server = TestServer::configured(no_exemptions).await;
    let mut gateway = raw(&server).await;
    let identity = Identity::generate().unwrap();
    let (name, mac) = (Username::parse("alice").unwrap(), "00:1b:44:11:3a:b7");
    let message = device::message(&gateway.exporter(), &name, MacAddress::parse(mac).unwrap());
    let signature = serde_json::to_string(&identity.sign(&message)).unwrap();
    for binding in ["tls-exporter", "certificate"] {
        for _ in 0..4 {
            let proof = format!(
                r#"{{"cmd":"150",{STATED},"username":"alice","mac":"{mac}","binding":"{binding}",
                "device_id":"{}","device_sig":{signature}}}"#,
                identity.key().id()
            );
            assert_eq!(gateway.ask(&proof).await.code, Code::GatewayDenied, "{binding}");
        }
    }
    // The visitor is not blamed.
    assert_eq!(gateway.ask(&with(UNKNOWN, STATED)).await.code, Code::Denied);
}

#[tokio::test]
async fn a_gateway_keeps_its_connection_when_others_are_evicted() {
    let server = TestServer::configured(|config| config.limits.connections_per_source = 2).await;
    let gateway = connected(&server).await;
    let mut strangers = Vec::new();
    for _ in 0..4 {
        let mut stranger = server.raw().await;
        assert_eq!(stranger.ask(HELLO).await.code, Code::Ok);
        strangers.push(stranger);
    }
    assert!(strangers[0].answer().await.is_none());
    assert!(gateway.hello().await.unwrap().is_ok());
}

async fn run(server: &TestServer, command: GatewayCommand) -> anyhow::Result<()> {
    command.run(&LocalStore::open(&quick(server.folder()), server.now()).await?).await
}

#[tokio::test]
async fn an_operator_adds_and_removes_a_gateway_with_a_row_each() {
    let server = TestServer::start().await;
    let identity = Identity::generate().unwrap();
    let (name, key) = ("portal".to_owned(), identity.key().to_string());
    let add = |name: &str| GatewayCommand::Add { name: name.to_owned(), key: key.clone() };
    run(&server, add("portal")).await.unwrap();
    for (wrong, reason) in [("portal", "already"), ("other", "this key"), ("gateway", "inside")] {
        let error = run(&server, add(wrong)).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{wrong}: {error}");
    }
    assert!(prove(&server, &identity).await.is_granted());
    run(&server, GatewayCommand::Remove { name: name.clone() }).await.unwrap();
    assert!(!prove(&server, &identity).await.is_granted());
    run(&server, GatewayCommand::Remove { name }).await.unwrap_err();

    let added = rows(&server, "gateway_add", 1).await;
    let expected = format!("gateway=portal key={} by local administration", identity.key().id());
    assert_eq!((added.len(), &added[0].detail), (1, &expected));
    assert_eq!(rows(&server, "gateway_remove", 1).await.len(), 1);
}
