//! The languages whose names of functions, files and modules need care.

/// A language, or a family of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Language {
    JavaScript,
    Python,
    Java,
    Go,
    Ruby,
    Php,
    DotNet,
    Native,
    Other,
}

impl Language {
    /// Reads an event's platform.
    pub(in super::super) fn of(platform: Option<&str>) -> Self {
        let platform = platform.unwrap_or_default().trim();
        let first = platform.split('-').next().unwrap_or_default();
        match first {
            "javascript" | "node" | "bun" | "deno" => Self::JavaScript,
            "python" => Self::Python,
            "java" | "android" | "kotlin" | "scala" | "groovy" | "clojure" => Self::Java,
            "go" => Self::Go,
            "ruby" => Self::Ruby,
            "php" => Self::Php,
            "csharp" | "dotnet" | "fsharp" | "vb" => Self::DotNet,
            "native" | "c" | "cpp" | "rust" | "cocoa" | "objc" | "swift" => Self::Native,
            _ => Self::Other,
        }
    }

    /// Returns the family that rules may name.
    pub(in super::super) fn family(self) -> &'static str {
        match self {
            Self::JavaScript => "javascript",
            Self::Native => "native",
            Self::Python
            | Self::Java
            | Self::Go
            | Self::Ruby
            | Self::Php
            | Self::DotNet
            | Self::Other => "other",
        }
    }
}
