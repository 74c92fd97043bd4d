//! How often somebody may guess: for each account and from each address, in bounded memory.
//!
//! Attempts are counted in two tables of counters at places that a keyed hash gives, and the smaller
//! count holds. So nobody can push the count of an account out by guessing at others, and two
//! accounts are mixed up only when both of their places collide.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::model::people::Email;
use crate::model::time::Millis;
use crate::secret::random;

/// Failed attempts at one account in a window.
const PER_ACCOUNT: u16 = 10;
/// Failed attempts from one address in a window.
const PER_ADDRESS: u16 = 50;
/// How long attempts count.
const WINDOW_MS: i64 = 15 * Millis::MINUTE;
/// Counters of a table.
const PLACES: u64 = 4096;
const TABLES: usize = 2;

/// Counts of attempts.
#[derive(Debug)]
pub(super) struct Throttle {
    seeds: [u64; TABLES],
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Which window the counts are of.
    window: i64,
    accounts: Vec<u16>,
    addresses: Vec<u16>,
}

/// What an attempt counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    account: [usize; TABLES],
    address: Option<[usize; TABLES]>,
}

impl Throttle {
    /// Makes empty tables with hashes of their own.
    pub(super) fn new() -> Result<Self, Error> {
        let seed = || random::<8>().map(u64::from_le_bytes);
        Ok(Self {
            seeds: [seed()?, seed()?],
            counts: Mutex::default(),
        })
    }

    /// Returns what an attempt counts against. Of an IPv6 address the network counts, since each
    /// customer has one.
    pub(super) fn attempt(&self, email: &Email, address: Option<IpAddr>) -> Attempt {
        Attempt {
            account: self.places(email.as_str().as_bytes()),
            address: address.map(|address| match address.to_canonical() {
                IpAddr::V4(address) => self.places(&address.octets()),
                IpAddr::V6(address) => {
                    let network = address.to_bits() >> 64;
                    self.places(&network.to_be_bytes())
                }
            }),
        }
    }

    /// Counts an attempt, before its password is looked at so that many at once count too. The
    /// answer is how long to wait when there were too many.
    pub(super) fn enter(&self, attempt: &Attempt, now: Millis) -> Result<(), std::time::Duration> {
        let mut counts = self.current(now);
        let many = count(&counts.accounts, &attempt.account) >= PER_ACCOUNT
            || attempt
                .address
                .is_some_and(|places| count(&counts.addresses, &places) >= PER_ADDRESS);
        if many {
            let left = WINDOW_MS - now.0.rem_euclid(WINDOW_MS);
            return Err(std::time::Duration::from_millis(
                u64::try_from(left).unwrap_or(0).max(1000),
            ));
        }
        change(&mut counts.accounts, &attempt.account, 1);
        if let Some(places) = &attempt.address {
            change(&mut counts.addresses, places, 1);
        }
        Ok(())
    }

    /// Takes an attempt back, because it was right.
    pub(super) fn succeeded(&self, attempt: &Attempt, now: Millis) {
        let mut counts = self.current(now);
        change(&mut counts.accounts, &attempt.account, -1);
        if let Some(places) = &attempt.address {
            change(&mut counts.addresses, places, -1);
        }
    }

    fn current(&self, now: Millis) -> std::sync::MutexGuard<'_, Counts> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let window = now.0.div_euclid(WINDOW_MS);
        if counts.window != window || counts.accounts.is_empty() {
            let size = usize::try_from(PLACES).unwrap_or(0) * TABLES;
            *counts = Counts {
                window,
                accounts: vec![0; size],
                addresses: vec![0; size],
            };
        }
        counts
    }

    fn places(&self, key: &[u8]) -> [usize; TABLES] {
        let mut places = [0; TABLES];
        for ((table, place), seed) in (0..).zip(&mut places).zip(self.seeds) {
            let hash = twox_hash::XxHash3_64::oneshot_with_seed(seed, key) % PLACES;
            *place = usize::try_from(table * PLACES + hash).unwrap_or(0);
        }
        places
    }
}

fn count(table: &[u16], places: &[usize; TABLES]) -> u16 {
    let counts = places.iter().filter_map(|place| table.get(*place));
    counts.min().copied().unwrap_or(0)
}

fn change(table: &mut [u16], places: &[usize; TABLES], by: i16) {
    for place in places {
        if let Some(count) = table.get_mut(*place) {
            *count = count.saturating_add_signed(by);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_790_000_000_000);

    fn email(text: &str) -> Email {
        Email::parse(text).unwrap()
    }

    #[test]
    fn an_account_is_closed_after_some_attempts_and_opens_again() {
        let throttle = Throttle::new().unwrap();
        let one = throttle.attempt(&email("a@example.com"), None);
        for _ in 0..PER_ACCOUNT {
            throttle.enter(&one, NOW).unwrap();
        }
        let wait = throttle.enter(&one, NOW).unwrap_err();
        let other = throttle.attempt(&email("b@example.com"), None);
        throttle.enter(&other, NOW).unwrap();
        let wait = i64::try_from(wait.as_millis()).unwrap();
        throttle.enter(&one, NOW.plus(wait)).unwrap();
    }

    #[test]
    fn an_address_may_not_try_many_accounts() {
        let throttle = Throttle::new().unwrap();
        let from = |index: u16, address: &str| {
            let email = email(&format!("user-{index}@example.com"));
            throttle.attempt(&email, Some(address.parse().unwrap()))
        };
        for index in 0..PER_ADDRESS {
            let host = format!("2001:db8::{index:x}");
            throttle.enter(&from(index, &host), NOW).unwrap();
        }
        throttle
            .enter(&from(999, "2001:db8::ffff"), NOW)
            .unwrap_err();
        throttle.enter(&from(999, "2001:db9::1"), NOW).unwrap();
    }

    #[test]
    fn attempts_that_were_right_do_not_count() {
        let throttle = Throttle::new().unwrap();
        let one = throttle.attempt(&email("a@example.com"), None);
        for _ in 0..5 * PER_ACCOUNT {
            throttle.enter(&one, NOW).unwrap();
            throttle.succeeded(&one, NOW);
        }
    }
}
