//! Sends a command: on a connection of its own, with a device proof and the answer to a face challenge in
//! front of it if they are needed.

use crate::{args::Options, challenge, device_key, environment::Environment, failure::Failure};
use fourauth_client::{Client, Identity, ServerAddress};
use fourauth_protocol::{answer::Answer, command::Command};
use std::sync::Arc;

/// A command, and what goes in front of it on its connection.
pub(crate) struct Outgoing {
    pub(crate) command: Command,
    /// Proves this device.
    pub(crate) identity: Option<Arc<Identity>>,
    /// True if the command needs the answer to a face challenge.
    pub(crate) challenge: bool,
}

impl Outgoing {
    /// Sends the command, and films again if the frames of a challenge did not do.
    pub(crate) async fn send(
        self,
        (client, server): (&Client, &ServerAddress),
        options: &Options,
        environment: &mut Environment<'_>,
    ) -> Result<Answer, Failure> {
        for _ in 1..challenge::TRIES {
            let answer = self.send_once((client, server), options, environment).await?;
            if !(self.challenge && challenge::is_worth_another(&answer, options)) {
                return Ok(answer);
            }
            writeln!(environment.notes, "{}", answer.code.advice())?;
        }
        self.send_once((client, server), options, environment).await
    }

    async fn send_once(
        &self,
        (client, server): (&Client, &ServerAddress),
        options: &Options,
        environment: &mut Environment<'_>,
    ) -> Result<Answer, Failure> {
        let mut command = self.command.clone();
        let (client, identity) = match &self.identity {
            None if !self.challenge => {
                return client.send_once(command).await.map_err(Failure::at(server));
            }
            None => (client.clone(), None),
            Some(identity) => (client.clone().with_identity(Arc::clone(identity)), Some(identity)),
        };
        let mut connection = client.connect().await.map_err(Failure::at(server))?;
        let unsaid = device_key::unsaid(&command, options, environment);
        if let (Some(identity), Some((username, mac))) = (identity, unsaid) {
            // The answer carries no information.
            let proof = connection.prove_device(identity, username, mac).await;
            let _ignored = proof.map_err(Failure::at(server))?;
        }
        if self.challenge {
            challenge::answer(&mut command, &mut connection, server, options, environment).await?;
        }
        connection.send(command).await.map_err(Failure::at(server))
    }
}
