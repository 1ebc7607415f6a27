//! How many accounts would have to enrol their face again with a pack.

use crate::{invocation::Invocation, local_store::LocalStore};
use fourauth_config::Config;
use fourauth_face::pack::Pack;
use fourauth_store::FaceCount;

/// Prints the number after a pack was installed. Without a server on this machine there is nothing to
/// count, and a count that fails does not undo the installation.
///
/// # Errors
///
/// If standard output cannot be written.
pub async fn report(
    config: &Config,
    installed: Option<String>,
    by: Invocation,
) -> anyhow::Result<()> {
    let Some(pack) = installed.filter(|_| config.keyring_file().exists()) else { return Ok(()) };
    match counted(config, &pack, by).await {
        Ok(count) => {
            if let Some(text) = text(&pack, &config.face.pack, count) {
                print_out!("{text}")?;
            }
        }
        Err(error) => print_err!("the faces of other model packs were not counted: {error:#}"),
    }
    Ok(())
}

/// The accounts with a face, and those with one that the pack cannot compare.
///
/// # Errors
///
/// If the pack or the database cannot be read.
pub async fn counted(config: &Config, pack: &str, by: Invocation) -> anyhow::Result<FaceCount> {
    let pack = Pack::check(&config.packs_dir().join(pack))?;
    let ids: Vec<_> = pack.ids().iter().map(|id| *id.as_bytes()).collect();
    let local = LocalStore::open(config, by).await?;
    Ok(local.store.count_faces(|template| template.is_of(&ids, pack.dimensions())).await?)
}

/// What to know before the pack is used. `None` if every face is of it.
fn text(pack: &str, in_use: &str, count: FaceCount) -> Option<String> {
    let FaceCount { faces, outdated } = count;
    let when = if pack == in_use { "" } else { " if you set face.pack to it" };
    (outdated > 0).then(|| {
        format!(
            "{outdated} of {faces} accounts with a face have one of another pack than {pack}: their \
             owners are asked to enrol it again at the next login{when}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_outdated_faces_are_worth_a_line() {
        let count = |outdated| FaceCount { faces: 7, outdated };
        assert_eq!(text("blaze-fr", "blaze-fr", count(0)), None);
        let used = text("blaze-fr", "blaze-fr", count(3)).unwrap();
        assert!(used.starts_with("3 of 7 accounts") && used.ends_with("next login"), "{used}");
        let other = text("ours", "blaze-fr", count(3)).unwrap();
        assert!(other.ends_with("if you set face.pack to it"), "{other}");
    }
}
