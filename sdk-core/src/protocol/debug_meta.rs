//! The files that addresses and minified columns point into.

use crate::protocol::interface::interface;
use crate::protocol::lenient::Object;
use crate::protocol::stacktrace::Addr;

interface! {
    /// Loaded images and source maps.
    pub struct DebugMeta {
        /// The images.
        pub images: Vec<DebugImage>,
        /// The system's own library versions.
        pub sdk_info: Object,
    }
}

interface! {
    /// A loaded image or a source map.
    pub struct DebugImage {
        /// `elf`, `macho`, `pe`, `pdb`, `wasm`, `sourcemap`, `proguard`, …
        pub ty: Option<String> = "type",
        /// Identifier that the debug file shares.
        pub debug_id: Option<String>,
        /// Identifier of the code, such as the GNU build id.
        pub code_id: Option<String>,
        /// Path or URL of the code.
        pub code_file: Option<String>,
        /// Path of the debug file.
        pub debug_file: Option<String>,
        /// Where it is loaded.
        pub image_addr: Option<Addr>,
        /// Bytes in memory.
        pub image_size: Option<u64>,
        /// Where it wanted to be loaded.
        pub image_vmaddr: Option<Addr>,
        /// Processor architecture.
        pub arch: Option<String>,
        /// Checksum of the debug file, in older clients' words.
        pub debug_checksum: Option<String>,
        /// Identifier of a mapping file.
        pub uuid: Option<String>,
    }
}
