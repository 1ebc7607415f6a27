//! Random bytes from the operating system, the only source of randomness in this crate. They make
//! ids of requests and affect no decision.

/// Random bytes for the id of a request. Without randomness all ids of a millisecond are the same,
/// and requests are still answered.
#[expect(clippy::disallowed_methods, reason = "the only place that reads random bytes")]
pub(crate) fn of_request_id() -> [u8; 10] {
    let mut bytes = [0; 10];
    if getrandom::fill(&mut bytes).is_err() {
        tracing::warn!("the operating system gives no random bytes; ids of requests may repeat");
    }
    bytes
}
