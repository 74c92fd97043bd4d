//! Reads the escapes of JSON strings, and finds the way back from what was read.

/// Appends the text that an escaped string stands for. Escapes that are none stay as they are.
pub(super) fn unescape(raw: &[u8], into: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
        let step = Step::of(rest);
        into.extend_from_slice(step.bytes());
        at += step.taken;
    }
}

/// The offset in `raw` that `decoded` falls on, going on from a known pair of offsets.
pub(super) fn raw_offset(raw: &[u8], known: (usize, usize), decoded: usize) -> (usize, usize) {
    let (mut at, mut reached) = known;
    while reached < decoded {
        let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) else {
            break;
        };
        let step = Step::of(rest);
        at += step.taken;
        reached += step.bytes().len();
    }
    (at, reached)
}

/// One plain byte or one escape.
struct Step {
    taken: usize,
    bytes: [u8; 4],
    len: usize,
}

impl Step {
    fn of(rest: &[u8]) -> Self {
        let plain = |byte, taken| Self {
            taken,
            bytes: [byte, 0, 0, 0],
            len: 1,
        };
        match rest {
            [b'\\', b'u', ..] => Self::unicode(rest).unwrap_or_else(|| plain(b'\\', 1)),
            [b'\\', b'n', ..] => plain(b'\n', 2),
            [b'\\', b't', ..] => plain(b'\t', 2),
            [b'\\', b'r', ..] => plain(b'\r', 2),
            [b'\\', b'b', ..] => plain(8, 2),
            [b'\\', b'f', ..] => plain(12, 2),
            [b'\\', byte @ (b'"' | b'\\' | b'/'), ..] => plain(*byte, 2),
            [byte, ..] => plain(*byte, 1),
            [] => plain(0, 1),
        }
    }

    fn unicode(rest: &[u8]) -> Option<Self> {
        let first = code_unit(rest)?;
        let second = || rest.get(6..).and_then(code_unit);
        let (taken, code) = match first {
            0xd800..=0xdbff => match second() {
                Some(low @ 0xdc00..=0xdfff) => {
                    (12, 0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00))
                }
                _ => (6, first),
            },
            _ => (6, first),
        };
        let mut bytes = [0; 4];
        // Half of a pair stands for no character; no rule looks for one either.
        let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        let len = character.encode_utf8(&mut bytes).len();
        Some(Self { taken, bytes, len })
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// The number of a `\uXXXX` at the front.
fn code_unit(rest: &[u8]) -> Option<u32> {
    let [b'\\', b'u', digits @ ..] = rest else {
        return None;
    };
    digits
        .first_chunk::<4>()?
        .iter()
        .try_fold(0, |code, digit| {
            Some(code << 4 | char::from(*digit).to_digit(16)?)
        })
}
