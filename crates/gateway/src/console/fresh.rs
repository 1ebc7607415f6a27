//! The one-time code before a change: what the form of a change asks for, and the command that proves it (186).

use super::visit::Visit;
use crate::{
    compat::Digits,
    cookies::Cookie,
    portal::{complaint_of, proof_of},
    problem::Problem,
    response::Response,
    status,
};
use fourauth_protocol::{
    code::Code,
    command::{Command, ConsoleSession, Hello, ProveAgain},
    grant::GrantToken,
    one_time_code::OneTimeCode,
};
use hyper::StatusCode;

/// What the form of a change asks for.
pub(super) struct Asks {
    /// True if a one-time code is needed.
    pub(super) is_needed: bool,
    /// The administrator, for the proof of the browser.
    pub(super) admin: String,
    pub(super) nonce: String,
}

/// The session with a proof of the last five minutes.
pub(super) struct Fresh {
    pub(super) session: ConsoleSession,
    /// A proof that the browser has to keep.
    made: Option<GrantToken>,
}

/// Why a code was refused.
pub(super) struct NotFresh {
    pub(super) status: StatusCode,
    pub(super) complaint: String,
}

impl Asks {
    /// What the form asks for now.
    pub(super) async fn of(visit: &Visit<'_>) -> Result<Self, Problem> {
        let is_needed = Cookie::Proof.read(&visit.call.headers).is_none();
        if is_needed { Self::code(visit).await } else { Self::with(visit, false, String::new()) }
    }

    /// A form that asks for a code.
    pub(super) async fn code(visit: &Visit<'_>) -> Result<Self, Problem> {
        // Without the nonce, the server says that the device is missing.
        let hello = visit.send(None, Command::Hello(Hello::default())).await;
        let server = hello.ok().and_then(|answer| answer.body.server);
        let nonce = server.and_then(|server| server.device_nonce).unwrap_or_default();
        Self::with(visit, true, nonce)
    }

    fn with(visit: &Visit<'_>, is_needed: bool, nonce: String) -> Result<Self, Problem> {
        let admin = visit.session.body.username.as_ref().ok_or_else(Problem::incomplete)?;
        Ok(Self { is_needed, admin: admin.as_str().to_owned(), nonce })
    }
}

impl Fresh {
    /// Proves the code of a form. Without one, the proof that the browser has is shown.
    pub(super) async fn of(
        visit: &Visit<'_>,
        otp: Option<Digits>,
        proof: &str,
    ) -> Result<Result<Self, NotFresh>, Problem> {
        let session = visit.console();
        let Some(otp) = otp else { return Ok(Ok(Self { session, made: None })) };
        let code = OneTimeCode::parse(otp.without_spaces().expose()).ok();
        let again = Command::ProveAgain(ProveAgain::new(session.clone(), code));
        let answer = visit.send(proof_of(proof), again).await?;
        let Some(grant) = answer.body.grant.clone() else {
            let complaint = match answer.code {
                Code::Denied => visit.words.say("complaint-code"),
                _ => complaint_of(&answer, &visit.words),
            };
            return Ok(Err(NotFresh { status: status::of(answer.code), complaint }));
        };
        Ok(Ok(Self { session: session.grant(grant.clone()), made: Some(grant) }))
    }

    /// Lets the browser keep a new proof.
    pub(super) fn keep(self, response: &mut Response) {
        if let Some(grant) = self.made {
            Cookie::Proof.set(response, grant.text().expose());
        }
    }
}
