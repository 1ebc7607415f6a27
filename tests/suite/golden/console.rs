//! Commands 186, 230–254 and 258.

use super::transcript::Transcript;
use fourauth_client::Identity;
use fourauth_protocol::{
    command::{
        AccountChange, ChangeAccount, ChangeMessage, Command, ConsoleSession, EndAccess,
        EraseAccount, FollowAudit, InviteAgain, InvitePerson, ListAccounts, ListMessages,
        MessageChange, ProveAgain, Reason, SetGroups, ShowAccount, ShowState, ViewAudit,
    },
    device::DeviceName,
    group::Group,
    secret::Secret,
    username::Username,
};
use fourauth_tests::{persona::Persona, with::With as _};
use std::sync::Arc;

const MINUTE_MS: i64 = 60_000;

/// Alice, an administrator, on the connection of her laptop, which has proved its key.
async fn console() -> (Transcript, Persona, ConsoleSession) {
    let (mut talk, alice) = Transcript::with_alice().await;
    talk.server.enrol("bob", "biden.jpg").await;
    let laptop = Arc::new(Identity::from_seed(Secret::new([1; 32])));
    let login = alice.login(talk.server.now()).with(|login| {
        login.device_pubkey = Some(laptop.key());
        login.device_name = DeviceName::parse("laptop").ok();
    });
    let client = talk.server.client().with_identity(Arc::clone(&laptop));
    let token = client.send_once(Command::Login(login)).await.unwrap().body.token.unwrap();
    let store = talk.server.server().store();
    let id = store.user(&alice.username).await.unwrap().unwrap().id;
    let marked: Result<bool, fourauth_store::Error> =
        store.write(move |tx| Box::pin(async move { tx.set_administrator(id, true).await })).await;
    assert!(marked.unwrap());
    talk.wait_a_minute(&alice);
    talk.name(token.expose(), "<token>");
    let proof = talk.proof(&laptop, &alice);
    talk.noted(proof).await;
    let session = ConsoleSession::new(token).device(alice.mac);
    (talk, alice, session)
}

/// The same after 186.
async fn fresh() -> (Transcript, ConsoleSession, ConsoleSession) {
    let (mut talk, alice, session) = console().await;
    let code = alice.code(talk.server.now());
    let again = Command::ProveAgain(ProveAgain::new(session.clone(), code));
    let grant = talk.noted(again).await.body.grant.unwrap();
    talk.name(grant.text().expose(), "<grant>");
    let fresh = session.clone().grant(grant);
    (talk, session, fresh)
}

fn bob() -> Username {
    Username::parse("bob").unwrap()
}

fn reason() -> Reason {
    Reason::parse("telephone lost").unwrap()
}

#[tokio::test]
async fn prove_again() {
    let (mut talk, alice, session) = console().await;
    let now = talk.server.now();
    let wrong = ProveAgain::new(session.clone(), alice.wrong_code(now));
    talk.ask("The code is wrong.", Command::ProveAgain(wrong)).await;
    let right = ProveAgain::new(session, alice.code(now));
    talk.ask("The code is right.", Command::ProveAgain(right)).await;
    talk.settle("186-prove-again");
}

#[tokio::test]
async fn list_accounts() {
    let (mut talk, _, session) = console().await;
    let list = || ListAccounts::new(session.clone());
    talk.ask("The first account.", Command::ListAccounts(list().limit(1_u32))).await;
    let next = list().after("alice").limit(1_u32);
    talk.ask("The page after it.", Command::ListAccounts(next)).await;
    talk.ask("A part of a name.", Command::ListAccounts(list().search("nemo"))).await;
    talk.server.clock().advance_ms(30 * MINUTE_MS);
    talk.ask("The console was not used for 30 minutes.", Command::ListAccounts(list())).await;
    talk.settle("230-list-accounts");
}

#[tokio::test]
async fn show_account() {
    let (mut talk, alice, session) = console().await;
    let show = |name| Command::ShowAccount(ShowAccount::new(session.clone(), name));
    talk.ask("An account with a device and a session.", show(alice.username.clone())).await;
    let unknown = Username::parse("nemo").unwrap();
    talk.ask("There is no such account.", show(unknown)).await;
    talk.settle("232-show-account");
}

#[tokio::test]
async fn change_account() {
    let (mut talk, session, fresh) = fresh().await;
    let disable = |session: &ConsoleSession| {
        let change = AccountChange::Disable;
        Command::ChangeAccount(ChangeAccount::new(session.clone(), bob(), change, reason()))
    };
    talk.ask("No code was proved again.", disable(&session)).await;
    talk.ask("With the grant of 186.", disable(&fresh)).await;
    talk.settle("234-change-account");
}

#[tokio::test]
async fn erase_account() {
    let (mut talk, session, fresh) = fresh().await;
    let erase = |session: &ConsoleSession, name: &str| {
        let name = Username::parse(name).unwrap();
        Command::EraseAccount(EraseAccount::new(session.clone(), name, reason()))
    };
    talk.ask("No code was proved again.", erase(&session, "bob")).await;
    talk.ask("With the grant of 186.", erase(&fresh, "bob")).await;
    talk.ask("The own account.", erase(&fresh, "alice")).await;
    talk.settle("236-erase-account");
}

#[tokio::test]
async fn list_messages() {
    let (mut talk, _, session) = console().await;
    let all = Command::ListMessages(ListMessages::all(session.clone()).limit(1_u32));
    talk.ask("The newest message.", all).await;
    let open = Command::ListMessages(ListMessages::open(session));
    talk.ask("Those that wait or were given up.", open).await;
    talk.settle("246-list-messages");
}

#[tokio::test]
async fn invite_person() {
    let (mut talk, _, fresh) = fresh().await;
    let invite = |name: &str| {
        Command::InvitePerson(InvitePerson::new(fresh.clone(), Username::parse(name).unwrap()))
    };
    talk.ask("A new name.", invite("dora")).await;
    talk.ask("The name is taken.", invite("bob")).await;
    talk.settle("250-invite-person");
}

#[tokio::test]
async fn invite_again() {
    let (mut talk, _, fresh) = fresh().await;
    let dora = Username::parse("dora").unwrap();
    let invite = InvitePerson::new(fresh.clone(), dora.clone());
    talk.noted(Command::InvitePerson(invite)).await;
    let again = |name| Command::InviteAgain(InviteAgain::new(fresh.clone(), name, reason()));
    talk.ask("Dora has not accepted the invitation of 250.", again(dora)).await;
    talk.ask("Bob has no open invitation.", again(bob())).await;
    talk.settle("258-invite-again");
}

#[tokio::test]
async fn set_groups() {
    let (mut talk, _, fresh) = fresh().await;
    let groups = ["ops", "staff"].map(|name| Group::parse(name).unwrap());
    let set = SetGroups::new(fresh, bob(), groups, reason());
    talk.ask("Two groups.", Command::SetGroups(set)).await;
    talk.settle("252-set-groups");
}

#[tokio::test]
async fn change_message() {
    let (mut talk, _, fresh) = fresh().await;
    let change = |change| ChangeMessage::new(fresh.clone(), 1, change, reason());
    let drop = Command::ChangeMessage(change(MessageChange::Drop));
    talk.ask("The first message is deleted.", drop).await;
    let resend = Command::ChangeMessage(change(MessageChange::Resend));
    talk.ask("There is no such message any more.", resend).await;
    talk.settle("254-change-message");
}

#[tokio::test]
async fn end_access() {
    let (mut talk, _, fresh) = fresh().await;
    let end = || EndAccess::new(fresh.clone(), bob(), reason());
    talk.ask("Every session ends.", Command::EndAccess(end())).await;
    let tablet = DeviceName::parse("tablet").unwrap();
    let revoke = end().device_name(tablet);
    talk.ask("The account has no such device.", Command::EndAccess(revoke)).await;
    talk.settle("238-end-access");
}

#[tokio::test]
async fn view_audit() {
    let (mut talk, _, session) = console().await;
    let view = ViewAudit::newest(session).username("bob").limit(1_u32);
    talk.ask("The newest row about an account.", Command::ViewAudit(view)).await;
    talk.settle("242-view-audit");
}

#[tokio::test]
async fn follow_audit() {
    let (mut talk, _, session) = console().await;
    let follow = FollowAudit::new(session);
    talk.ask("The newest row.", Command::FollowAudit(follow.clone())).await;
    let newest = talk.server.last_row().await.id;
    talk.ask("There is no newer one.", Command::FollowAudit(follow.after_id(newest))).await;
    talk.settle("248-follow-audit");
}

#[tokio::test]
async fn show_state() {
    let (mut talk, _, session) = console().await;
    talk.ask("The state of a new server.", Command::ShowState(ShowState::new(session))).await;
    talk.settle("244-show-state");
}
