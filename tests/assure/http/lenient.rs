//! The control: a server that reads requests leniently. Lines may end in a line feed alone, chunks
//! are not known, of several lengths the first counts, and what is no request is skipped.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

/// Argument that makes this program call [`run`].
pub(crate) const PROGRAM: &str = "lenient-http";

/// Serves until it is killed.
pub(crate) fn run() -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("{}", listener.local_addr()?);
    for socket in listener.incoming() {
        let socket = socket?;
        thread::spawn(move || serve(socket));
    }
    Ok(())
}

fn serve(mut socket: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(socket.try_clone()?);
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if String::from_utf8_lossy(&line).contains(" HTTP/1.") {
            let mut body = vec![0; length(&mut reader)?];
            reader.read_exact(&mut body)?;
            socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
        }
    }
}

/// Reads the headers, and returns the length that they announce.
fn length(reader: &mut BufReader<TcpStream>) -> io::Result<usize> {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        let count = reader.read_until(b'\n', &mut line)?;
        let line = String::from_utf8_lossy(&line).to_lowercase();
        if count == 0 || line.trim().is_empty() {
            return Ok(length.unwrap_or(0));
        }
        let value =
            line.strip_prefix("content-length:").and_then(|value| value.trim().parse().ok());
        length = length.or(value);
    }
}
