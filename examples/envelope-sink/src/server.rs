//! Listens, answers and hands what arrived to the printer: one thread for each connection.

use std::{
    io::{self, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Sender},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    args::Args,
    envelope,
    http::{self, HttpError, Request},
    print::{self, Received, Style},
};

const MAX_CONNECTIONS: usize = 64;
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
const LINGER_TIMEOUT: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 64 * 1024 * 1024;

/// What every connection shares.
#[derive(Debug)]
struct Shared {
    quiet: bool,
    style: Style,
    seen: AtomicU64,
}

/// Serves until `count` envelopes have been answered, or for good.
pub(crate) fn serve(args: &Args, style: Style) -> io::Result<()> {
    let listener = TcpListener::bind(&args.listen)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", args.listen)))?;
    writeln!(
        io::stdout(),
        "listening on http://{}",
        listener.local_addr()?
    )?;
    let shared = Arc::new(Shared {
        quiet: args.quiet,
        style,
        seen: AtomicU64::new(0),
    });
    let (answered, received) = mpsc::channel();
    thread::Builder::new()
        .name("accept".to_owned())
        .spawn(move || accept(&listener, &shared, &answered))?;
    let mut left = args.count;
    while left != Some(0) && received.recv().is_ok() {
        left = left.map(|left| left.saturating_sub(1));
    }
    Ok(())
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, answered: &Sender<()>) {
    for stream in listener.incoming() {
        // A failed accept concerns one client, which has gone already.
        let Ok(mut stream) = stream else { continue };
        // This thread holds one reference, each connection another.
        if Arc::strong_count(shared) > MAX_CONNECTIONS {
            drop(refuse(&mut stream, 503, "too many connections"));
            continue;
        }
        let (shared, answered) = (Arc::clone(shared), answered.clone());
        let started = thread::Builder::new()
            .name("connection".to_owned())
            .spawn(move || {
                // A client that goes away, or sends what is no HTTP, ends its own connection only.
                drop(converse(&stream, &shared, &answered));
            });
        drop(started);
    }
}

/// Answers the requests of one connection, one after the other.
fn converse(stream: &TcpStream, shared: &Shared, answered: &Sender<()>) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE_TIMEOUT))?;
    stream.set_write_timeout(Some(IDLE_TIMEOUT))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let request = match http::read_request(&mut reader, &mut writer) {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(HttpError::Io(error)) => return Err(error),
            Err(HttpError::Refused(status, detail)) => {
                refuse(&mut writer, status, detail)?;
                return linger(stream, reader);
            }
        };
        let answer = answer(&request, shared);
        http::respond(
            &mut writer,
            answer.status,
            &answer.body.to_string(),
            request.keep_alive,
        )?;
        if answer.is_envelope && answered.send(()).is_err() {
            return Ok(());
        }
        if !request.keep_alive {
            return Ok(());
        }
    }
}

/// Reads what a refused client still sends, within bounds: closing at once would reset the
/// connection before the client has read why.
fn linger(stream: &TcpStream, reader: impl Read) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(LINGER_TIMEOUT))?;
    io::copy(&mut reader.take(LINGER_BYTES), &mut io::sink()).map(drop)
}

fn refuse(writer: &mut impl Write, status: u16, detail: &str) -> io::Result<()> {
    http::respond(
        writer,
        status,
        &json!({ "detail": detail }).to_string(),
        false,
    )
}

struct Answer {
    status: u16,
    body: Value,
    is_envelope: bool,
}

impl Answer {
    fn refusal(status: u16, detail: &str) -> Self {
        Self {
            status,
            body: json!({ "detail": detail }),
            is_envelope: false,
        }
    }
}

fn answer(request: &Request, shared: &Shared) -> Answer {
    let project = project_of(&request.path);
    match (request.method.as_str(), project) {
        ("POST", Some(project)) => receive(&request.body, project, shared),
        (_, Some(_)) => Answer::refusal(405, "envelopes come by POST"),
        ("GET", None) if request.path == "/" => Answer {
            status: 200,
            body: json!({ "detail": "post envelopes to /api/{project}/envelope/" }),
            is_envelope: false,
        },
        _ => Answer::refusal(404, "the only resource here is /api/{project}/envelope/"),
    }
}

/// The project of `[/prefix]/api/{project}/envelope[/]`.
fn project_of(path: &str) -> Option<&str> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let (rest, project) = path.strip_suffix("/envelope")?.rsplit_once('/')?;
    (rest.ends_with("/api") && !project.is_empty()).then_some(project)
}

fn receive(body: &[u8], project: &str, shared: &Shared) -> Answer {
    let envelope = match envelope::parse(body) {
        Ok(envelope) => envelope,
        Err(error) => return Answer::refusal(400, &error.to_string()),
    };
    // Taken before the number, so that numbers come out in their order.
    let mut output = io::stdout().lock();
    let number = shared
        .seen
        .fetch_add(1, Ordering::Relaxed)
        .saturating_add(1);
    let received = Received {
        number,
        project,
        bytes: body.len(),
    };
    let text = if shared.quiet {
        print::summary(received, &envelope, shared.style)
    } else {
        print::details(received, &envelope, shared.style)
    };
    // The client has done its part even when nobody reads our output any more.
    drop(output.write_all(text.as_bytes()));
    drop(output);
    let body = match envelope.header.get("event_id") {
        Some(id) => json!({ "id": id }),
        None => json!({}),
    };
    Answer {
        status: 200,
        body,
        is_envelope: true,
    }
}

#[cfg(test)]
mod tests {
    use super::project_of;

    #[test]
    fn the_project_is_read_with_and_without_prefix_and_last_slash() {
        assert_eq!(project_of("/api/42/envelope/"), Some("42"));
        assert_eq!(project_of("/errors/here/api/42/envelope"), Some("42"));
        assert_eq!(project_of("/api//envelope/"), None);
        assert_eq!(project_of("/42/envelope/"), None);
        assert_eq!(project_of("/api/42/store/"), None);
        assert_eq!(project_of("/"), None);
    }
}
