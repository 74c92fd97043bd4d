//! How many different people: exactly up to a bound, then estimated from the longest runs of zeros
//! in their numbers, as HyperLogLog does.

#![warn(clippy::arithmetic_side_effects)]

/// People that are counted exactly.
pub const EXACT: usize = 500;
/// Bits of a number that choose its register.
const BITS: u32 = 11;
/// Registers of an estimate: 2.3 per cent of standard error.
const REGISTERS: usize = 1 << BITS;

/// A set of people by numbers of 32 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum People {
    /// Few: their numbers, in order.
    Few(Vec<u32>),
    /// Many: the registers.
    Many(Vec<u8>),
}

impl Default for People {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

/// Returns the number of a person from the hash that events have.
#[must_use]
pub fn number(user: i64) -> u32 {
    // Every bit of it decides about every bit of the number.
    let mut mixed = user.cast_unsigned();
    mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0x9E37_79B1_85EB_CA87);
    (mixed >> 32) as u32
}

impl People {
    /// Reads what [`to_bytes`](Self::to_bytes) wrote; of anything else, nobody.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        if bytes.len() == REGISTERS.saturating_add(1) {
            return Self::Many(bytes.get(1..).unwrap_or_default().to_vec());
        }
        let numbers = bytes.get(1..).unwrap_or_default().as_chunks::<4>().0;
        Self::Few(
            numbers
                .iter()
                .map(|bytes| u32::from_le_bytes(*bytes))
                .collect(),
        )
    }

    /// Makes a set of numbers in any order.
    #[must_use]
    pub fn of(mut numbers: Vec<u32>) -> Self {
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.len() <= EXACT {
            return Self::Few(numbers);
        }
        let mut registers = vec![0; REGISTERS];
        for number in numbers {
            note(&mut registers, number);
        }
        Self::Many(registers)
    }

    /// Returns the set as databases keep it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Few(numbers) => {
                let mut bytes = vec![0];
                bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
                bytes
            }
            Self::Many(registers) => {
                let mut bytes = vec![1];
                bytes.extend_from_slice(registers);
                bytes
            }
        }
    }

    /// Returns the numbers, where they are kept.
    #[must_use]
    pub fn numbers(&self) -> Option<&[u32]> {
        match self {
            Self::Few(numbers) => Some(numbers),
            Self::Many(_) => None,
        }
    }

    /// Adds somebody; false when nothing is different then.
    pub fn insert(&mut self, number: u32) -> bool {
        match self {
            Self::Few(numbers) => {
                let Err(place) = numbers.binary_search(&number) else {
                    return false;
                };
                numbers.insert(place, number);
                if numbers.len() > EXACT {
                    let mut registers = vec![0; REGISTERS];
                    for number in numbers.iter() {
                        note(&mut registers, *number);
                    }
                    *self = Self::Many(registers);
                }
                true
            }
            Self::Many(registers) => note(registers, number),
        }
    }

    /// Takes somebody out; false when nothing is different then. Who is in an estimate cannot be
    /// told, and stays in it.
    pub fn remove(&mut self, number: u32) -> bool {
        let Self::Few(numbers) = self else {
            return false;
        };
        let place = numbers.binary_search(&number);
        place.map(|place| numbers.remove(place)).is_ok()
    }

    /// Returns how many bytes it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Few(numbers) => numbers.len().saturating_mul(size_of::<u32>()),
            Self::Many(registers) => registers.len(),
        }
    }

    /// Reports whether nobody is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Few(numbers) if numbers.is_empty())
    }

    /// Adds everybody of another set.
    pub fn add(&mut self, other: &Self) {
        match other {
            Self::Few(numbers) => {
                for number in numbers {
                    self.insert(*number);
                }
            }
            Self::Many(theirs) => {
                let mut registers = match self {
                    Self::Many(registers) => std::mem::take(registers),
                    Self::Few(numbers) => {
                        let mut registers = vec![0; REGISTERS];
                        for number in numbers.iter() {
                            note(&mut registers, *number);
                        }
                        registers
                    }
                };
                for (own, their) in registers.iter_mut().zip(theirs) {
                    *own = (*own).max(*their);
                }
                *self = Self::Many(registers);
            }
        }
    }

    /// Reports whether the count is exact.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        matches!(self, Self::Few(_))
    }

    /// Returns how many there are.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an estimate is rounded"
    )]
    pub fn count(&self) -> u64 {
        let registers = match self {
            Self::Few(numbers) => return numbers.len() as u64,
            Self::Many(registers) => registers,
        };
        let size = REGISTERS as f64;
        let sum: f64 = registers
            .iter()
            .map(|rank| (-f64::from(*rank)).exp2())
            .sum();
        let estimate = 0.7213 / (1.0 + 1.079 / size) * size * size / sum;
        let empty = registers.iter().filter(|rank| **rank == 0).count();
        let count = if estimate <= 2.5 * size && empty > 0 {
            size * (size / empty as f64).ln()
        } else {
            estimate
        };
        count.round() as u64
    }
}

/// Notes a number; false when nothing is different then.
fn note(registers: &mut [u8], number: u32) -> bool {
    let place = usize::try_from(number >> 32_u32.saturating_sub(BITS)).unwrap_or(0);
    let rest = number.wrapping_shl(BITS) | 1_u32.wrapping_shl(BITS.saturating_sub(1));
    let rank = u8::try_from(rest.leading_zeros().saturating_add(1)).unwrap_or(u8::MAX);
    match registers.get_mut(place) {
        Some(register) if *register < rank => {
            *register = rank;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: std::ops::Range<i64>) -> People {
        let mut people = People::default();
        for user in range {
            people.insert(number(user));
        }
        people
    }

    #[test]
    fn few_are_counted_exactly_and_many_within_a_tenth() {
        let few = of(0..500);
        assert_eq!((few.count(), few.is_exact()), (500, true));
        for many in [600, 2_000, 10_000, 200_000_i64] {
            let people = of(0..many);
            assert!(!people.is_exact());
            let count = people.count();
            let off = count.abs_diff(many.unsigned_abs());
            assert!(off * 10 < many.unsigned_abs(), "{many}: {count}");
        }
    }

    #[test]
    fn sets_are_put_together_and_come_back_as_they_went() {
        for (one, two) in [(0..100, 50..200), (0..2000, 100..200), (0..50, 0..3000)] {
            let one_by_one = one.start.min(two.start)..one.end.max(two.end);
            let all = of(one_by_one.clone());
            let mut sum = of(one);
            sum.add(&of(two));
            assert_eq!(sum, all);
            assert_eq!(People::from_bytes(&sum.to_bytes()), sum);
            let numbers = (one_by_one.clone()).map(number).rev().collect();
            assert_eq!(People::of(numbers), of(one_by_one));
        }
        assert_eq!(People::from_bytes(b""), People::default());
    }
}
