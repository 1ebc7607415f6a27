//! A folder that gets a file for each message, which only its owner can read. It replaces a relay or
//! a provider for a first run.

use crate::{
    entropy,
    failure::Reason,
    sms::{SmsSender, Text},
};
use fourauth_private_file as private_file;
use fourauth_store::BoxFuture;
use std::path::{Path, PathBuf};

/// A folder for text messages.
#[derive(Debug)]
pub(crate) struct SmsFolder(pub(crate) PathBuf);

impl SmsSender for SmsFolder {
    fn send<'a>(&'a self, text: &'a Text<'a>) -> BoxFuture<'a, Result<(), Reason>> {
        let file = format!("To: {}\n\n{}\n", text.to.as_str(), text.body);
        Box::pin(write(&self.0, format!("{}.txt", text.id), file.into_bytes()))
    }
}

/// Writes a file durably. A file of the same message is replaced, so a repeated attempt leaves one.
pub(crate) async fn write(folder: &Path, name: String, bytes: Vec<u8>) -> Result<(), Reason> {
    let folder = folder.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        private_file::create_folder(&folder)?;
        private_file::replace(&folder.join(name), &bytes, entropy::bytes())
    });
    match written.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Reason::Disk),
    }
}
