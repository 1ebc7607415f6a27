//! G-13: single-use values are accepted once, even if a hundred requests use one at the same
//! moment.

use crate::{
    grants, races,
    races::Rounds,
    report::Figures,
    sessions,
    setup::{Defence, Setup},
};
use anyhow::Context as _;
use fourauth_protocol::{
    answer::Answer, command::Command, recovery_code::RecoveryCode, secret::Secret,
};
use fourauth_tests::{persona::Persona, server::TestServer, with::With as _};
use std::collections::BTreeSet;

/// Two time steps of a one-time code, and how long an answer with a secret is repeated.
const MINUTE_MS: i64 = 60_000;

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    match defence {
        Defence::On => {
            let server = Box::pin(TestServer::start()).await;
            names(setup, &server, &mut figures).await?;
            confirmations(setup, &server, &mut figures).await?;
            recovery_codes(setup, &server, &mut figures).await?;
            server.stop().await;
            sessions::figures(setup, &mut figures).await?;
        }
        Defence::Off => races::unguarded(setup, &mut figures, "unguarded").await?,
    }
    grants::figures(setup, defence, &mut figures).await?;
    Ok(figures)
}

/// A hundred registrations request the same name.
async fn names(setup: &Setup, server: &TestServer, figures: &mut Figures) -> anyhow::Result<()> {
    let mut rounds = Rounds::default();
    for round in 0..setup.count(100, 1) {
        let register = server.registration(&format!("person-{round}"), "obama.jpg");
        rounds.count(races::winners(server, &Command::Register(register)).await?);
    }
    rounds.report(figures, "registration");
    Ok(())
}

/// A hundred confirmations use the same one-time code.
async fn confirmations(
    setup: &Setup,
    server: &TestServer,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let bob = server.enrol("bob", "obama.jpg").await;
    let mut rounds = Rounds::default();
    for _ in 0..setup.count(100, 5) {
        server.clock().advance_ms(MINUTE_MS);
        let confirm = Command::ConfirmTotp(bob.confirm(server.now()));
        rounds.count(races::winners(server, &confirm).await?);
    }
    rounds.report(figures, "one_time_code");
    Ok(())
}

/// A hundred recoveries use the same recovery code, and one more uses it later.
///
/// A request that is repeated within a minute gets the same new secret again, so the number of
/// distinct secrets counts.
async fn recovery_codes(
    setup: &Setup,
    server: &TestServer,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let (mut rounds, mut used_again) = (Rounds::default(), 0);
    let mut codes: Vec<(Persona, RecoveryCode)> = Vec::new();
    for round in 0..setup.count(100, 2) {
        if codes.is_empty() {
            codes = written_down(server, &format!("forgetful-{round}")).await?;
        }
        let (person, code) = codes.pop().context("no recovery code is left")?;
        server.clock().advance_ms(2 * MINUTE_MS);
        let recover = || {
            person
                .recover_totp(server.now())
                .with(|recover| recover.recovery_code = Some(code.clone()))
        };
        let answers = races::answers(server, &Command::RecoverTotp(recover())).await?;
        let secrets: BTreeSet<_> = answers.iter().filter_map(secret).collect();
        rounds.count(u32::try_from(secrets.len())?);

        server.clock().advance_ms(2 * MINUTE_MS);
        let again = server.client().send_once(Command::RecoverTotp(recover())).await?;
        used_again += u32::from(again.is_ok());
    }
    rounds.report(figures, "recovery_code");
    figures.exactly("recovery_code_used_again", used_again, 0);
    Ok(())
}

fn secret(answer: &Answer) -> Option<&String> {
    answer.body.provisioning_uri.as_ref().map(Secret::expose)
}

/// Registers a person and returns each of their recovery codes, with the person.
async fn written_down(
    server: &TestServer,
    name: &str,
) -> anyhow::Result<Vec<(Persona, RecoveryCode)>> {
    let register = server.registration(name, "obama.jpg");
    let (password, mac) =
        (register.password.clone(), register.mac.context("the registration has no MAC address")?);
    let answer = server.client().send_once(Command::Register(register)).await?;
    let uri = answer.body.provisioning_uri.context("the answer has no provisioning URI")?;
    let person = Persona::new(name, password, mac, &uri);
    let codes = answer.body.recovery_codes.context("the answer has no recovery codes")?;
    let codes = codes.iter().map(|code| Ok((person.clone(), RecoveryCode::parse(code.expose())?)));
    codes.collect()
}
