//! `cargo xtask models`: installs the model packs and the test faces in a folder outside version
//! control.
//!
//! Both are downloaded from package registries with npm and pip. Each file must have the SHA-256
//! recorded for it. Complete downloads are not repeated.

use crate::{binaries::Binaries, process::succeed};
use anyhow::{Context, bail, ensure};
use data_encoding::HEXLOWER;
use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};
use std::{
    env, fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Maximum size of an unpacked archive, in bytes.
const MAX_UNPACKED: u64 = 256 << 20;

/// Maximum size of one picture, in bytes.
const MAX_PICTURE: u64 = 8 << 20;

/// Environment variables that npm and pip receive. The rest is withheld, because pip may run the
/// build script of a package.
pub(crate) const PASSED: [&str; 16] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "npm_config_cafile",
    "npm_config_registry",
];

/// The model packs that the tests use: the default one, and the one that it replaced.
const PACKS: [&str; 2] = ["blaze-fr", "blaze-dlib"];

/// A package that contains pictures.
struct Album {
    client: &'static str,
    arguments: &'static [&'static str],
    package: &'static str,
    /// Folder of the pictures, inside the archive.
    folder: &'static str,
    /// Names and SHA-256.
    pictures: &'static [(&'static str, &'static str)],
}

const ALBUMS: [Album; 2] = [
    Album {
        client: "python3",
        // pip runs the setup.py of the archive, but only after its hash was compared.
        arguments: &[
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--no-binary",
            ":all:",
            "--require-hashes",
            "--requirement",
        ],
        package: concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/python/requirements/faces.txt"),
        folder: "face_recognition-1.3.0/tests/test_images",
        pictures: &[
            ("32bit.png", "44dca895a7d635a4aedddd91a4f37af9a8a5b44e66154282a24645a757b5f627"),
            ("biden.jpg", "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c"),
            ("obama.jpg", "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6"),
            ("obama2.jpg", "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6"),
            ("obama3.jpg", "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3"),
            (
                "obama_partial_face.jpg",
                "c2d1f09e7ef3042352b41e41286e6eb0522f64f88308be13886991b95db52117",
            ),
            (
                "obama_partial_face2.jpg",
                "9a812347f97633542b8cd9992de22def11b74f79d82056bc3ee830f13878e028",
            ),
        ],
    },
    Album {
        client: "npm",
        arguments: &["pack", "--ignore-scripts", "--loglevel=error"],
        package: "@vladmandic/face-api@1.7.15",
        folder: "package/demo",
        pictures: &[
            ("sample1.jpg", "8ecae4b267b2d3169e06e00c7dee97097aa2a94635d45216f7732a5f4943cb51"),
            ("sample2.jpg", "7d2b60ae6f13bf30f422e04df87451081a02c83de469056f25afb44b7000c691"),
            ("sample3.jpg", "8eb081c9efb14370fa94d9feab9e5fbeafd19a627491853a80c2bf67f7ffa936"),
            ("sample4.jpg", "729efa5923061d40eb4ed5f267a18cc7b8ba6f852bb2757b16d8b7e4937476fc"),
            ("sample5.jpg", "6d45095ebb182d8f975c0790e0e4eefd86fbb40609cf4b271776d92e12662938"),
            ("sample6.jpg", "9baad80f9d5e306fb9b8c0913d44445f1e95848df317530efb03d0934c57ba87"),
        ],
    },
];

/// Downloads missing files and prints their folder.
///
/// Fails if npm or pip is missing or fails, if a file has the wrong hash, or if the folder cannot
/// be written.
pub(crate) fn run(root: &Path, binaries: &Binaries) -> anyhow::Result<()> {
    let models = folder(root);
    for pack in PACKS {
        let mut install = Command::new(&binaries.fourauthd);
        install.args(["models", "install", "--pack", pack]);
        install.env("FOURAUTH__FACE__PACKS_DIR", models.join("packs"));
        succeed(&mut install)?;
    }

    let faces = models.join("faces");
    fs::create_dir_all(&faces).with_context(|| format!("cannot create {}", faces.display()))?;
    for album in &ALBUMS {
        album.complete(&faces)?;
    }
    eprintln!("model packs and test faces are in {}", models.display());
    Ok(())
}

/// The folder that the tests use.
pub(crate) fn folder(root: &Path) -> PathBuf {
    root.join("target/models")
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

impl Album {
    /// Downloads the package if any of its pictures is missing.
    fn complete(&self, faces: &Path) -> anyhow::Result<()> {
        let there = |&(name, expected): &(&str, &str)| {
            fs::read(faces.join(name)).is_ok_and(|bytes| sha256(&bytes) == expected)
        };
        if self.pictures.iter().all(there) {
            return Ok(());
        }
        eprintln!("downloading test pictures from {}", self.package);
        let workshop = tempfile::tempdir_in(faces)?;
        let archive = self.fetched(workshop.path())?;
        let taken = self
            .take(&archive, faces)
            .with_context(|| format!("cannot unpack {}", self.package))?;
        ensure!(
            taken == self.pictures.len(),
            "{}: the archive lacks some of the pictures",
            self.package
        );
        Ok(())
    }

    /// Runs npm or pip in an empty folder and returns the archive that it downloads.
    #[expect(clippy::disallowed_methods, reason = "npm and pip read settings from the environment")]
    fn fetched(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        let status = Command::new(self.client)
            .args(self.arguments)
            .arg(self.package)
            .env_clear()
            .envs(PASSED.iter().filter_map(|name| Some((name, env::var_os(name)?))))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .with_context(|| format!("cannot run {}", self.client))?;
        ensure!(status.success(), "{} cannot download {}", self.client, self.package);
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "tgz" || ending == "gz") {
                return Ok(path);
            }
        }
        bail!("{} downloaded no archive of {}", self.client, self.package)
    }

    /// Copies the pictures from an archive, each under its own name, and returns their number.
    fn take(&self, archive: &Path, faces: &Path) -> anyhow::Result<usize> {
        let unpacked = GzDecoder::new(fs::File::open(archive)?).take(MAX_UNPACKED);
        let mut taken = 0;
        for entry in tar::Archive::new(unpacked).entries()? {
            let entry = entry?;
            let path = entry.path()?.into_owned();
            let Ok(name) = path.strip_prefix(self.folder) else { continue };
            let wanted = self.pictures.iter().find(|(picture, _)| name == Path::new(picture));
            let Some((picture, expected)) = wanted else { continue };
            let mut bytes = Vec::new();
            entry.take(MAX_PICTURE).read_to_end(&mut bytes)?;
            ensure!(sha256(&bytes) == *expected, "{picture}: the SHA-256 is not the recorded one");
            fs::write(faces.join(picture), bytes)?;
            taken += 1;
        }
        Ok(taken)
    }
}
