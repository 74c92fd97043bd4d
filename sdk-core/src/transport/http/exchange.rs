//! One request and its answer, as bytes; the sockets are elsewhere.

use ureq_proto::client::state::{Cleanup, RecvBody, RecvResponse};
use ureq_proto::client::{Call, RecvBodyResult, RecvResponseResult, SendRequestResult};
use ureq_proto::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, PROXY_AUTHORIZATION, RETRY_AFTER,
    USER_AGENT,
};
use ureq_proto::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};

use super::proxy::Proxy;
use crate::auth::Auth;
use crate::transport::TransportOptions;
use crate::transport::delivery::{Answer, Body};

/// Room for a request's head; a DSN and a client's name are much shorter.
const MAX_HEAD_BYTES: usize = 8 << 10;
/// An answer's body is read up to this, only to keep the connection.
const MAX_ANSWER_BYTES: usize = 64 << 10;
const METHOD: &[u8] = b"POST ";

const X_SENTRY_AUTH: HeaderName = HeaderName::from_static("x-sentry-auth");
const X_SENTRY_RATE_LIMITS: HeaderName = HeaderName::from_static("x-sentry-rate-limits");

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
        let auth = Auth::from_public_key(options.dsn.public_key()).ok()?;
        let auth = auth.with_client(&options.user_agent).to_header();
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(uri.authority()?.as_str()).ok()?);
        // A name that no header can hold is not worth an event.
        if let Ok(user_agent) = HeaderValue::from_str(&options.user_agent) {
            headers.insert(USER_AGENT, user_agent);
        }
        headers.insert(X_SENTRY_AUTH, HeaderValue::from_str(&auth).ok()?);
        let envelope = HeaderValue::from_static("application/x-sentry-envelope");
        headers.insert(CONTENT_TYPE, envelope);
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
                    self.answer = read_answer(&response);
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

fn read_answer(response: &Response<()>) -> Answer {
    let headers = response.headers();
    // A header that stands there twice counts as one list.
    let limits: Vec<&str> = headers
        .get_all(X_SENTRY_RATE_LIMITS)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let retry_after = headers.get(RETRY_AFTER);
    Answer {
        status: response.status().as_u16(),
        rate_limits: (!limits.is_empty()).then(|| limits.join(",")),
        retry_after: retry_after.and_then(|value| value.to_str().ok().map(str::to_owned)),
    }
}
