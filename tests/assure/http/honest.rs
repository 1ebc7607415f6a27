//! Visitors that do nothing wrong while others attack.

use super::target::H1;
use crate::{
    numbers::percentile,
    peer::{Caller, host},
    report::Figures,
    setup::Setup,
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, sleep, timeout},
};

/// A request that the server behind the gateway answers, and one with a body, which lacks a field.
fn requests() -> String {
    let body = format!("{{\"username\":\"{}\"}}", "x".repeat(BODY));
    format!(
        "GET /api/v1/hello HTTP/1.1\r\nHost: h\r\n\r\n\
         POST /api/v1/totp/confirm HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Length of the text in that body.
const BODY: usize = 2000;

/// Statuses of their answers. The bare server grants both.
const STATUSES: [[&str; 2]; 2] = [["200 OK", "400 Bad Request"], ["200 OK", "200 OK"]];

/// When a visitor gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pause between two visitors, and how many come at least.
const PAUSE: Duration = Duration::from_millis(50);
const LEAST: usize = 20;

/// Upper bound of the 95th percentile, in seconds. A short run shares its machine.
const ANSWER_S: f64 = 5.0;
const SHORT_ANSWER_S: f64 = 15.0;

/// The visitors of one attack.
#[derive(Debug, Default)]
pub(crate) struct Visitors {
    seconds: Vec<f64>,
    refused: u32,
}

impl Visitors {
    /// Adds their figures.
    pub(crate) fn report(&self, setup: &Setup, figures: &mut Figures) {
        let limit = if setup.is_short { SHORT_ANSWER_S } else { ANSWER_S };
        figures.note("visitors", self.seconds.len());
        figures.exactly("visitors_refused", self.refused, 0);
        figures.at_most("visitors_p95_s", percentile(&self.seconds, 0.95), limit);
    }
}

/// Runs an attack. Meanwhile visitors come one after the other, each with a new connection.
pub(crate) async fn meanwhile<T>(
    listener: SocketAddr,
    attack: impl Future<Output = T>,
) -> anyhow::Result<(T, Visitors)> {
    let is_over = Arc::new(AtomicBool::new(false));
    let visitors = tokio::spawn(visit(listener, Arc::clone(&is_over)));
    let attacked = attack.await;
    is_over.store(true, Ordering::Relaxed);
    Ok((attacked, visitors.await?))
}

async fn visit(listener: SocketAddr, is_over: Arc<AtomicBool>) -> Visitors {
    let caller = Caller::speaking(listener, &[H1]);
    let mut visitors = Visitors::default();
    let mut next = (0..).map(|index| host(60_000 + index % 1000));
    while !is_over.load(Ordering::Relaxed) || visitors.seconds.len() < LEAST {
        let begun = Instant::now();
        let from = next.next().unwrap_or(Ipv4Addr::LOCALHOST);
        let is_answered = timeout(PATIENCE, is_answered(&caller, from)).await.unwrap_or(false);
        visitors.seconds.push(begun.elapsed().as_secs_f64());
        visitors.refused += u32::from(!is_answered);
        sleep(PAUSE).await;
    }
    visitors
}

async fn is_answered(caller: &Caller, from: Ipv4Addr) -> bool {
    let Ok(mut stream) = caller.stream(from).await else { return false };
    let mut said = Vec::new();
    let is_read = stream.write_all(requests().as_bytes()).await.is_ok()
        && stream.read_to_end(&mut said).await.is_ok();
    let said = String::from_utf8_lossy(&said);
    let statuses: Vec<_> =
        said.split("HTTP/1.1 ").skip(1).filter_map(|it| it.lines().next()).collect();
    is_read && STATUSES.iter().any(|right| right.as_slice() == statuses)
}
