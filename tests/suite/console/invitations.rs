//! Invitations that were not accepted yet, as the console shows and replaces them.

use super::{Console, Database, bob, reason};
use fourauth_protocol::{
    answer::{AccountRow, Answer},
    code::Code,
    command::{
        AcceptInvitation, AccountChange, ChangeAccount, Command, ConsoleSession, InviteAgain,
        InvitePerson, ListAccounts, ShowAccount,
    },
    grant::GrantToken,
    username::Username,
};

on_both_databases![
    an_invitation_is_shown_until_it_is_accepted,
    an_invitation_that_ran_out_is_shown_as_such,
    a_new_link_ends_the_old_one,
    a_disabled_account_voids_its_invitation,
    only_an_open_invitation_is_replaced,
    of_two_new_links_made_at_once_one_works,
];

const THREE_DAYS_MS: i64 = 259_200_000;

fn dora() -> Username {
    Username::parse("dora").unwrap()
}

fn again(session: ConsoleSession, name: Username) -> Command {
    Command::InviteAgain(InviteAgain::new(session, name, reason()))
}

impl Console {
    /// Invites Dora. The session has a fresh proof.
    async fn invite_dora(&self) -> (ConsoleSession, GrantToken) {
        let fresh = self.fresh(self.prove().await);
        let invite = InvitePerson::new(fresh.clone(), dora());
        let answer = self.ask(Command::InvitePerson(invite)).await;
        (fresh, answer.body.grant.unwrap_or_else(|| panic!("{}", answer.message)))
    }

    async fn accept(&self, grant: GrantToken) -> Code {
        let accept = AcceptInvitation::new(dora(), grant, "violet-Ox-42".to_owned());
        let accept = Command::AcceptInvitation(accept);
        self.server.client().send_once(accept).await.unwrap().code
    }

    async fn dora(&self) -> AccountRow {
        let show = Command::ShowAccount(ShowAccount::new(self.session(), dora()));
        self.ask(show).await.body.accounts.unwrap().remove(0)
    }

    /// The names of the accounts with an open invitation.
    async fn invited(&self) -> Vec<String> {
        let mut list = ListAccounts::new(self.session());
        list.invited = true;
        let accounts = self.ask(Command::ListAccounts(list)).await.body.accounts.unwrap();
        accounts.into_iter().map(|account| account.username).collect()
    }
}

async fn an_invitation_is_shown_until_it_is_accepted(database: Database) {
    let console = Console::open(database).await;
    assert!(console.invited().await.is_empty());
    let (_, grant) = console.invite_dora().await;
    let open = console.dora().await;
    assert_eq!(open.factors, [], "no person knows the password");
    let invitation = open.invitation.unwrap();
    assert!(invitation.valid);
    assert_eq!(invitation.expires_at, console.server.now().saturating_add_ms(THREE_DAYS_MS));
    assert_eq!(console.invited().await, ["dora"]);
    let row = console.row().await;
    assert!(row.detail.starts_with("Accounts. admin=alice invited peer="), "{}", row.detail);

    assert_eq!(console.accept(grant).await, Code::Ok);
    assert_eq!(console.dora().await.invitation, None);
    assert!(console.invited().await.is_empty());
}

async fn an_invitation_that_ran_out_is_shown_as_such(database: Database) {
    let console = Console::open(database).await;
    console.invite_dora().await;
    let now = console.server.now().0;
    for (until, valid) in [(now + 1, true), (now, false)] {
        let sql = format!("UPDATE users SET invited_until = {until} WHERE username = 'dora'");
        console.database.execute(&console.server, sql).await;
        assert_eq!(console.dora().await.invitation.unwrap().valid, valid);
    }
    assert_eq!(console.invited().await, ["dora"]);
}

async fn a_new_link_ends_the_old_one(database: Database) {
    let console = Console::open(database).await;
    let (fresh, old) = console.invite_dora().await;
    let stale = console.ask(again(console.session(), dora())).await;
    assert_eq!(stale.code, Code::MoreNeeded, "{}", stale.message);
    let answer = console.ask(again(fresh, dora())).await;
    assert_eq!(answer.code, Code::Ok, "{}", answer.message);
    let row = console.row().await;
    assert_eq!((row.action.as_str(), row.username.as_deref()), ("invite_again", Some("dora")));
    let expected = "Invitation replaced. admin=alice reason=\"telephone lost\" peer=";
    assert!(row.detail.starts_with(expected), "{}", row.detail);
    assert!(console.dora().await.invitation.unwrap().valid);
    assert_eq!(console.accept(old).await, Code::Denied);
    assert_eq!(console.accept(answer.body.grant.unwrap()).await, Code::Ok);
}

async fn a_disabled_account_voids_its_invitation(database: Database) {
    let console = Console::open(database).await;
    let (fresh, old) = console.invite_dora().await;
    for change in [AccountChange::Disable, AccountChange::Enable] {
        let change = ChangeAccount::new(fresh.clone(), dora(), change, reason());
        assert!(console.ask(Command::ChangeAccount(change)).await.is_ok());
        assert!(!console.dora().await.invitation.unwrap().valid);
    }
    assert_eq!(console.accept(old).await, Code::Denied);
    let answer = console.ask(again(fresh, dora())).await;
    assert!(console.dora().await.invitation.unwrap().valid);
    assert_eq!(console.accept(answer.body.grant.unwrap()).await, Code::Ok);
}

async fn only_an_open_invitation_is_replaced(database: Database) {
    let console = Console::open(database).await;
    let (fresh, grant) = console.invite_dora().await;
    // An account with factors: a link would let another person choose its password.
    assert_eq!(console.ask(again(fresh.clone(), bob())).await.code, Code::Conflict);
    let disable = ChangeAccount::new(fresh.clone(), dora(), AccountChange::Disable, reason());
    assert!(console.ask(Command::ChangeAccount(disable)).await.is_ok());
    assert_eq!(console.ask(again(fresh.clone(), dora())).await.code, Code::Conflict);
    let enable = ChangeAccount::new(fresh.clone(), dora(), AccountChange::Enable, reason());
    assert!(console.ask(Command::ChangeAccount(enable)).await.is_ok());
    let answer = console.ask(again(fresh.clone(), dora())).await;
    assert_eq!(console.accept(answer.body.grant.unwrap()).await, Code::Ok);
    assert_eq!(console.ask(again(fresh, dora())).await.code, Code::Conflict);
    assert_eq!(console.accept(grant).await, Code::Denied);
}

async fn of_two_new_links_made_at_once_one_works(database: Database) {
    let console = Console::open(database).await;
    let (fresh, _) = console.invite_dora().await;
    let (first, second) =
        tokio::join!(console.ask(again(fresh.clone(), dora())), console.ask(again(fresh, dora())),);
    let links = [first, second].into_iter().filter_map(|answer: Answer| answer.body.grant);
    let mut opened = 0;
    for link in links {
        opened += usize::from(console.accept(link).await == Code::Ok);
    }
    assert_eq!(opened, 1);
}
