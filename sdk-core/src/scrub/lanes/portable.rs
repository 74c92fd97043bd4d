//! Plain loops, which the compiler turns into whatever the processor has.

#[derive(Clone, Copy)]
pub(in crate::scrub) struct Lanes([u8; 16]);

impl Lanes {
    #[inline(always)]
    pub(in crate::scrub) fn new(chunk: &[u8; 16]) -> Self {
        Self(*chunk)
    }

    /// Where the bytes equal this one.
    #[inline(always)]
    pub(in crate::scrub) fn equal(self, byte: u8) -> u32 {
        self.mask(|own| own == byte)
    }

    /// Where the bytes are one of so many from `low` on.
    #[inline(always)]
    pub(in crate::scrub) fn within(self, low: u8, count: u8) -> u32 {
        self.mask(|own| own.wrapping_sub(low) < count)
    }

    /// With the letters in lower case; other bytes may change too, none into a letter.
    #[inline(always)]
    pub(in crate::scrub) fn lowered(self) -> Self {
        Self(self.0.map(|own| own | 0x20))
    }

    #[inline(always)]
    fn mask(self, test: impl Fn(u8) -> bool) -> u32 {
        let mut mask = 0;
        for (at, own) in self.0.into_iter().enumerate() {
            mask |= u32::from(test(own)) << at;
        }
        mask
    }
}
