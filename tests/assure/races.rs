//! Sends one command a hundred times at the same moment, and counts the successes.

use crate::{report::Figures, setup::Setup, unguarded::Unguarded};
use fourauth_protocol::{answer::Answer, command::Command};
use fourauth_tests::server::TestServer;
use tokio::task::JoinSet;

/// Requests at the same moment.
pub(crate) const AT_ONCE: u32 = 100;

/// The answers to a hundred simultaneous requests with `command`.
pub(crate) async fn answers(server: &TestServer, command: &Command) -> anyhow::Result<Vec<Answer>> {
    let mut senders = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (client, command) = (server.client(), command.clone());
        senders.spawn(async move { client.send_once(command).await });
    }
    let mut answers = Vec::new();
    while let Some(answer) = senders.join_next().await {
        answers.push(answer??);
    }
    Ok(answers)
}

/// How many of them succeed.
pub(crate) async fn winners(server: &TestServer, command: &Command) -> anyhow::Result<u32> {
    let answers = answers(server, command).await?;
    Ok(answers.iter().map(|answer| u32::from(answer.is_ok())).sum())
}

/// Counts the rounds with exactly one successful request.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    played: u32,
    with_one: u32,
    winners: u32,
}

impl Rounds {
    pub(crate) fn count(&mut self, winners: u32) {
        self.played += 1;
        self.with_one += u32::from(winners == 1);
        self.winners += winners;
    }

    /// Reports the counts under names that begin with `name`.
    pub(crate) fn report(&self, figures: &mut Figures, name: &str) {
        figures.note(&format!("{name}_winners_mean"), self.mean());
        figures.exactly(&format!("{name}_rounds_with_one_winner"), self.with_one, self.played);
    }

    fn mean(&self) -> f64 {
        f64::from(self.winners) / f64::from(self.played)
    }
}

/// The control: the same rounds against a table that is read, checked and then saved.
pub(crate) async fn unguarded(
    setup: &Setup,
    figures: &mut Figures,
    name: &str,
) -> anyhow::Result<()> {
    let (store, mut rounds) = (Unguarded::open().await?, Rounds::default());
    for round in 0..setup.count(50, 5) {
        rounds.count(store.winners(i64::from(round) + 1, AT_ONCE).await?);
    }
    rounds.report(figures, name);
    Ok(())
}
