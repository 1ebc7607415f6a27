//! `fourauth session raise`: proves what the login of the kept session did not.

use super::{connect, held::Held, obtain};
use crate::{
    args::Options,
    challenge,
    compose::{Asked, Gather, Inputs, Way},
    environment::Environment,
    exit::Exit,
    failure::Failure,
    secrets,
    settings::Settings,
    show,
};
use fourauth_client::{Connection, Outcome};
use fourauth_protocol::{
    answer::Answer,
    challenge::{ChallengeUse, FaceChallenge},
    code::Code,
    command::{BeginFaceChallenge, Command, RaiseSession},
    level::Level,
    receipt::Method,
};

/// Raises the session to `level`, or as high as the account allows.
pub(super) async fn run(
    level: Option<Level>,
    options: &Options,
    settings: &Settings,
    environment: &mut Environment<'_>,
) -> Result<Exit, Failure> {
    let mut held = obtain(options, settings, environment)?;
    let mut connection = connect(&held, options, settings, environment).await?;
    let mut answer = checked(&mut held, level, &mut connection).await?;
    if answer.code == Code::MoreNeeded {
        let inputs = Inputs {
            options,
            settings,
            identity: None,
            recovery_code: false,
            server: Asked::NotYet,
        };
        let takes_face = answer.body.missing.is_some_and(|it| it.contains(&Method::Face));
        let takes_face = takes_face && level.is_none_or(|level| level == Level::Four);
        let mut gather = Gather { inputs, environment };
        let way =
            if takes_face { Some(gather.way_to_show(ChallengeUse::Always).await?) } else { None };
        let faces = match way {
            Some(way) => gather.shown(way).await?,
            None => (None, Vec::new()),
        };
        // The code is read last: it could expire while the pictures are taken.
        let code = secrets::one_time_code(&options.secrets, environment)?;
        let mut raise = RaiseSession::new(held.token.clone(), code).device(held.mac);
        raise.level = level;
        raise.faces = faces.0.into_iter().chain(faces.1).collect();
        if way == Some(Way::Challenge) {
            raise.challenge = filmed(&held, &mut connection, options, environment).await?;
        }
        answer = held.send(Command::RaiseSession(raise), &mut connection).await?;
        held.take_over(&answer)?;
    }
    show::answer(&answer, show::Sent::default(), options.output, environment)
}

/// Renews the token if that is due, and asks what the session lacks.
async fn checked(
    held: &mut Held,
    level: Option<Level>,
    connection: &mut Connection,
) -> Result<Answer, Failure> {
    let valid = held.send(Command::Authorise(held.authorise()), connection).await?;
    held.take_over(&valid)?;
    if !valid.is_ok() {
        return Ok(valid);
    }
    let wanted = held.authorise().level(level.unwrap_or(Level::Four));
    held.send(Command::Authorise(wanted), connection).await
}

/// The answer to a face challenge, which a person gives within 30 seconds. `None` if the server offers none.
async fn filmed(
    held: &Held,
    connection: &mut Connection,
    options: &Options,
    environment: &mut Environment<'_>,
) -> Result<Option<FaceChallenge>, Failure> {
    let asked = BeginFaceChallenge::new(held.username.clone());
    let outcome = connection.begin_face_challenge(asked).await;
    let Outcome::Granted(begun) = outcome.map_err(Failure::at(&held.server))? else {
        return Ok(None);
    };
    let frames = challenge::frames(&begun.steps, options, environment).await?;
    Ok(Some(FaceChallenge::new(begun.id, frames)))
}
