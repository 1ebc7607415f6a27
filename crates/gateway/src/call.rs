//! One request that has arrived, with everything that a route needs to answer it.

use crate::{gateway::App, peer::Unnamed, problem::Problem};
use fourauth_protocol::{answer::Answer, command::Command, secret::Secret};
use hyper::header::HeaderMap;
use serde::de::DeserializeOwned;
use std::{net::IpAddr, sync::Arc};

/// A request with its whole body.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    /// The peer, if it is known. A route that sends commands needs it.
    pub(crate) peer: Result<IpAddr, Unnamed>,
    /// True if the other end of the socket is a listed proxy.
    pub(crate) is_from_a_proxy: bool,
    pub(crate) headers: HeaderMap,
    /// The text of the parameter in its path; empty if it has none.
    pub(crate) parameter: String,
    /// The text after `?`.
    pub(crate) query: Option<String>,
    /// One JSON object of the right shape, if the route takes one; else empty.
    pub(crate) body: Secret<Vec<u8>>,
}

impl Call {
    /// The body of the request, as a value of this type.
    ///
    /// # Errors
    ///
    /// 400 that names the field. A value is never quoted.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let mut json = serde_json::Deserializer::from_slice(self.body.expose());
        serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let text = error.inner().to_string();
            match text.split('`').nth(1).filter(|_| text.starts_with("missing field `")) {
                Some(field) => Problem::bad(format!("Missing field: {field}")),
                None => Problem::bad(format!("Invalid field: {}", error.path())),
            }
        })
    }

    /// Sends a command of the peer. Only a granted one has an answer.
    pub(crate) async fn send(&self, command: Command) -> Result<Answer, Problem> {
        self.ask(command, Problem::of_answer).await
    }

    /// As [`send`](Self::send), with another form of a denial.
    pub(crate) async fn ask(
        &self,
        command: Command,
        refused: impl FnOnce(Answer) -> Problem,
    ) -> Result<Answer, Problem> {
        let answer = self.app.upstream.send(self.peer?, command).await?;
        if answer.is_ok() { Ok(answer) } else { Err(refused(answer)) }
    }
}
