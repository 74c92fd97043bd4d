//! One request and its answer, as bytes; the sockets are elsewhere.

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use ureq_proto::client::state::{Cleanup, RecvBody, RecvResponse};
use ureq_proto::client::{Call, RecvBodyResult, RecvResponseResult, SendRequestResult};

use super::proxy::Proxy;
use crate::transport::TransportOptions;
use crate::transport::delivery::{Answer, Body};
use crate::transport::headers::{MAX_ANSWER_BYTES, read_answer, request_headers};

/// Room for a request's head; a DSN and a client's name are much shorter.
const MAX_HEAD_BYTES: usize = 8 << 10;
const METHOD: &[u8] = b"POST ";

/// The request that every envelope is sent with.
#[derive(Debug)]
pub(super) struct RequestHead {
    uri: Uri,
    headers: HeaderMap,
    /// Scheme and host before the path, where a proxy forwards plain requests.
    absolute_prefix: Option<String>,
    scratch: Vec<u8>,
}

impl RequestHead {
    /// Makes the head; `None` when the address does not make a URL.
    pub(super) fn new(
        options: &TransportOptions,
        forwarding_proxy: Option<&Proxy>,
    ) -> Option<Self> {
        let uri: Uri = options.dsn.envelope_url().parse().ok()?;
        let mut headers = request_headers(options)?;
        let host = HeaderValue::from_str(uri.authority()?.as_str()).ok()?;
        headers.insert(HOST, host);
        if let Some(authorization) = forwarding_proxy.and_then(Proxy::authorization) {
            headers.insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        Some(Self {
            uri,
            headers,
            absolute_prefix: forwarding_proxy.map(|_| options.dsn.origin()),
            scratch: vec![0; MAX_HEAD_BYTES],
        })
    }

    /// Writes head and body to `out`, to be sent as one; `None` when it makes no request.
    pub(super) fn begin(&mut self, body: Body<'_>, out: &mut Vec<u8>) -> Option<Exchange> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let length = HeaderValue::from(body.bytes.len());
        request.headers_mut().insert(CONTENT_LENGTH, length);
        if body.is_gzip {
            let gzip = HeaderValue::from_static("gzip");
            request.headers_mut().insert(CONTENT_ENCODING, gzip);
        }
        let mut call = Call::new(request).ok()?.proceed();
        let head_len = call.write(&mut self.scratch).ok()?;
        // A head that did not fit stays in the state of sending it.
        let Ok(Some(SendRequestResult::SendBody(mut call))) = call.proceed() else {
            return None;
        };
        out.clear();
        let mut head = self.scratch.get(..head_len)?;
        if let Some(prefix) = &self.absolute_prefix {
            // The library writes the form for servers; proxies want the whole address.
            out.extend_from_slice(METHOD);
            out.extend_from_slice(prefix.as_bytes());
            head = head.strip_prefix(METHOD)?;
        }
        out.extend_from_slice(head);
        out.extend_from_slice(body.bytes);
        call.consume_direct_write(body.bytes.len()).ok()?;
        Some(Exchange {
            state: State::Head(call.proceed()?),
            answer: Answer::default(),
            body_bytes: 0,
        })
    }
}

/// A request that was sent, until its answer is complete.
#[derive(Debug)]
pub(super) struct Exchange {
    state: State,
    answer: Answer,
    body_bytes: usize,
}

#[derive(Debug)]
enum State {
    Head(Call<RecvResponse>),
    Body(Call<RecvBody>),
    Broken,
}

/// How far an exchange has come.
#[derive(Debug)]
pub(super) enum Progress {
    /// More bytes are needed.
    Pending,
    /// The answer is known.
    Answered {
        answer: Answer,
        /// Whether another request may follow on the connection.
        is_reusable: bool,
    },
    /// This is no HTTP.
    Broken,
}

impl Exchange {
    /// Takes bytes that came; what was understood is removed from `input`.
    pub(super) fn advance(&mut self, input: &mut Vec<u8>) -> Progress {
        let mut used = 0;
        let progress = loop {
            let rest = input.get(used..).unwrap_or_default();
            match self.step(rest) {
                Step::Used(bytes) if bytes > 0 => used = used.saturating_add(bytes),
                Step::Used(_) if matches!(self.state, State::Broken) => break Progress::Broken,
                Step::Used(_) if rest.len() > MAX_ANSWER_BYTES => break Progress::Broken,
                Step::Used(_) => break Progress::Pending,
                Step::Ended { is_reusable, bytes } => {
                    used = used.saturating_add(bytes);
                    break Progress::Answered {
                        answer: std::mem::take(&mut self.answer),
                        is_reusable,
                    };
                }
            }
        };
        input.drain(..used.min(input.len()));
        progress
    }

    /// Takes note that no more bytes come.
    pub(super) fn end(&mut self) -> Progress {
        match self.state {
            // Whatever of the body is missing, nobody reads it.
            State::Body(_) => Progress::Answered {
                answer: std::mem::take(&mut self.answer),
                is_reusable: false,
            },
            State::Head(_) | State::Broken => Progress::Broken,
        }
    }

    /// Whether the head of the answer has come.
    pub(super) fn has_answer(&self) -> bool {
        self.answer.status != 0
    }

    fn step(&mut self, input: &[u8]) -> Step {
        match std::mem::replace(&mut self.state, State::Broken) {
            State::Head(mut call) => match call.try_response(input, false) {
                Ok((bytes, None)) => {
                    self.state = State::Head(call);
                    Step::Used(bytes)
                }
                Ok((bytes, Some(response))) => {
                    self.answer = read_answer(response.status(), response.headers());
                    self.after_head(call, bytes)
                }
                Err(_) => Step::Used(0),
            },
            State::Body(call) => self.read_body(call, input),
            State::Broken => Step::Used(0),
        }
    }

    fn after_head(&mut self, call: Call<RecvResponse>, bytes: usize) -> Step {
        match call.proceed() {
            Some(RecvResponseResult::RecvBody(call)) => {
                self.state = State::Body(call);
                Step::Used(bytes)
            }
            Some(RecvResponseResult::Cleanup(call)) => Step::ended(&call, bytes),
            Some(RecvResponseResult::Redirect(_)) | None => Step::Ended {
                is_reusable: false,
                bytes,
            },
        }
    }

    fn read_body(&mut self, mut call: Call<RecvBody>, input: &[u8]) -> Step {
        let mut ignored = [0; 4096];
        let Ok((bytes, written)) = call.read(input, &mut ignored) else {
            return Step::Ended {
                is_reusable: false,
                bytes: input.len(),
            };
        };
        self.body_bytes = self.body_bytes.saturating_add(written);
        let ends_with_connection = call.body_mode() == ureq_proto::BodyMode::CloseDelimited;
        if self.body_bytes > MAX_ANSWER_BYTES || ends_with_connection {
            return Step::Ended {
                is_reusable: false,
                bytes: input.len(),
            };
        }
        if !call.can_proceed() {
            self.state = State::Body(call);
            return Step::Used(bytes);
        }
        match call.proceed() {
            Some(RecvBodyResult::Cleanup(call)) => Step::ended(&call, bytes),
            Some(RecvBodyResult::Redirect(_)) | None => Step::Ended {
                is_reusable: false,
                bytes,
            },
        }
    }
}

/// What one step did.
enum Step {
    Used(usize),
    Ended { is_reusable: bool, bytes: usize },
}

impl Step {
    fn ended(call: &Call<Cleanup>, bytes: usize) -> Self {
        Self::Ended {
            is_reusable: !call.must_close_connection(),
            bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::dsn::Dsn;

    fn exchange() -> Exchange {
        let dsn = Dsn::parse("http://key@localhost/1").unwrap();
        let options = TransportOptions::new(dsn, Arc::default());
        let mut head = RequestHead::new(&options, None).unwrap();
        let body = Body {
            bytes: b"{}",
            is_gzip: false,
        };
        head.begin(body, &mut Vec::new()).unwrap()
    }

    /// Feeds an answer in pieces of a size; returns its status, whether the connection can be
    /// used again, and the bytes behind it.
    fn feed(answer: &[u8], piece: usize) -> Option<(u16, bool, Vec<u8>)> {
        let mut exchange = exchange();
        let mut input = Vec::new();
        let mut pieces = answer.chunks(piece);
        loop {
            let progress = match pieces.next() {
                Some(bytes) => {
                    input.extend_from_slice(bytes);
                    exchange.advance(&mut input)
                }
                None => exchange.end(),
            };
            match progress {
                Progress::Pending => {}
                Progress::Broken => return None,
                Progress::Answered {
                    answer,
                    is_reusable,
                } => {
                    input.extend(pieces.flatten());
                    return Some((answer.status, is_reusable, input));
                }
            }
        }
    }

    #[test]
    fn an_answer_means_the_same_however_it_is_cut() {
        let answers: [(&str, u16, bool); 8] = [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, true),
            ("HTTP/1.1 204 None\r\n\r\n", 204, true),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                200,
                true,
            ),
            (
                "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                200,
                true,
            ),
            (
                "HTTP/1.1 413 Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
                413,
                false,
            ),
            ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, false),
            ("HTTP/1.1 502 Bad\r\n\r\nuntil the end", 502, false),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
                200,
                false,
            ),
        ];
        for (answer, status, is_reusable) in answers {
            for piece in 1..=answer.len() {
                let (got, reusable, rest) = feed(answer.as_bytes(), piece).unwrap();
                assert_eq!(
                    (got, reusable),
                    (status, is_reusable),
                    "{answer} by {piece}"
                );
                assert!(rest.is_empty() || !is_reusable, "{answer} by {piece}");
            }
        }
    }

    #[test]
    fn limits_in_two_headers_are_one_list() {
        let answer = "HTTP/1.1 429 No\r\nX-Sentry-Rate-Limits: 60:error:key\r\nRetry-After: 9\r\n\
            x-sentry-rate-limits: 5:session:key\r\nContent-Length: 0\r\n\r\n";
        let mut exchange = exchange();
        let Progress::Answered { answer, .. } = exchange.advance(&mut answer.into()) else {
            panic!("the answer is complete");
        };
        assert_eq!(
            answer.rate_limits.as_deref(),
            Some("60:error:key,5:session:key")
        );
        assert_eq!(answer.retry_after.as_deref(), Some("9"));
    }

    #[test]
    fn endless_heads_and_other_protocols_are_broken() {
        assert_eq!(feed(b"SSH-2.0-x\r\n\r\n", 3), None);
        assert_eq!(feed(&b"HTTP/1.1 200 OK\r\nA: ".repeat(10_000), 4096), None);
        assert_eq!(feed(b"", 1), None);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            start in "(HTTP/1.1 [0-9]{3} \r\n)?",
            headers in "((Content-Length|Transfer-Encoding|Connection): (chunked|close|[0-9]{1,3})\r\n){0,3}",
            rest in proptest::collection::vec(any::<u8>(), 0..200),
            piece in 1_usize..300,
        ) {
            let mut answer = format!("{start}{headers}\r\n").into_bytes();
            answer.extend(rest);
            feed(&answer, piece);
        }
    }
}
