//! Programs without the defence, for controls where no setting switches the defence off.
//!
//! Each is this program in a process of its own, so that it is measured in the same way.

use crate::process::Process;
use anyhow::Context as _;
use image::{ImageReader, Limits};
use rustix::process::{Pid, Resource, Rlimit, setrlimit};
use std::{
    env,
    io::{BufRead as _, BufReader, Cursor, Read as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
};

/// Argument that makes this program call [`read`].
pub(crate) const READER: &str = "naive-reader";

/// Argument that makes this program call [`decode`].
pub(crate) const DECODER: &str = "naive-decoder";

/// Argument that makes this program call [`accept`], and the files that it may open.
pub(crate) const ACCEPTOR: &str = "naive-acceptor";
pub(crate) const FILES: u32 = 64;

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Naive {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Naive {
    /// Starts a program and waits until it listens.
    pub(crate) fn start(name: &str) -> anyhow::Result<Self> {
        let mut child =
            Command::new(env::current_exe()?).arg(name).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        let output = child.stdout.take().context("the program has no output pipe")?;
        BufReader::new(output).read_line(&mut address)?;
        Ok(Self {
            child,
            address: address.trim().parse().context("the program printed no address")?,
        })
    }

    pub(crate) fn process(&self) -> anyhow::Result<Process> {
        let id = Pid::from_raw(self.child.id().try_into()?);
        id.map(Process).context("the process has no id")
    }
}

impl Drop for Naive {
    fn drop(&mut self) {
        // Fails if the program has already ended.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn listen() -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("{}", listener.local_addr()?);
    Ok(listener)
}

/// Serves frames like a server that trusts their headers: allocates the announced size, then waits
/// for the bytes.
pub(crate) fn read() -> anyhow::Result<()> {
    for socket in listen()?.incoming() {
        let socket = socket?;
        thread::spawn(move || read_frame(socket));
    }
    Ok(())
}

fn read_frame(mut socket: TcpStream) -> std::io::Result<()> {
    // The largest frame. 4 GiB for each peer would exhaust the machine.
    const MOST: u32 = 4 << 20;
    let mut header = [0; 4];
    socket.read_exact(&mut header)?;
    let announced = u32::from_be_bytes(header).min(MOST);
    // Not zeros: the kernel allocates pages only when they are written.
    let mut payload = vec![1_u8; announced as usize];
    socket.read_exact(&mut payload)
}

/// Accepts in a loop with few files, and retries at once after a failure.
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

/// Decodes every picture that it is sent, like a server that trusts their headers. Closes the
/// connection afterwards.
pub(crate) fn decode() -> anyhow::Result<()> {
    for socket in listen()?.incoming() {
        let mut bytes = Vec::new();
        socket?.read_to_end(&mut bytes)?;
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
        reader.limits(Limits::no_limits());
        // Most are not pictures.
        let _undecoded = reader.decode();
    }
    Ok(())
}
