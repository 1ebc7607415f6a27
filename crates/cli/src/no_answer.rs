//! What is printed about a command without an answer: a line on standard error and, for programs, one
//! JSON object in the place of the answer.

use crate::{args::Output, environment::Environment, exit::Exit, failure::Failure};
use fourauth_client::{Error, ServerAddress};
use fourauth_protocol::printable::{PrintableJson, printable};
use serde::Serialize;
use std::io;

/// The hint for a server that cannot be reached.
const UNREACHABLE: &str = "
Check that fourauthd runs there and that the address is right. --server HOST:PORT names another one.";

/// The object for programs. It has no `code`: that is a word of a server.
#[derive(Debug, Serialize)]
struct NoAnswer {
    status: &'static str,
    message: String,
    /// The kind of error of the client, or else the meaning of the exit code.
    kind: &'static str,
    /// The steps of a face challenge that other files were given for.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    steps: Vec<String>,
    /// The server that gave no usable answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    /// True if the server may have decided the command, and only its answer is lost.
    may_have_been_decided: bool,
}

/// Prints a failure of a command line and returns its exit code.
pub(crate) fn show(failure: &Failure, output: Output, environment: &mut Environment<'_>) -> Exit {
    let option = match failure {
        Failure::Camera(_) => "; use --face FILE to send pictures from files, or --camera PATH",
        _ => "",
    };
    show_with(option, failure, output, environment)
}

/// As [`show`], in the menu, where no option can be given.
pub(crate) fn show_in_menu(
    failure: &Failure,
    output: Output,
    environment: &mut Environment<'_>,
) -> Exit {
    show_with("", failure, output, environment)
}

fn show_with(
    option: &str,
    failure: &Failure,
    output: Output,
    environment: &mut Environment<'_>,
) -> Exit {
    if matches!(failure, Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe) {
        // The reader has seen enough, as `head` does.
        return Exit::from(failure);
    }
    let hint = match failure {
        Failure::Client { server, reason } => hint(reason, server),
        _ => String::new(),
    };
    // If an output is closed, only the exit code is left.
    let _closed =
        writeln!(environment.notes, "fourauth: {}{option}{hint}", printable(&failure.to_string()));
    if output == Output::Json {
        let _closed = json(failure, environment);
    }
    Exit::from(failure)
}

fn hint(reason: &Error, server: &ServerAddress) -> String {
    match reason {
        Error::Untrusted(_) => untrusted(server),
        Error::Connect(_) | Error::ConnectTimeout => UNREACHABLE.to_owned(),
        Error::RetriesExhausted { last, .. } => hint(last, server),
        _ => String::new(),
    }
}

/// The hint for a server that is not trusted. A retry does not help.
fn untrusted(server: &ServerAddress) -> String {
    format!(
        "\nNothing was sent. If the server has a new or self-signed certificate, compare its \
         fingerprint with the one that fourauthd printed, then run:\n\
         fourauth trust --server {server} --pin HEX"
    )
}

fn json(failure: &Failure, environment: &mut Environment<'_>) -> io::Result<()> {
    let json = serde_json::to_string(&NoAnswer::of(failure)).map_err(io::Error::other)?;
    writeln!(environment.output, "{}", PrintableJson(&json))?;
    environment.output.flush()
}

impl NoAnswer {
    fn of(failure: &Failure) -> Self {
        let (kind, server, may_have_been_decided) = match failure {
            Failure::Client { server, reason } => {
                (reason.kind().as_str(), Some(server.to_string()), reason.may_have_been_decided())
            }
            other => (Exit::from(other).word(), None, false),
        };
        let message = failure.to_string();
        let steps = match failure {
            Failure::Frames { steps, .. } => {
                steps.iter().map(|step| step.as_str().to_owned()).collect()
            }
            _ => Vec::new(),
        };
        Self { status: "error", message, kind, steps, server, may_have_been_decided }
    }
}
