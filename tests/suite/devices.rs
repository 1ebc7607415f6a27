//! A device that has proved a key is never accepted by its address again.

use fourauth_auth::profile::Profile;
use fourauth_client::{Client, Identity, Outcome};
use fourauth_config::Config;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, ListDevices, Login},
    device::{Binding, DeviceName},
    mac_address::MacAddress,
    username::Username,
};
use fourauth_store::{Event, EventContext, EventDevice};
use fourauth_tests::{persona::Persona, server::TestServer, with::With as _};
use futures_util::future::join_all;
use std::sync::Arc;

/// A user with the device key that their first login bound.
pub(crate) async fn alice_with_a_key(server: &TestServer) -> (Persona, Arc<Identity>) {
    let alice = server.enrol("alice", "obama.jpg").await;
    let identity = Arc::new(Identity::generate().unwrap());
    let answer = log_in(&device(server, &identity), first_login(server, &alice, &identity)).await;
    assert_eq!(answer.code, Code::Ok);
    server.clock().advance_ms(60_000);
    (alice, identity)
}

fn first_login(server: &TestServer, person: &Persona, identity: &Identity) -> Login {
    person.login(server.now()).with(|login| {
        login.device_pubkey = Some(identity.key());
        login.device_name = DeviceName::parse("laptop").ok();
    })
}

pub(crate) fn device(server: &TestServer, identity: &Arc<Identity>) -> Client {
    server.client().with_identity(Arc::clone(identity))
}

pub(crate) async fn log_in(client: &Client, login: Login) -> Answer {
    client.send_once(Command::Login(login)).await.unwrap()
}

#[tokio::test]
async fn after_a_login_with_a_key_the_address_alone_is_refused() {
    let server = TestServer::start().await;
    let (alice, identity) = alice_with_a_key(&server).await;
    let right = alice.login(server.now());
    let answer = log_in(&server.client(), right.clone()).await;
    assert_eq!(
        (answer.code, answer.message.as_str()),
        (Code::DeviceMismatch, "Unauthorized device.")
    );
    assert_eq!(log_in(&device(&server, &identity), right).await.code, Code::Ok);
    assert!(server.last_row().await.detail.contains("device=match(key,tls-exporter)"));
}

#[tokio::test]
async fn an_operator_may_keep_accepting_addresses() {
    let server = TestServer::configured(|config| config.compat.mac_only = true).await;
    let (alice, _) = alice_with_a_key(&server).await;
    assert_eq!(log_in(&server.client(), alice.login(server.now())).await.code, Code::Ok);
}

#[tokio::test]
async fn a_first_login_binds_no_key_if_configured_so() {
    let server =
        TestServer::configured(|config| config.auth.device_trust_on_first_use = false).await;
    let (alice, _) = alice_with_a_key(&server).await;
    assert_eq!(log_in(&server.client(), alice.login(server.now())).await.code, Code::Ok);
}

#[tokio::test]
async fn a_first_login_binds_no_key_that_it_cannot_prove() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let (held, other) = (Arc::new(Identity::generate().unwrap()), Identity::generate().unwrap());
    let answer = log_in(&device(&server, &held), first_login(&server, &alice, &other)).await;
    assert_eq!(answer.code, Code::Ok);
    server.clock().advance_ms(60_000);
    assert_eq!(log_in(&server.client(), alice.login(server.now())).await.code, Code::Ok);
}

#[tokio::test]
async fn a_proof_holds_for_one_connection_and_one_name() {
    let server = TestServer::start().await;
    let (alice, identity) = alice_with_a_key(&server).await;
    let heard = {
        let connection = server.connect().await;
        connection.device_proof(&identity, &alice.username, alice.mac).unwrap()
    };
    let mut other = server.connect().await;
    let flight = [Command::ProveDevice(heard), Command::Login(alice.login(server.now()))];
    let answers = other.pipeline(&flight).await.unwrap();
    assert_eq!((answers[0].code, answers[1].code), (Code::Ok, Code::DeviceMismatch));
    assert!(server.last_row().await.detail.contains("device=missing(address,unproven)"));

    let bob = server.enrol("bob", "biden.jpg").await;
    let bobs = Persona { username: bob.username, ..alice.clone() };
    let proof = other.device_proof(&identity, &bobs.username, alice.mac).unwrap();
    let flight = [Command::ProveDevice(proof), Command::Login(alice.login(server.now()))];
    let answers = other.pipeline(&flight).await.unwrap();
    assert_eq!(answers[1].code, Code::DeviceMismatch);
}

#[tokio::test]
async fn one_accounts_key_is_refused_for_another() {
    let server = TestServer::start().await;
    let (alice, alices) = alice_with_a_key(&server).await;
    let bob = server.enrol("bob", "obama.jpg").await;
    let bobs = Arc::new(Identity::generate().unwrap());
    let first = log_in(&device(&server, &bobs), first_login(&server, &bob, &bobs)).await;
    assert_eq!(first.code, Code::Ok);
    server.clock().advance_ms(60_000);
    let answer = log_in(&device(&server, &bobs), alice.login(server.now())).await;
    assert_eq!(answer.code, Code::DeviceMismatch);
    assert_eq!(log_in(&device(&server, &alices), alice.login(server.now())).await.code, Code::Ok);
}

#[tokio::test]
async fn of_concurrent_first_logins_with_keys_one_succeeds() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let logins = (0..20).map(|_| async {
        let identity = Arc::new(Identity::generate().unwrap());
        log_in(&device(&server, &identity), first_login(&server, &alice, &identity)).await
    });
    let answers = join_all(logins).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let account = server.server().store().user(&alice.username).await.unwrap().unwrap().id;
    assert_eq!(server.server().store().devices(account).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_known_device_binds_another_and_revokes_it() {
    let server = TestServer::start().await;
    let (alice, laptop) = alice_with_a_key(&server).await;
    let phone = Arc::new(Identity::generate().unwrap());
    let phones = MacAddress::parse("02:11:22:33:44:55").unwrap();
    let name = DeviceName::parse("phone").unwrap();
    let bind = |now| {
        alice
            .bind_device(phones, phone.key(), now)
            .with(|bind| bind.device_name = Some(name.clone()))
    };
    let bound = async |client: Client| {
        client.send_once(Command::BindDevice(bind(server.now()))).await.unwrap().code
    };
    assert_eq!(bound(server.client()).await, Code::DeviceMismatch);
    assert_eq!(bound(device(&server, &laptop)).await, Code::Ok);

    server.clock().advance_ms(60_000);
    let on_the_phone = alice.login(server.now()).with(|login| login.mac = Some(phones));
    let answer = log_in(&device(&server, &phone), on_the_phone.clone()).await;
    assert_eq!(answer.code, Code::Ok);
    let list = Command::ListDevices(ListDevices::new(answer.body.token.unwrap()).device(phones));
    // The session is bound to the key of the phone.
    let on_the_phone = async |command: Command| {
        let mut connection = server.client().connect().await.unwrap();
        let _noted = connection.prove_device(&phone, &alice.username, phones).await.unwrap();
        connection.send(command).await.unwrap()
    };
    let listed = on_the_phone(list.clone()).await.body.devices.unwrap();
    let names: Vec<_> = listed.iter().map(|device| device.name.as_str()).collect();
    assert_eq!(names, ["laptop", "phone"]);

    server.clock().advance_ms(60_000);
    let revoke = Command::RevokeDevice(alice.revoke_device(name.clone(), server.now()));
    assert!(device(&server, &laptop).send_once(revoke).await.unwrap().is_ok());
    assert_eq!(on_the_phone(list).await.code, Code::SignedOut);

    server.clock().advance_ms(60_000);
    let on_the_phone = alice.login(server.now()).with(|login| login.mac = Some(phones));
    assert_eq!(log_in(&device(&server, &phone), on_the_phone).await.code, Code::DeviceMismatch);
    assert_eq!(
        bound(device(&server, &laptop)).await,
        Code::Conflict,
        "a revoked key stays revoked"
    );
}

#[tokio::test]
async fn a_notice_tells_the_device_and_address_of_its_event() {
    let server = TestServer::start().await;
    let (alice, laptop) = alice_with_a_key(&server).await;
    let phone = Identity::generate().unwrap();
    let mac = MacAddress::parse("02:11:22:33:44:55").unwrap();
    let bind = Command::BindDevice(alice.bind_device(mac, phone.key(), server.now()));
    let answer = device(&server, &laptop).send_once(bind).await.unwrap();
    assert_eq!(answer.code, Code::Ok);

    let notices = server.server().store().notices(10).await.unwrap();
    let [first, second] = &notices[..] else { panic!("{notices:?}") };
    let name = DeviceName::parse("laptop").unwrap();
    assert_eq!(first.event, Event::DeviceBound { name: name.clone() });
    let key = EventDevice::Key { id: laptop.key().id(), name, binding: Binding::TlsExporter };
    let context = EventContext {
        username: alice.username.clone(),
        peer: [127, 0, 0, 1].into(),
        via: None,
        device: key,
        request: answer.request_id.unwrap(),
        at: server.now(),
        settles: None,
    };
    assert_eq!(second.context, Some(context));
    let derived = format!("device-{}", &phone.key().id().to_string()[..8]);
    let name = DeviceName::parse(&derived).unwrap();
    assert_eq!(second.event, Event::DeviceBound { name });
}

#[tokio::test]
async fn a_recovery_replaces_the_device_and_its_key() {
    let server = TestServer::start().await;
    let (alice, lost) = alice_with_a_key(&server).await;
    let new = Arc::new(Identity::generate().unwrap());
    let news = MacAddress::parse("02:11:22:33:44:55").unwrap();
    let mut recover = alice.recover_device(news, server.now());
    let ask = async |command| {
        server.client().send_once(Command::RecoverDevice(command)).await.unwrap().code
    };
    assert_eq!(ask(recover.clone()).await, Code::DeviceKeyNeeded);
    recover.new_device_pubkey = Some(new.key());
    assert_eq!(ask(recover).await, Code::Ok);

    server.clock().advance_ms(60_000);
    let login = alice.login(server.now()).with(|login| login.mac = Some(news));
    assert_eq!(log_in(&server.client(), login.clone()).await.code, Code::DeviceMismatch);
    assert_eq!(log_in(&device(&server, &new), login).await.code, Code::Ok);
    server.clock().advance_ms(60_000);
    let old = log_in(&device(&server, &lost), alice.login(server.now())).await;
    assert_eq!(old.code, Code::DeviceMismatch);
}

/// The address of the same machine at a dock.
fn at_the_dock() -> MacAddress {
    MacAddress::parse("02:11:22:33:44:55").unwrap()
}

async fn address_of(server: &TestServer, person: &Persona) -> (String, String) {
    let store = server.server().store();
    let user = store.user(&person.username).await.unwrap().unwrap();
    let devices = store.devices(user.id).await.unwrap();
    (user.mac, devices[0].mac.to_string())
}

#[tokio::test]
async fn a_proven_key_may_show_another_address() {
    let server = TestServer::start().await;
    let (alice, laptop) = alice_with_a_key(&server).await;
    let docked = Persona { mac: at_the_dock(), ..alice.clone() };
    let answer = log_in(&device(&server, &laptop), docked.login(server.now())).await;
    assert_eq!(answer.code, Code::Ok);
    let row = server.last_row().await.detail;
    assert!(row.contains("device=match(key,tls-exporter)"), "{row}");
    let moved = format!(" address={}(was {}) ", docked.mac, alice.mac);
    assert!(row.contains(&moved), "{row}");
    let label = docked.mac.to_string();
    assert_eq!(address_of(&server, &alice).await, (label.clone(), label));

    server.clock().advance_ms(60_000);
    let again = log_in(&device(&server, &laptop), docked.login(server.now())).await;
    assert_eq!(again.code, Code::Ok);
    assert!(!server.last_row().await.detail.contains("address="));
    server.clock().advance_ms(60_000);
    assert_eq!(log_in(&device(&server, &laptop), alice.login(server.now())).await.code, Code::Ok);
}

#[tokio::test]
async fn without_a_proven_key_another_address_is_refused() {
    let server = TestServer::start().await;
    let bob = server.enrol("bob", "obama.jpg").await;
    let docked = Persona { mac: at_the_dock(), ..bob.clone() };
    let answer = log_in(&server.client(), docked.login(server.now())).await;
    assert_eq!(answer.code, Code::DeviceMismatch);

    let (alice, laptop) = alice_with_a_key(&server).await;
    let docked = Persona { mac: at_the_dock(), ..alice.clone() };
    let stranger = Arc::new(Identity::generate().unwrap());
    for client in [server.client(), device(&server, &stranger)] {
        let answer = log_in(&client, docked.login(server.now())).await;
        assert_eq!(answer.code, Code::DeviceMismatch);
    }
    // One address is proved, and the command has another one.
    let mut connection = server.connect().await;
    let proof = connection.device_proof(&laptop, &alice.username, alice.mac).unwrap();
    let flight = [Command::ProveDevice(proof), Command::Login(docked.login(server.now()))];
    let answers = connection.pipeline(&flight).await.unwrap();
    assert_eq!(answers[1].code, Code::DeviceMismatch);
    let label = alice.mac.to_string();
    assert_eq!(address_of(&server, &alice).await, (label.clone(), label));
}

#[tokio::test]
async fn where_addresses_count_a_key_needs_its_own() {
    for change in [
        (|config: &mut Config| config.auth.profile = Profile::Strict) as fn(&mut Config),
        |config| config.compat.mac_only = true,
    ] {
        let server = TestServer::configured(change).await;
        let (alice, laptop) = alice_with_a_key(&server).await;
        let docked = Persona { mac: at_the_dock(), ..alice.clone() };
        let client = device(&server, &laptop);
        assert!(!log_in(&client, docked.login(server.now())).await.is_ok());
        assert_eq!(log_in(&client, alice.login(server.now())).await.code, Code::Ok);
    }
}

#[tokio::test]
async fn a_session_of_a_key_goes_on_at_another_address() {
    let server = TestServer::start().await;
    let (alice, laptop) = alice_with_a_key(&server).await;
    let answer = log_in(&device(&server, &laptop), alice.login(server.now())).await;
    let token = answer.body.token.unwrap();
    let list = async |proved: bool| {
        let mut connection = server.connect().await;
        if proved {
            let proof = connection.prove_device(&laptop, &alice.username, at_the_dock());
            assert!(matches!(proof.await.unwrap(), Outcome::Granted(())));
        }
        let list = ListDevices::new(token.clone()).device(at_the_dock());
        connection.send(Command::ListDevices(list)).await.unwrap().code
    };
    assert_eq!((list(true).await, list(false).await), (Code::Ok, Code::SignedOut));
}

#[tokio::test]
async fn a_device_that_has_moved_is_replaced_with_its_key() {
    let server = TestServer::start().await;
    let (alice, lost) = alice_with_a_key(&server).await;
    let docked = Persona { mac: at_the_dock(), ..alice.clone() };
    let lost = device(&server, &lost);
    assert_eq!(log_in(&lost, docked.login(server.now())).await.code, Code::Ok);
    server.clock().advance_ms(60_000);

    let new = Arc::new(Identity::generate().unwrap());
    let news = MacAddress::parse("02:11:22:33:44:66").unwrap();
    let recover =
        alice.recover_device(news, server.now()).with(|it| it.new_device_pubkey = Some(new.key()));
    let answer = server.client().send_once(Command::RecoverDevice(recover)).await.unwrap();
    assert_eq!(answer.code, Code::Ok);
    server.clock().advance_ms(60_000);
    for login in [docked.login(server.now()), alice.login(server.now())] {
        assert_eq!(log_in(&lost, login).await.code, Code::DeviceMismatch);
    }
    let login = alice.login(server.now()).with(|login| login.mac = Some(news));
    assert_eq!(log_in(&device(&server, &new), login).await.code, Code::Ok);
}

#[tokio::test]
async fn a_copied_address_binds_no_key() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    assert_eq!(log_in(&server.client(), alice.login(server.now())).await.code, Code::Ok);
    server.clock().advance_ms(60_000);
    let key = Identity::generate().unwrap().key();
    let bind = Command::BindDevice(alice.bind_device(alice.mac, key, server.now()));
    let answer = server.client().send_once(bind).await.unwrap();
    assert_eq!(answer.code, Code::DeviceKeyNeeded);
    // The account still has no key, and its owner can log in as before.
    assert_eq!(log_in(&server.client(), alice.login(server.now())).await.code, Code::Ok);
}

#[tokio::test]
async fn a_key_bound_a_minute_ago_revokes_no_device() {
    let server = TestServer::start().await;
    let (alice, _) = alice_with_a_key(&server).await;
    // An attacker with every factor replaces the device with their own.
    let (theirs, mac) =
        (Arc::new(Identity::generate().unwrap()), MacAddress::parse("02:11:22:33:44:55").unwrap());
    let mut recover = alice.recover_device(mac, server.now());
    recover.new_device_pubkey = Some(theirs.key());
    let answer = server.client().send_once(Command::RecoverDevice(recover)).await.unwrap();
    assert_eq!(answer.code, Code::Ok);
    server.clock().advance_ms(60_000);
    let stranger = Persona { mac, ..alice };
    let name = DeviceName::parse("laptop").unwrap();
    let revoke = Command::RevokeDevice(stranger.revoke_device(name, server.now()));
    let answer = device(&server, &theirs).send_once(revoke).await.unwrap();
    assert_eq!(answer.code, Code::CoolingDown);
}

#[tokio::test]
async fn a_proof_gets_the_same_answer_for_every_account() {
    let server = TestServer::start().await;
    let (alice, identity) = alice_with_a_key(&server).await;
    let mut connection = server.connect().await;
    for name in [alice.username.clone(), Username::parse("nobody").unwrap()] {
        let proof = connection.device_proof(&identity, &name, alice.mac).unwrap();
        let answer = connection.send(Command::ProveDevice(proof)).await.unwrap();
        assert_eq!(answer.message, "Device proof received.");
    }
}
