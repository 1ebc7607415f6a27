//! The face challenge of a command: begun on its connection when all other inputs are known, because
//! a person has 30 seconds for it.

use crate::{
    args::Options,
    camera,
    compose::{Asked, Inputs},
    environment::Environment,
    failure::Failure,
    picture,
};
use fourauth_client::{Connection, Outcome, ServerAddress};
use fourauth_protocol::{
    answer::{Answer, ServerInfo},
    challenge::{ChallengeStep, ChallengeUse, FRAMES_PER_STEP, FaceChallenge},
    code::Code,
    command::{BeginFaceChallenge, Command, Hello},
    picture::Picture,
    time::UnixMillis,
    username::Username,
};
use std::{fs::File, path::Path};

/// How often a person may do the challenge for one command.
pub(crate) const TRIES: u32 = 3;

/// True if the server needs a challenge for commands of this kind, logins (`Always`) or recoveries. It is
/// asked unless it has said so before.
pub(crate) async fn is_needed(from: ChallengeUse, inputs: Inputs<'_>) -> Result<bool, Failure> {
    let asked;
    let server = match inputs.server {
        Asked::Said(server) => server,
        Asked::NotYet => {
            asked = server_info(inputs).await?;
            asked.as_ref()
        }
    };
    let needed = server.and_then(|server| server.face_challenge.as_ref());
    Ok(match needed {
        Some(ChallengeUse::Always) => true,
        Some(ChallengeUse::Recovery) => from == ChallengeUse::Recovery,
        _ => false,
    })
}

async fn server_info(inputs: Inputs<'_>) -> Result<Option<ServerInfo>, Failure> {
    let (client, server) =
        (inputs.settings.client(inputs.options)?, inputs.settings.server(inputs.options));
    let greeting = client.send_once(Command::Hello(Hello::default())).await;
    Ok(greeting.map_err(Failure::at(&server))?.body.server)
}

/// True for a command that takes a face and was gathered without pictures.
pub(crate) const fn is_left(command: &Command) -> bool {
    match command {
        Command::Login(it) => it.face.is_none() && it.faces.is_empty(),
        Command::RecoverTotp(it) => it.face.is_none() && it.faces.is_empty(),
        Command::RecoverPassword(it) => it.face.is_none() && it.faces.is_empty(),
        Command::RecoverDevice(it) => it.face.is_none() && it.faces.is_empty(),
        _ => false,
    }
}

/// True if the person may try once more: the frames come from the camera, and did not do.
pub(crate) fn is_worth_another(answer: &Answer, options: &Options) -> bool {
    let is_fault = matches!(answer.code, Code::FaceChallengeFailed | Code::FaceChallengeStale);
    is_fault && options.face.is_empty()
}

/// Begins a challenge on the connection and adds the answer to the command. If the server offers none,
/// the command stays as it is, and the server says what is missing.
pub(crate) async fn answer(
    command: &mut Command,
    connection: &mut Connection,
    server: &ServerAddress,
    options: &Options,
    environment: &mut Environment<'_>,
) -> Result<(), Failure> {
    let Some((username, answer, clock)) = parts(command) else { return Ok(()) };
    let asked = BeginFaceChallenge::new(username.clone());
    let outcome = connection.begin_face_challenge(asked).await.map_err(Failure::at(server))?;
    let Outcome::Granted(begun) = outcome else { return Ok(()) };
    let frames = frames(&begun.steps, options, environment).await?;
    *answer = Some(FaceChallenge::new(begun.id, frames));
    *clock = Some(options.timestamp.unwrap_or_else(environment.now));
    Ok(())
}

/// The account, the place of the answer, and the time of sending.
fn parts(
    command: &mut Command,
) -> Option<(&Username, &mut Option<FaceChallenge>, &mut Option<UnixMillis>)> {
    match command {
        Command::Login(it) => Some((&it.username, &mut it.challenge, &mut it.client_ts_utc)),
        Command::RecoverTotp(it) => Some((&it.username, &mut it.challenge, &mut it.client_ts_utc)),
        Command::RecoverPassword(it) => {
            Some((&it.username, &mut it.challenge, &mut it.client_ts_utc))
        }
        Command::RecoverDevice(it) => {
            Some((&it.username, &mut it.challenge, &mut it.client_ts_utc))
        }
        _ => None,
    }
}

/// Frames from the files of `--face` in their order, or from the camera.
pub(crate) async fn frames(
    steps: &[ChallengeStep],
    options: &Options,
    environment: &mut Environment<'_>,
) -> Result<Vec<Picture>, Failure> {
    if options.face.is_empty() {
        return camera::film_challenge(&options.camera, steps, environment.notes).await;
    }
    let needed = 1 + FRAMES_PER_STEP * steps.len();
    if options.face.len() != needed {
        let told = steps.iter().map(camera::challenge::told).collect::<Result<Vec<_>, _>>()?;
        return Err(Failure::Frames { told, steps: steps.to_vec(), needed });
    }
    options.face.iter().map(|path| frame(path, environment)).collect()
}

fn frame(path: &Path, environment: &mut Environment<'_>) -> Result<Picture, Failure> {
    let frame = if path == Path::new("-") {
        picture::read_frame(&mut environment.input)
    } else {
        File::open(path).map_err(picture::NotAPicture::from).and_then(picture::read_frame)
    };
    frame.map_err(|reason| Failure::Picture { path: path.to_owned(), reason })
}
