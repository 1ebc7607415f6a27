//! What a session lacks for a level, and whether its person can prove it now.

use crate::{
    call::Call,
    portal::{account::devices, session::Session},
    problem::Problem,
};
use fourauth_protocol::{
    command::{Authorise, Command},
    level::Level,
    receipt::Method,
};

/// What reaches a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// A one-time code, and the key of this browser.
    Code,
    /// The same and the face.
    CodeAndFace,
    /// Something that the account does not have, or that only a new sign-in proves.
    More {
        /// True if the account has no face.
        is_faceless: bool,
    },
}

impl Missing {
    /// What is missing for this level. The server says which factors the account has.
    pub(super) async fn of(call: &Call, session: &Session, level: Level) -> Result<Self, Problem> {
        let authorise = Authorise::new(session.token.clone()).level(level);
        let answer = call.app.upstream.send(call.peer?, Command::Authorise(authorise)).await?;
        let missing = answer.body.missing.unwrap_or_default();
        // A session that is too low for the list of devices may be of an account with a key.
        let own = devices(call, session).await?;
        let has_key = own.is_none_or(|own| !own.bound.is_empty());
        let proved = session.body.amr.as_deref().unwrap_or_default();
        Ok(Self::among(proved, &missing, has_key, level))
    }

    /// What reaches the level for a session that has `proved` these methods, of an account that has these
    /// `missing` ones as well. Each account is said to miss a key.
    fn among(proved: &[Method], missing: &[Method], has_key: bool, level: Level) -> Self {
        let has = |method| proved.contains(&method) || missing.contains(&method);
        let more = Self::More { is_faceless: !has(Method::Face) };
        if !has(Method::OneTimeCode) {
            return more;
        }
        let mut reached = proved.to_vec();
        reached.push(Method::OneTimeCode);
        reached.extend(has_key.then_some(Method::DeviceKey));
        if Level::of(&reached) >= Some(level) {
            return Self::Code;
        }
        reached.extend(has(Method::Face).then_some(Method::Face));
        if Level::of(&reached) >= Some(level) { Self::CodeAndFace } else { more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Method::{DeviceKey, Face, OneTimeCode, Password};

    #[test]
    fn a_page_asks_for_the_face_only_where_it_is_needed() {
        let all = [Password, OneTimeCode, Face];
        for (proved, missing, has_key, level, expected) in [
            (&all[..], &[DeviceKey][..], true, Level::Three, Missing::Code),
            (&all, &[DeviceKey], true, Level::Four, Missing::Code),
            (&all[..2], &[Face, DeviceKey], true, Level::Three, Missing::Code),
            (&all[..2], &[Face, DeviceKey], true, Level::Four, Missing::CodeAndFace),
            (&all[..1], &[OneTimeCode, Face, DeviceKey], false, Level::Two, Missing::Code),
            (&all, &[DeviceKey], false, Level::Three, Missing::More { is_faceless: false }),
            (&all[..2], &[DeviceKey], true, Level::Four, Missing::More { is_faceless: true }),
            (&all[..1], &[DeviceKey], true, Level::Two, Missing::More { is_faceless: true }),
        ] {
            let found = Missing::among(proved, missing, has_key, level);
            assert_eq!(found, expected, "{proved:?} {missing:?} {has_key} {level}");
        }
    }
}
