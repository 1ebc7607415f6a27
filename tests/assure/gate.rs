//! A gate in front of a server that keeps those who came first: so many connections, and no others.
//! The control of what makes room for newcomers.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
};

/// A gate that is open. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    has_refused: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Gate {
    /// Passes `places` connections at a time on to `server`.
    pub(crate) async fn open(server: SocketAddr, places: usize) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (address, has_refused) = (listener.local_addr()?, Arc::new(AtomicBool::new(false)));
        let task = tokio::spawn(run(listener, server, places, Arc::clone(&has_refused)));
        Ok(Self { address, has_refused, task })
    }

    /// Whether it has turned a peer away.
    pub(crate) fn has_refused(&self) -> bool {
        self.has_refused.load(Ordering::Relaxed)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    listener: TcpListener,
    server: SocketAddr,
    places: usize,
    has_refused: Arc<AtomicBool>,
) {
    let places = Arc::new(Semaphore::new(places));
    while let Ok((mut peer, _)) = listener.accept().await {
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            has_refused.store(true, Ordering::Relaxed);
            continue;
        };
        tokio::spawn(async move {
            if let Ok(mut server) = TcpStream::connect(server).await {
                // However it ends, the place is free.
                let _ended = copy_bidirectional(&mut peer, &mut server).await;
            }
            drop(place);
        });
    }
}
