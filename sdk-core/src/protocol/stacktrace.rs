//! Stacks and their frames.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::protocol::interface::interface;
use crate::protocol::lenient::{Any, Map, Object, lenient_scalar};

interface! {
    /// A stack, outermost caller first: the last frame is where it happened.
    pub struct Stacktrace {
        /// The frames.
        pub frames: Vec<Frame>,
        /// First and last index of frames that were left out.
        pub frames_omitted: Option<Value>,
        /// Registers of the processor.
        pub registers: Map<String, Addr>,
        /// Language of the frames: `c`, `rust`, …
        pub lang: Option<String>,
        /// True when it is a snapshot of a running thread.
        pub snapshot: Option<bool>,
    }
}

interface! {
    /// One call on a stack.
    pub struct Frame {
        /// Name of the function.
        pub function: Option<String>,
        /// Name as the compiler or engine wrote it.
        pub raw_function: Option<String>,
        /// The symbol it was found under.
        pub symbol: Option<String>,
        /// Module of the function.
        pub module: Option<String>,
        /// Library, crate or package.
        pub package: Option<String>,
        /// File, relative to the program.
        pub filename: Option<String>,
        /// File or URL in full.
        pub abs_path: Option<String>,
        /// Line, from 1.
        pub lineno: Option<u64>,
        /// Column, from 1.
        pub colno: Option<u64>,
        /// Source lines before.
        pub pre_context: Vec<String>,
        /// The source line itself.
        pub context_line: Option<String>,
        /// Source lines after.
        pub post_context: Vec<String>,
        /// True for the program's own code.
        pub in_app: Option<bool>,
        /// True where a new stack begins, as after an async call.
        pub stack_start: Option<bool>,
        /// Local variables.
        pub vars: Object,
        /// Language, where it differs from the event's.
        pub platform: Option<String>,
        /// Where the loaded image begins.
        pub image_addr: Option<Addr>,
        /// The instruction.
        pub instruction_addr: Option<Addr>,
        /// Where the function begins.
        pub symbol_addr: Option<Addr>,
        /// `abs`, or `rel:` and the number of an image.
        pub addr_mode: Option<String>,
        /// A lock that the frame holds or waits for.
        pub lock: Option<Value>,
    }
}

/// An address in memory: reads `0x…` text or a number, writes `0x…` text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Addr(pub u64);

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl Serialize for Addr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Every frame carries two; going through `fmt` for each would show in a stack's cost.
        let mut text = [b'0'; 18];
        let mut rest = self.0;
        let mut start = text.len();
        for slot in text.iter_mut().rev() {
            let nibble = u8::try_from(rest & 15).unwrap_or_default();
            *slot = if nibble < 10 { b'0' } else { b'a' - 10 } + nibble;
            start -= 1;
            rest >>= 4;
            if rest == 0 {
                break;
            }
        }
        start = start.saturating_sub(2);
        if let Some([_, x, ..]) = text.get_mut(start..) {
            *x = b'x';
        }
        let text = text.get(start..).and_then(|text| str::from_utf8(text).ok());
        serializer.serialize_str(text.unwrap_or_default())
    }
}

lenient_scalar!(Addr, |any| match any {
    Any::Unsigned(value) => Ok(Self(value)),
    Any::Text(text) => match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    }
    .map(Self)
    .map_err(|_| Any::Text(text)),
    other => Err(other),
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_it_displays() {
        for value in [0, 0xf, 0x10, 0x7f00_0abc_def9, u64::MAX] {
            let written = serde_json::to_string(&Addr(value)).unwrap();
            assert_eq!(written, format!("\"{}\"", Addr(value)));
        }
    }
}
