//! The one table from codes of the protocol to statuses of HTTP.

use fourauth_protocol::code::Code;
use hyper::StatusCode;

/// Every code with its status. A test compares the table with the protocol.
pub(crate) const TABLE: [(Code, StatusCode); 45] = [
    (Code::Ok, StatusCode::OK),
    // A secret, a factor or a token was wrong or is missing.
    (Code::Denied, StatusCode::UNAUTHORIZED),
    (Code::FaceMismatch, StatusCode::UNAUTHORIZED),
    (Code::FaceChallengeNeeded, StatusCode::UNAUTHORIZED),
    (Code::FaceChallengeStale, StatusCode::UNAUTHORIZED),
    (Code::FaceChallengeFailed, StatusCode::UNAUTHORIZED),
    (Code::TotpMismatch, StatusCode::UNAUTHORIZED),
    (Code::DeviceMismatch, StatusCode::UNAUTHORIZED),
    (Code::ClockSkew, StatusCode::UNAUTHORIZED),
    (Code::RecoveryCodeMismatch, StatusCode::UNAUTHORIZED),
    (Code::PasscodeMismatch, StatusCode::UNAUTHORIZED),
    (Code::SignedOut, StatusCode::UNAUTHORIZED),
    (Code::AdminDenied, StatusCode::UNAUTHORIZED),
    (Code::MoreNeeded, StatusCode::UNAUTHORIZED),
    // The caller is known, and may not do this here or now.
    (Code::NotOffered, StatusCode::FORBIDDEN),
    (Code::CoolingDown, StatusCode::FORBIDDEN),
    (Code::DeviceKeyNeeded, StatusCode::FORBIDDEN),
    (Code::NoAddress, StatusCode::FORBIDDEN),
    (Code::NoSuchDevice, StatusCode::NOT_FOUND),
    (Code::NoSuchSession, StatusCode::NOT_FOUND),
    (Code::NoSuchAccount, StatusCode::NOT_FOUND),
    (Code::NoSuchMessage, StatusCode::NOT_FOUND),
    (Code::Conflict, StatusCode::CONFLICT),
    (Code::Locked, StatusCode::TOO_MANY_REQUESTS),
    (Code::Throttled, StatusCode::TOO_MANY_REQUESTS),
    (Code::Malformed, StatusCode::BAD_REQUEST),
    (Code::UnknownCommand, StatusCode::BAD_REQUEST),
    (Code::WeakPassword, StatusCode::BAD_REQUEST),
    (Code::BadMac, StatusCode::BAD_REQUEST),
    (Code::FrameTooLarge, StatusCode::PAYLOAD_TOO_LARGE),
    // The request is well-formed, and its picture cannot be used.
    (Code::BadImage, StatusCode::UNPROCESSABLE_ENTITY),
    (Code::ImageTooLarge, StatusCode::UNPROCESSABLE_ENTITY),
    (Code::NoFace, StatusCode::UNPROCESSABLE_ENTITY),
    (Code::SeveralFaces, StatusCode::UNPROCESSABLE_ENTITY),
    (Code::FaceCutOff, StatusCode::UNPROCESSABLE_ENTITY),
    (Code::FaceTooSmall, StatusCode::UNPROCESSABLE_ENTITY),
    (Code::FaceBlurred, StatusCode::UNPROCESSABLE_ENTITY),
    (Code::FaceTurned, StatusCode::UNPROCESSABLE_ENTITY),
    (Code::BadLight, StatusCode::UNPROCESSABLE_ENTITY),
    (Code::FacesDisagree, StatusCode::UNPROCESSABLE_ENTITY),
    (Code::FaceNotLive, StatusCode::UNPROCESSABLE_ENTITY),
    // The server, or the way to it, is at fault.
    (Code::TimeDegraded, StatusCode::SERVICE_UNAVAILABLE),
    (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
    (Code::GatewayDenied, StatusCode::BAD_GATEWAY),
    (Code::Unrecognised, StatusCode::BAD_GATEWAY),
];

/// The status of an answer with this code.
pub(crate) fn of(code: Code) -> StatusCode {
    let entry = TABLE.iter().find(|(listed, _)| *listed == code);
    entry.map_or(StatusCode::BAD_GATEWAY, |(_, status)| *status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Every code that the schema of the protocol names.
    fn codes() -> Vec<Code> {
        let schema = schemars::schema_for!(Code).to_value();
        let listed = schema["oneOf"].as_array().unwrap().iter();
        let names = listed.flat_map(|it| match it["enum"].as_array() {
            Some(several) => several.clone(),
            None => vec![it["const"].clone()],
        });
        names.map(|name| serde_json::from_value(name).unwrap()).collect()
    }

    #[test]
    fn every_code_of_the_protocol_has_one_status() {
        let codes: HashSet<Code> = codes().into_iter().collect();
        let listed: HashSet<Code> = TABLE.iter().map(|(code, _)| *code).collect();
        assert!(codes.len() > 30, "{codes:?}");
        assert_eq!(listed, codes);
        assert_eq!(listed.len(), TABLE.len(), "a code is listed twice");
    }

    #[test]
    fn only_a_granted_command_has_a_status_of_success() {
        for (code, status) in TABLE {
            assert_eq!(status.is_success(), code == Code::Ok, "{code:?}");
        }
    }
}
