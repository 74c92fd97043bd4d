//! The sink's threads: one that accepts, one for each connection.

use std::collections::VecDeque;
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mini_sentry::dsn::Dsn;
use mini_sentry::envelope::Envelope;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::answer::Way;
use super::{Answer, Request};

/// How long to wait for what must happen. Only a failing test waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a port of this machine. It answers 200 unless told otherwise, and ends when it
/// is dropped.
///
/// ```ignore
/// let sink = Sink::start();
/// sink.answer(Answer::status(503));
/// send_two_events_to(sink.dsn());
/// assert_eq!(sink.wait_for(3).len(), 3);
/// ```
pub(crate) struct Sink {
    address: SocketAddr,
    is_tls: bool,
    state: Arc<State>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    script: Mutex<Script>,
    changed: Condvar,
}

#[derive(Default)]
struct Script {
    /// Answers for the next requests, one each.
    once: VecDeque<Answer>,
    /// The answer for all others.
    always: Option<Answer>,
    requests: Vec<Request>,
    connections: Vec<TcpStream>,
    /// How often held answers were released.
    releases: usize,
    is_ended: bool,
}

impl Sink {
    pub(crate) fn start() -> Self {
        Self::listen(([127, 0, 0, 1], 0).into(), None)
    }

    /// Starts where another sink was.
    pub(crate) fn start_at(address: SocketAddr) -> Self {
        Self::listen(address, None)
    }

    /// Starts with encryption; the name in its DSN is `localhost`.
    pub(crate) fn start_tls(config: Arc<ServerConfig>) -> Self {
        Self::listen(([127, 0, 0, 1], 0).into(), Some(config))
    }

    fn listen(address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(address).expect("the port is free");
        let address = listener.local_addr().expect("the listener has an address");
        let state = Arc::<State>::default();
        let is_tls = tls.is_some();
        let acceptor = thread::spawn({
            let state = Arc::clone(&state);
            move || accept(&listener, &state, tls.as_ref())
        });
        Self {
            address,
            is_tls,
            state,
            acceptor: Some(acceptor),
        }
    }

    /// An address where nobody listens, and a sink may start later.
    pub(crate) fn reserve() -> SocketAddr {
        Self::start().stop()
    }

    /// Closes the port and all connections; what was not answered stays so.
    pub(crate) fn stop(self) -> SocketAddr {
        self.address
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn dsn(&self) -> Dsn {
        if self.is_tls {
            let port = self.address.port();
            Dsn::parse(&format!("https://key@localhost:{port}/42")).expect("a valid dsn")
        } else {
            dsn_at(self.address)
        }
    }

    /// Sets the answer to the next request that has none yet.
    pub(crate) fn answer(&self, answer: Answer) -> &Self {
        self.state.lock().once.push_back(answer);
        self
    }

    /// Sets the answer to all requests that have none of their own.
    pub(crate) fn answer_always(&self, answer: Answer) -> &Self {
        self.state.lock().always = Some(answer);
        self
    }

    /// Gives all answers that are held at this moment.
    pub(crate) fn release(&self) {
        self.state.lock().releases += 1;
        self.state.changed.notify_all();
    }

    /// Waits until so many requests have come, and returns all that have.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Request> {
        let script = self.state.lock();
        let (script, wait) = self
            .state
            .changed
            .wait_timeout_while(script, PATIENCE, |script| script.requests.len() < count)
            .expect("no thread of the sink panics");
        let came = script.requests.len();
        assert!(
            !wait.timed_out(),
            "waited for {count} requests, {came} came"
        );
        script.requests.clone()
    }

    /// What has come so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().requests.clone()
    }

    /// The envelopes that have come so far.
    pub(crate) fn envelopes(&self) -> Vec<Envelope> {
        self.requests().iter().map(Request::envelope).collect()
    }

    /// The messages of the events that have come so far.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.requests().iter().map(Request::message).collect()
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.state.lock().connections.len()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let mut script = self.state.lock();
        script.is_ended = true;
        for connection in &script.connections {
            // It may have ended by itself.
            let _ = connection.shutdown(Shutdown::Both);
        }
        drop(script);
        self.state.changed.notify_all();
        // Wakes the acceptor, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

/// A DSN for this address.
pub(crate) fn dsn_at(address: SocketAddr) -> Dsn {
    Dsn::parse(&format!("http://key@{address}/42")).expect("a valid dsn")
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no thread of the sink panics")
    }

    /// Records a request and tells how to answer it, and how many releases came before it.
    fn take(&self, request: Request) -> (Answer, usize) {
        let mut script = self.lock();
        script.requests.push(request);
        let answer = script.once.pop_front().or_else(|| script.always.clone());
        self.changed.notify_all();
        (answer.unwrap_or_else(Answer::ok), script.releases)
    }

    fn wait_for_release(&self, releases: usize) {
        let script = self.lock();
        let waiting = |script: &mut Script| script.releases == releases && !script.is_ended;
        drop(self.changed.wait_while(script, waiting));
    }
}

fn accept(listener: &TcpListener, state: &Arc<State>, tls: Option<&Arc<ServerConfig>>) {
    while let Ok((stream, _)) = listener.accept() {
        let mut script = state.lock();
        if script.is_ended {
            return;
        }
        let closer = stream.try_clone().expect("a socket can be cloned");
        script.connections.extend(stream.try_clone());
        drop(script);
        let state = Arc::clone(state);
        let tls = tls.map(Arc::clone);
        thread::spawn(move || {
            // An end in the middle of anything is the peer's right.
            let _ = serve(stream, tls, &state);
            // Clones of the socket would keep it open.
            let _ = closer.shutdown(Shutdown::Both);
        });
    }
}

fn serve(stream: TcpStream, tls: Option<Arc<ServerConfig>>, state: &State) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match tls {
        Some(config) => {
            let connection = ServerConnection::new(config).map_err(io::Error::other)?;
            talk(StreamOwned::new(connection, stream), state)
        }
        None => talk(stream, state),
    }
}

fn talk(stream: impl Read + Write, state: &State) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = Request::read(&mut stream)? {
        let (answer, releases) = state.take(request);
        match answer.way {
            Way::Close => return Ok(()),
            Way::Hold => state.wait_for_release(releases),
            Way::KeepOpen | Way::ThenClose => {}
        }
        stream.get_mut().write_all(&answer.to_bytes())?;
        stream.get_mut().flush()?;
        if answer.way == Way::ThenClose {
            return Ok(());
        }
    }
    Ok(())
}
