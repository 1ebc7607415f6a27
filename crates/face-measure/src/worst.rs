//! The pairs of pictures that a person should look at first: of one person furthest apart, of
//! strangers nearest. A wrong label shows here before anywhere else.

use crate::{
    compare::distance,
    people::{NamedFace, Person},
};
use rayon::prelude::*;
use serde::Serialize;

/// Pairs in each list.
const LISTED: usize = 10;

/// Two pictures and their distance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// The distance of their embeddings.
    pub distance: f32,
    /// The names of the pictures.
    pub pictures: [String; 2],
}

/// The pair of each person that is furthest apart, the furthest first.
pub(crate) fn furthest(people: &[Person]) -> Vec<Pair> {
    let pairs = people.par_iter().filter_map(|person| {
        let faces = &person.faces;
        let pairs = faces
            .iter()
            .enumerate()
            .flat_map(|(place, one)| faces[place + 1..].iter().map(move |other| (one, other)));
        pairs.map(pair).max_by(|a, b| a.0.total_cmp(&b.0))
    });
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    named(&pairs)
}

/// The nearest pair of each two people, the nearest first.
pub(crate) fn nearest(people: &[Person]) -> Vec<Pair> {
    let rows = (0..people.len()).into_par_iter().map(|one| {
        let row = people[one + 1..].iter().filter_map(|other| {
            let faces = &people[one].faces;
            let pairs =
                faces.iter().flat_map(|face| other.faces.iter().map(move |other| (face, other)));
            pairs.map(pair).min_by(|a, b| a.0.total_cmp(&b.0))
        });
        shortest(row.collect())
    });
    named(&rows.reduce(Vec::new, |row, more| shortest([row, more].concat())))
}

type Near<'a> = (f32, &'a NamedFace, &'a NamedFace);

fn pair<'a>((one, other): (&'a NamedFace, &'a NamedFace)) -> Near<'a> {
    (distance(&one.embedding, &other.embedding), one, other)
}

/// The nearest pairs in the order of their distance, then of their names.
fn shortest(mut pairs: Vec<Near<'_>>) -> Vec<Near<'_>> {
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| names(a).cmp(&names(b))));
    pairs.truncate(LISTED);
    pairs
}

fn names<'a>(pair: &Near<'a>) -> [&'a str; 2] {
    [&pair.1.name, &pair.2.name]
}

fn named(pairs: &[Near<'_>]) -> Vec<Pair> {
    let listed = pairs.iter().take(LISTED);
    listed.map(|pair| Pair { distance: pair.0, pictures: names(pair).map(str::to_owned) }).collect()
}
