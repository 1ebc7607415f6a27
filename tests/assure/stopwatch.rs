//! Sends several requests repeatedly, in random order, and measures the time of each answer.

use crate::{
    chance::Chance,
    peer::{Caller, Peer, host},
    process,
};
use anyhow::Context as _;
use std::{collections::BTreeSet, time::Duration};
use tokio::{runtime::Builder, time::Instant};

/// A request. All have the same length.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) payload: Vec<u8>,
    /// A delay before it is sent, included in the measured time.
    pub(crate) held_back: Duration,
}

/// Measurements of one question.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) micros: Vec<f64>,
    /// Every distinct answer, without its request identifier.
    pub(crate) answers: BTreeSet<String>,
}

/// Asks every question `warm_up` times without recording and `each` times with recording, over one
/// connection and from one core.
pub(crate) fn measure(
    caller: &Caller,
    questions: &[Question],
    core: Option<usize>,
    warm_up: u32,
    each: u32,
) -> anyhow::Result<Vec<Sample>> {
    if let Some(core) = core {
        process::pin_this_thread(core)?;
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut peer = caller.open(host(0)).await?;
        let mut samples: Vec<Sample> = questions.iter().map(Sample::of).collect();
        let mut order: Vec<usize> = (0..questions.len()).collect();
        let mut chance = Chance::of(0);
        for round in 0..warm_up + each {
            chance.shuffle(&mut order);
            for index in &order {
                let (micros, answer) = ask(&mut peer, &questions[*index]).await?;
                if round >= warm_up {
                    samples[*index].micros.push(micros);
                    samples[*index].answers.insert(answer);
                }
            }
        }
        Ok(samples)
    })
}

async fn ask(peer: &mut Peer, question: &Question) -> anyhow::Result<(f64, String)> {
    let begun = Instant::now();
    // A timer would be too coarse.
    while begun.elapsed() < question.held_back {}
    peer.say(&question.payload).await?;
    let answer = peer.hear().await?;
    let micros = begun.elapsed().as_secs_f64() * 1e6;
    Ok((micros, without_request_id(&String::from_utf8(answer)?)?))
}

/// The answer without the 26 characters of its request identifier.
fn without_request_id(answer: &str) -> anyhow::Result<String> {
    let (head, tail) =
        answer.split_once(r#""request_id":""#).context("the answer has no request_id")?;
    Ok(format!("{head}{}", tail.get(26..).context("the request_id has less than 26 characters")?))
}

impl Sample {
    fn of(question: &Question) -> Self {
        Self { name: question.name, micros: Vec::new(), answers: BTreeSet::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_asked_at_every_position() {
        let (mut order, mut chance) = ([0, 1, 2, 3], Chance::of(1));
        let mut seen = [[0_u32; 4]; 4];
        for _ in 0..4000 {
            chance.shuffle(&mut order);
            for (place, index) in order.into_iter().enumerate() {
                seen[place][index] += 1;
            }
        }
        assert!(seen.iter().flatten().all(|count| (850..1150).contains(count)), "{seen:?}");
    }

    #[test]
    fn only_the_request_id_is_ignored_when_answers_are_compared() {
        let answer = |id: &str, text: &str| {
            without_request_id(&format!(r#"{{"request_id":"{id}","message":"{text}"}}"#)).unwrap()
        };
        let (first, second) = ("01KAJ0000000000000000000AA", "01KAJ0000000000000000000BB");
        assert_eq!(answer(first, "no"), answer(second, "no"));
        assert_ne!(answer(first, "no"), answer(second, "No"));
    }
}
