//! Random bytes from the operating system, the only source of randomness in this crate.

use fourauth_protocol::secret::Secret;
use std::cell::RefCell;

/// Bytes that a thread draws at once for [`public_bytes`]: enough for about fifty ids.
const STOCK: usize = 512;

/// Bytes that one thread has drawn, and the number of those that it has given out.
struct Stock {
    bytes: [u8; STOCK],
    used: usize,
}

thread_local! {
    static STOCKS: RefCell<Stock> = const { RefCell::new(Stock { bytes: [0; STOCK], used: STOCK }) };
}

/// Draws `N` random bytes.
///
/// # Panics
///
/// If the operating system cannot provide random bytes. A server that continued without them would
/// issue predictable tokens.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the only place that reads random bytes")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system provides random bytes");
    bytes
}

/// Takes `N` random bytes for a value that is not a secret, such as the id of a request, from a
/// stock of this thread. They are as unpredictable as those of [`bytes`], because they come from the
/// same source. Each byte is given out once and then erased, but bytes that will be given out lie in
/// memory, so secrets are drawn with [`secret_bytes`].
///
/// # Panics
///
/// As [`bytes`].
#[must_use]
pub fn public_bytes<const N: usize>() -> [u8; N] {
    const { assert!(N <= STOCK, "a stock has room for this many bytes") };
    STOCKS.with_borrow_mut(|stock| {
        if STOCK - stock.used < N {
            *stock = Stock { bytes: bytes(), used: 0 };
        }
        let taken = &mut stock.bytes[stock.used..stock.used + N];
        let given = std::array::from_fn(|index| taken[index]);
        taken.fill(0);
        stock.used += N;
        given
    })
}

/// Draws random bytes that are a secret. They are written to the heap at once: what lies on the stack
/// is not wiped.
///
/// # Panics
///
/// As [`bytes`].
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the only place that reads random bytes")]
pub fn secret_bytes(length: usize) -> Secret<Vec<u8>> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).expect("the operating system provides random bytes");
    Secret::new(bytes)
}

/// Draws a random number that is not negative, such as the id of a new account.
#[must_use]
pub fn positive_i64() -> i64 {
    i64::from_be_bytes(bytes()) & i64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_public_bytes_are_given_out_twice() {
        // Sizes that do not divide a stock, on several threads.
        let draw = || {
            let ids = (0..500).map(|_| public_bytes::<10>().to_vec());
            ids.chain((0..500).map(|_| public_bytes::<13>().to_vec())).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(draw)).collect();
        let given: Vec<_> = threads.into_iter().flat_map(|one| one.join().unwrap()).collect();
        let distinct: HashSet<_> = given.iter().map(|bytes| &bytes[..10]).collect();
        assert_eq!((given.len(), distinct.len()), (4000, 4000));
        assert!(given.iter().all(|bytes| bytes.iter().any(|byte| *byte != 0)));
    }

    #[test]
    fn given_bytes_are_erased() {
        let given: [u8; 16] = public_bytes();
        STOCKS.with_borrow(|stock| {
            assert!(!stock.bytes.windows(16).any(|window| window == given));
            assert!(stock.bytes[..stock.used].iter().all(|byte| *byte == 0));
        });
    }
}
