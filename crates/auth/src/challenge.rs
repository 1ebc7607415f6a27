//! Face challenges: making one, taking its answer, and judging it.
//!
//! A challenge is a grant. It says until when it can be answered and which steps it asks for, and its
//! MAC covers the account's name and the connection that asked. So nothing is stored when one is made,
//! and an unknown name costs the same. The first command that is examined with it spends it.
//!
//! The steps of a name stay the same for half a minute. A peer that asks again and again until they
//! suit its recording gets one draw in that time, wherever it asks from.

use crate::{
    authenticator::Authenticator,
    compute::Requester,
    entropy,
    error::Error,
    faces::{Probe, finding_of},
    grant::{Asker, Challenged, Grant, Purpose},
    policy::Optional,
    received::Received,
};
use fourauth_face::{
    Refusal,
    challenge::{Failure, Steps},
};
use fourauth_factors::Finding;
use fourauth_protocol::{
    challenge::{ChallengeStep, ChallengeUse, FaceChallenge, LIFETIME_MS},
    command::BeginFaceChallenge,
    grant::GrantToken,
    picture::Picture,
    time::UnixMillis,
    username::Username,
};
use fourauth_store::{GrantHolder, Subject};

/// Why an attempt has not answered a challenge as it must.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The command needs a challenge, and came without one.
    Needed,
    /// The challenge has expired, was used before, or is of another account or connection.
    Stale,
    /// The frames do not show what it asked for.
    Failed(Failure),
}

/// A challenge that has been made.
#[derive(Debug)]
pub struct Begun {
    /// To be sent back with the frames.
    pub id: GrantToken,
    /// What it asks for.
    pub steps: Vec<ChallengeStep>,
    /// Until when it can be answered.
    pub expires: UnixMillis,
}

/// The challenge that a command came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// None.
    Nothing,
    /// One that is not valid, or no longer.
    Stale,
    /// A valid one, which this command has spent.
    Taken(Steps),
}

/// The finding about the face.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct FaceFinding {
    pub(crate) finding: Option<Finding>,
    /// Why no picture was usable.
    pub(crate) refusal: Option<Refusal>,
    /// The distance from the template.
    pub(crate) distance: Option<f32>,
    /// What is wrong with the answer to a challenge, or that it is right.
    pub(crate) challenge: Option<Result<(), Fault>>,
    /// The lowest score of the pictures, of how likely a live face is shown.
    pub(crate) live: Option<f32>,
    /// True if the stored face is of another model pack.
    pub(crate) is_outdated: bool,
}

impl FaceFinding {
    const fn refused(self, refusal: Refusal) -> Self {
        Self { finding: Some(finding_of(refusal)), refusal: Some(refusal), ..self }
    }

    const fn without_answer(self, fault: Fault) -> Self {
        Self { finding: Some(Finding::Missing), challenge: Some(Err(fault)), ..self }
    }
}

impl Authenticator {
    /// 154: makes a challenge. `None` if the model pack finds no landmarks.
    #[must_use]
    pub fn begin_face_challenge(
        &self,
        received: &Received,
        begin: &BeginFaceChallenge,
    ) -> Option<Begun> {
        if !self.faces.can_challenge() {
            return None;
        }
        let (grants, now) = (self.grants(), received.at.now);
        let slot = now.0.div_euclid(LIFETIME_MS);
        let steps = Steps::draw(grants.draw(begin.username.as_str().as_bytes(), slot));
        let mut random: [u8; _] = entropy::public_bytes();
        random[0] = steps.number();
        let purpose = purpose(&begin.username, received);
        let grant = grants.issue(&purpose, now, LIFETIME_MS, random);
        Some(Begun {
            id: GrantToken::from_bytes(*grant.as_bytes()),
            steps: steps.to_vec().into_iter().map(|step| step.word().into()).collect(),
            expires: grant.id().expires(),
        })
    }

    /// Which commands need a challenge.
    #[must_use]
    pub fn face_challenge(&self) -> ChallengeUse {
        if self.policy.has(Optional::ChallengeAtLogin) {
            ChallengeUse::Always
        } else if self.policy.has(Optional::ChallengeAtRecovery) {
            ChallengeUse::Recovery
        } else {
            ChallengeUse::Off
        }
    }

    /// Spends the challenge of a command, in a transaction of its own: whatever becomes of the command,
    /// no other one can use it.
    pub(crate) async fn take_challenge(
        &self,
        offered: Option<&FaceChallenge>,
        name: &Username,
        received: &Received,
    ) -> Result<Shown, Error> {
        let Some(offered) = offered else { return Ok(Shown::Nothing) };
        let grant = Grant::from_bytes(*offered.id.as_bytes().expose());
        let valid = self.check_grant(&grant, &purpose(name, received), received.at.now).ok();
        let Some((id, steps)) = valid.and_then(|id| Some((id, Steps::numbered(grant.choice())?)))
        else {
            return Ok(Shown::Stale);
        };
        let holder = GrantHolder::new(received.id.to_bytes());
        let is_first = self
            .store
            .write(move |tx| Box::pin(async move { tx.spend_grant(id, holder).await }))
            .await?;
        Ok(if is_first { Shown::Taken(steps) } else { Shown::Stale })
    }

    /// Examines the face: by the frames of a challenge, or by pictures where no challenge is needed.
    pub(crate) async fn examine_face(
        &self,
        subject: &Subject,
        pictures: Vec<Picture>,
        shown: Shown,
        required: FaceRequirement,
        by: Requester,
    ) -> Result<FaceFinding, Error> {
        let is_outdated = subject.enrolled.face && !self.faces.can_compare(&subject.template);
        let seen = FaceFinding { is_outdated, ..FaceFinding::default() };
        match shown {
            Shown::Taken(steps) => self.examine_answer(subject, pictures, steps, seen, by).await,
            Shown::Stale => Ok(seen.without_answer(Fault::Stale)),
            Shown::Nothing if required.challenge => Ok(seen.without_answer(Fault::Needed)),
            Shown::Nothing if pictures.is_empty() && !required.face => Ok(FaceFinding::default()),
            Shown::Nothing => {
                let Probe { likeness, live } = self.faces.probe(pictures, by).await?;
                let seen = FaceFinding { live, ..seen };
                Ok(match likeness {
                    Err(refusal) => seen.refused(refusal),
                    Ok(likeness) => {
                        let comparison = self.faces.compare(&likeness, subject);
                        let finding = Some(of_enrolled(subject, comparison.finding()));
                        FaceFinding { finding, distance: comparison.distance, ..seen }
                    }
                })
            }
        }
    }

    /// Examines the frames of an answer.
    async fn examine_answer(
        &self,
        subject: &Subject,
        frames: Vec<Picture>,
        steps: Steps,
        seen: FaceFinding,
        by: Requester,
    ) -> Result<FaceFinding, Error> {
        let failed = |failure| Some(Err(Fault::Failed(failure)));
        // Frames that cannot answer the challenge are not worth the networks' time.
        if frames.len() != steps.frames() {
            let (finding, challenge) = (Some(Finding::Mismatch), failed(Failure::Count));
            return Ok(FaceFinding { finding, challenge, ..seen });
        }
        let (neutral, others) = match self.faces.frames(frames, by).await? {
            Err(refusal) => return Ok(seen.refused(refusal)),
            Ok(frames) => frames,
        };
        let seen = FaceFinding { live: neutral.live, ..seen };
        let (comparison, judged) = self.faces.judge(steps, neutral, others, subject);
        let seen = FaceFinding { distance: comparison.distance, ..seen };
        let likeness = of_enrolled(subject, comparison.finding());
        Ok(match (judged, likeness) {
            // A print and another person's face are told as they are without a challenge.
            (Err(Failure::NotLive), _) => seen.refused(Refusal::NotLive),
            (_, Finding::Mismatch | Finding::Missing) => {
                FaceFinding { finding: Some(likeness), ..seen }
            }
            (Ok(()), Finding::Match) => {
                FaceFinding { finding: Some(likeness), challenge: Some(Ok(())), ..seen }
            }
            (Err(failure), Finding::Match) => {
                FaceFinding { finding: Some(Finding::Mismatch), challenge: failed(failure), ..seen }
            }
        })
    }
}

/// What a command requires of the face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FaceRequirement {
    pub(crate) face: bool,
    pub(crate) challenge: bool,
}

/// An account without a face has a template that matches nothing.
const fn of_enrolled(subject: &Subject, finding: Finding) -> Finding {
    if subject.enrolled.face { finding } else { Finding::Mismatch }
}

/// The purpose of a challenge for this name. A connection is told by its own number, and a visitor of
/// a gateway by its address, because the visitors of a gateway share connections.
fn purpose(name: &Username, received: &Received) -> Purpose {
    let asker = match (&received.origin.via, received.connection) {
        (Some(gateway), _) => Asker::Visitor {
            gateway: gateway.as_str().to_owned(),
            peer: received.origin.peer.to_string(),
        },
        (None, Some(connection)) => Asker::Connection(connection),
        (None, None) => {
            Asker::Visitor { gateway: String::new(), peer: received.origin.peer.to_string() }
        }
    };
    Purpose::FaceChallenge(Challenged { name: name.as_str().to_owned(), asker })
}
