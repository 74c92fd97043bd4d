//! What the sink answers.

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) is_chunked: bool,
    pub(super) way: Way,
}

/// How it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// At once, and the connection stays.
    KeepOpen,
    /// At once, and the connection is closed without a word before.
    ThenClose,
    /// Not at all: the connection is closed.
    Close,
    /// Not at all: the connection stays until the sink ends or releases it.
    Hold,
}

impl Answer {
    /// 200 with a body, as servers give it.
    pub(crate) fn ok() -> Self {
        Self::status(200)
    }

    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: b"{\"id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}".to_vec(),
            is_chunked: false,
            way: Way::KeepOpen,
        }
    }

    /// Closes the connection instead of answering.
    pub(crate) fn close() -> Self {
        Self {
            way: Way::Close,
            ..Self::ok()
        }
    }

    /// Does not answer before [`Sink::release`](super::Sink::release).
    pub(crate) fn hold() -> Self {
        Self {
            way: Way::Hold,
            ..Self::ok()
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn chunked(mut self) -> Self {
        self.is_chunked = true;
        self
    }

    /// Closes the connection after the answer, without saying so before.
    pub(crate) fn then_close(mut self) -> Self {
        self.way = Way::ThenClose;
        self
    }

    /// The bytes of the answer.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Said So\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut body = self.body.clone();
        if self.is_chunked {
            head.push_str("Transfer-Encoding: chunked\r\n\r\n");
            let mut chunks = Vec::new();
            for chunk in self.body.chunks(7) {
                chunks.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                chunks.extend_from_slice(chunk);
                chunks.extend_from_slice(b"\r\n");
            }
            chunks.extend_from_slice(b"0\r\n\r\n");
            body = chunks;
        } else {
            head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        }
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&body);
        bytes
    }
}
