//! Forms with files (RFC 7578), made into the JSON that a command has: texts become members, and
//! the files of one name a list of pictures.
//!
//! The form is in memory as a whole, within the limit of its route.

use data_encoding::BASE64;
use fourauth_protocol::secret::Secret;
use serde_json::Value;

/// Most parts of a form. The longest command has fewer fields.
const PARTS: usize = 32;

/// Longest head of a part, in bytes.
const HEAD: usize = 1024;

/// Longest boundary (RFC 2046 §5.1.1).
const BOUNDARY: usize = 70;

/// The fields for pictures, by the name that files have in a form.
pub(crate) const PICTURES: [(&str, &str); 2] = [("face", "faceIDs"), ("new_face", "new_faceIDs")];

/// The bytes are not a form that a command can be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAForm;

/// One part of a form.
struct Part<'a> {
    name: &'a str,
    content: &'a [u8],
}

/// The boundary that `Content-Type: multipart/form-data` names.
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    let (name, parameters) = content_type.split_once(';')?;
    if !name.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let mut named = parameters.split(';').filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    });
    let (Some(boundary), None) = (named.next(), named.next()) else { return None };
    let is_plain = |byte| matches!(byte, b'!'..=b'~') && byte != b'"';
    let is_valid = (1..=BOUNDARY).contains(&boundary.len()) && boundary.bytes().all(is_plain);
    is_valid.then_some(boundary)
}

/// The form as one JSON object. A text that appears twice is a member twice, which is refused
/// later.
pub(crate) fn to_json(form: &[u8], boundary: &str) -> Result<Secret<Vec<u8>>, NotAForm> {
    let parts = parts(form, boundary)?;
    let mut members: Vec<String> = Vec::new();
    for (name, field) in PICTURES {
        let files = parts.iter().filter(|part| part.name == name);
        let texts: Vec<_> = files.map(|it| format!("\"{}\"", BASE64.encode(it.content))).collect();
        if !texts.is_empty() {
            members.push(format!("\"{field}\":[{}]", texts.join(",")));
        }
    }
    for Part { name, content } in parts {
        if PICTURES.iter().all(|(files, _)| *files != name) {
            let text = str::from_utf8(content).map_err(|_| NotAForm)?;
            members.push(format!("{}:{}", Value::from(name), Value::from(text)));
        }
    }
    Ok(Secret::new(format!("{{{}}}", members.join(",")).into_bytes()))
}

fn parts<'a>(form: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>, NotAForm> {
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = form.strip_prefix(&delimiter.as_bytes()[2..]).ok_or(NotAForm)?;
    let mut parts = Vec::new();
    loop {
        // What follows the last delimiter has no meaning (RFC 2046 §5.1.1).
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        let (whole, next) = divide(rest, delimiter.as_bytes()).ok_or(NotAForm)?;
        let whole = whole.strip_prefix(b"\r\n").ok_or(NotAForm)?;
        let (head, content) = divide(whole, b"\r\n\r\n").ok_or(NotAForm)?;
        if head.len() > HEAD || parts.len() == PARTS {
            return Err(NotAForm);
        }
        parts.push(Part { name: name(head).ok_or(NotAForm)?, content });
        rest = next;
    }
}

/// The bytes before and after the first `mark`.
fn divide<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((&bytes[..at], &bytes[at + mark.len()..]))
}

/// The name in the one `Content-Disposition` of a part.
fn name(head: &[u8]) -> Option<&str> {
    let lines = str::from_utf8(head).ok()?.split("\r\n");
    let mut dispositions = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    let (Some(disposition), None) = (dispositions.next(), dispositions.next()) else { return None };
    let (_, after) = disposition.split_once(" name=\"")?;
    let name = after.split('"').next().filter(|name| !name.is_empty())?;
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(form: &[u8]) -> Result<String, NotAForm> {
        to_json(form, "x").map(|json| String::from_utf8(json.expose().clone()).unwrap())
    }

    #[test]
    fn texts_and_files_become_the_members_of_a_command() {
        let form = b"--x\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nal\"ice\r\n\
                     --x\r\nContent-Disposition: form-data; name=\"face\"; filename=\"a.jpg\"\r\n\
                     Content-Type: image/jpeg\r\n\r\n\xff\xd8\r\n--\r\n\
                     --x\r\ncontent-disposition: form-data; name=\"face\"\r\n\r\n\r\n--x--\r\n";
        let expected = r#"{"faceIDs":["/9gNCi0t",""],"username":"al\"ice"}"#;
        assert_eq!(json(form).as_deref(), Ok(expected));
        assert_eq!(json(b"--x--").as_deref(), Ok("{}"));
    }

    #[test]
    fn bytes_that_are_not_a_form_are_refused() {
        let part = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n";
        assert!(json(format!("{part}--x--").as_bytes()).is_ok());
        for form in [
            String::new(),
            "--y--".to_owned(),
            part.to_owned(),
            format!("{part}--x"),
            format!("{part}--xy--"),
            part.replace("name=\"a\"", "name=a") + "--x--",
            part.replace("name=\"a\"", "name=\"\"") + "--x--",
            part.replace("name=\"a\"", "name=\"a\\\"b\"") + "--x--",
            part.replace("Content-Disposition", "X") + "--x--",
            part.replace("form-data", &"d".repeat(2000)) + "--x--",
            part.repeat(33) + "--x--",
        ] {
            assert_eq!(json(form.as_bytes()), Err(NotAForm), "{form:?}");
        }
        let binary = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\xff\r\n--x--";
        assert_eq!(json(binary), Err(NotAForm));
    }

    #[test]
    fn a_boundary_is_short_and_plain() {
        assert_eq!(boundary("multipart/form-data; boundary=a-b"), Some("a-b"));
        assert_eq!(boundary("Multipart/Form-Data; x=y; Boundary=\"ab\""), Some("ab"));
        let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
        for text in [
            "multipart/form-data",
            "multipart/mixed; boundary=a",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=a; boundary=b",
            "multipart/form-data; boundary=a b",
            &long,
        ] {
            assert_eq!(boundary(text), None, "{text}");
        }
    }
}
