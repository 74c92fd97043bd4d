//! Tokens that tell their kind by how they begin.

use crate::scrub::find::{Found, Rule};
use crate::scrub::pattern::{Form, Pattern, Token};

/// Which patterns begin with which byte.
#[derive(Clone, Debug)]
pub(in crate::scrub) struct TokenIndex {
    /// By byte: a bit for each pattern; the last bit stands for all from that number on.
    firsts: Box<[u64; 256]>,
}

/// The number of the bit that stands for all further patterns.
const LAST_BIT: usize = 63;

impl Default for TokenIndex {
    fn default() -> Self {
        Self {
            firsts: Box::new([0; 256]),
        }
    }
}

impl TokenIndex {
    pub(in crate::scrub) fn new(patterns: &[Pattern]) -> Self {
        let mut index = Self::default();
        for (at, pattern) in patterns.iter().enumerate() {
            let Form::Token(token) = &pattern.form else {
                continue;
            };
            let bit = 1_u64 << at.min(LAST_BIT);
            for (byte, slot) in (0..=u8::MAX).zip(index.firsts.iter_mut()) {
                let begins = match token.prefix.first() {
                    Some(first) => *first == byte,
                    None => token.charset.contains(byte),
                };
                if begins {
                    *slot |= bit;
                }
            }
        }
        index
    }

    /// Finds the tokens of a text.
    pub(in crate::scrub) fn find(&self, text: &[u8], patterns: &[Pattern], found: &mut Vec<Found>) {
        let mut in_word = false;
        let mut skip_to = 0;
        for (at, byte) in text.iter().enumerate() {
            let continues = in_word;
            in_word = byte.is_ascii_alphanumeric();
            if continues && in_word || at < skip_to {
                continue;
            }
            let begins = self
                .firsts
                .get(usize::from(*byte))
                .copied()
                .unwrap_or_default();
            if begins == 0 {
                continue;
            }
            if let Some(hit) = first_match(begins, text, at, patterns) {
                skip_to = hit.end;
                found.push(hit);
            }
        }
    }
}

fn first_match(mut begins: u64, text: &[u8], at: usize, patterns: &[Pattern]) -> Option<Found> {
    while begins != 0 {
        let bit = begins.trailing_zeros() as usize;
        begins &= begins - 1;
        let numbers = bit..if bit == LAST_BIT {
            patterns.len()
        } else {
            bit + 1
        };
        for number in numbers {
            if let Some(end) = token(patterns, number).and_then(|token| token.match_at(text, at)) {
                return Some(Found {
                    start: at,
                    end,
                    rule: Rule::Pattern(number),
                });
            }
        }
    }
    None
}

fn token(patterns: &[Pattern], number: usize) -> Option<&Token> {
    match &patterns.get(number)?.form {
        Form::Token(token) => Some(token),
        Form::PaymentCard
        | Form::PrivateKeyBlock
        | Form::WebToken
        | Form::AuthorizationScheme
        | Form::UrlPassword => None,
    }
}
