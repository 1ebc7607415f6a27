//! The last answers of the server, so that a page with a hundred files does not ask it a hundred times.
//!
//! An answer is used for less than a second. So a session that ends is refused within a second.

use super::identity::Identity;
use fourauth_protocol::{level::Level, secret::Secret};
use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long an answer is used, from before it was asked for.
const MAX_AGE: Duration = Duration::from_secs(1);

/// Most answers in memory, about 4 MiB. A full list is emptied.
const MOST: usize = 16_384;

/// What an answer depends on.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) token: Secret<String>,
    pub(super) peer: IpAddr,
    pub(super) level: Option<Level>,
}

/// The people that the server has named a moment ago. Refusals are not kept.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<HashMap<Question, (Arc<Identity>, Instant)>>);

impl Recent {
    /// The answer to the same question, if it was asked less than a second ago.
    pub(super) fn get(&self, question: &Question) -> Option<Arc<Identity>> {
        let answers = self.answers();
        let (identity, asked) = answers.get(question)?;
        (asked.elapsed() < MAX_AGE).then(|| Arc::clone(identity))
    }

    /// Keeps the answer to a question that was asked at `asked`.
    pub(super) fn put(&self, question: Question, identity: Arc<Identity>, asked: Instant) {
        let mut answers = self.answers();
        if answers.len() >= MOST {
            answers.clear();
        }
        answers.insert(question, (identity, asked));
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<Question, (Arc<Identity>, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for Question {
    /// The comparison takes a varying time. It is made only with a token that has the same keyed hash, so
    /// no sender can find a token by it.
    fn eq(&self, other: &Self) -> bool {
        (self.token.expose(), self.peer, self.level)
            == (other.token.expose(), other.peer, other.level)
    }
}

impl Eq for Question {}

impl Hash for Question {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.token.expose(), self.peer, self.level).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Arc<Identity> {
        Arc::new(Identity::unknown())
    }

    fn question(token: &str, peer: u8, level: Option<Level>) -> Question {
        Question { token: Secret::new(token.into()), peer: [192, 0, 2, peer].into(), level }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_used_for_less_than_a_second() {
        let (recent, asked) = (Recent::default(), question("t", 1, None));
        recent.put(asked.clone(), identity(), Instant::now());
        tokio::time::advance(Duration::from_millis(999)).await;
        assert!(recent.get(&asked).is_some());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(recent.get(&asked).is_none());
    }

    #[tokio::test]
    async fn an_answer_is_for_one_token_visitor_and_level() {
        let recent = Recent::default();
        recent.put(question("t", 1, None), identity(), Instant::now());
        assert!(recent.get(&question("t", 1, None)).is_some());
        for other in
            [question("u", 1, None), question("t", 2, None), question("t", 1, Some(Level::One))]
        {
            assert!(recent.get(&other).is_none(), "{other:?}");
        }
    }

    #[tokio::test]
    async fn the_number_of_answers_is_bounded() {
        let recent = Recent::default();
        for number in 0..=MOST {
            let question = question(&number.to_string(), 1, None);
            recent.put(question, identity(), Instant::now());
        }
        assert!(recent.answers().len() <= MOST);
    }
}
