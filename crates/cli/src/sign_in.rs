//! `fourauth sign-in` and `fourauth sign-up`: the login by password and one-time code in two steps, and
//! the registration without an administrator.

use crate::{
    args::{AccountArgs, Options},
    compose::{Asked, Gather, Inputs},
    environment::Environment,
    exit::Exit,
    failure::Failure,
    secrets, session,
    settings::Settings,
    show,
};
use fourauth_protocol::{
    answer::Answer,
    command::{CodeStep, Command, PasswordStep},
    grant::GrantToken,
};

/// Proves the password, then the one-time code if the account has an authenticator, and keeps the
/// token.
pub(crate) async fn run(
    named: &AccountArgs,
    options: &Options,
    settings: &Settings,
    environment: &mut Environment<'_>,
) -> Result<Exit, Failure> {
    let (client, server) = (settings.client(options)?, settings.server(options));
    let inputs =
        Inputs { options, settings, identity: None, recovery_code: false, server: Asked::NotYet };
    let first = Gather { inputs, environment }.password_step(named)?;
    let command = Command::PasswordStep(first.clone());
    let sender = session::sender(&command);
    let mut answer = client.send_once(command).await.map_err(Failure::at(&server))?;
    if let Some(grant) = grant(&answer) {
        let second = second_step(first, grant, options, environment)?;
        let second = client.send_once(Command::CodeStep(second)).await;
        answer = second.map_err(Failure::at(&server))?;
    }
    let kept = session::keep(sender, &answer, (&client, server), environment).await;
    let exit = show::answer(&answer, show::Sent::default(), options.output, environment)?;
    kept.map(|()| exit)
}

/// The grant for a second step, if one is needed.
fn grant(answer: &Answer) -> Option<GrantToken> {
    let is_done = !answer.is_ok() || answer.body.token.is_some();
    answer.body.grant.clone().filter(|_| !is_done)
}

/// The code is read last: it could expire while the password is typed.
fn second_step(
    first: PasswordStep,
    grant: GrantToken,
    options: &Options,
    environment: &mut Environment<'_>,
) -> Result<CodeStep, Failure> {
    let code = secrets::one_time_code(&options.secrets, environment)?;
    let mut second = CodeStep::new(first.account, code, Some(grant));
    second.mac = first.mac;
    Ok(second)
}
