//! Files that travel with an event.

/// A file that travels with an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub filename: String,
    /// Its bytes.
    pub data: Vec<u8>,
    /// Its media type.
    pub content_type: Option<String>,
    /// Its role; `event.attachment` unless it says otherwise.
    pub attachment_type: Option<String>,
}

impl Attachment {
    /// A file by its name and bytes.
    #[must_use]
    pub fn new(filename: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self {
            filename: filename.into(),
            data: data.into(),
            ..Self::default()
        }
    }
}
