//! A session for programs without an async runtime.

use super::Client;
use crate::{commands::Authorised, error::Error, outcome::Outcome};
use fourauth_protocol::{
    answer::SessionRow, level::Level, mac_address::MacAddress, secret::Secret, username::Username,
};

/// [`crate::Session`] over a [`Client`] without an async runtime. It takes over the new token when the
/// server renews it.
#[derive(Debug)]
pub struct Session {
    client: Client,
    session: crate::Session,
}

impl Session {
    /// A session of a login or of a redeemed passcode: its token, and the name and address that it was
    /// opened with, as in [`crate::Session::with_token`].
    #[must_use]
    pub fn with_token(
        client: Client,
        username: impl Into<Option<Username>>,
        mac: Option<MacAddress>,
        token: impl Into<Secret<String>>,
    ) -> Self {
        let session = crate::Session::with_token(client.client.clone(), username, mac, token);
        Self { client, session }
    }

    /// The token, to be kept where only its user can read it. It may change with
    /// [`Session::authorise`].
    #[must_use]
    pub const fn token(&self) -> &Secret<String> {
        self.session.token()
    }

    /// 130: asks the server if the session is valid and has at least this level, as
    /// [`crate::Session::authorise`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::send`].
    pub fn authorise(&mut self, level: Option<Level>) -> Result<Outcome<Authorised>, Error> {
        let Self { client, session } = self;
        client.wait_for(|_| session.authorise(level))
    }

    /// 142: lists the sessions of the account.
    ///
    /// # Errors
    ///
    /// Those of [`Client::send`].
    pub fn list(&self) -> Result<Outcome<Vec<SessionRow>>, Error> {
        self.client.wait_for(|_| self.session.list())
    }

    /// 140: ends this session.
    ///
    /// # Errors
    ///
    /// Those of [`Client::send`].
    pub fn end(self) -> Result<Outcome<()>, Error> {
        let Self { client, session } = self;
        client.wait_for(|_| session.end())
    }

    /// 140: ends another session of the account, by its id in [`Session::list`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::send`].
    pub fn end_other(&self, id: impl Into<String>) -> Result<Outcome<()>, Error> {
        let id = id.into();
        self.client.wait_for(|_| self.session.end_other(id))
    }

    /// 140: ends every session of the account.
    ///
    /// # Errors
    ///
    /// Those of [`Client::send`].
    pub fn end_all(self) -> Result<Outcome<()>, Error> {
        let Self { client, session } = self;
        client.wait_for(|_| session.end_all())
    }
}
