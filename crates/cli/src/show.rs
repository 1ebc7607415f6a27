//! Prints answers, as text or as one JSON object.

use crate::{
    args::Output,
    audit, devices,
    environment::{Environment, Prompt},
    exit::Exit,
    failure::Failure,
    qr, sessions,
};
use fourauth_protocol::{
    answer::{Answer, AnswerBody, FaceQuality, ServerInfo},
    code::Code,
    command::Command,
    picture::Picture,
    printable::{PrintableJson, printable, printable_lines},
    receipt::Method,
    secret::Secret,
    words::Requirement,
};
use std::io::{self, Write};

/// What a command showed of a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sent {
    /// Pictures to enrol.
    enrolled: usize,
    /// True if it showed a face to verify.
    shows_a_face: bool,
}

impl Sent {
    pub(crate) fn of(command: &Command) -> Sent {
        let pictures = |one: &Option<Picture>, more: &[Picture]| one.iter().count() + more.len();
        let enrolled = match command {
            Command::Register(it) => pictures(&it.face, &it.faces),
            Command::RecoverFace(it) => pictures(&it.new_face, &it.new_faces),
            _ => 0,
        };
        let shows_a_face = matches!(
            command,
            Command::Login(_)
                | Command::RecoverTotp(_)
                | Command::RecoverPassword(_)
                | Command::RecoverDevice(_)
        );
        Sent { enrolled, shows_a_face }
    }

    /// True if the stored face is of another model: only then a command with a face lacks just that.
    fn has_outdated_face(self, answer: &Answer) -> bool {
        let missing = answer.body.missing.as_deref();
        self.shows_a_face && answer.code == Code::MoreNeeded && missing == Some(&[Method::Face])
    }
}

/// Prints an answer and returns its exit code.
pub(crate) fn answer(
    answer: &Answer,
    sent: Sent,
    output: Output,
    environment: &mut Environment<'_>,
) -> Result<Exit, Failure> {
    let Environment { output: out, notes, prompt, .. } = environment;
    if let Err(error) = print((answer, sent), output, (&mut **out, &mut **notes), &mut **prompt) {
        if answer.is_ok() && is_shown_once(&answer.body) {
            writeln!(notes, "fourauth: the answer cannot be printed, and is shown only once:")?;
            body((&answer.body, sent), *notes, *prompt)?;
        }
        return Err(error.into());
    }
    // An answer with another status than "ok" is not a success, even if its code is `ok`.
    Ok(if answer.is_ok() { Exit::Ok } else { Exit::from(answer.code).max(Exit::Denied) })
}

fn print(
    (answer, sent): (&Answer, Sent),
    output: Output,
    (out, notes): (&mut dyn Write, &mut dyn Write),
    prompt: &mut dyn Prompt,
) -> io::Result<()> {
    match output {
        Output::Json => {
            let json = answer.to_json();
            let json = str::from_utf8(json.expose()).map_err(io::Error::other)?;
            writeln!(out, "{}", PrintableJson(json))?;
        }
        // A file of one line, without a message and unchanged, so that it can be redirected.
        Output::Text if answer.is_ok() && answer.body.proof.is_some() => {
            let proof = answer.body.proof.as_deref().unwrap_or_default();
            write!(out, "{}", printable_lines(proof))?;
        }
        Output::Text if answer.is_ok() => {
            writeln!(out, "{}", printable(&answer.message))?;
            body((&answer.body, sent), out, prompt)?;
        }
        Output::Text => denial(answer, sent, notes)?,
    }
    out.flush()
}

/// True if the server has replaced something and does not send it again.
fn is_shown_once(body: &AnswerBody) -> bool {
    body.provisioning_uri.is_some()
        || body.recovery_codes.is_some()
        || body.token.is_some()
        || body.grant.is_some()
}

fn denial(answer: &Answer, sent: Sent, out: &mut dyn Write) -> io::Result<()> {
    if let Some(millis) = answer.retry_after_ms {
        // The message says "later", and this says when.
        let message = answer.message.trim_end_matches(" Try again later.");
        writeln!(out, "{}", printable(message))?;
        writeln!(out, "Try again in {}.", wait(millis))?;
    } else {
        writeln!(out, "{}", printable(&answer.message))?;
    }
    if sent.has_outdated_face(answer) {
        writeln!(
            out,
            "Run `fourauth recover face`: it takes five pictures, and needs your password, a one-time \
             code and this device. The code that you gave was not spent."
        )?;
    } else {
        help(answer, out)?;
    }
    if let Some(id) = answer.request_id {
        writeln!(out, "Request {id}.")?;
    }
    Ok(())
}

/// What is missing, and what to do.
fn help(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    if let Some(missing) = &answer.body.missing {
        let words: Vec<_> = missing.iter().map(|method| method.as_str()).collect();
        writeln!(out, "Not proved: {}.", words.join(", "))?;
    }
    for advice in [advice(answer), how_to(answer.code)] {
        if !advice.is_empty() {
            writeln!(out, "{advice}")?;
        }
    }
    Ok(())
}

/// What is wrong and what to do, without what was said before.
fn advice(answer: &Answer) -> &'static str {
    match answer.code {
        // The time to wait is the advice.
        Code::Throttled if answer.retry_after_ms.is_some() => "",
        // This program sends no command without a picture where one is needed.
        Code::NoFace => {
            "No face was found: take another picture with your face upright and in the middle."
        }
        code => code.advice(),
    }
}

/// The option or command of this program that follows the advice about a code, if there is one.
const fn how_to(code: Code) -> &'static str {
    match code {
        Code::TotpMismatch => "`fourauth recover totp` sets up another authenticator.",
        Code::ClockSkew => "`fourauth hello` shows the server's time.",
        Code::DeviceMismatch => {
            "`fourauth device list` shows the devices; `fourauth recover device` replaces a lost one."
        }
        Code::DeviceKeyNeeded => {
            "Give the new device's key with --device-pubkey. `fourauth device key` shows it there."
        }
        Code::RecoveryCodeMismatch => "Give a recovery code with --recovery-code-file FILE.",
        Code::MoreNeeded => {
            "`fourauth login`, from a device with a key, reaches the highest levels."
        }
        Code::PasscodeMismatch => "`fourauth token request` sends another one.",
        Code::SignedOut => {
            "Run `fourauth login`, `fourauth sign-in` or `fourauth token redeem` for a new token."
        }
        Code::BadMac => "Give the address with --mac ADDR.",
        _ => "",
    }
}

/// Formats a duration in readable units, rounded up.
fn wait(millis: u64) -> String {
    let seconds = millis.div_ceil(1000);
    let minutes = seconds.div_ceil(60);
    match (seconds, minutes / 60, minutes % 60) {
        (0..=119, ..) => format!("{seconds} s"),
        (_, 0 | 1, _) => format!("{minutes} min"),
        (_, hours, 0) => format!("{hours} h"),
        (_, hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// Prints the results. What has to be read or scanned at once stays on the screen until it was.
fn body(
    (body, sent): (&AnswerBody, Sent),
    out: &mut dyn Write,
    prompt: &mut dyn Prompt,
) -> io::Result<()> {
    if let Some(uri) = &body.provisioning_uri {
        authenticator(uri, out)?;
        out.flush()?;
        prompt.pause("Press Enter when the authenticator has it. ");
    }
    if let Some(codes) = &body.recovery_codes {
        recovery_codes(codes, out)?;
        out.flush()?;
        prompt.pause("Press Enter when they are written down. ");
    }
    if let Some(token) = &body.token {
        writeln!(out, "Token: {}", printable(token.expose()))?;
    }
    if let Some(url) = &body.invitation_url {
        writeln!(out, "Link for the person alone: {}", printable(url.expose()))?;
    } else if let Some(grant) = &body.grant {
        writeln!(out, "Grant: {}", printable(grant.text().expose()))?;
    }
    if let Some(username) = &body.username {
        writeln!(out, "Account: {}", printable(username.as_str()))?;
    }
    if let Some(level) = body.level {
        writeln!(out, "Level {level}.")?;
    }
    if let Some(end) = body.expires_at {
        writeln!(out, "Valid until {end}.")?;
    }
    if body.must_change == Some(true) {
        writeln!(out, "Others may know this password; replace it (fourauth recover password).")?;
    }
    if body.totp_confirmed == Some(false) {
        writeln!(out, "The authenticator is not confirmed yet (fourauth confirm).")?;
    }
    if let Some(quality) = body.face_quality {
        face_quality(quality, sent, out)?;
    }
    if let Some(server) = &body.server {
        server_info(server, out)?;
    }
    if let Some(rows) = &body.sessions {
        writeln!(out, "{}", sessions::table(rows))?;
    }
    if let Some(rows) = &body.devices {
        writeln!(out, "{}", devices::table(rows))?;
    }
    if let Some(rows) = &body.rows {
        writeln!(out, "{}", audit::table(rows))?;
    }
    Ok(())
}

/// Prints the URI for authenticators that cannot scan, and the QR code. The code comes last: it fills
/// a small terminal.
fn authenticator(uri: &Secret<String>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Scan the code with an authenticator, or enter the secret. It is shown once.\n")?;
    writeln!(out, "{}\n", printable(uri.expose()))?;
    if let Some(drawing) = qr::draw(uri.expose()) {
        writeln!(out, "{drawing}")?;
    }
    Ok(())
}

fn recovery_codes(codes: &[Secret<String>], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\nRecovery codes, in case a factor is lost:\n")?;
    for code in codes {
        writeln!(out, "    {}", printable(code.expose()))?;
    }
    writeln!(out, "\nEach code works once. Write them down now: they are not shown again.\n")
}

fn face_quality(quality: FaceQuality, sent: Sent, out: &mut dyn Write) -> io::Result<()> {
    let FaceQuality { pictures, recommended } = quality;
    write!(out, "Face enrolled from {pictures} picture{}", if pictures == 1 { "" } else { "s" })?;
    let unused = sent.enrolled.saturating_sub(usize::try_from(pictures).unwrap_or(usize::MAX));
    if unused > 0 {
        write!(
            out,
            "; {unused} of {} did not count, because no face could be used or they repeat another one",
            sent.enrolled
        )?;
    }
    if pictures < recommended {
        return writeln!(out, "; {recommended} are recommended.");
    }
    writeln!(out, ".")
}

fn server_info(server: &ServerInfo, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}, protocol {}", printable(&server.software), server.protocol)?;
    let (enrolment, login) = (server.pictures_at_enrolment, server.pictures_at_login);
    writeln!(out, "Pictures: {enrolment} at enrolment, {login} at login.")?;
    writeln!(out, "Frames: up to {} bytes.", server.max_frame)?;
    let (time, skew) = (printable(server.time.as_str()), server.max_skew_seconds);
    writeln!(out, "Clock: {} ({time}); clients may differ by {skew} s.", server.server_ts_utc)?;
    if let Some(key) = &server.receipt_key {
        writeln!(out, "Receipts are signed with {}.", printable(key))?;
    }
    if let Some(needed) = &server.face_challenge {
        writeln!(out, "Face challenge: {}.", printable(needed.as_str()))?;
    }
    if !server.requires.is_empty() {
        let words: Vec<_> = server.requires.iter().map(Requirement::as_str).collect();
        writeln!(out, "Requires: {}.", printable(&words.join(", ")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_readable_and_rounded_up() {
        for (millis, text) in [
            (1, "1 s"),
            (1500, "2 s"),
            (119_000, "119 s"),
            (120_000, "2 min"),
            (899_001, "15 min"),
            (7_140_001, "2 h"),
            (86_340_001, "24 h"),
            (86_340_000, "23 h 59 min"),
        ] {
            assert_eq!(wait(millis), text);
        }
        assert!(!wait(u64::MAX).is_empty());
    }
}
