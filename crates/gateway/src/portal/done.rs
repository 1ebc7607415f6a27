//! The page that says what has been done, and leads to the sign-in.

use super::{
    page::{Camera, page},
    words::Words,
};
use crate::route::Outcome;
use askama::Template;
use hyper::StatusCode;

#[derive(Template)]
#[template(path = "done.html")]
struct Done<'a> {
    words: Words<'a>,
    title: &'static str,
    text: &'static str,
}

/// The page with a title and a text, by their keys.
pub(super) fn done(words: Words<'_>, title: &'static str, text: &'static str) -> Outcome {
    page(StatusCode::OK, &Done { words, title, text }, Camera::Forbidden)
}
