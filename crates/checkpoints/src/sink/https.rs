//! Checkpoints over HTTPS: POST sends one, GET of the same URL returns the newest.
//!
//! The client follows no redirect and uses no proxy from the environment.

use super::{Fault, Trust};
use reqwest::{Client, Response, StatusCode, Url, header::CONTENT_TYPE, redirect::Policy};
use rustls::RootCertStore;
use std::{fmt, sync::Arc};

/// Longest answer that is read, in bytes: about two hundred notes.
const MAX_ANSWER: usize = 64 * 1024;

/// A URL that accepts checkpoints.
pub(super) struct Receiver {
    url: Url,
    client: Client,
}

impl Receiver {
    pub(super) fn new(url: Url, trust: &Trust) -> Result<Self, Fault> {
        // A plain HTTP connection to loopback needs no authorities, so none are loaded.
        let no_roots = Trust::Roots(Arc::new(RootCertStore::empty()));
        let trust = if url.scheme() == "https" { trust } else { &no_roots };
        let client = Client::builder()
            .tls_backend_preconfigured(trust.tls()?)
            .redirect(Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { url, client })
    }

    /// Sends a checkpoint. Reads only the status of the answer.
    pub(super) async fn post(&self, note: &str) -> Result<(), Fault> {
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(note.to_owned());
        let status = request.send().await?.status();
        if status.is_success() { Ok(()) } else { Err(unexpected_status(status)) }
    }

    /// Returns the notes at the URL. Empty if it has no notes yet, or if the URL does not support
    /// GET.
    pub(super) async fn get(&self) -> Result<String, Fault> {
        let answer = self.client.get(self.url.clone()).send().await?;
        match answer.status() {
            StatusCode::OK => text(answer).await,
            StatusCode::NO_CONTENT
            | StatusCode::NOT_FOUND
            | StatusCode::GONE
            | StatusCode::METHOD_NOT_ALLOWED => Ok(String::new()),
            status => Err(unexpected_status(status)),
        }
    }
}

async fn text(mut answer: Response) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if bytes.len() + chunk.len() > MAX_ANSWER {
            return Err(Fault::Away(format!("the answer is longer than {MAX_ANSWER} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| Fault::Away("the answer is not UTF-8".to_owned()))
}

fn unexpected_status(status: StatusCode) -> Fault {
    Fault::Away(format!("the server answers {status}"))
}

/// Omits the URL, which may contain a secret, and adds the chain of causes.
impl From<reqwest::Error> for Fault {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            reason = format!("{reason}: {error}");
            cause = error.source();
        }
        Self::Away(reason)
    }
}

/// Omits the URL, which may contain a secret.
impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
