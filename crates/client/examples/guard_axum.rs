//! Guards a route of an axum service with the receipt of a login. The service has the public key of
//! the server and never connects to it.
//!
//! ```sh
//! cargo run --example guard_axum -- 127.0.0.1:8080 ed25519:… 4Auth-Authentication door
//! curl --header "Authorization: Bearer $(cat receipt)" http://127.0.0.1:8080/door
//! ```
//!
//! A receipt is valid for each holder until it expires: put a TLS proxy in front of this service.

use axum::{
    Router,
    extract::{FromRequestParts, State},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, WWW_AUTHENTICATE},
        request::Parts,
    },
    response::{IntoResponse, Response},
    routing::get,
};
use fourauth_client::{
    ReceiptVerifier,
    protocol::{
        audience::Audience,
        receipt::{Receipt, VerifyingKey},
        time::UnixMillis,
    },
};
use std::{env, sync::Arc, time::SystemTime};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [listen, key, issuer, audience] = arguments.as_slice() else {
        return Err("give ADDRESS KEY ISSUER AUDIENCE".into());
    };
    let verifier = ReceiptVerifier::new(VerifyingKey::parse(key)?, issuer.as_str())
        .for_audience(Audience::parse(audience)?);
    axum::serve(TcpListener::bind(listen).await?, service(verifier, now)).await?;
    Ok(())
}

/// The service: one route for everyone and one for visitors with a receipt.
pub(crate) fn service(verifier: ReceiptVerifier, now: fn() -> UnixMillis) -> Router {
    Router::new()
        .route("/", get(|State(_): State<Guard>| async { "the door is at /door\n" }))
        .route("/door", get(door))
        .with_state(Guard { verifier: Arc::new(verifier), now })
}

/// Runs only for a visitor: without a valid receipt there is no [`Visitor`] to call it with.
async fn door(Visitor(receipt): Visitor) -> String {
    format!("open for {} until {}\n", receipt.username, receipt.expires_at)
}

/// What a receipt is verified with.
#[derive(Clone)]
struct Guard {
    verifier: Arc<ReceiptVerifier>,
    now: fn() -> UnixMillis,
}

/// The sender of a request with a valid receipt.
struct Visitor(Receipt);

impl FromRequestParts<Guard> for Visitor {
    type Rejection = Unauthorized;

    async fn from_request_parts(parts: &mut Parts, guard: &Guard) -> Result<Self, Unauthorized> {
        let receipt = bearer(&parts.headers).ok_or(Unauthorized)?;
        let receipt = guard.verifier.verify(receipt, (guard.now)());
        receipt.map(Self).map_err(|_| Unauthorized)
    }
}

/// The text of an `Authorization: Bearer` header (RFC 6750 §2.1). A request with two is ambiguous.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, text) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(text)
}

/// 401, without the reason: a stranger does not learn how close a forged receipt came.
struct Unauthorized;

impl IntoResponse for Unauthorized {
    fn into_response(self) -> Response {
        (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")]).into_response()
    }
}

/// The system clock. A clock before 1970 or after the year 292 million accepts no receipt.
#[expect(clippy::disallowed_methods, reason = "a receipt is valid until a time")]
fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let millis = since.ok().and_then(|since| i64::try_from(since.as_millis()).ok());
    UnixMillis(millis.unwrap_or(i64::MAX))
}
