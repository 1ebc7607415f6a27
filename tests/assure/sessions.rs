//! A hundred requests redeem one passcode, and a hundred renew one token, on either database.

use crate::{
    races::{self, Rounds},
    report::Figures,
    setup::Setup,
};
use anyhow::Context as _;
use fourauth_protocol::{
    answer::Answer,
    command::{Authorise, Command, EndSession, RedeemPasscode, RequestPasscode},
    contact::Email,
    secret::Secret,
};
use fourauth_tests::{mailbox::Mailbox, persona::Persona, postgres, server::TestServer};
use std::collections::BTreeSet;

const MINUTE_MS: i64 = 60_000;

/// A server on one of the databases, and a person with a mailbox.
struct House {
    server: TestServer,
    mailbox: Mailbox,
    alice: Persona,
}

/// Plays the rounds on both databases.
pub(crate) async fn figures(setup: &Setup, figures: &mut Figures) -> anyhow::Result<()> {
    let url = postgres::cluster().database().await;
    for (name, url) in [("sqlite", None), ("postgres", Some(url))] {
        let mut house = House::open(url).await?;
        house.renewals(setup, figures, name).await?;
        house.redemptions(setup, figures, name).await?;
        house.server.stop().await;
    }
    Ok(())
}

impl House {
    async fn open(url: Option<String>) -> anyhow::Result<Self> {
        let mailbox = Mailbox::open().await;
        let url = url.map(|url| url.parse()).transpose()?;
        let server = Box::pin(TestServer::configured(|config| {
            mailbox.receive(config);
            config.store.url = url;
        }));
        let server = server.await;
        let mut register = server.registration("alice", "obama.jpg");
        register.email = Email::parse("alice@example.org").ok();
        let (alice, _) = server.enrol_as(register).await;
        Ok(Self { server, mailbox, alice })
    }

    async fn send(&self, command: Command) -> anyhow::Result<Answer> {
        Ok(self.server.client().send_once(command).await?)
    }

    /// A hundred requests redeem the same passcode.
    async fn redemptions(
        &mut self,
        setup: &Setup,
        figures: &mut Figures,
        database: &str,
    ) -> anyhow::Result<()> {
        let mut rounds = Rounds::default();
        for _ in 0..setup.count(100, 3) {
            // Beyond the window in which an account gets three passcodes.
            self.server.clock().advance_ms(15 * MINUTE_MS);
            let redeem = Command::RedeemPasscode(self.passcode().await?);
            rounds.count(races::winners(&self.server, &redeem).await?);
        }
        rounds.report(figures, &format!("passcode_{database}"));
        Ok(())
    }

    async fn passcode(&mut self) -> anyhow::Result<RedeemPasscode> {
        let (name, password) = (&self.alice.username, &self.alice.password);
        let request = RequestPasscode::new(name.clone(), password.clone());
        let sent = self.send(Command::RequestPasscode(request)).await?;
        anyhow::ensure!(sent.is_ok(), "no passcode: {sent:?}");
        let passcode = self.mailbox.passcode().await;
        Ok(RedeemPasscode::new(name.clone(), password.clone(), passcode).device(self.alice.mac))
    }

    /// A hundred requests renew the same token. The answer may be sent again, so the number of
    /// distinct tokens and of successors counts.
    async fn renewals(
        &self,
        setup: &Setup,
        figures: &mut Figures,
        database: &str,
    ) -> anyhow::Result<()> {
        let (server, alice) = (&self.server, &self.alice);
        let store = server.server().store();
        let account = store.user(&alice.username).await?.context("no account")?.id;
        let (mut rounds, mut successors) = (Rounds::default(), 0);
        for _ in 0..setup.count(100, 3) {
            server.clock().advance_ms(MINUTE_MS);
            let login = self.send(Command::Login(alice.login(server.now()))).await?;
            let token = login.body.token.context("no token")?;
            let renew = Authorise::new(token).device(alice.mac);
            server.clock().advance_ms(60 * MINUTE_MS);
            let answers = races::answers(server, &Command::Authorise(renew)).await?;
            let tokens: BTreeSet<_> = answers.iter().filter_map(renewed).collect();
            rounds.count(u32::try_from(tokens.len())?);
            successors += u32::try_from(store.sessions_of(account, server.now()).await?)?;
            let token = tokens.first().context("no token was renewed")?.to_owned();
            let end = EndSession::new(token.clone()).device(alice.mac).all();
            self.send(Command::EndSession(end)).await?;
        }
        let successors_of = format!("successors_{database}");
        figures.exactly(&successors_of, successors, setup.count(100, 3));
        rounds.report(figures, &format!("renewal_{database}"));
        Ok(())
    }
}

fn renewed(answer: &Answer) -> Option<&String> {
    answer.body.token.as_ref().map(Secret::expose)
}
