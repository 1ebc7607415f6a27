//! Commands of the console that invite and erase people, and set their groups.

use super::{Console, Database, MINUTE_MS, bob, mark, reason};
use fourauth_client::Identity;
use fourauth_protocol::{
    answer::Erasure,
    code::Code,
    command::{
        AcceptInvitation, Command, ConsoleSession, EraseAccount, InvitePerson, Login, ProveAgain,
        SetGroups,
    },
    contact::Email,
    group::Group,
    secret::Secret,
    username::Username,
};
use fourauth_tests::with::With as _;
use std::sync::Arc;

on_both_databases![
    an_administrator_invites_a_person_with_a_fresh_proof,
    groups_are_set_and_written_down,
    an_erased_person_is_gone_from_accounts_and_log,
    the_same_command_finishes_an_erasure,
    an_administrator_does_not_erase_the_own_account,
    of_two_that_erase_each_other_one_stays,
    an_erased_account_signs_in_no_more,
];

const PASSWORD: &str = "violet-Ox-42";

fn dora() -> Username {
    Username::parse("dora").unwrap()
}

fn erase(session: ConsoleSession, name: Username) -> Command {
    Command::EraseAccount(EraseAccount::new(session, name, reason()))
}

async fn an_administrator_invites_a_person_with_a_fresh_proof(database: Database) {
    let console = Console::open(database).await;
    let invite = |session| InvitePerson::new(session, dora());
    let stale = console.ask(Command::InvitePerson(invite(console.session()))).await;
    assert_eq!(stale.code, Code::MoreNeeded, "{}", stale.message);
    assert!(console.server.server().store().user(&dora()).await.unwrap().is_none());

    let fresh = console.fresh(console.prove().await);
    let with_mail = invite(fresh.clone()).email(Email::parse("dora@example.org").unwrap());
    let answer = console.ask(Command::InvitePerson(with_mail)).await;
    assert_eq!(answer.code, Code::Ok, "{}", answer.message);
    let row = console.row().await;
    assert_eq!((row.action.as_str(), row.username.as_deref()), ("invite_person", Some("dora")));
    assert!(row.detail.starts_with("Invitation made. admin=alice peer="), "{}", row.detail);
    let user = console.server.server().store().user(&dora()).await.unwrap().unwrap();
    assert_eq!(user.email.as_deref(), Some("dora@example.org"));

    let taken = console.ask(Command::InvitePerson(invite(fresh))).await;
    assert_eq!(taken.code, Code::Conflict);
    let accept = AcceptInvitation::new(dora(), answer.body.grant.unwrap(), PASSWORD.to_owned());
    let accept = Command::AcceptInvitation(accept);
    let accepted = console.server.client().send_once(accept).await.unwrap();
    assert_eq!(accepted.code, Code::Ok, "{}", accepted.message);
}

async fn groups_are_set_and_written_down(database: Database) {
    let console = Console::open(database).await;
    let groups = ["ops", "staff"].map(|name| Group::parse(name).unwrap());
    let set =
        |session| Command::SetGroups(SetGroups::new(session, bob(), groups.clone(), reason()));
    assert_eq!(console.ask(set(console.session())).await.code, Code::MoreNeeded);
    let fresh = console.fresh(console.prove().await);
    assert_eq!(console.ask(set(fresh)).await.code, Code::Ok);
    let row = console.row().await;
    let expected = "Groups set. admin=alice groups=ops,staff reason=\"telephone lost\" ";
    assert!(row.detail.starts_with(expected), "{}", row.detail);
    let user = console.server.server().store().user(&bob()).await.unwrap().unwrap();
    assert_eq!(user.groups.listed(), "ops,staff");
}

async fn an_erased_person_is_gone_from_accounts_and_log(database: Database) {
    let console = Console::open(database).await;
    let named = async |name: &str| {
        let rows = console.server.audit().await;
        rows.iter().filter(|row| row.username.as_deref() == Some(name)).count()
    };
    assert!(named("bob").await > 0 && named("alice").await > 0);
    let fresh = console.fresh(console.prove().await);
    let answer = console.ask(erase(fresh.clone(), bob())).await;
    let Erasure { rows, recorded_by } =
        answer.body.erasure.unwrap_or_else(|| panic!("{}", answer.message));
    assert!(rows > 0 && recorded_by.len() == 1, "{rows} {recorded_by:?}");
    assert!(console.server.server().store().user(&bob()).await.unwrap().is_none());
    assert_eq!(named("bob").await, 0);
    assert!(named("alice").await > 0, "the rows of others stay");

    let log = console.server.audit().await;
    let record = log.iter().find(|row| row.id == recorded_by[0]).unwrap();
    assert_eq!((record.action.as_str(), record.username.as_deref()), ("erase_audit", None));
    assert!(record.detail.ends_with("by admin=alice"), "{}", record.detail);
    let act = log.iter().find(|row| row.action.as_str() == "erase_account").unwrap();
    let expected = "Account erased. admin=alice reason=\"telephone lost\" ";
    assert_eq!(act.username, None);
    assert!(act.detail.starts_with(expected), "{}", act.detail);
    assert!(log.iter().all(|row| !row.detail.contains("bob")));
    assert_eq!(console.ask(erase(fresh, bob())).await.code, Code::NoSuchAccount);
}

async fn the_same_command_finishes_an_erasure(database: Database) {
    let console = Console::open(database).await;
    let store = console.server.server().store();
    let id = store.user(&bob()).await.unwrap().unwrap().id;
    let gone: Result<bool, fourauth_store::Error> =
        store.write(move |tx| Box::pin(async move { tx.erase_user(id).await })).await;
    assert_eq!(gone, Ok(true));
    let fresh = console.fresh(console.prove().await);
    let answer = console.ask(erase(fresh, bob())).await;
    assert!(answer.body.erasure.unwrap().rows > 0);
}

async fn an_administrator_does_not_erase_the_own_account(database: Database) {
    let console = Console::open(database).await;
    assert_eq!(console.ask(erase(console.session(), bob())).await.code, Code::MoreNeeded);
    let fresh = console.fresh(console.prove().await);
    let own = console.ask(erase(fresh.clone(), console.alice.username.clone())).await;
    assert_eq!(own.code, Code::NotOffered, "{}", own.message);
    let store = console.server.server().store();
    assert!(store.user(&console.alice.username).await.unwrap().is_some());
    // Control: another account.
    assert_eq!(console.ask(erase(fresh, bob())).await.code, Code::Ok);
}

/// Carol, another administrator, with a fresh proof.
async fn second_administrator(console: &Console) -> (Arc<Identity>, Username, ConsoleSession) {
    let server = &console.server;
    let carol = server.enrol("carol", "obama.jpg").await;
    mark(server, &carol.username, true).await;
    let tablet = Arc::new(Identity::from_seed(Secret::new([9; 32])));
    let login = Console::login(server, &carol, &tablet);
    let client = server.client().with_identity(Arc::clone(&tablet));
    let token = client.send_once(Command::Login(login)).await.unwrap().body.token.unwrap();
    server.clock().advance_ms(MINUTE_MS);
    let session = ConsoleSession::new(token).device(carol.mac);
    let mut connection = server.client().connect().await.unwrap();
    let _noted = connection.prove_device(&tablet, &carol.username, carol.mac).await.unwrap();
    let again = ProveAgain::new(session.clone(), carol.code(server.now()));
    let answer = connection.send(Command::ProveAgain(again)).await.unwrap();
    let session = session.grant(answer.body.grant.unwrap());
    (tablet, carol.username.clone(), session)
}

async fn of_two_that_erase_each_other_one_stays(database: Database) {
    let console = Console::open(database).await;
    let (tablet, carol, of_carol) = second_administrator(&console).await;
    let of_alice = console.fresh(console.prove().await);
    let mut connection = console.server.client().connect().await.unwrap();
    let mac = of_carol.mac.unwrap();
    let _noted = connection.prove_device(&tablet, &carol, mac).await.unwrap();
    let (first, second) = tokio::join!(
        console.ask(erase(of_alice, carol.clone())),
        connection.send(erase(of_carol, console.alice.username.clone())),
    );
    let second = second.unwrap();
    let winners = [&first, &second].into_iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(winners, 1, "{first:?} {second:?}");
    let store = console.server.server().store();
    let mut left = 0;
    for name in [&console.alice.username, &carol] {
        left += usize::from(store.user(name).await.unwrap().is_some());
    }
    assert_eq!(left, 1);
}

async fn an_erased_account_signs_in_no_more(database: Database) {
    let console = Console::open(database).await;
    let bobs = console.server.enrol("bobby", "obama.jpg").await;
    let login = || Command::Login(bobs.login(console.server.now()).with(|_: &mut Login| {}));
    assert!(console.server.client().send_once(login()).await.unwrap().is_ok());
    let fresh = console.fresh(console.prove().await);
    assert!(console.ask(erase(fresh, bobs.username.clone())).await.is_ok());
    let refused = console.server.client().send_once(login()).await.unwrap();
    assert_eq!(refused.code, Code::Denied);
}
