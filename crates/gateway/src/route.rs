//! A route: a method and a path of one resource, the body that it takes, and what answers it.

use crate::{
    call::Call,
    limits,
    problem::Problem,
    response::{self, Response},
    settings::Resource,
    shape::Shape,
    translation::Translation,
};
use hyper::{Method, StatusCode};
use std::pin::Pin;

/// The outcome of a route.
pub(crate) type Outcome = Result<Response, Problem>;

/// What answers a route.
pub(crate) type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// One line of the table of routes.
#[derive(Debug)]
pub(crate) struct Route {
    /// `GET` routes answer `HEAD` as well.
    pub(crate) method: Method,
    /// Segments; one may be `{name}`, which stands for any text.
    pub(crate) path: &'static str,
    pub(crate) resource: Resource,
    pub(crate) body: Takes,
    pub(crate) work: Work,
}

/// What a route does.
#[derive(Debug)]
pub(crate) enum Work {
    /// It answers by itself.
    Own(Handler),
    /// The same, and it is a part of the described API.
    Described(Handler, Shape),
    /// It sends a command, and passes the answer on.
    Command(Translation),
}

/// The body that a route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// None.
    Nothing,
    /// One JSON object.
    Json,
    /// One JSON object, which may hold pictures.
    Pictures,
    /// The texts of a form of HTML, which become one JSON object.
    Form,
    /// Any body, which is ignored.
    Anything,
}

impl Route {
    /// Answers a request.
    pub(crate) async fn answer(&self, call: Call) -> Outcome {
        match &self.work {
            Work::Own(handler) | Work::Described(handler, _) => handler(call).await,
            Work::Command(translation) => {
                let command = translation.command(&call)?;
                let answer = call.send(command).await?;
                Ok(response::of_answer(StatusCode::OK, answer))
            }
        }
    }
}

impl Takes {
    /// Longest body, in bytes.
    pub(crate) const fn limit(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Json | Self::Form | Self::Anything => limits::SMALL_BODY,
            Self::Pictures => limits::PICTURE_BODY,
        }
    }
}
