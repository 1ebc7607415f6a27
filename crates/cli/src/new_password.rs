//! The second half of a forgotten password, in one go: the code that the server has sent, then the new
//! password. The menu uses it; scripts have a command for each step.

use crate::{
    args::{AccountArgs, Options},
    compose::{Asked, Gather, Inputs},
    device_key,
    environment::Environment,
    exit::Exit,
    failure::Failure,
    outgoing::Outgoing,
    secrets::{self, Kind},
    settings::Settings,
    show,
};
use fourauth_protocol::{
    code::Code,
    command::{Command, ResetPassword},
};
use std::sync::Arc;

/// Spends the code for a grant, and the grant for the new password. A password that is too weak spends
/// nothing, so another one is asked for.
pub(crate) async fn run(
    options: &Options,
    settings: &Settings,
    environment: &mut Environment<'_>,
) -> Result<Exit, Failure> {
    let (client, server) = (settings.client(options)?, settings.server(options));
    let to = (&client, &server);
    let identity = device_key::obtain(options, settings, environment)?.map(Arc::new);
    let inputs = Inputs {
        options,
        settings,
        identity: identity.as_deref(),
        recovery_code: false,
        server: Asked::NotYet,
    };
    let first = Gather { inputs, environment }.validate_reset(&AccountArgs::default())?;
    let account = first.account.clone();
    let first = Command::ValidateReset(first);
    let first = Outgoing { command: first, identity: identity.clone(), challenge: false };
    let answer = first.send(to, options, environment).await?;
    let grant = answer.body.grant.clone().filter(|_| answer.is_ok());
    let Some(grant) = grant else {
        return show::answer(&answer, show::Sent::default(), options.output, environment);
    };
    loop {
        let password = secrets::obtain(Kind::NewPassword, &options.secrets, environment)?;
        let reset = ResetPassword::new(account.clone(), password).grant(grant.clone());
        let second = Command::ResetPassword(reset);
        let second = Outgoing { command: second, identity: identity.clone(), challenge: false };
        let answer = second.send(to, options, environment).await?;
        let exit = show::answer(&answer, show::Sent::default(), options.output, environment)?;
        let is_typed = options.secrets.new_password_file.is_none();
        if answer.code != Code::WeakPassword || !is_typed {
            return Ok(exit);
        }
    }
}
