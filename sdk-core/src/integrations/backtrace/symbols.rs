//! Names, files and lines of addresses, remembered within bounds.

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::Arc;

use crate::integrations::frames::{crate_of, is_begin, is_own, module_of, short_path};

/// Addresses that are remembered.
const MAX_ENTRIES: usize = 8_192;
/// Bytes of text that are remembered.
const MAX_BYTES: usize = 2 << 20;
/// Stacks in a row that held nothing new, after which the debug information is let go.
const QUIET_STACKS: u32 = 128;

/// What is found at an address: the function, or one of those that were inlined into it.
#[derive(Debug)]
pub(super) struct Symbol {
    pub(super) function: Option<Box<str>>,
    pub(super) module: Option<Box<str>>,
    pub(super) package: Option<Box<str>>,
    pub(super) path: Option<Box<str>>,
    pub(super) short_path: Option<Box<str>>,
    pub(super) line: Option<u32>,
    pub(super) column: Option<u32>,
    /// True for the program's own code, as far as name and path tell.
    pub(super) is_own: bool,
    /// True where the runtime calls the program.
    pub(super) is_begin: bool,
}

/// Addresses that were looked up already.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    found: HashMap<usize, Arc<[Symbol]>>,
    bytes: usize,
    is_broken: bool,
    /// Stacks since the debug information was needed; `None` while it is not loaded.
    quiet: Option<u32>,
}

impl Symbols {
    /// What is found at a return address, innermost call first.
    pub(super) fn find(&mut self, address: usize) -> Arc<[Symbol]> {
        if let Some(symbols) = self.found.get(&address) {
            return Arc::clone(symbols);
        }
        if self.is_broken {
            return Arc::default();
        }
        if self.found.len() >= MAX_ENTRIES || self.bytes >= MAX_BYTES {
            self.found = HashMap::new();
            self.bytes = 0;
        }
        // A panic in there would come back with every address.
        self.is_broken = true;
        let symbols = look_up(address);
        self.is_broken = false;
        self.quiet = Some(0);
        self.bytes = symbols.iter().fold(self.bytes, |bytes, symbol| {
            bytes.saturating_add(symbol.bytes())
        });
        self.found.insert(address, Arc::clone(&symbols));
        symbols
    }

    /// True while the debug information is loaded.
    #[cfg(test)]
    pub(super) const fn has_debug_information(&self) -> bool {
        self.quiet.is_some()
    }

    /// Lets the debug information go, megabytes as a rule, when it was not needed for long.
    pub(super) fn end_stack(&mut self) {
        self.quiet = match self.quiet {
            Some(QUIET_STACKS..) => {
                backtrace::clear_symbol_cache();
                None
            }
            quiet => quiet.map(|stacks| stacks.saturating_add(1)),
        };
    }
}

impl Symbol {
    fn bytes(&self) -> usize {
        let texts = [
            &self.function,
            &self.module,
            &self.package,
            &self.path,
            &self.short_path,
        ];
        let texts = texts.into_iter().flatten();
        texts.fold(0, |bytes, text| bytes.saturating_add(text.len()))
    }
}

/// Asks the debug information; it looks up the call before a return address.
fn look_up(address: usize) -> Arc<[Symbol]> {
    let mut symbols = Vec::new();
    backtrace::resolve(address as *mut c_void, |symbol| {
        // The alternate form leaves out the hash.
        let function = symbol.name().map(|name| format!("{name:#}"));
        let function = function.as_deref();
        let path = symbol.filename().map(|path| path.to_string_lossy());
        let path = path.as_deref();
        symbols.push(Symbol {
            function: function.map(Into::into),
            module: function.and_then(module_of).map(Into::into),
            package: crate_of(function, path).map(|name| (*name).into()),
            path: path.map(Into::into),
            short_path: path.map(short_path).map(Into::into),
            is_own: is_own(function, path),
            is_begin: is_begin(function),
            line: symbol.lineno().filter(|line| *line > 0),
            column: symbol.colno().filter(|column| *column > 0),
        });
    });
    symbols.into()
}
