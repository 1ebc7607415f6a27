//! `fourauthd models measure` on pictures of a few people. Its figures are computed again by a Python
//! program, from the exported embeddings.

use clap::Parser;
use fourauth_config::Config;
use fourauth_face::Digest;
use fourauth_face_measure::{
    Cache, CacheError, Examination, Gallery, Measured, Outcome, Report, Tools, export, fingerprint,
};
use fourauth_face_pack::ClientEnvironment;
use fourauth_tests::{models, prints::Print, python};
use fourauthd::command::models::ModelsCommand;
use serde_json::Value;
use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};
use tempfile::TempDir;

/// The name of a picture, and the test picture with so many bytes after its end, which make it
/// another file.
type Source = (&'static str, &'static str, usize);

/// The pictures of each person. `ben` and `mix` have a wrong label, and one picture of `crowd` is in `other`.
const PEOPLE: [(&str, &[Source]); 5] = [
    (
        "ann",
        &[
            ("1.jpg", "obama.jpg", 0),
            ("2.jpg", "obama2.jpg", 0),
            ("3.jpg", "obama3.jpg", 0),
            ("4.png", "32bit.png", 0),
            ("5.jpg", "obama_partial_face.jpg", 0),
        ],
    ),
    ("ben", &[("1.jpg", "obama3.jpg", 1)]),
    ("mix", &[("1.jpg", "biden.jpg", 0), ("2.jpg", "obama.jpg", 2), ("3.jpg", "biden.jpg", 3)]),
    (
        "crowd",
        &[("1.jpg", "sample1.jpg", 0), ("2.jpg", "sample2.jpg", 0), ("3.jpg", "sample3.jpg", 0)],
    ),
    ("other", &[("1.jpg", "sample3.jpg", 0)]),
];

/// A folder of people, and a place for files.
struct Pictures {
    folder: TempDir,
}

impl Pictures {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (person, pictures) in PEOPLE {
            let person = folder.path().join("people").join(person);
            fs::create_dir_all(&person).unwrap();
            for (name, source, after_the_end) in pictures {
                let mut bytes = fs::read(models::picture_file(source)).unwrap();
                bytes.extend(vec![0; *after_the_end]);
                fs::write(person.join(name), bytes).unwrap();
            }
        }
        let print = models::printed("obama2.jpg");
        fs::write(folder.path().join("people/ann/6.png"), print.bytes()).unwrap();
        fs::write(folder.path().join("people/ann/note.txt"), "no picture").unwrap();
        fs::write(folder.path().join("people/ann/broken.jpg"), b"\xff\xd8\xff\xe0").unwrap();
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn gallery(&self) -> Gallery {
        Gallery::of(&self.file("people")).unwrap()
    }

    fn cache(&self) -> Result<Cache, CacheError> {
        let engine = models::engine();
        let (pack, values) = (fingerprint(engine.pack()).unwrap(), engine.pack().dimensions());
        Cache::open(&self.file("results"), pack, values, *b"measured")
    }

    fn examined(&self, cache: &Cache) -> Examination {
        examined(&self.gallery(), cache)
    }

    /// A folder of prints: two flat ones in a folder, the others by themselves.
    fn prints(&self) -> Gallery {
        let folder = self.file("prints");
        fs::create_dir_all(folder.join("wall")).unwrap();
        for kind in Print::ALL {
            for name in ["obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg", "sample5.jpg"] {
                let is_of_wall = kind == Print::Flat && ["obama.jpg", "biden.jpg"].contains(&name);
                let place = if is_of_wall { "wall/" } else { "" };
                let file = folder.join(format!("{place}{kind:?}-{name}"));
                fs::write(file, kind.of(name).bytes()).unwrap();
            }
        }
        Gallery::of_any(&folder).unwrap()
    }

    fn report(&self, examination: &Examination) -> Value {
        let people = Measured { gallery: &self.gallery(), examination };
        let report = Report::of(models::engine().pack(), true, Some(people), None, &|| {});
        let mut report = serde_json::to_value(report).unwrap();
        report.as_object_mut().unwrap().remove("times");
        report
    }

    /// What the Python program says about a report.
    fn recomputed(&self, examination: &Examination, report: &Value) -> Output {
        let people = Measured { gallery: &self.gallery(), examination };
        self.recomputed_with(people, None, report)
    }

    /// The same for live pictures and prints.
    fn recomputed_with(
        &self,
        people: Measured<'_>,
        prints: Option<Measured<'_>>,
        report: &Value,
    ) -> Output {
        let embeddings = export(Some(people), prints).unwrap();
        fs::write(self.file("recomputed.jsonl"), embeddings.expose()).unwrap();
        fs::write(self.file("report.json"), report.to_string()).unwrap();
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/face_measure.py");
        let mut python = python::command();
        python.arg(program).arg(self.file("recomputed.jsonl"));
        python.arg(models::engine().pack().folder().join("pack.toml"));
        python.arg(self.file("report.json")).output().unwrap()
    }
}

fn examined(gallery: &Gallery, cache: &Cache) -> Examination {
    let engine = models::engine();
    let processor_time = || Duration::ZERO;
    let tools = Tools { engine: &engine, cache: Some(cache), processor_time, progress: &|_| {} };
    Examination::of(gallery, &tools).unwrap()
}

/// `fourauthd models`.
#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    models: ModelsCommand,
}

fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let words = ["models", "measure", "--pack"].into_iter();
    let pack = models::engine().pack().name().to_owned();
    let words = words.chain([pack.as_str()]).chain(arguments.iter().copied());
    let mut config = Config::default();
    config.face.packs_dir = Some(models::packs());
    Line::try_parse_from(words)?.models.run(&config, ClientEnvironment::from_iter([]))
}

fn known(examination: &Examination) -> usize {
    let is_known = |outcome: &Outcome| matches!(outcome, Outcome::Picture { is_known: true, .. });
    examination.files.iter().filter(|file| is_known(&file.outcome)).count()
}

#[test]
fn the_figures_of_a_measurement_are_those_of_another_program() {
    let pictures = Pictures::new();
    let examination = pictures.examined(&pictures.cache().unwrap());
    let mut report = pictures.report(&examination);

    let faces = &report["faces"];
    assert_eq!(faces["files"]["in_several_folders"][0][0], "crowd/3.jpg");
    assert_eq!(faces["files"]["not_pictures"][".txt"], 1);
    assert_eq!(faces["files"]["refused"]["bad_image"], 1);
    assert!(faces["files"]["refused"]["several_faces"].as_u64() > Some(0));
    // A print fails an enrolment by itself, and of three pictures if the broken one is with it. From
    // others it is dropped.
    assert_eq!(faces["files"]["refused"]["face_not_live"], 1);
    for enrolments in [&faces["enrolments"][0], &faces["enrolments"][1]] {
        assert_eq!(enrolments["reasons"]["face_not_live"], 1, "{enrolments}");
    }
    // Wrong labels are errors, and the pictures to look at first.
    let one = &faces["comparisons"][0];
    assert!(one["owners"]["errors"].as_u64() > Some(0), "{one}");
    assert!(one["strangers"]["errors"].as_u64() > Some(0), "{one}");
    let shows = |pair: &Value, name: &str| pair.to_string().contains(name);
    assert!(shows(&faces["furthest"][0], "mix/2.jpg"));
    assert!((0..2).all(|place| shows(&faces["nearest"][place], "ann/")));

    let agreed = pictures.recomputed(&examination, &report);
    assert!(agreed.status.success(), "{}", String::from_utf8_lossy(&agreed.stderr));
    // The control: one figure that differs in the third digit.
    let high = report.pointer_mut("/faces/comparisons/0/strangers/high").unwrap();
    *high = (high.as_f64().unwrap() * 1.002).into();
    let control = pictures.recomputed(&examination, &report);
    assert!(!control.status.success());
    assert!(String::from_utf8_lossy(&control.stderr).contains("strangers high"));
}

#[test]
fn an_interrupted_measurement_goes_on_from_where_it_was() {
    let pictures = Pictures::new();
    let first = pictures.examined(&pictures.cache().unwrap());
    assert_eq!(known(&first), 0);
    // A run that was killed while it wrote its fourth result.
    let results = fs::read(pictures.file("results")).unwrap();
    let ends: Vec<usize> = (0..results.len()).filter(|at| results[*at] == b'\n').collect();
    fs::write(pictures.file("results"), &results[..ends[3] - 10]).unwrap();

    let second = pictures.examined(&pictures.cache().unwrap());
    assert!((3..=4).contains(&known(&second)), "{}", known(&second));
    assert_eq!(pictures.report(&second), pictures.report(&first));
    let third = pictures.examined(&pictures.cache().unwrap());
    assert_eq!(pictures.report(&third), pictures.report(&first));
    // All pictures but no other files.
    assert_eq!(known(&third), first.files.len() - 1);
}

#[test]
fn pictures_given_as_prints_are_counted_as_accepted_prints() {
    let pictures = Pictures::new();
    let examination = pictures.examined(&pictures.cache().unwrap());
    let gallery = Gallery::of_any(&pictures.file("people")).unwrap();
    let prints = Measured { gallery: &gallery, examination: &examination };
    let engine = models::engine();
    let report = Report::of(engine.pack(), true, None, Some(prints), &|| {});
    assert!(report.faces.is_none());
    let liveness = report.liveness.expect("the default pack judges liveness");
    assert_eq!(liveness.live_refused, None);
    let printed = liveness.prints.unwrap();
    let accepted = printed.accepted.unwrap();

    // One picture is in two folders, and so in none.
    let sources = PEOPLE.iter().flat_map(|(_, pictures)| *pictures);
    let sources = sources.filter(|(_, source, _)| *source != "sample3.jpg");
    let shown = sources.map(|(_, source, _)| models::picture(source));
    let shown = shown.chain([models::printed("obama2.jpg")]);
    let scores: Vec<f32> =
        shown.filter_map(|shown| engine.portrait(shown.bytes()).ok()?.live).collect();
    let live = scores.iter().filter(|score| **score > liveness.threshold).count();
    assert_eq!((accepted.comparisons, accepted.errors), (scores.len() as u64, live as u64));
    assert!(live > 0, "these are pictures of live people");
}

#[test]
fn the_figures_of_prints_are_those_of_another_program() {
    let pictures = Pictures::new();
    let (people, prints) = (pictures.gallery(), pictures.prints());
    let cache = pictures.cache().unwrap();
    let [of_people, of_prints] = [&people, &prints].map(|gallery| examined(gallery, &cache));
    drop(cache);
    let people = Measured { gallery: &people, examination: &of_people };
    let prints = Measured { gallery: &prints, examination: &of_prints };
    let report = Report::of(models::engine().pack(), true, Some(people), Some(prints), &|| {});
    let mut report = serde_json::to_value(report).unwrap();

    let liveness = &report["liveness"];
    let found = &liveness["prints"];
    assert_eq!(found["files"]["pictures"], 20);
    let [all, folders] = ["comparisons", "units"].map(|name| found["accepted"][name].as_u64());
    assert!(all > Some(12) && folders < all, "two are in a folder: {found}");
    assert!(found["most_live"][0]["picture"].as_str().is_some_and(|name| name.contains('-')));
    assert_eq!(liveness["proposals"][0]["folders_needed"], 17);
    // The cache has them all: prints and live pictures are examined once.
    let again = examined(prints.gallery, &pictures.cache().unwrap());
    assert_eq!(known(&again), 20);

    let agreed = pictures.recomputed_with(people, Some(prints), &report);
    assert!(agreed.status.success(), "{}", String::from_utf8_lossy(&agreed.stderr));
    // The control: one figure that differs in the third digit.
    let high = report.pointer_mut("/liveness/prints/accepted/high").unwrap();
    *high = (high.as_f64().unwrap() * 0.998).into();
    let control = pictures.recomputed_with(people, Some(prints), &report);
    assert!(!control.status.success());
    assert!(String::from_utf8_lossy(&control.stderr).contains("prints accepted high"));
}

#[test]
fn prints_alone_are_measured_and_drawn() {
    let pictures = Pictures::new();
    drop(pictures.prints());
    let [prints, export, svg] =
        ["prints", "scores.jsonl", "scores.svg"].map(|name| pictures.file(name));
    let [prints, export, svg] = [&prints, &export, &svg].map(|path| path.to_str().unwrap());
    run(&["--prints", prints, "--export", export, "--svg", svg]).unwrap();
    let drawn = fs::read_to_string(svg).unwrap();
    assert!(drawn.contains("Liveness") && drawn.contains("prints: ") && !drawn.contains("obama"));
    let lines = fs::read_to_string(export).unwrap();
    assert_eq!(lines.lines().filter(|line| line.contains("\"print\":true")).count(), 20);
    assert!(!lines.contains("embedding"), "a print needs none");
}

#[test]
fn results_of_another_pack_or_program_are_not_used() {
    let pictures = Pictures::new();
    drop(pictures.examined(&pictures.cache().unwrap()));
    let other = Cache::open(&pictures.file("results"), Digest::of(b"other"), 64, *b"measured");
    let other = other.unwrap();
    assert!(other.is_empty());
    assert!(matches!(pictures.cache(), Err(CacheError::InUse(_))));
    drop(other);
    let whole = fs::read_to_string(pictures.file("results")).unwrap();
    for foreign in ["listen = \"[::]:7443\"\n", "{\"embedding\": 3}\n", "{}"] {
        let text = format!("{whole}{foreign}\n");
        fs::write(pictures.file("results"), &text).unwrap();
        assert!(matches!(pictures.cache(), Err(CacheError::Foreign { .. })), "{foreign}");
        assert_eq!(fs::read_to_string(pictures.file("results")).unwrap(), text);
    }
    fs::set_permissions(pictures.file("results"), Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(pictures.cache(), Err(CacheError::Unread { .. })));
}

#[test]
fn a_result_that_cannot_be_is_refused_with_its_line() {
    let pictures = Pictures::new();
    drop(pictures.examined(&pictures.cache().unwrap()));
    let whole = fs::read_to_string(pictures.file("results")).unwrap();
    let accepted = whole.lines().find(|line| line.contains("\"embedding\"")).unwrap();
    let mut accepted: Value = serde_json::from_str(accepted).unwrap();
    let refused = whole.lines().find(|line| line.contains("\"refused\"")).unwrap();
    let mut refused: Value = serde_json::from_str(refused).unwrap();
    for value in [&mut accepted, &mut refused] {
        value["picture"] = Digest::of(b"another picture").to_string().into();
    }
    let with = |value: &Value, field: &str, to: Value| {
        let mut changed = value.clone();
        changed[field] = to;
        changed
    };
    // Numbers of the pack without its last value.
    let shorter = accepted["embedding"].as_str().unwrap().len() / 8 * 4;
    let shorter = accepted["embedding"].as_str().unwrap()[..shorter].to_owned();
    let line = whole.lines().count() + 1;
    for (changed, is_possible) in [
        (accepted.clone(), true),
        (refused.clone(), true),
        (with(&accepted, "embedding", shorter.into()), false),
        (with(&accepted, "live", 1.5.into()), false),
        (with(&accepted, "live", (-0.1).into()), false),
        (with(&accepted, "micros", u64::MAX.into()), false),
        (with(&refused, "refused", "no\nface".into()), false),
        (with(&refused, "embedding", accepted["embedding"].clone()), false),
    ] {
        fs::write(pictures.file("results"), format!("{whole}{changed}\n")).unwrap();
        match pictures.cache() {
            Ok(_) => assert!(is_possible, "{changed}"),
            Err(error) => {
                assert!(!is_possible, "{error}");
                assert!(error.to_string().contains(&format!("line {line} ")), "{error}");
            }
        }
    }
}

#[test]
fn a_measurement_writes_files_that_only_their_owner_reads() {
    let pictures = Pictures::new();
    let [people, results, export, svg] =
        ["people", "results", "embeddings.jsonl", "scores.svg"].map(|name| pictures.file(name));
    let [people, results, export, svg] =
        [&people, &results, &export, &svg].map(|p| p.to_str().unwrap());
    let files = ["--resume", results, "--export", export, "--svg", svg];
    let arguments = [&["--pictures", people], &files[..]].concat();
    run(&arguments).unwrap();
    for secret in [results, export] {
        assert_eq!(fs::metadata(secret).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let picture = fs::read_to_string(svg).unwrap();
    assert!(picture.contains("1 enrolled, 1 shown") && !picture.contains("ann"));
    let again = run(&arguments).unwrap_err().to_string();
    assert!(again.contains("exists already"), "{again}");

    // A drawing replaces no file, nor what a link leads to.
    let [secret, link, nowhere] = ["secret", "link.svg", "nowhere.svg"].map(|it| pictures.file(it));
    fs::write(&secret, "kept").unwrap();
    symlink(&secret, &link).unwrap();
    symlink(pictures.file("absent"), &nowhere).unwrap();
    for existing in [&secret, &link, &nowhere] {
        let svg = ["--pictures", people, "--svg", existing.to_str().unwrap()];
        let refused = run(&svg).unwrap_err().to_string();
        assert!(refused.contains("exists already"), "{refused}");
    }
    assert_eq!(fs::read_to_string(&secret).unwrap(), "kept");
    assert!(!pictures.file("absent").exists());
}

#[test]
fn a_measurement_without_pictures_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let refused = |arguments: &[&str]| run(arguments).unwrap_err().to_string();
    assert!(refused(&[]).contains("--pictures"));
    assert!(refused(&["--pictures", path]).contains("make a folder for each person"));
    fs::create_dir(folder.path().join("ann")).unwrap();
    fs::write(folder.path().join("ann/note.txt"), "no picture").unwrap();
    assert!(refused(&["--pictures", path]).contains("no JPEG or PNG pictures"));
    if !models::engine().judges_liveness() {
        assert!(refused(&["--prints", path]).contains("does not judge"));
    }
}
