//! A gate in front of a server that accepts a fixed number of connections and refuses all later
//! ones. It is the control for a server that makes room for newcomers.

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

/// An open gate. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    has_refused: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Gate {
    /// Passes on up to `places` connections at a time to `server`.
    pub(crate) async fn open(server: SocketAddr, places: usize) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (address, has_refused) = (listener.local_addr()?, Arc::new(AtomicBool::new(false)));
        let task = tokio::spawn(run(listener, server, places, Arc::clone(&has_refused)));
        Ok(Self { address, has_refused, task })
    }

    /// True if a connection was refused.
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
                // The slot is freed however the connection ends.
                let _ended = copy_bidirectional(&mut peer, &mut server).await;
            }
            drop(place);
        });
    }
}
