//! G-11: a one-time code is accepted once, however many requests use it.

use crate::{
    races,
    races::Rounds,
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::ensure;
use fourauth_protocol::{command::Command, mac_address::MacAddress};
use fourauth_tests::{models::picture, persona::Persona, server::TestServer};

/// Time from one code to the first that is not valid together with it, in milliseconds.
const TWO_STEPS_MS: i64 = 60_000;

/// In this many replays there is one login and one of each recovery that accepts a code. These
/// examine a picture; the others are confirmations, which do not and are much faster.
const PERIOD: u32 = 20;

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    match defence {
        Defence::On => {
            let server = TestServer::start().await;
            let alice = server.enrol("alice", "obama.jpg").await;
            sequential(setup, &server, &alice, &mut figures).await?;
            parallel(setup, &server, &alice, &mut figures).await?;
            server.stop().await;
        }
        Defence::Off => races::unguarded(setup, &mut figures, "parallel").await?,
    }
    Ok(figures)
}

/// Sends the same code repeatedly, with every command that accepts one.
async fn sequential(
    setup: &Setup,
    server: &TestServer,
    alice: &Persona,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let mut connection = server.connect().await;
    for command in [
        Command::Login(alice.login(server.now())),
        Command::ConfirmTotp(alice.confirm(server.now())),
    ] {
        let answer = connection.send(command).await?;
        ensure!(answer.is_ok(), "the first use was refused: {answer:?}");
    }
    let replays = setup.count(10_000, 100);
    let mut accepted = 0;
    for index in 0..replays {
        let answer = connection.send(replay(server, alice, index % PERIOD)?).await?;
        accepted += u32::from(answer.is_ok());
    }
    figures.note("replays", replays);
    figures.note("replays_of_logins_and_recoveries", replays / PERIOD * 4);
    figures.exactly("replays_accepted", accepted, 0);
    Ok(())
}

fn replay(server: &TestServer, alice: &Persona, kind: u32) -> anyhow::Result<Command> {
    let now = server.now();
    let mac = MacAddress::parse("00:1b:44:11:3a:ff")?;
    Ok(match kind {
        0 => Command::Login(alice.login(now)),
        1 => Command::RecoverPassword(alice.recover_password("amber-Fox-17", now)),
        2 => Command::RecoverFace(alice.recover_face(picture("obama3.jpg"), now)),
        3 => Command::RecoverDevice(alice.recover_device(mac, now)),
        _ => Command::ConfirmTotp(alice.confirm(now)),
    })
}

/// Sends a hundred logins with the same code at the same moment.
async fn parallel(
    setup: &Setup,
    server: &TestServer,
    alice: &Persona,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let mut rounds = Rounds::default();
    for round in 0..setup.count(200, 2) {
        server.clock().advance_ms(TWO_STEPS_MS);
        let login = Command::Login(alice.login(server.now()));
        rounds.count(races::winners(server, &login).await?);
        if round % 20 == 19 {
            setup.say(&format!("{} rounds", round + 1));
        }
    }
    rounds.report(figures, "parallel");
    Ok(())
}
