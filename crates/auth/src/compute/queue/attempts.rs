//! Tests with attempts of more than one job.

use super::{
    tests::{CAPACITY, MS, ROOMY, SECOND, START, attempt, offer, ordinary, queue_of, run},
    *,
};

#[test]
fn an_attempt_that_has_begun_is_finished_first() {
    let login = attempt(ordinary(1));
    let mut queue = queue_of(ROOMY, &[login, ordinary(1), login]);
    assert_eq!(run(&mut queue, SECOND), Some(login));
    offer(&mut queue, ordinary(2)).unwrap();
    let next = [(); 3].map(|()| run(&mut queue, SECOND).unwrap());
    assert_eq!(next, [login, ordinary(2), ordinary(1)]);
}

#[test]
fn a_job_may_join_an_attempt_that_has_begun() {
    let login = attempt(ordinary(1));
    let mut queue = queue_of(ROOMY, &[login, ordinary(1)]);
    assert_eq!(queue.begin(START), Some((login, login)));
    offer(&mut queue, ordinary(2)).unwrap();
    offer(&mut queue, login).unwrap();
    assert_eq!(queue.begin(START), Some((login, login)));
}

#[test]
fn the_second_job_of_a_login_has_the_rank_of_the_first() {
    let mut queue = Queue::new(CAPACITY);
    for number in 0..10 {
        offer(&mut queue, ordinary(number)).unwrap();
        run(&mut queue, MS);
    }
    for number in 0..10 {
        assert_eq!(offer(&mut queue, ordinary(number)), Ok(None));
    }
    for _ in 0..2 {
        assert!(matches!(offer(&mut queue, attempt(ordinary(20))), Ok(Some(_))));
    }
}

#[test]
fn an_attempt_that_has_begun_loses_no_job() {
    let login = attempt(ordinary(1));
    let mut queue = queue_of(CAPACITY, &[ordinary(1)]);
    run(&mut queue, SECOND);
    offer(&mut queue, login).unwrap();
    offer(&mut queue, login).unwrap();
    assert_eq!(queue.begin(START), Some((login, login)));
    for number in 2..10 {
        assert_eq!(offer(&mut queue, ordinary(number)), Ok(None));
    }
    assert_eq!(offer(&mut queue, ordinary(20)), Err(ordinary(20)), "all have used nothing");
    assert_eq!(queue.begin(START), Some((login, login)));
}
