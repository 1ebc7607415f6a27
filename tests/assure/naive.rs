//! Programs without the defence, for controls whose defence no setting switches off.
//!
//! Each is this program again, as a process of its own, so that the same instrument looks at it from
//! the same side.

use crate::process::Process;
use anyhow::Context as _;
use rustix::process::{Pid, Resource, Rlimit, setrlimit};
use std::{
    env,
    io::{BufRead as _, BufReader, Read as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
};

/// The name under which this program runs [`read`].
pub(crate) const READER: &str = "naive-reader";

/// The name under which this program runs [`accept`], and the files that it may open.
pub(crate) const ACCEPTOR: &str = "naive-acceptor";
pub(crate) const FILES: u32 = 64;

/// One of them, running. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Naive {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Naive {
    /// Starts one and waits until it listens.
    pub(crate) fn start(name: &str) -> anyhow::Result<Self> {
        let mut child =
            Command::new(env::current_exe()?).arg(name).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        let output = child.stdout.take().context("a pipe")?;
        BufReader::new(output).read_line(&mut address)?;
        Ok(Self { child, address: address.trim().parse().context("where it listens")? })
    }

    pub(crate) fn process(&self) -> anyhow::Result<Process> {
        let id = Pid::from_raw(self.child.id().try_into()?);
        id.map(Process).context("a process has a number")
    }
}

impl Drop for Naive {
    fn drop(&mut self) {
        // One that has ended is gone already.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn listen() -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("{}", listener.local_addr()?);
    Ok(listener)
}

/// Serves frames like a server that believes their headers: makes room for all that is announced,
/// and then waits for it.
pub(crate) fn read() -> anyhow::Result<()> {
    for socket in listen()?.incoming() {
        let socket = socket?;
        thread::spawn(move || read_frame(socket));
    }
    Ok(())
}

fn read_frame(mut socket: TcpStream) -> std::io::Result<()> {
    // As much as a frame may hold; 4 GiB of each peer would end the machine and not the argument.
    const MOST: u32 = 4 << 20;
    let mut header = [0; 4];
    socket.read_exact(&mut header)?;
    let announced = u32::from_be_bytes(header).min(MOST);
    // Not zeros: pages that nobody has written to are not there.
    let mut payload = vec![1_u8; announced as usize];
    socket.read_exact(&mut payload)
}

/// Accepts for ever with a few files, and after a failure at once again.
pub(crate) fn accept() -> anyhow::Result<()> {
    let files = Some(FILES.into());
    setrlimit(Resource::Nofile, Rlimit { current: files, maximum: files })?;
    let listener = listen()?;
    let mut held = Vec::new();
    loop {
        if let Ok(accepted) = listener.accept() {
            held.push(accepted);
        }
    }
}
