//! A service with its own transport: blocking sockets, its own TLS, and of fourauth the crate
//! `protocol` alone.
//!
//! ```sh
//! cargo run --example own_transport -- localhost 65432 data/tls/cert.pem
//! ```

#![expect(clippy::print_stdout, reason = "an example stays short")]

use fourauth_protocol::{
    answer::Answer,
    command::{Command, Hello},
    frame::{self, Decoder},
};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use std::{
    env, fs,
    io::{self, Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

type Failure = Box<dyn std::error::Error>;

/// Timeout of each read and write.
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [host, port, roots] = arguments.as_slice() else {
        return Err("give HOST PORT CERTIFICATES".into());
    };
    let mut stream = connect(host, port.parse()?, &fs::read(roots)?)?;
    let answer = ask(&mut stream, &Command::Hello(Hello::default()))?;
    let server = answer.body.server.ok_or("the server did not say what it is")?;
    println!("{} knows the time: {}", server.software, server.time);
    Ok(())
}

/// Sends one command and reads its answer, over any stream that reaches the server.
pub(crate) fn ask(stream: &mut (impl Read + Write), command: &Command) -> Result<Answer, Failure> {
    let mut out = bytes::BytesMut::new();
    frame::encode(command.to_json().expose(), &mut out)?;
    stream.write_all(&out)?;
    stream.flush()?;

    let mut decoder = Decoder::default();
    let mut chunk = [0; 4096];
    loop {
        if let Some(payload) = decoder.next_payload()? {
            return Ok(Answer::from_json(&payload)?);
        }
        match stream.read(&mut chunk)? {
            0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            length => decoder.push(&chunk[..length]),
        }
    }
}

/// TLS 1.3 to a server with a certificate of one of these authorities, in PEM.
pub(crate) fn connect(
    host: &str,
    port: u16,
    roots: &[u8],
) -> Result<StreamOwned<ClientConnection, TcpStream>, Failure> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(roots) {
        store.add(certificate?)?;
    }
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let mut config = ClientConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![frame::ALPN.to_vec()];

    let socket = TcpStream::connect((host, port))?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.set_write_timeout(Some(TIMEOUT))?;
    let name = ServerName::try_from(host.to_owned())?;
    Ok(StreamOwned::new(ClientConnection::new(Arc::new(config), name)?, socket))
}
