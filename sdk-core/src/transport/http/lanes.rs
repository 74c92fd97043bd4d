//! A few connections to one server, each with at most one request under way.
//!
//! Answers are read when the connection is needed again or there is nothing else to do. By
//! then they have mostly come, so that the thread neither sleeps nor is woken for them, which
//! costs more than everything else about a request.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use super::connect::{Deadline, Stream, Target};
use super::exchange::{Exchange, Progress, RequestHead};
use crate::transport::TransportOptions;
use crate::transport::delivery::{Body, Outcome};
use crate::transport::engine::{MAX_IN_FLIGHT, Ticket, Wire};

/// An idle connection older than this is not used: firewalls forget them without a word.
const MAX_IDLE: Duration = Duration::from_secs(30);
/// A buffer that grew beyond this is given back after use.
const MAX_IDLE_BUFFER_BYTES: usize = 1 << 20;
/// An answer is a few hundred bytes.
const READ_BYTES: usize = 4 << 10;

/// The connections to one server.
pub(super) struct Lanes {
    target: Target,
    head: Option<RequestHead>,
    timeout: Duration,
    idle: Vec<Idle>,
    /// In the order of sending.
    busy: Vec<Busy>,
    output: Vec<u8>,
    scratch: Box<[u8]>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

struct Busy {
    ticket: Ticket,
    exchange: Exchange,
    connection: Connection,
    deadline: Deadline,
}

struct Connection {
    stream: Stream,
    /// What came and is not understood yet.
    input: Vec<u8>,
    /// Whether it has served a request already.
    is_used: bool,
}

impl Lanes {
    pub(super) fn new(options: &TransportOptions) -> Self {
        let target = Target::new(options);
        Self {
            head: RequestHead::new(options, target.forwarding_proxy()),
            target,
            timeout: options.request_timeout,
            idle: Vec::with_capacity(MAX_IN_FLIGHT),
            busy: Vec::with_capacity(MAX_IN_FLIGHT),
            output: Vec::new(),
            scratch: vec![0; READ_BYTES].into(),
        }
    }

    /// Writes the request that is in `output` to a connection.
    fn write_request(&mut self) -> io::Result<Connection> {
        self.idle.retain(|idle| idle.since.elapsed() < MAX_IDLE);
        while let Some(mut idle) = self.idle.pop() {
            let deadline = Deadline::after(self.timeout);
            let stream = &mut idle.connection.stream;
            if stream.write_until(&self.output, deadline).is_ok() {
                return Ok(idle.connection);
            }
            // It has ended while idle, as the others probably have.
            self.idle.clear();
        }
        let mut stream = self.target.open()?;
        stream.write_until(&self.output, Deadline::after(self.timeout))?;
        Ok(Connection {
            stream,
            input: Vec::new(),
            is_used: false,
        })
    }
}

impl Wire for Lanes {
    fn start(&mut self, ticket: Ticket, body: Body<'_>) -> bool {
        let head = self.head.as_mut();
        let Some(exchange) = head.and_then(|head| head.begin(body, &mut self.output)) else {
            return false;
        };
        let written = self.write_request();
        self.output.clear();
        self.output.shrink_to(MAX_IDLE_BUFFER_BYTES);
        let Ok(connection) = written else {
            return false;
        };
        self.busy.push(Busy {
            ticket,
            exchange,
            connection,
            deadline: Deadline::after(self.timeout),
        });
        true
    }

    fn wait(&mut self, place: usize, patience: Duration) -> Option<(Ticket, Outcome)> {
        let place = place.min(self.busy.len().checked_sub(1)?);
        let busy = self.busy.get_mut(place)?;
        let progress = busy.read_answer(patience, &mut self.scratch);
        if matches!(progress, Progress::Pending) {
            return None;
        }
        let mut busy = self.busy.remove(place);
        let is_stale = busy.connection.is_used && busy.is_unanswered();
        let outcome = match progress {
            Progress::Answered {
                answer,
                is_reusable,
            } => {
                // More than the answer came: nobody knows what that belongs to.
                if is_reusable && busy.connection.input.is_empty() {
                    busy.connection.is_used = true;
                    self.idle.push(Idle {
                        connection: busy.connection,
                        since: Instant::now(),
                    });
                }
                Outcome::Answer(answer)
            }
            _ if is_stale && !busy.deadline.left().is_zero() => {
                self.idle.clear();
                Outcome::Stale
            }
            _ => Outcome::Unreachable,
        };
        Some((busy.ticket, outcome))
    }
}

impl Busy {
    /// Reads until the answer is complete, or the patience or the request's time is over.
    fn read_answer(&mut self, patience: Duration, scratch: &mut [u8]) -> Progress {
        let patience = Deadline::after(patience);
        loop {
            match self.connection.stream.read(scratch) {
                Ok(0) => return self.exchange.end(),
                Ok(count) => {
                    let bytes = scratch.get(..count).unwrap_or_default();
                    self.connection.input.extend_from_slice(bytes);
                    let progress = self.exchange.advance(&mut self.connection.input);
                    if !matches!(progress, Progress::Pending) {
                        return progress;
                    }
                }
                Err(error) => {
                    if self.deadline.check(error).is_err() {
                        return self.exchange.end();
                    }
                }
            }
            if self.deadline.left().is_zero() {
                return self.exchange.end();
            }
            if patience.left().is_zero() {
                return Progress::Pending;
            }
        }
    }

    /// Whether nothing came back at all.
    fn is_unanswered(&self) -> bool {
        self.connection.input.is_empty() && !self.exchange.has_answer()
    }
}
