//! Reads the body of a request within its limit, its time and the shares of its source.

use crate::{
    form, limits,
    multipart::{self, NotAForm},
    problem::Problem,
    route::Takes,
    shares::Share,
};
use bytes::Buf as _;
use fourauth_protocol::{secret::Secret, shape};
use http_body_util::BodyExt as _;
use hyper::{
    StatusCode,
    body::{Body as _, Incoming},
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use tokio::time::timeout;

/// Where a request of a browser comes from (Fetch Metadata §2.3).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The form of a body.
enum Media<'a> {
    Json,
    /// `multipart/form-data` with this boundary.
    Multipart(&'a str),
    /// `application/x-www-form-urlencoded`.
    Form,
}

/// Reads the body that a route takes, makes JSON of a form, and checks the shape of JSON in it.
/// `share` grows with the bytes that arrive.
pub(crate) async fn receive(
    takes: Takes,
    headers: &HeaderMap,
    incoming: Incoming,
    share: &mut Share,
) -> Result<Secret<Vec<u8>>, Problem> {
    let media = match takes {
        Takes::Nothing | Takes::Anything => None,
        Takes::Json | Takes::Pictures | Takes::Form => {
            Some(media(takes, headers).map_err(Problem::and_close)?)
        }
    };
    let time = limits::body_time(takes.limit());
    let body = timeout(time, read(incoming, takes.limit(), share)).await.unwrap_or_else(|_| {
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time."))
    });
    // The rest of the body has not been read.
    let body = body.map_err(Problem::and_close)?;
    let json = match media {
        None => return Ok(body),
        Some(Media::Json) => body,
        Some(Media::Form) => form::to_json(body.expose()),
        Some(Media::Multipart(boundary)) => multipart::to_json(body.expose(), boundary)
            .map_err(|NotAForm| Problem::bad("Malformed request: not a form."))?,
    };
    shape::check(json.expose())
        .map_err(|error| Problem::bad(format!("Malformed request: {error}.")))?;
    Ok(json)
}

async fn read(
    mut incoming: Incoming,
    limit: usize,
    share: &mut Share,
) -> Result<Secret<Vec<u8>>, Problem> {
    let too_large = || {
        let text = format!("The body may have at most {limit} bytes.");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text)
    };
    if incoming.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|_| Problem::bad("The body is not complete."))?;
        // Trailers mean nothing here.
        let Ok(mut data) = frame.into_data() else { continue };
        if body.len() + data.len() > limit {
            return Err(too_large());
        }
        if !share.grow(data.len()) {
            let text = "Too many requests are being received.";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, text));
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            body.extend_from_slice(chunk);
            data.advance(chunk.len());
        }
    }
    Ok(Secret::new(body))
}

/// The media type of a body: JSON in UTF-8 or, where there are pictures, a form. It is not
/// compressed.
fn media(takes: Takes, headers: &HeaderMap) -> Result<Media<'_>, Problem> {
    let unsupported = |text| Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(unsupported("A body must not be compressed."));
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(given), None) = (types.next().map(HeaderValue::to_str), types.next()) else {
        return Err(unsupported(match takes {
            Takes::Form => "Send one Content-Type: application/x-www-form-urlencoded.",
            _ => "Send one Content-Type: application/json.",
        }));
    };
    let given = given.unwrap_or_default();
    if takes == Takes::Form {
        return if is_plain_form(given) {
            of_this_origin(headers, Media::Form)
        } else {
            Err(unsupported("The body must be application/x-www-form-urlencoded."))
        };
    }
    if let Some(boundary) = multipart::boundary(given).filter(|_| takes == Takes::Pictures) {
        return of_this_origin(headers, Media::Multipart(boundary));
    }
    let mut parts = given.split(';').map(str::trim);
    if !parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json")) {
        return Err(unsupported("The body must be application/json."));
    }
    if parts.all(is_utf8) {
        Ok(Media::Json)
    } else {
        // RFC 8259 §8.1: JSON between systems is UTF-8.
        Err(Problem::bad("The body must be JSON in UTF-8."))
    }
}

/// A form that no page of another site sent. Browsers let any page send a form, and no JSON.
fn of_this_origin<'a>(headers: &HeaderMap, form: Media<'a>) -> Result<Media<'a>, Problem> {
    let is_ours = |site: &HeaderValue| ["same-origin", "none"].iter().any(|it| site == it);
    if headers.get_all(SEC_FETCH_SITE).iter().all(is_ours) {
        Ok(form)
    } else {
        Err(Problem::new(StatusCode::FORBIDDEN, "A page of another site sent this form."))
    }
}

/// True for the type of forms without files (HTML Living Standard, "URL-encoded form data").
fn is_plain_form(given: &str) -> bool {
    let mut parts = given.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    name.eq_ignore_ascii_case("application/x-www-form-urlencoded") && parts.all(is_utf8)
}

/// True for a parameter that leaves the character encoding at UTF-8.
fn is_utf8(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return parameter.is_empty() };
    let value = value.trim().trim_matches('"');
    !name.trim().eq_ignore_ascii_case("charset") || value.eq_ignore_ascii_case("utf-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_another_site_is_refused() {
        let accepts = |takes, site: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            let form = HeaderValue::from_static("multipart/form-data; boundary=x");
            headers.insert(CONTENT_TYPE, form);
            if let Some(site) = site {
                headers.insert(SEC_FETCH_SITE, HeaderValue::from_static(site));
            }
            media(takes, &headers).is_ok()
        };
        for site in [None, Some("same-origin"), Some("none")] {
            assert!(accepts(Takes::Pictures, site), "{site:?}");
            assert!(!accepts(Takes::Json, site), "{site:?}: a route without pictures");
        }
        for site in ["cross-site", "same-site", ""] {
            assert!(!accepts(Takes::Pictures, Some(site)), "{site}");
        }
    }

    #[test]
    fn only_json_in_utf8_is_accepted() {
        let check = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_TYPE, HeaderValue::from_static(value));
            }
            media(Takes::Pictures, &headers).is_ok()
        };
        for value in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json; profile=x",
        ] {
            assert!(check(&[value]), "{value}");
        }
        for value in [
            "",
            "text/plain",
            "application/jsonx",
            "application/json; charset=utf-16",
            "application/json; charset=utf-8; charset=latin1",
            "application/json; x",
        ] {
            assert!(!check(&[value]), "{value}");
        }
        assert!(!check(&[]));
        assert!(!check(&["application/json", "application/json"]));
    }
}
