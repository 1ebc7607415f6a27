//! Compares every set of enrolled pictures with every set of shown ones, by the rules of a login.

use crate::{
    count,
    genuine::Genuine,
    levels::Levels,
    people::{NamedFace, Person},
    rules::Rules,
    sets::{Set, places, sets},
    strangers::{PairSums, Sizes, StrangerCounts, Strangers},
};
use fourauth_face::{Embedding, Limits};
use rayon::prelude::*;
use serde::Serialize;

/// How many pictures are enrolled and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pictures {
    /// Pictures of the template.
    pub enrolled: u8,
    /// Pictures of the login.
    pub shown: u8,
}

/// The measured numbers. A pack needs a threshold for five and five, so that is measured as well.
pub(crate) const NUMBERS: [Pictures; 7] = [
    Pictures { enrolled: 1, shown: 1 },
    Pictures { enrolled: 3, shown: 1 },
    Pictures { enrolled: 5, shown: 1 },
    Pictures { enrolled: 1, shown: 3 },
    Pictures { enrolled: 3, shown: 3 },
    Pictures { enrolled: 5, shown: 3 },
    Pictures { enrolled: 5, shown: 5 },
];

/// The outcome of all comparisons with these numbers of pictures.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) pictures: Pictures,
    pub(crate) limits: Limits,
    pub(crate) levels: Levels,
    pub(crate) genuine: Genuine,
    pub(crate) strangers: StrangerCounts,
}

/// The sets of one person.
struct Sets<'a> {
    faces: &'a [NamedFace],
    templates: Vec<Option<Set>>,
    probes: Vec<Option<Set>>,
}

/// The score of a comparison: the least threshold that accepts it, if all limits grow in proportion.
struct Scale<'a> {
    rules: &'a Rules,
    nominal: Limits,
}

/// Compares all people. `step` is called after each person.
pub(crate) fn compared(
    people: &[Person],
    rules: &Rules,
    pictures: Pictures,
    step: &(dyn Fn() + Sync),
) -> Compared {
    let (enrolled, shown) = (usize::from(pictures.enrolled), usize::from(pictures.shown));
    let limits = rules.limits(enrolled, shown);
    let levels = Levels::with(limits.mean);
    let scale = Scale { rules, nominal: limits };
    let of_people: Vec<Sets<'_>> = people
        .par_iter()
        .map(|person| Sets {
            faces: &person.faces,
            templates: sets(&person.faces, enrolled, rules),
            probes: sets(&person.faces, shown, rules),
        })
        .collect();
    let genuine = genuine(&of_people, &scale, &levels, pictures);
    let strangers = strangers(&of_people, &scale, &levels, step);
    Compared { pictures, limits, levels, genuine, strangers }
}

fn genuine(people: &[Sets<'_>], scale: &Scale<'_>, levels: &Levels, pictures: Pictures) -> Genuine {
    let empty = || Genuine::new(levels.len());
    let each = people.par_iter().fold(empty, |mut sum, person| {
        let mut first = vec![0; levels.len() + 1];
        let mut all = 0;
        for (template, probe) in person.own(pictures) {
            all += 1;
            let score =
                probe.map_or(f32::INFINITY, |probe| scale.score(template, probe, person.faces));
            first[usize::from(levels.place(score))] += 1;
        }
        sum.add(&first, all);
        sum
    });
    each.reduce(empty, |sum, more| sum.and(&more))
}

fn strangers(
    people: &[Sets<'_>],
    scale: &Scale<'_>,
    levels: &Levels,
    step: &(dyn Fn() + Sync),
) -> StrangerCounts {
    let sizes = people.iter().map(Sets::sizes).collect();
    let strangers = Strangers::new(sizes, levels.len());
    let empty = || PairSums::new(levels.len());
    let rows = (0..people.len()).into_par_iter().fold(empty, |mut sums, one| {
        let mut scores = Vec::new();
        for other in one + 1..people.len() {
            scores.clear();
            let (left, right) = (&people[one], &people[other]);
            scores.extend(left.against(right, scale).map(|score| levels.place(score)));
            scores.extend(right.against(left, scale).map(|score| levels.place(score)));
            strangers.add(&mut sums, [one, other], &mut scores);
        }
        step();
        sums
    });
    let sums = rows.reduce(empty, |sums, more| sums.and(&more));
    strangers.finished(sums)
}

impl Sets<'_> {
    /// The pairs of templates and probes of this person without a common picture. A probe of `None`
    /// is refused, because its pictures disagree; a template of pictures that disagree is no template.
    fn own(&self, pictures: Pictures) -> impl Iterator<Item = (&Set, Option<&Set>)> {
        let (enrolled, shown) = (usize::from(pictures.enrolled), usize::from(pictures.shown));
        let ring = self.faces.len();
        // The probes that begin and end between the end of the template and its start.
        let free = (ring + 1).saturating_sub(enrolled + shown);
        let starts = move |start: usize| places(start + enrolled, free, ring);
        let templates = self.templates.iter().enumerate();
        templates.filter_map(|(start, template)| Some((start, template.as_ref()?))).flat_map(
            move |(start, template)| {
                starts(start).map(move |probe| (template, self.probes[probe].as_ref()))
            },
        )
    }

    /// The scores of another person's probes against the templates of this one.
    fn against<'a>(
        &'a self,
        other: &'a Sets<'_>,
        scale: &'a Scale<'_>,
    ) -> impl Iterator<Item = f32> + 'a {
        self.templates.iter().flatten().flat_map(move |template| {
            other.probes.iter().map(move |probe| {
                let score = |probe| scale.score(template, probe, other.faces);
                probe.as_ref().map_or(f32::INFINITY, score)
            })
        })
    }

    fn sizes(&self) -> Sizes {
        Sizes {
            templates: count(self.templates.iter().flatten().count()),
            probes: count(self.probes.len()),
        }
    }
}

impl Scale<'_> {
    /// The larger one of the distances of the mean and of each picture, each in proportion to its
    /// limit. A comparison of other numbers of distinct pictures than those asked for is held to their
    /// limits, as at a login.
    fn score(&self, template: &Set, probe: &Set, faces: &[NamedFace]) -> f32 {
        let limits = self.rules.limits(template.count(), probe.count());
        let mean = distance(&template.mean, &probe.mean);
        let singles = probe.distinct.iter().map(|&place| match probe.distinct.len() {
            1 => mean,
            _ => distance(&template.mean, &faces[place].embedding),
        });
        let furthest = singles.fold(0.0, f32::max);
        self.scaled(mean, limits.mean).max(self.scaled(furthest, limits.single))
    }

    #[expect(clippy::float_cmp, reason = "an equal limit must not change a distance by rounding")]
    fn scaled(&self, distance: f32, limit: f32) -> f32 {
        let nominal = self.nominal.mean;
        if limit == nominal { distance } else { distance * (nominal / limit) }
    }
}

/// The Euclidean distance, summed in eight parts, which a processor adds at once. It is that of
/// [`Embedding::distance`] except for rounding.
pub(crate) fn distance(one: &Embedding, other: &Embedding) -> f32 {
    let (ones, one_rest) = one.values().as_chunks::<8>();
    let (others, other_rest) = other.values().as_chunks::<8>();
    let mut sums = [0.0_f32; 8];
    for (a, b) in ones.iter().zip(others) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += (a - b) * (a - b);
        }
    }
    let rest = one_rest.iter().zip(other_rest).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    (sums.iter().sum::<f32>() + rest).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rate::Rate, testing};

    /// People with pictures at the given distances from a common direction.
    fn people(distances: &[&[f32]]) -> Vec<Person> {
        let person = |(number, distances): (usize, &&[f32])| {
            let faces = distances.iter().enumerate().map(|(place, distance)| NamedFace {
                name: format!("{number}/{place}"),
                embedding: testing::embedding(1 + number * 16 + place, *distance),
            });
            Person { pictures: Vec::new(), faces: faces.collect() }
        };
        distances.iter().enumerate().map(person).collect()
    }

    fn counts(people: &[Person], enrolled: u8, shown: u8) -> [u64; 4] {
        let compared = compared(people, &testing::rules(), Pictures { enrolled, shown }, &|| {});
        let level = usize::from(compared.levels.place(compared.limits.mean));
        let [owners, strangers] =
            [compared.genuine.evidence(level), compared.strangers.evidence(level)]
                .map(|e| Rate::from(&e));
        [owners.errors, owners.comparisons, strangers.errors, strangers.comparisons]
    }

    #[test]
    fn every_pair_of_pictures_is_compared_in_both_directions() {
        // Two pictures at 0.2 and 0.25 in perpendicular directions are about 0.32 apart.
        let people = people(&[&[0.2, 0.25], &[0.2, 0.25, 0.4], &[0.2]]);
        let [_, owners, _, strangers] = counts(&people, 1, 1);
        assert_eq!(owners, 2 + 6);
        assert_eq!(strangers, 2 * (2 * 3 + 2 + 3));
    }

    #[test]
    fn a_template_and_a_probe_have_no_common_picture() {
        for (faces, enrolled, shown) in [(6, 1, 1), (6, 3, 1), (6, 5, 1), (6, 3, 3), (9, 5, 3)] {
            let distances = vec![0.15; faces];
            let person = &people(&[&distances])[0];
            let rules = testing::rules();
            let pictures = Pictures { enrolled, shown };
            let sets = Sets {
                faces: &person.faces,
                templates: sets(&person.faces, usize::from(enrolled), &rules),
                probes: sets(&person.faces, usize::from(shown), &rules),
            };
            let mut pairs = 0;
            for (template, probe) in sets.own(pictures) {
                let probe = probe.unwrap();
                assert_eq!((template.count(), probe.count()), (enrolled.into(), shown.into()));
                assert!(template.distinct.iter().all(|place| !probe.distinct.contains(place)));
                pairs += 1;
            }
            assert_eq!(pairs, faces * (faces + 1 - usize::from(enrolled) - usize::from(shown)));
        }
    }

    #[test]
    fn the_rules_of_a_login_decide() {
        // The threshold for one and one is 0.30; pictures agree below the bound of the pack.
        let near = people(&[&[0.2, 0.2], &[0.2, 0.2]]);
        assert_eq!(counts(&near, 1, 1), [0, 4, 8, 8]);
        let far = people(&[&[0.25, 0.25], &[0.25, 0.25]]);
        assert_eq!(counts(&far, 1, 1), [4, 4, 0, 8]);
        // A picture that was sent twice is one picture and is held to the threshold for one.
        let repeated = people(&[&[0.2, 0.2, 0.2], &[0.01, 0.01, 0.01]]);
        let [.., strangers, all] = counts(&repeated, 1, 3);
        assert_eq!((strangers, all), (6, 6));
    }

    #[test]
    fn people_with_one_picture_are_strangers_only() {
        let people = people(&[&[0.2], &[0.2], &[0.25]]);
        assert_eq!(counts(&people, 1, 1)[1], 0);
        assert_eq!(counts(&people, 1, 1)[3], 6);
        assert_eq!(counts(&people, 3, 1), [0; 4]);
    }

    #[test]
    fn the_distance_is_that_of_the_engine() {
        let [one, other] = [testing::embedding(3, 0.31), testing::embedding(9, 0.77)];
        assert!((distance(&one, &other) - one.distance(&other)).abs() < 1e-6);
    }
}
