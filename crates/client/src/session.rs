//! A session of a user: its token, and the device that it is bound to.

use crate::{
    client::Client,
    commands::{Authorised, LoggedIn},
    error::{Error, ProtocolError},
    outcome::Outcome,
};
use fourauth_protocol::{
    answer::{Answer, SessionRow},
    command::{Authorise, Command, EndSession, ListSessions, Login, ProveSignIn},
    level::Level,
    mac_address::MacAddress,
    secret::Secret,
    username::Username,
};
use std::{fmt, time::Duration};
use tokio::time::{Instant, timeout};

/// Time for which a server sends the answer to a renewal again.
const REPEATABLE: Duration = Duration::from_secs(30);

/// Longest wait for one of several attempts.
const PATIENCE: Duration = Duration::from_secs(8);

/// A session that a program keeps between its requests. It proves the device if the client
/// [has an identity](Client::with_identity), and takes over the new token when the server renews
/// it.
///
/// The server accepts a renewed token again for 30 seconds only, so one session must not be kept in
/// two places.
pub struct Session {
    client: Client,
    /// Needed for a device proof only.
    username: Option<Username>,
    mac: Option<MacAddress>,
    token: Secret<String>,
}

impl Session {
    /// The session that a login has opened. `None` if the server has given no token.
    #[must_use]
    pub fn of(client: Client, login: &Login, logged_in: &LoggedIn) -> Option<Self> {
        let token = logged_in.token.clone()?;
        Some(Self::with_token(client, login.username.clone(), login.mac, token))
    }

    /// A session that was kept, or that a [redeemed](crate::Connection::redeem_passcode) passcode has
    /// opened: its token, and the name and address that it was opened with. Without a name the device is
    /// not proved.
    #[must_use]
    pub fn with_token(
        client: Client,
        username: impl Into<Option<Username>>,
        mac: Option<MacAddress>,
        token: impl Into<Secret<String>>,
    ) -> Self {
        Self { client, username: username.into(), mac, token: token.into() }
    }

    /// The token, to be kept where only its user can read it. It may change with
    /// [`Session::authorise`].
    #[must_use]
    pub const fn token(&self) -> &Secret<String> {
        &self.token
    }

    /// 130: asks the server if the session is valid and has at least this level. If the token has
    /// expired, the session takes over the new one.
    ///
    /// If the answer is lost, it asks again as often as [`Builder::retries`](crate::Builder::retries)
    /// says, each time for at most eight seconds and not later than 30 seconds after the first: a
    /// renewal that is repeated in this time gives the same token.
    ///
    /// # Errors
    ///
    /// Those of [`Client::send`].
    pub async fn authorise(&mut self, level: Option<Level>) -> Result<Outcome<Authorised>, Error> {
        let mut authorise = Authorise::new(self.token.clone());
        authorise.mac = self.mac;
        authorise.level = level;
        let answer = self.send_repeatedly(Command::Authorise(authorise)).await?;
        let outcome = Outcome::read(answer, Authorised::from_gains)?;
        if let Outcome::Granted(Authorised { renewed: Some(token), .. }) = &outcome {
            self.token = token.clone();
        }
        Ok(outcome)
    }

    /// 142: lists the sessions of the account.
    ///
    /// # Errors
    ///
    /// Those of [`Client::send`].
    pub async fn list(&self) -> Result<Outcome<Vec<SessionRow>>, Error> {
        let mut list = ListSessions::new(self.token.clone());
        list.mac = self.mac;
        let answer = self.send(Command::ListSessions(list)).await?;
        let rows = Outcome::read(answer, |body| {
            body.sessions.ok_or(ProtocolError::Incomplete("sessions"))
        });
        Ok(rows?)
    }

    /// 144: the proof of the sign-in that opened this session, or another one of the account by its id
    /// in [`Session::list`]: the text of a file. Within a second after the sign-in the server answers
    /// that it is not signed yet.
    ///
    /// # Errors
    ///
    /// Those of [`Client::send`].
    pub async fn prove(&self, id: Option<String>) -> Result<Outcome<String>, Error> {
        let mut prove = ProveSignIn::new(self.token.clone());
        (prove.mac, prove.session) = (self.mac, id);
        let answer = self.send(Command::ProveSignIn(prove)).await?;
        let proof =
            Outcome::read(answer, |body| body.proof.ok_or(ProtocolError::Incomplete("proof")));
        Ok(proof?)
    }

    /// 140: ends this session.
    ///
    /// # Errors
    ///
    /// Those of [`Client::send`].
    pub async fn end(self) -> Result<Outcome<()>, Error> {
        self.end_with(EndSession::new(self.token.clone())).await
    }

    /// 140: ends another session of the account, by its id in [`Session::list`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::send`].
    pub async fn end_other(&self, id: impl Into<String>) -> Result<Outcome<()>, Error> {
        self.end_with(EndSession::new(self.token.clone()).session(id)).await
    }

    /// 140: ends every session of the account.
    ///
    /// # Errors
    ///
    /// Those of [`Client::send`].
    pub async fn end_all(self) -> Result<Outcome<()>, Error> {
        self.end_with(EndSession::new(self.token.clone()).all()).await
    }

    async fn end_with(&self, mut end: EndSession) -> Result<Outcome<()>, Error> {
        end.mac = self.mac;
        let answer = self.send(Command::EndSession(end)).await?;
        Ok(Outcome::read(answer, |_| Ok::<_, ProtocolError>(()))?)
    }

    /// Sends a command that can be repeated without harm, as long as the server gives the same answer
    /// again. A renewal that is repeated later would look like a stolen token.
    async fn send_repeatedly(&self, command: Command) -> Result<Answer, Error> {
        let (retries, begun) = (self.client.limits.retries, Instant::now());
        let mut attempts = retries.start();
        loop {
            let patience = if retries.most == 0 { Duration::MAX } else { PATIENCE };
            let sent = timeout(patience, self.send(command.clone())).await;
            let is_in_time = begun.elapsed() + retries.delay + PATIENCE <= REPEATABLE;
            match sent.unwrap_or(Err(Error::AnswerTimeout)) {
                Err(error) if error.may_have_been_decided() && is_in_time => {
                    attempts.again_after(error).await?;
                }
                answered_or_unsent => return answered_or_unsent,
            }
        }
    }

    async fn send(&self, command: Command) -> Result<Answer, Error> {
        match (&self.username, self.mac) {
            (Some(username), Some(mac)) => self.client.send_as(username, mac, command).await,
            _ => self.client.send(command).await,
        }
    }
}

/// Without the token.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("username", &self.username).finish_non_exhaustive()
    }
}
