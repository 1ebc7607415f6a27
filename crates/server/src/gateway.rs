//! The session of a gateway: commands of many peers on one connection, decided side by side.
//!
//! Each command states its peer, and the limits of that peer hold for it as if the peer had
//! connected. Answers go out in the order in which commands are decided, each with the reference of
//! its command. The session receives frames and sends answers at the same time, and each command has
//! a task of its own.

mod receive;
mod visitor;

use crate::{
    connection::{Connection, ConnectionError, Sender},
    reply::Reply,
    session::{self, LAST_ANSWER, Shared, last_moment},
};
use fourauth_auth::{
    error::Error, origin::Origin, received::Received, rejected_frames::RejectedFrames,
};
use fourauth_config::LimitsConfig;
use fourauth_protocol::{
    command::Refused, device::DeviceId, frame::MAX_PAYLOAD, gateway::GatewayName,
};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, mpsc},
};
use tokio_util::sync::CancellationToken;

/// The name of the gateway inside the server's process. No registered gateway can have it.
pub const IN_PROCESS: &str = "gateway";

/// The unit in which the bytes of one connection are counted.
const KIB: usize = 1024;

/// The proof of being a gateway.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// The other end of the connection is in this process.
    InProcess,
    /// The peer has proved a registered key.
    Proven {
        /// The name of the gateway.
        name: GatewayName,
        /// The id of its key.
        key: DeviceId,
    },
}

impl Identity {
    /// The name in audit rows.
    pub(crate) fn name(&self) -> GatewayName {
        match self {
            Self::InProcess => GatewayName::parse(IN_PROCESS).expect("the name is valid"),
            Self::Proven { name, .. } => name.clone(),
        }
    }
}

/// Bounds on one gateway's connection. The server stops reading while one is reached.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Commands that have arrived and are not answered yet.
    commands: usize,
    /// KiB of the frames that have arrived and are not decided yet. The last one may exceed it.
    kib: usize,
}

impl From<&LimitsConfig> for Bounds {
    fn from(limits: &LimitsConfig) -> Self {
        let kib = limits.in_flight_mib_per_source as usize * KIB;
        // A frame of any size must fit.
        Self { commands: limits.commands_per_gateway, kib: kib.max(MAX_PAYLOAD / KIB + 1) }
    }
}

/// An answer, and the permit of its command.
type Answer = (Reply, Option<OwnedSemaphorePermit>);

/// The state of one session.
struct Gateway {
    shared: Shared,
    identity: Identity,
    /// The address of the connection.
    address: IpAddr,
    /// Frames that name no peer and are not commands.
    rejected: Mutex<RejectedFrames>,
    /// Cancelled when no more frames are to be received.
    ending: CancellationToken,
}

/// Serves a gateway until it closes the connection or is removed, the connection fails or is
/// evicted, or the server stops. Every command that has arrived is decided.
///
/// # Errors
///
/// Fails if the connection ends early.
pub(crate) async fn run<S>(
    mut connection: Connection<S>,
    shared: Shared,
    identity: Identity,
    address: IpAddr,
) -> Result<(), ConnectionError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    connection.become_gateway();
    let evicted = connection.slot().evicted();
    let gateway = Arc::new(Gateway {
        shared,
        identity,
        address,
        rejected: Mutex::default(),
        ending: CancellationToken::new(),
    });
    let (answers, decided) = mpsc::channel(1);
    let (mut receiving, mut sending) = connection.split();
    let (received, sent) = tokio::join!(
        gateway.receive_all(&mut receiving, answers),
        send_all(&mut sending, decided, &gateway.ending, &evicted),
    );
    gateway.report_noise().await;
    let connection = receiving.join(sending);
    if evicted.is_cancelled() {
        connection.cut().await;
    } else {
        connection.close().await;
    }
    received.and(sent)
}

/// Sends answers until all commands are answered, or the peer does not read them.
async fn send_all<W: AsyncWrite + Unpin>(
    sender: &mut Sender<W>,
    mut decided: mpsc::Receiver<Answer>,
    ending: &CancellationToken,
    evicted: &CancellationToken,
) -> Result<(), ConnectionError> {
    let _ends_the_session = ending.clone().drop_guard();
    let sending = async {
        while let Some((reply, _permit)) = decided.recv().await {
            sender.send(&reply).await?;
        }
        Ok(())
    };
    tokio::select! {
        sent = sending => sent,
        () = last_moment(evicted, LAST_ANSWER) => Ok(()),
    }
}

impl Gateway {
    /// True if the gateway is still registered.
    async fn is_registered(&self) -> Result<bool, Error> {
        match &self.identity {
            Identity::InProcess => Ok(true),
            Identity::Proven { name, key } => {
                self.shared.context.authenticator.is_gateway(name, *key).await
            }
        }
    }

    /// A frame or command of the gateway itself.
    fn own(&self) -> Received {
        session::arrival(&self.shared.context, Origin::connected(self.address), false)
    }

    fn reject(&self, refused: &Refused) {
        self.shared.context.authenticator.metrics().reject(refused);
        self.rejected.lock().unwrap_or_else(PoisonError::into_inner).count(refused);
    }

    /// Writes one audit row for all frames that named no peer and were not commands.
    async fn report_noise(&self) {
        let rejected = *self.rejected.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.context.authenticator.record_rejected_frames(self.own(), rejected).await;
    }
}
