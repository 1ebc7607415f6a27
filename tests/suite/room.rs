//! A database at its size limit: work that can wait is postponed, and nothing is dropped.

use fourauth_client::Outcome;
use fourauth_protocol::{
    answer::{Answer, AuditRow},
    code::Code,
    command::{Command, ListDevices},
    device::DeviceName,
    mac_address::MacAddress,
    request_id::RequestId,
};
use fourauth_store::{Error, Event, EventContext, EventDevice, Notice, Recipient};
use fourauth_tests::{
    persona::Persona,
    server::{NOON, TestServer},
    with::With as _,
};
use std::time::Duration;

/// A size that a nearly empty database is far from.
const LIMIT_MIB: u32 = 2;

async fn alice() -> (TestServer, Persona) {
    let server = TestServer::configured(|config| config.store.max_mib = LIMIT_MIB).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    (server, alice)
}

/// Fills the database beyond its limit with rows that can be removed again.
async fn fill(server: &TestServer, owner: &Persona) {
    let store = server.server().store();
    let account = store.user(&owner.username).await.unwrap().unwrap().id;
    let filler = Notice {
        account,
        recipient: Recipient::Owner,
        event: Event::DeviceBound { name: DeviceName::parse(&"x".repeat(64)).unwrap() },
        context: EventContext {
            username: owner.username.clone(),
            peer: [192, 0, 2, 7].into(),
            via: None,
            device: EventDevice::Address,
            request: RequestId::new(NOON, [7; 10]),
            at: NOON,
            settles: None,
        },
    };
    let done: Result<(), Error> = store
        .write(move |tx| {
            Box::pin(async move {
                for _ in 0..LIMIT_MIB << 12 {
                    tx.notify(&filler).await?;
                }
                Ok(())
            })
        })
        .await;
    done.unwrap();
}

/// Frees the space again.
async fn remove_filler(server: &TestServer) {
    let done: Result<u64, Error> = server
        .server()
        .store()
        .write(|tx| Box::pin(async move { tx.forget_notices(NOON.saturating_add_ms(1)).await }))
        .await;
    assert!(done.unwrap() > 0);
}

/// The rows about free space, oldest first, after the next check has run and `expected` rows exist.
async fn room_rows_after_a_minute(server: &TestServer, expected: usize) -> Vec<AuditRow> {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    let looked = tokio::time::Instant::now();
    loop {
        let mut rows = server.audit().await;
        rows.retain(|row| row.action == "store_room");
        // Rows that must not appear get one second to appear.
        if rows.len() >= expected && looked.elapsed() > Duration::from_secs(1) {
            rows.reverse();
            return rows;
        }
        tokio::task::yield_now().await;
    }
}

async fn ask(server: &TestServer, command: Command) -> Answer {
    server.client().send_once(command).await.unwrap()
}

#[tokio::test]
async fn a_full_database_postpones_other_work_but_logins_succeed() {
    let (server, alice) = alice().await;
    let session = ask(&server, Command::Login(alice.login(server.now()))).await;
    fill(&server, &alice).await;
    room_rows_after_a_minute(&server, 1).await;
    server.clock().advance_ms(60_000);

    for command in [
        Command::Register(server.registration("bob", "biden.jpg")),
        Command::ConfirmTotp(alice.confirm(server.now())),
        Command::ReadAudit(server.read_audit()),
    ] {
        let answer = ask(&server, command).await;
        assert_eq!(
            (answer.code, answer.message.as_str()),
            (Code::Unavailable, "Service unavailable.")
        );
        assert!(answer.retry_after_ms.is_some());
    }
    // Reading with a token writes nothing, so it goes on.
    let list =
        Command::ListDevices(ListDevices::new(session.body.token.unwrap()).device(alice.mac));
    assert_eq!(ask(&server, list).await.code, Code::Ok);
    // Each refusal is recorded, and no account was added.
    while !is_undecided(&server, "read_audit").await {
        tokio::task::yield_now().await;
    }
    assert!(is_undecided(&server, "register").await);
    let name = fourauth_protocol::username::Username::parse("bob").unwrap();
    assert!(server.server().store().user(&name).await.unwrap().is_none());

    let right = alice.login(server.now());
    let session = server.connect().await.login(right).await.unwrap();
    assert!(matches!(session, Outcome::Granted(session) if session.receipt.is_some()));
    server.clock().advance_ms(60_000);
    let new_mac = MacAddress::parse("00:1b:44:11:3a:ff").unwrap();
    let recovery = Command::RecoverDevice(alice.recover_device(new_mac, server.now()));
    assert_eq!(ask(&server, recovery).await.code, Code::Ok);
    let wrong = alice.login(server.now()).with(|login| login.totp = None);
    assert_eq!(ask(&server, Command::Login(wrong)).await.code, Code::TotpMismatch);
}

async fn is_undecided(server: &TestServer, action: &str) -> bool {
    let mut rows = server.audit().await.into_iter();
    rows.any(|row| row.action == action && row.detail.starts_with("Undecided."))
}

#[tokio::test]
async fn a_full_database_is_recorded_once_and_its_end_too() {
    let (server, alice) = alice().await;
    assert!(room_rows_after_a_minute(&server, 0).await.is_empty(), "there is room");

    fill(&server, &alice).await;
    for _ in 0..2 {
        let said = room_rows_after_a_minute(&server, 1).await;
        let [row] = said.as_slice() else { panic!("{said:?}") };
        assert!(!row.success && row.detail.contains("limit=2097152"), "{}", row.detail);
    }
    remove_filler(&server).await;
    let said = room_rows_after_a_minute(&server, 2).await;
    assert!(said[1].success && said.len() == 2, "{said:?}");
    server.enrol("bob", "biden.jpg").await;
}

#[tokio::test]
async fn a_server_on_a_full_database_refuses_the_first_registration() {
    let (server, alice) = alice().await;
    fill(&server, &alice).await;
    let folder = server.stop().await;

    let server = TestServer::start_in(folder, |config| config.store.max_mib = LIMIT_MIB).await;
    let register = Command::Register(server.registration("bob", "biden.jpg"));
    assert_eq!(ask(&server, register.clone()).await.code, Code::Unavailable);
    let folder = server.stop().await;

    // Control: without a limit the same command succeeds.
    let server = TestServer::start_in(folder, |_| {}).await;
    assert_eq!(ask(&server, register).await.code, Code::Ok);
}
