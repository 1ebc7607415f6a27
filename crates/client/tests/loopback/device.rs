//! Device proofs: which commands they precede, and that each is valid on one connection only.

use crate::server::{Server, Stream, answer, request};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use fourauth_client::{Client, Identity, Outcome, Trust};
use fourauth_protocol::{
    code::Code,
    command::{Command, ListDevices, Login, ProveDevice, RecoverDevice, RevokeDevice},
    device::{self, DeviceKey, DeviceName, EXPORTER_BYTES, EXPORTER_LABEL},
    frame::Decoder,
    mac_address::MacAddress,
    secret::Secret,
    username::Username,
};
use rustls::version;
use std::sync::{Arc, Mutex};

const YES: &str = r#"{"status":"ok","message":"Done.","code":"ok","devices":[]}"#;
const UNKNOWN: &str = r#"{"status":"error","message":"Unknown.","code":"unknown_command"}"#;

/// The commands that arrived, each with the exporter of its connection.
type Log = Arc<Mutex<Vec<(Command, [u8; EXPORTER_BYTES])>>>;

fn identity() -> Arc<Identity> {
    Arc::new(Identity::from_seed(Secret::new([7; 32])))
}

fn mac(last: u8) -> MacAddress {
    MacAddress::from_octets([2, 0, 0, 0, 0, last]).unwrap()
}

fn login(username: &str, address: u8) -> Login {
    Login::new(Username::parse(username).unwrap(), "Tr0ub4dor&3".to_owned()).device(mac(address))
}

/// Records what arrives. Answers `to_proof` to a 150, after the next command has arrived too, and
/// grants everything else.
async fn record(mut stream: Stream, log: Log, to_proof: &'static str) {
    let mut decoder = Decoder::default();
    let (_, tls) = stream.get_ref();
    let channel = tls.export_keying_material([0; EXPORTER_BYTES], EXPORTER_LABEL, Some(&[]));
    let channel = channel.unwrap();
    loop {
        let command = Command::from_json(&request(&mut stream, &mut decoder).await).unwrap();
        let is_proof = matches!(command, Command::ProveDevice(_));
        log.lock().unwrap().push((command, channel));
        if is_proof {
            let next = Command::from_json(&request(&mut stream, &mut decoder).await).unwrap();
            log.lock().unwrap().push((next, channel));
            answer(&mut stream, to_proof).await;
        }
        answer(&mut stream, YES).await;
    }
}

async fn server(to_proof: &'static str) -> (Server, Log) {
    let log = Log::default();
    let shared = Arc::clone(&log);
    let server = Server::start(move |stream| record(stream, Arc::clone(&shared), to_proof)).await;
    (server, log)
}

fn proofs(log: &Log) -> Vec<(ProveDevice, [u8; EXPORTER_BYTES])> {
    let log = log.lock().unwrap();
    log.iter()
        .filter_map(|(command, channel)| match command {
            Command::ProveDevice(proof) => Some((proof.clone(), *channel)),
            _ => None,
        })
        .collect()
}

fn holds(proof: &ProveDevice, key: DeviceKey, channel: &[u8]) -> bool {
    let message = device::message(channel, &proof.username, proof.mac.unwrap());
    UnparsedPublicKey::new(&ED25519, key.as_bytes())
        .verify(&message, proof.device_sig.as_bytes())
        .is_ok()
}

#[tokio::test]
async fn a_proof_is_sent_with_the_command_for_one_connection_only() {
    let (server, log) = server(YES).await;
    let client = server.client().with_identity(identity());
    assert!(client.login_once(login("alice", 1)).await.unwrap());
    assert!(client.login_once(login("alice", 1)).await.unwrap());

    let proofs = proofs(&log);
    let [(first, here), (second, there)] = proofs.as_slice() else { panic!("{proofs:?}") };
    let key = identity().key();
    assert_eq!((first.device_id, first.mac), (key.id(), Some(mac(1))));
    assert!(holds(first, key, here) && holds(second, key, there));
    assert!(!holds(first, key, there) && !holds(second, key, here));
}

#[tokio::test]
async fn a_proof_is_valid_in_tls_1_2_as_well() {
    let log = Log::default();
    let shared = Arc::clone(&log);
    let serve = move |stream| record(stream, Arc::clone(&shared), YES);
    let server = Server::start_with("localhost", &version::TLS12, serve).await;
    let client = Client::builder(server.address.clone(), Trust::Pin(server.pin)).allow_tls12();
    let client = client.build().with_identity(identity());
    assert!(client.login_once(login("alice", 1)).await.unwrap());
    let (proof, channel) = proofs(&log).remove(0);
    assert!(holds(&proof, identity().key(), &channel));
}

#[tokio::test]
async fn a_proof_is_reused_for_the_same_account_and_device() {
    let (server, log) = server(YES).await;
    let mut connection = server.client().with_identity(identity()).connect().await.unwrap();
    for (username, address) in [("alice", 1), ("alice", 1), ("alice", 2), ("bob", 2), ("bob", 2)] {
        let outcome = connection.login(login(username, address)).await.unwrap();
        assert!(outcome.is_granted());
    }
    let claims: Vec<_> = proofs(&log)
        .into_iter()
        .map(|(proof, _)| (proof.username.to_string(), proof.mac))
        .collect();
    let expected = [("alice", 1), ("alice", 2), ("bob", 2)];
    assert_eq!(claims, expected.map(|(name, address)| (name.to_owned(), Some(mac(address)))));
}

#[tokio::test]
async fn commands_that_name_a_device_are_preceded_by_a_proof() {
    let (server, log) = server(YES).await;
    let client = server.client().with_identity(identity());
    let Login { username, password, .. } = login("alice", 1);
    let laptop = DeviceName::parse("laptop").unwrap();
    let revoke = RevokeDevice::new(username.clone(), password.clone(), laptop).device(mac(1));
    let recover =
        RecoverDevice::new(username, password).new_device(mac(3)).new_device_key(identity().key());
    let _granted = client.connect().await.unwrap().revoke_device(revoke).await.unwrap();
    let _granted = client.connect().await.unwrap().recover_device(recover.clone()).await.unwrap();
    let macs: Vec<_> = proofs(&log).into_iter().map(|(proof, _)| proof.mac).collect();
    assert_eq!(macs, [Some(mac(1)), Some(mac(3))]);

    // A device that has been proved can replace another one without a new proof.
    let mut connection = client.connect().await.unwrap();
    let _granted = connection.login(login("alice", 1)).await.unwrap();
    let _granted = connection.recover_device(recover).await.unwrap();
    assert_eq!(proofs(&log).len(), 3);
}

#[tokio::test]
async fn no_proof_is_sent_without_a_device_or_an_identity() {
    let (server, log) = server(YES).await;
    let mut without_device = login("alice", 1);
    without_device.mac = None;
    let mut connection = server.client().with_identity(identity()).connect().await.unwrap();
    assert!(connection.login(without_device).await.unwrap().is_granted());
    let list = ListDevices::new("t0k".to_owned());
    assert!(connection.list_devices(list).await.unwrap().is_granted());
    assert!(server.client().login_once(login("alice", 1)).await.unwrap());
    assert_eq!(log.lock().unwrap().len(), 3);
    assert!(proofs(&log).is_empty());
}

#[tokio::test]
async fn a_login_works_if_the_server_does_not_know_proofs() {
    let (server, _) = server(UNKNOWN).await;
    let client = server.client().with_identity(identity());
    assert!(client.login_once(login("alice", 1)).await.unwrap());
}

#[tokio::test]
async fn a_proof_sent_by_the_caller_is_not_repeated() {
    let (server, log) = server(UNKNOWN).await;
    let mut connection = server.client().with_identity(identity()).connect().await.unwrap();
    let username = Username::parse("alice").unwrap();
    let proof = connection.device_proof(&identity(), &username, mac(1)).unwrap();
    let flight = [Command::ProveDevice(proof), Command::Login(login("alice", 1))];
    let answers = connection.pipeline(&flight).await.unwrap();
    assert_eq!((answers[0].code, answers[1].code), (Code::UnknownCommand, Code::Ok));
    assert!(matches!(connection.login(login("alice", 1)).await, Ok(Outcome::Granted(_))));
    assert_eq!(proofs(&log).len(), 1);
}
