//! A look into a minidump: which system it is of, and how the process died. Stacks are not walked.

const EXCEPTION_STREAM: u32 = 6;
const SYSTEM_INFO_STREAM: u32 = 7;
/// Streams that are looked at.
const MAX_STREAMS: u32 = 256;

/// How a process died.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Crash {
    /// When the dump was written, in seconds since 1970.
    pub(super) written: Option<u32>,
    /// The operating system.
    pub(super) system: Option<&'static str>,
    /// The processor.
    pub(super) processor: Option<&'static str>,
    /// The signal or exception, and the address that it is about.
    pub(super) exception: Option<(u32, u64)>,
}

/// Reads a dump; `None` when it is none.
pub(super) fn read(dump: &[u8]) -> Option<Crash> {
    let magic = dump.get(..4)?;
    if magic == b"PMDM" {
        // Written by a machine of the other byte order; those have no numbers for us.
        return Some(Crash::default());
    }
    if magic != b"MDMP" {
        return None;
    }
    let mut crash = Crash {
        written: u32_at(dump, 20).filter(|seconds| *seconds > 0),
        ..Crash::default()
    };
    let count = u32_at(dump, 8).unwrap_or_default().min(MAX_STREAMS);
    let directory = usize_at(dump, 12).unwrap_or_default();
    for index in 0..count {
        let entry = usize::try_from(index).ok().and_then(|index| {
            let offset = index.checked_mul(12)?;
            directory.checked_add(offset)
        });
        let Some(entry) = entry else { break };
        let (Some(kind), Some(at)) = (
            u32_at(dump, entry),
            entry.checked_add(8).and_then(|at| usize_at(dump, at)),
        ) else {
            break;
        };
        match kind {
            EXCEPTION_STREAM => crash.exception = exception(dump, at),
            SYSTEM_INFO_STREAM => {
                crash.processor = u16_at(dump, at).and_then(processor);
                crash.system = at
                    .checked_add(16)
                    .and_then(|at| u32_at(dump, at))
                    .and_then(system);
            }
            _ => {}
        }
    }
    Some(crash)
}

impl Crash {
    /// Names the crash, such as `SIGSEGV at 0x10`.
    pub(super) fn name(&self) -> String {
        match self.exception {
            Some((code, address)) => match name_of(self.system, code) {
                Some(name) => format!("{name} at {address:#x}"),
                None => format!("exception {code:#x} at {address:#x}"),
            },
            None => "crash".to_owned(),
        }
    }
}

fn exception(dump: &[u8], at: usize) -> Option<(u32, u64)> {
    let code = u32_at(dump, at.checked_add(8)?)?;
    let low = u32_at(dump, at.checked_add(24)?)?;
    let high = u32_at(dump, at.checked_add(28)?)?;
    Some((code, u64::from(high) << 32 | u64::from(low)))
}

fn system(platform: u32) -> Option<&'static str> {
    Some(match platform {
        1 | 2 => "Windows",
        0x8101 => "macOS",
        0x8102 => "iOS",
        0x8201 => "Linux",
        0x8203 => "Android",
        _ => return None,
    })
}

fn processor(architecture: u16) -> Option<&'static str> {
    Some(match architecture {
        0 => "x86",
        5 => "arm",
        9 => "x86_64",
        12 | 0x8003 => "arm64",
        _ => return None,
    })
}

fn name_of(system: Option<&str>, code: u32) -> Option<&'static str> {
    Some(match (system?, code) {
        ("Windows", 0xc000_0005) => "EXCEPTION_ACCESS_VIOLATION",
        ("Windows", 0xc000_00fd) => "EXCEPTION_STACK_OVERFLOW",
        ("Windows", 0xc000_001d) => "EXCEPTION_ILLEGAL_INSTRUCTION",
        ("Windows", 0xc000_0094) => "EXCEPTION_INT_DIVIDE_BY_ZERO",
        ("Windows", 0x8000_0003) => "EXCEPTION_BREAKPOINT",
        ("Windows", 0xe06d_7363) => "C++ exception",
        ("Windows", 0xc000_0409) => "STATUS_STACK_BUFFER_OVERRUN",
        ("macOS" | "iOS", 1) => "EXC_BAD_ACCESS",
        ("macOS" | "iOS", 2) => "EXC_BAD_INSTRUCTION",
        ("macOS" | "iOS", 3) => "EXC_ARITHMETIC",
        ("macOS" | "iOS", 6) => "EXC_BREAKPOINT",
        ("macOS" | "iOS", 10) => "EXC_CRASH",
        ("Linux" | "Android", 4) => "SIGILL",
        ("Linux" | "Android", 5) => "SIGTRAP",
        ("Linux" | "Android", 6) => "SIGABRT",
        ("Linux" | "Android", 7) => "SIGBUS",
        ("Linux" | "Android", 8) => "SIGFPE",
        ("Linux" | "Android", 11) => "SIGSEGV",
        ("Linux" | "Android", 31) => "SIGSYS",
        ("Linux" | "Android", 0xffff_ffff) => "requested dump",
        _ => return None,
    })
}

fn bytes_at<const N: usize>(dump: &[u8], at: usize) -> Option<[u8; N]> {
    dump.get(at..)?.first_chunk().copied()
}

fn u16_at(dump: &[u8], at: usize) -> Option<u16> {
    bytes_at(dump, at).map(u16::from_le_bytes)
}

fn u32_at(dump: &[u8], at: usize) -> Option<u32> {
    bytes_at(dump, at).map(u32::from_le_bytes)
}

fn usize_at(dump: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32_at(dump, at)?).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A dump with nothing but the two streams that are read.
    pub(in super::super) fn dump(platform: u32, code: u32, address: u64) -> Vec<u8> {
        let mut dump = Vec::new();
        let mut word = |value: u32| dump.extend(value.to_le_bytes());
        for value in [0x504d_444d, 0xa793, 2, 32, 0, 1_767_323_045, 0, 0] {
            word(value);
        }
        for value in [EXCEPTION_STREAM, 168, 56, SYSTEM_INFO_STREAM, 56, 88] {
            word(value);
        }
        let [low, high] = [address & 0xffff_ffff, address >> 32];
        let [low, high] = [low, high].map(|half| u32::try_from(half).unwrap());
        for value in [1, 0, code, 0, 0, 0, low, high] {
            word(value);
        }
        for value in [9, 0, 0, 0, platform] {
            word(value);
        }
        dump
    }

    #[test]
    fn a_dump_tells_how_the_process_died() {
        let crash = read(&dump(0x8201, 11, 0xdead_beef_0010)).unwrap();
        assert_eq!(crash.name(), "SIGSEGV at 0xdeadbeef0010");
        assert_eq!(crash.system, Some("Linux"));
        assert_eq!(crash.processor, Some("x86_64"));
        assert_eq!(crash.written, Some(1_767_323_045));
        let crash = read(&dump(2, 0x1234, 0)).unwrap();
        assert_eq!(crash.name(), "exception 0x1234 at 0x0");
    }

    #[test]
    fn a_cut_or_lying_dump_is_still_a_dump() {
        let whole = dump(0x8201, 11, 1);
        for length in 4..whole.len() {
            assert!(read(&whole[..length]).is_some(), "{length}");
        }
        let mut lying = whole;
        lying[8..16].fill(0xff);
        assert_eq!(read(&lying).unwrap().name(), "crash");
        assert_eq!(read(b"MZ"), None);
        assert_eq!(read(b"GIF89a"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes: Vec<u8>) {
            let _ = super::super::msgpack::read_all(&bytes);
            let _ = read(&[b"MDMP", bytes.as_slice()].concat());
        }
    }
}
