//! Attacks with flat and bent sheets, on landmarks of real pictures, and the control: faces with
//! depth.
//!
//! `landmarks.json` has the landmarks of test pictures, of the same pictures with the head turned or
//! the mouth opened by a map of depths, and the measures of the Python reference. What the landmark
//! network makes of a sheet is not part of this.

use super::{
    frame::Frame,
    pose,
    rule::{Answer, Bounds, Failure, Seen},
    steps::{Step, Steps},
};
use crate::{embedding::Embedding, geometry::Point, landmarks::Points};
use std::collections::BTreeMap;

/// One record of `landmarks.json`.
#[derive(serde::Deserialize)]
struct Record {
    points: Vec<(f32, f32)>,
    yaw: f32,
    mouth: f32,
    parallax: Option<f32>,
}

/// How far each landmark lies before the plane of the eyes, in distances between the eyes. An average
/// of published head models, to one digit.
const DEPTHS: [f32; 68] = [
    -0.7, -0.7, -0.7, -0.6, -0.6, -0.4, -0.3, 0.0, 0.0, 0.0, -0.3, -0.4, -0.6, -0.6, -0.7, -0.7,
    -0.7, -0.2, -0.1, 0.0, 0.1, 0.2, 0.2, 0.1, 0.0, -0.1, -0.2, 0.2, 0.3, 0.4, 0.6, 0.3, 0.4, 0.4,
    0.4, 0.3, -0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -0.1, 0.0, 0.0, 0.0, 0.3, 0.4, 0.4,
    0.4, 0.3, 0.0, 0.3, 0.4, 0.4, 0.4, 0.3, 0.1, 0.3, 0.4, 0.3, 0.1, 0.3, 0.4, 0.3,
];

/// The lips' lower half and the chin, which an open mouth moves.
const LOWER: [usize; 13] = [6, 7, 8, 9, 10, 55, 56, 57, 58, 59, 65, 66, 67];

/// A generator of numbers (xorshift32), the same ones in each run.
struct Numbers(u32);

impl Numbers {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// A number from `-1` to `1`.
    fn sign(&mut self) -> f32 {
        f32::from(self.next().to_be_bytes()[0]) / 127.5 - 1.0
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.sign() + 1.0) / 2.0
    }
}

fn records() -> BTreeMap<String, Record> {
    serde_json::from_str(include_str!("../../tests/face/landmarks.json")).unwrap()
}

fn landmarks(record: &Record) -> Points {
    Points::new(record.points.iter().map(|&(x, y)| Point { x, y }).collect())
}

/// The landmarks of each picture as it was taken, with the middle of the eyes at the origin, in
/// distances between the eyes.
fn faces() -> Vec<Vec<(f32, f32)>> {
    let originals = records().into_iter().filter(|(name, _)| !name.contains(' '));
    originals
        .map(|(_, record)| {
            let found = landmarks(&record);
            let (right, left) = (found.right_eye(), found.left_eye());
            let (middle, unit) = (Point::mean(&[right, left]), right.distance(left));
            let near = |(x, y): (f32, f32)| ((x - middle.x) / unit, (y - middle.y) / unit);
            record.points.into_iter().map(near).collect()
        })
        .collect()
}

/// Where a camera at a distance of `distance` eye distances sees points that are turned about the
/// vertical axis by `yaw`, about the horizontal one by `pitch`, and in the picture by `roll` radians.
fn seen(
    points: &[[f32; 3]],
    (yaw, pitch, roll): (f32, f32, f32),
    distance: f32,
    numbers: &mut Numbers,
) -> Points {
    let place = |[x, y, z]: [f32; 3]| {
        let (x, z) = (x * yaw.cos() + z * yaw.sin(), z * yaw.cos() - x * yaw.sin());
        let (y, z) = (y * pitch.cos() - z * pitch.sin(), y * pitch.sin() + z * pitch.cos());
        let (x, y) = (x * roll.cos() - y * roll.sin(), x * roll.sin() + y * roll.cos());
        let scale = 100.0 * distance / (distance - z);
        // The landmark network scatters by one to two hundredths of the distance between the eyes.
        Point {
            x: 400.0 + scale * x + 1.5 * numbers.sign(),
            y: 300.0 + scale * y + 1.5 * numbers.sign(),
        }
    };
    Points::new(points.iter().copied().map(place).collect())
}

/// A face that is printed on a sheet, bent about an axis at `axis` radians from the vertical. `bend` is
/// the reciprocal of the radius.
fn sheet(face: &[(f32, f32)], bend: f32, axis: f32) -> Vec<[f32; 3]> {
    let point = |&(x, y): &(f32, f32)| {
        let (across, along) = (x * axis.cos() + y * axis.sin(), y * axis.cos() - x * axis.sin());
        let (across, depth) = if bend.abs() < 1e-3 {
            (across, 0.0)
        } else {
            ((across * bend).sin() / bend, ((across * bend).cos() - 1.0) / bend)
        };
        [across * axis.cos() - along * axis.sin(), across * axis.sin() + along * axis.cos(), depth]
    };
    face.iter().map(point).collect()
}

/// A face with depth, with its mouth open by `gap` eye distances.
fn solid(face: &[(f32, f32)], gap: f32) -> Vec<[f32; 3]> {
    let point = |(index, (&(x, y), &depth)): (usize, (&(f32, f32), &f32))| {
        [x, y + if LOWER.contains(&index) { gap } else { 0.0 }, depth]
    };
    face.iter().zip(&DEPTHS).enumerate().map(point).collect()
}

/// Embeddings of one person that are 0.02 or more apart, as those of a camera's frames.
fn embedding(number: u16) -> Embedding {
    let angle = 0.02 * f32::from(number);
    let mut values = vec![0.0; 64];
    (values[0], values[1]) = (angle.cos(), angle.sin());
    Embedding::normalised(values).unwrap()
}

fn frame(number: u16, live: Option<f32>, landmarks: Points) -> Option<Frame> {
    Frame::with_points(embedding(number), live, landmarks)
}

const BOUNDS: Bounds = Bounds { template: 1.1, pair: 1.1, live: None };

/// The answer that consists of these landmarks.
fn answer(frames: impl IntoIterator<Item = Points>) -> Answer {
    let mut frames = (0..).zip(frames).map(|(number, landmarks)| frame(number, None, landmarks));
    let neutral = frames.next().unwrap().unwrap();
    let others = frames.map(|frame| frame.map(|frame| Seen { frame, distance: Some(0.9) }));
    Answer { neutral, others: others.collect() }
}

/// An attack with one sheet, moved and bent as the steps ask for.
fn attack(face: &[(f32, f32)], steps: Steps, numbers: &mut Numbers) -> Answer {
    let distance = numbers.between(3.0, 15.0);
    let bendable = if numbers.sign() > 0.0 { numbers.between(0.0, 0.8) } else { 0.0 };
    let still = sheet(face, bendable * numbers.sign(), 0.3 * numbers.sign());
    let small = (0.15 * numbers.sign(), 0.15 * numbers.sign(), 0.15 * numbers.sign());
    let mut frames = vec![seen(&still, small, distance, numbers)];
    for step in steps.to_vec() {
        for _ in 0..2 {
            let (yaw, pitch, upright) = match step {
                Step::Left => (numbers.between(0.3, 1.2), 0.6 * numbers.sign(), 0.0),
                Step::Right => (-numbers.between(0.3, 1.2), 0.6 * numbers.sign(), 0.0),
                Step::Mouth => (0.3 * numbers.sign(), 1.2 * numbers.sign(), 1.57),
            };
            let bent = sheet(face, bendable * numbers.sign(), upright + 0.5 * numbers.sign());
            frames.push(seen(&bent, (yaw, pitch, 0.4 * numbers.sign()), distance, numbers));
        }
    }
    answer(frames)
}

/// A person that does what the steps ask for.
fn person(face: &[(f32, f32)], steps: Steps, numbers: &mut Numbers) -> Answer {
    let shut = solid(face, 0.0);
    let mut frames = vec![seen(&shut, (0.0, 0.0, 0.0), 8.0, numbers)];
    for step in steps.to_vec() {
        for _ in 0..2 {
            let (yaw, gap) = match step {
                Step::Left => (numbers.between(0.5, 0.65), 0.0),
                Step::Right => (-numbers.between(0.5, 0.65), 0.0),
                Step::Mouth => (0.05 * numbers.sign(), numbers.between(0.3, 0.4)),
            };
            let turn = (yaw, 0.1 * numbers.sign(), 0.1 * numbers.sign());
            frames.push(seen(&solid(face, gap), turn, 8.0, numbers));
        }
    }
    answer(frames)
}

fn drawn(numbers: &mut Numbers) -> Steps {
    Steps::draw(numbers.next().to_be_bytes())
}

#[test]
fn yaw_mouth_and_parallax_match_the_reference() {
    let records = records();
    assert!(records.len() >= 60);
    for (name, record) in &records {
        let found = landmarks(record);
        let pose = pose::Pose::of(&found);
        assert!((pose.yaw - record.yaw).abs() < 1e-3, "{name}: {pose:?}");
        assert!((pose.mouth - record.mouth).abs() < 1e-3, "{name}: {pose:?}");
        assert!(pose::is_plausible(&found), "{name}");
        let (original, _) = name.split_once(' ').unwrap_or((name, ""));
        let Some(expected) = record.parallax else { continue };
        let parallax = pose::parallax(&landmarks(&records[original]), &found);
        assert!((parallax - expected).abs() < 1e-3, "{name}: {parallax}");
    }
}

#[test]
fn a_flat_or_bent_sheet_is_refused() {
    let (faces, mut numbers) = (faces(), Numbers(1));
    let mut passed = 0;
    for round in 0..2000 {
        let steps = drawn(&mut numbers);
        let answer = attack(&faces[round % faces.len()], steps, &mut numbers);
        passed += u32::from(answer.judge(steps, BOUNDS).is_ok());
    }
    println!("{passed} of 2000 sheets pass");
    assert!(passed <= 2, "{passed} of 2000");
}

#[test]
fn a_face_with_depth_that_obeys_passes() {
    let (faces, mut numbers) = (faces(), Numbers(2));
    let mut passed = 0;
    for round in 0..1000 {
        let steps = drawn(&mut numbers);
        let answer = person(&faces[round % faces.len()], steps, &mut numbers);
        passed += u32::from(answer.judge(steps, BOUNDS).is_ok());
    }
    println!("{passed} of 1000 persons pass");
    assert!(passed >= 940, "{passed} of 1000");
}

#[test]
fn another_order_than_the_one_asked_for_fails() {
    let (faces, mut numbers) = (faces(), Numbers(3));
    let (asked, done) = (Steps::numbered(0).unwrap(), Steps::numbered(2).unwrap());
    assert_eq!(
        (asked.to_string().as_str(), done.to_string().as_str()),
        ("left,right", "right,mouth")
    );
    let answer = person(&faces[0], done, &mut numbers);
    assert_eq!(answer.judge(done, BOUNDS), Ok(()));
    assert_eq!(answer.judge(asked, BOUNDS), Err(Failure::Step(1)));
}

#[test]
fn a_wrong_number_of_frames_or_a_repeated_frame_fails() {
    let (faces, mut numbers) = (faces(), Numbers(4));
    let steps = Steps::numbered(0).unwrap();
    let answer = person(&faces[0], steps, &mut numbers);
    let mut short = answer.clone();
    short.others.pop();
    assert_eq!(short.judge(steps, BOUNDS), Err(Failure::Count));
    let mut repeated = answer.clone();
    repeated.others[3] = repeated.others[0].clone();
    assert_eq!(repeated.judge(steps, BOUNDS), Err(Failure::Repeated));
    // A frame without a usable face is no fault if the other one of its step obeys.
    let mut blurred = answer;
    blurred.others[0] = None;
    assert_eq!(blurred.judge(steps, BOUNDS), Ok(()));
    blurred.others[1] = None;
    assert_eq!(blurred.judge(steps, BOUNDS), Err(Failure::Step(1)));
}

#[test]
fn one_frame_of_another_person_fails() {
    let (faces, mut numbers) = (faces(), Numbers(5));
    let steps = Steps::numbered(0).unwrap();
    let answer = person(&faces[0], steps, &mut numbers);
    for at in 0..4 {
        for distance in [Some(1.2), Some(f32::NAN), None] {
            let mut spliced = answer.clone();
            spliced.others[at].as_mut().unwrap().distance = distance;
            assert_eq!(spliced.judge(steps, BOUNDS), Err(Failure::Persons), "{at} {distance:?}");
        }
        let mut spliced = answer.clone();
        spliced.others[at].as_mut().unwrap().frame.embedding = embedding(60);
        assert_eq!(spliced.judge(steps, BOUNDS), Err(Failure::Persons), "{at}");
    }
}

#[test]
fn frames_from_the_front_must_be_live() {
    let (faces, mut numbers) = (faces(), Numbers(6));
    let steps = Steps::numbered(1).unwrap();
    assert_eq!(steps.to_string(), "left,mouth");
    let bounds = Bounds { live: Some(0.5), ..BOUNDS };
    let mut answer = person(&faces[0], steps, &mut numbers);
    assert_eq!(answer.judge(steps, bounds), Err(Failure::NotLive));
    answer.neutral.live = Some(0.9);
    // The turned frames are not what the network was trained on, so they need no score.
    assert_eq!(answer.judge(steps, bounds), Err(Failure::Step(2)));
    answer.others[2].as_mut().unwrap().frame.live = Some(0.9);
    assert_eq!(answer.judge(steps, bounds), Ok(()));
    answer.neutral.live = Some(0.2);
    assert_eq!(answer.judge(steps, bounds), Err(Failure::NotLive));
}

#[test]
fn landmarks_of_no_face_are_refused() {
    let record = &records()["obama.jpg"];
    let change = |index: usize, x: f32, y: f32| {
        let mut points = record.points.clone();
        points[index] = (points[index].0 + x, points[index].1 + y);
        Points::new(points.into_iter().map(|(x, y)| Point { x, y }).collect())
    };
    assert!(pose::is_plausible(&change(0, 0.0, 0.0)));
    for (index, x, y) in [
        (30, 0.0, 200.0),
        (30, 200.0, 0.0),
        (8, 0.0, -200.0),
        (0, 300.0, 0.0),
        (20, 1000.0, 0.0),
        (20, f32::NAN, 0.0),
        (54, -300.0, 0.0),
    ] {
        assert!(!pose::is_plausible(&change(index, x, y)), "{index} {x} {y}");
    }
    let nowhere = Points::new(vec![Point { x: 5.0, y: 5.0 }; 68]);
    assert!(!pose::is_plausible(&nowhere));
    assert!(pose::parallax(&nowhere, &nowhere).abs() < f32::EPSILON);
}
