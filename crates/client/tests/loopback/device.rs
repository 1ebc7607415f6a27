//! What proves a device: in front of which commands, and that it holds on one connection only.

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

/// What arrived, and the exporter of the connection that it arrived on.
type Log = Arc<Mutex<Vec<(Command, [u8; EXPORTER_BYTES])>>>;

fn identity() -> Arc<Identity> {
    Arc::new(Identity::from_seed(Secret::new([7; 32])))
}

fn mac(last: u8) -> MacAddress {
    MacAddress::from_octets([2, 0, 0, 0, 0, last]).unwrap()
}

fn login(username: &str, address: u8) -> Login {
    Login {
        username: Username::parse(username).unwrap(),
        password: "Tr0ub4dor&3".to_owned().into(),
        totp: None,
        face: None,
        faces: Vec::new(),
        mac: Some(mac(address)),
        client_ts_utc: None,
        device_pubkey: None,
        device_name: None,
        recovery_code: None,
        audience: None,
    }
}

/// Writes down what arrives. Answers `to_proof` to a 150, and only once what follows has arrived as
/// well; says yes to everything else.
async fn note(mut stream: Stream, log: Log, to_proof: &'static str) {
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
    let server = Server::start(move |stream| note(stream, Arc::clone(&shared), to_proof)).await;
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
async fn a_proof_travels_with_the_command_and_holds_on_its_own_connection_only() {
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
async fn a_proof_holds_in_tls_1_2_as_well() {
    let log = Log::default();
    let shared = Arc::clone(&log);
    let serve = move |stream| note(stream, Arc::clone(&shared), YES);
    let server = Server::start_with("localhost", &version::TLS12, serve).await;
    let client = Client::builder(server.address.clone(), Trust::Pin(server.pin)).allow_tls12();
    let client = client.build().with_identity(identity());
    assert!(client.login_once(login("alice", 1)).await.unwrap());
    let (proof, channel) = proofs(&log).remove(0);
    assert!(holds(&proof, identity().key(), &channel));
}

#[tokio::test]
async fn one_proof_serves_until_another_account_or_device_is_meant() {
    let (server, log) = server(YES).await;
    let mut connection = server.client().with_identity(identity()).connect().await.unwrap();
    for (username, address) in [("alice", 1), ("alice", 1), ("alice", 2), ("bob", 2), ("bob", 2)] {
        let outcome = connection.login(login(username, address)).await.unwrap();
        assert!(outcome.is_granted());
    }
    let whose: Vec<_> = proofs(&log)
        .into_iter()
        .map(|(proof, _)| (proof.username.to_string(), proof.mac))
        .collect();
    let expected = [("alice", 1), ("alice", 2), ("bob", 2)];
    assert_eq!(whose, expected.map(|(name, address)| (name.to_owned(), Some(mac(address)))));
}

#[tokio::test]
async fn each_command_that_names_an_account_and_a_device_is_preceded_by_a_proof() {
    let (server, log) = server(YES).await;
    let client = server.client().with_identity(identity());
    let Login { username, password, totp, client_ts_utc, .. } = login("alice", 1);
    let revoke = RevokeDevice {
        username: username.clone(),
        password: password.clone(),
        totp,
        mac: Some(mac(1)),
        client_ts_utc,
        device_name: DeviceName::parse("laptop").unwrap(),
    };
    let recover = RecoverDevice {
        username,
        password,
        totp,
        face: None,
        faces: Vec::new(),
        new_mac: Some(mac(3)),
        client_ts_utc,
        recovery_code: None,
        mac: None,
        new_device_pubkey: Some(identity().key()),
        device_name: None,
    };
    let _yes = client.connect().await.unwrap().revoke_device(revoke).await.unwrap();
    let _yes = client.connect().await.unwrap().recover_device(recover.clone()).await.unwrap();
    let macs: Vec<_> = proofs(&log).into_iter().map(|(proof, _)| proof.mac).collect();
    assert_eq!(macs, [Some(mac(1)), Some(mac(3))]);

    // Another device is replaced from one that has been proved.
    let mut connection = client.connect().await.unwrap();
    let _yes = connection.login(login("alice", 1)).await.unwrap();
    let _yes = connection.recover_device(recover).await.unwrap();
    assert_eq!(proofs(&log).len(), 3);
}

#[tokio::test]
async fn nothing_is_proved_where_it_is_nobodys_device_or_nobody_has_one() {
    let (server, log) = server(YES).await;
    let nobody = Login { mac: None, ..login("alice", 1) };
    let mut connection = server.client().with_identity(identity()).connect().await.unwrap();
    assert!(connection.login(nobody).await.unwrap().is_granted());
    let list = ListDevices { token: "t0k".to_owned().into() };
    assert!(connection.list_devices(list).await.unwrap().is_granted());
    assert!(server.client().login_once(login("alice", 1)).await.unwrap());
    assert_eq!(log.lock().unwrap().len(), 3);
    assert!(proofs(&log).is_empty());
}

#[tokio::test]
async fn a_server_that_knows_no_proof_is_no_obstacle() {
    let (server, _) = server(UNKNOWN).await;
    let client = server.client().with_identity(identity());
    assert!(client.login_once(login("alice", 1)).await.unwrap());
}

#[tokio::test]
async fn a_proof_can_be_made_by_hand_and_counts() {
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
