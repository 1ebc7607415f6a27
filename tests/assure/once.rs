//! G-13: what may be used once is used once, though a hundred use it at the same moment.

use crate::{
    races,
    races::Rounds,
    report::Figures,
    setup::{Defence, Setup},
};
use fourauth_protocol::command::Command;
use fourauth_tests::server::TestServer;

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    match defence {
        Defence::On => {
            let server = TestServer::start().await;
            names(setup, &server, &mut figures).await?;
            confirmations(setup, &server, &mut figures).await?;
            server.stop().await;
        }
        Defence::Off => races::unguarded(setup, &mut figures, "unguarded").await?,
    }
    Ok(figures)
}

/// A name, which a hundred registrations want.
async fn names(setup: &Setup, server: &TestServer, figures: &mut Figures) -> anyhow::Result<()> {
    let mut rounds = Rounds::default();
    for round in 0..setup.count(100, 1) {
        let register = server.registration(&format!("person-{round}"), "obama.jpg");
        rounds.count(races::winners(server, &Command::Register(register)).await?);
    }
    rounds.report(figures, "registration");
    Ok(())
}

/// A code, which a hundred confirmations carry.
async fn confirmations(
    setup: &Setup,
    server: &TestServer,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    const STEP_MS: i64 = 30_000;
    let bob = server.enrol("bob", "obama.jpg").await;
    let mut rounds = Rounds::default();
    for _ in 0..setup.count(100, 5) {
        server.clock().advance_ms(2 * STEP_MS);
        let confirm = Command::ConfirmTotp(bob.confirm(server.now()));
        rounds.count(races::winners(server, &confirm).await?);
    }
    rounds.report(figures, "one_time_code");
    Ok(())
}
