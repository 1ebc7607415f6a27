//! A relay that accepts mail by SMTP.
//!
//! The connection is kept between the mails of a round. lettre's own pool is not used: it keeps a
//! connection after its use was cancelled, and the answer to one mail would then be taken for the
//! answer to the next. Its timeout covers only the connect, so every attempt has a deadline here.

use crate::{cleartext::Cleartext, failure::Reason, route::Security};
use fourauth_protocol::host_port::HostPort;
use lettre::{
    Message,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::ClientId,
        response::Severity,
    },
};
use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::{net::TcpStream, time::timeout};

/// Longest wait for the answer to QUIT.
const FAREWELL: Duration = Duration::from_secs(2);

/// A relay, and the connection to it.
pub(crate) struct Relay {
    pub(crate) security: Security,
    pub(crate) place: HostPort,
    /// The name in EHLO.
    pub(crate) hello: ClientId,
    pub(crate) login: Option<Credentials>,
    pub(crate) tls: Option<TlsParameters>,
    pub(crate) deadline: Duration,
    /// The connection, if the last attempt succeeded on it.
    pub(crate) open: Option<AsyncSmtpConnection>,
}

impl Relay {
    /// Sends a mail. `Ok` once the relay has taken responsibility for it (RFC 5321 §4.2.5).
    pub(crate) async fn send(&mut self, message: &Message) -> Result<(), Reason> {
        // Taken out, so that a connection is dropped with an attempt that is cut short.
        let open = self.open.take();
        let accepts_the_sender = AtomicBool::new(false);
        let attempt = self.attempt(open, message, &accepts_the_sender);
        match timeout(self.deadline, attempt).await {
            Ok(Ok(connection)) => {
                self.open = Some(connection);
                Ok(())
            }
            Ok(Err(reason)) => Err(reason),
            Err(_) if accepts_the_sender.load(Ordering::Relaxed) => Err(Reason::Slow),
            Err(_) => Err(Reason::Deadline),
        }
    }

    /// Closes the connection.
    pub(crate) async fn close(&mut self) {
        if let Some(mut connection) = self.open.take() {
            let _answered = timeout(FAREWELL, connection.quit()).await;
        }
    }

    async fn attempt(
        &self,
        open: Option<AsyncSmtpConnection>,
        message: &Message,
        accepts_the_sender: &AtomicBool,
    ) -> Result<AsyncSmtpConnection, Reason> {
        let mut connection = match alive(open).await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let envelope = message.envelope();
        let mail = Mail::new(envelope.from().cloned(), Vec::new());
        connection.command(mail).await.map_err(|error| sender_refused(&error))?;
        accepts_the_sender.store(true, Ordering::Relaxed);
        for to in envelope.to() {
            let recipient = Rcpt::new(to.clone(), Vec::new());
            connection.command(recipient).await.map_err(|error| refused(&error))?;
        }
        connection.command(Data).await.map_err(|error| refused(&error))?;
        connection.message(&message.formatted()).await.map_err(|error| refused(&error))?;
        Ok(connection)
    }

    /// Connects with TLS from the first byte.
    async fn connect_tls(&self) -> Result<AsyncSmtpConnection, Reason> {
        let (place, tls) = ((self.place.host.as_str(), self.place.port), self.tls.clone());
        let tls = tls.ok_or(Reason::Tls)?;
        let connected =
            AsyncSmtpConnection::connect_tokio1(place, None, &self.hello, Some(tls), None).await;
        connected.map_err(|error| {
            // The library reports a failed handshake as a connection error.
            if error.is_tls() || is_certificate(&error) { Reason::Tls } else { Reason::Unreachable }
        })
    }

    /// Connects without TLS.
    async fn connect_in_the_clear(&self) -> Result<AsyncSmtpConnection, Reason> {
        let place = (self.place.host.as_str(), self.place.port);
        let stream = TcpStream::connect(place).await.map_err(|_| Reason::Unreachable)?;
        let stream = Box::new(Cleartext::new(stream));
        let connected = AsyncSmtpConnection::connect_with_transport(stream, &self.hello).await;
        connected.map_err(|_| Reason::Unreachable)
    }

    /// Connects, protects the connection and logs in, in this order.
    async fn connect(&self) -> Result<AsyncSmtpConnection, Reason> {
        let mut connection = match self.security {
            Security::Tls => self.connect_tls().await?,
            Security::StartTls | Security::Plain => self.connect_in_the_clear().await?,
        };
        if self.security == Security::StartTls {
            let tls = self.tls.clone().ok_or(Reason::Tls)?;
            connection.starttls(tls, &self.hello).await.map_err(|_| Reason::Tls)?;
        }
        if self.security != Security::Plain && !connection.is_encrypted() {
            return Err(Reason::Tls);
        }
        if let Some(login) = &self.login {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&mechanisms, login).await.map_err(|error| not_logged_in(&error))?;
        }
        Ok(connection)
    }
}

/// The connection, if the relay has not closed it.
async fn alive(open: Option<AsyncSmtpConnection>) -> Option<AsyncSmtpConnection> {
    let mut connection = open?;
    connection.test_connected().await.then_some(connection)
}

/// True if the error comes from rustls.
fn is_certificate(error: &Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let io = error.downcast_ref::<std::io::Error>();
        if io
            .and_then(std::io::Error::get_ref)
            .is_some_and(|inner| inner.downcast_ref::<rustls::Error>().is_some())
        {
            return true;
        }
        source = error.source();
    }
    false
}

fn not_logged_in(error: &Error) -> Reason {
    match error.status().map(|code| code.severity) {
        Some(Severity::TransientNegativeCompletion) => Reason::Unreachable,
        Some(_) => Reason::Login,
        // No mechanism in common, or a broken connection.
        None if error.is_client() => Reason::Login,
        None => Reason::Unreachable,
    }
}

fn sender_refused(error: &Error) -> Reason {
    match refused(error) {
        Reason::Refused => Reason::Sender,
        other => other,
    }
}

fn refused(error: &Error) -> Reason {
    let Some(code) = error.status() else { return Reason::Interrupted };
    match (code.severity, code.to_string().as_str()) {
        // RFC 5321 §3.8: the server is closing the connection.
        (_, "421") => Reason::Unreachable,
        // RFC 4954 §6.
        (_, "530" | "534" | "535" | "538") => Reason::Login,
        // A relay that refuses its client or sender says 553 or 554 when it hears the recipient. It is
        // not the fault of this notice.
        (Severity::PermanentNegativeCompletion, "553" | "554")
        | (Severity::TransientNegativeCompletion, _) => Reason::Deferred,
        (Severity::PermanentNegativeCompletion, _) => Reason::Refused,
        (Severity::PositiveCompletion | Severity::PositiveIntermediate, _) => Reason::Interrupted,
    }
}

/// Shows no credentials.
impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("place", &self.place).finish_non_exhaustive()
    }
}
