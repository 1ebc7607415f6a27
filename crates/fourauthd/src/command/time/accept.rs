//! `fourauthd time accept`: sends a request to the servers and waits for the answers.

use super::Presence;
use crate::{local_store::LocalStore, screen::printable};
use anyhow::bail;
use fourauth_server::tasks::clock::ACCEPTED;
use fourauth_store::{ClockReport, Error};
use std::time::Duration;

/// Timeout for an answer. Servers poll every few seconds.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Interval between polls for the answer.
const POLL: Duration = Duration::from_millis(250);

/// Asks every running server with an offered time to accept it, and waits for the answers.
///
/// A request without an answer is withdrawn. It must not apply to a later start, when the offered
/// time may be another.
pub(super) async fn run(local: &LocalStore) -> anyhow::Result<()> {
    let reports = local.store.clock_reports().await?;
    let running: Vec<&ClockReport> = reports
        .iter()
        .filter(|report| Presence::of(report, local.now) == Presence::Running)
        .collect();
    if running.is_empty() {
        bail!("no server is running; start it, and run `fourauthd time status`")
    }
    let offers: Vec<(&str, i64)> = running
        .iter()
        .filter_map(|report| Some((report.node.as_str(), report.offer_ms?)))
        .collect();
    if offers.is_empty() {
        print_out!("There is nothing to accept.")?;
        return Ok(());
    }
    for (node, offer_ms) in &offers {
        ask(local, node, *offer_ms).await?;
    }
    let mut refused = false;
    for (node, _) in &offers {
        let answer = answer(local, node).await?;
        print_out!("{}", printable(&format!("{node}: {answer}")))?;
        refused |= answer != ACCEPTED;
    }
    if refused {
        bail!("not every server accepted the time; see `fourauthd time status`")
    }
    Ok(())
}

async fn ask(local: &LocalStore, node: &str, offer_ms: i64) -> anyhow::Result<()> {
    let detail = format!("step={offer_ms}ms node={node}");
    let (row, node) = (local.local_row(None, "time_accept", &detail), node.to_owned());
    let asked =
        local.change(row, move |tx| Box::pin(async move { tx.ask_clock(&node, offer_ms).await }));
    if !asked.await? {
        bail!("the report of a server has disappeared; run the command again")
    }
    Ok(())
}

/// Answer of the server, or the state of the request if there is no answer.
async fn answer(local: &LocalStore, node: &str) -> anyhow::Result<String> {
    let answered = async {
        loop {
            if let Some(answer) = local.store.clock_answer(node).await? {
                return Ok::<_, Error>(answer);
            }
            tokio::time::sleep(POLL).await;
        }
    };
    if let Ok(answer) = tokio::time::timeout(TIMEOUT, answered).await {
        return Ok(answer?);
    }
    let name = node.to_owned();
    let withdrawn =
        local.store.write(move |tx| Box::pin(async move { tx.take_clock_request(&name).await }));
    let withdrawn: bool = withdrawn.await.map_err(|error: Error| error)?;
    Ok(if withdrawn {
        "no answer; the request is withdrawn".into()
    } else {
        "no answer, but it took the request; see `fourauthd audit --action time_accept`".into()
    })
}
