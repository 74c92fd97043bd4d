//! Runs the program and speaks to it over real connections.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    process::{Child, ChildStdout, Command, Stdio},
};

use flate2::{Compression, write::GzEncoder};

const ENVELOPE: &str = "{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n\
    {\"type\":\"event\"}\n{\"message\":\"disk full\",\"level\":\"warning\"}\n";

struct Sink {
    process: Child,
    output: BufReader<ChildStdout>,
    address: String,
}

impl Sink {
    fn start(options: &[&str]) -> io::Result<Self> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_envelope-sink"))
            .args(["--listen", "127.0.0.1:0"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut output = BufReader::new(output);
        let mut first = String::new();
        output.read_line(&mut first)?;
        let address = first
            .trim()
            .trim_start_matches("listening on http://")
            .to_owned();
        Ok(Self {
            process,
            output,
            address,
        })
    }

    /// Sends bytes on a new connection and reads until the program closes it.
    fn exchange(&self, request: &[u8]) -> io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.write_all(request)?;
        stream.shutdown(Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Waits for the program's own end and returns what it printed.
    fn finish(mut self) -> io::Result<String> {
        let mut printed = String::new();
        self.output.read_to_string(&mut printed)?;
        assert!(self.process.wait()?.success());
        Ok(printed)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // Already ended in tests that passed.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn post(body: &[u8], headers: &str) -> Vec<u8> {
    let length = body.len();
    let mut request = format!(
        "POST /api/42/envelope/ HTTP/1.1\r\nHost: sink\r\nContent-Length: {length}\r\n{headers}\r\n"
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

#[test]
fn a_gzipped_envelope_is_answered_with_its_id_and_printed() -> io::Result<()> {
    let sink = Sink::start(&["--count", "1"])?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(ENVELOPE.as_bytes())?;
    let answer = sink.exchange(&post(&encoder.finish()?, "Content-Encoding: gzip\r\n"))?;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.ends_with("{\"id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}"),
        "{answer}"
    );
    assert!(sink.finish()?.contains("event  warning  disk full\n"));
    Ok(())
}

#[test]
fn several_requests_share_a_connection_and_count_ends_the_program() -> io::Result<()> {
    let sink = Sink::start(&["--quiet", "--count", "3"])?;
    let mut requests = post(ENVELOPE.as_bytes(), "");
    requests.extend(b"GET / HTTP/1.1\r\n\r\n");
    requests.extend(post(b"no envelope", ""));
    requests.extend(post(b"{}\n", ""));
    let answer = sink.exchange(&requests)?;
    let statuses: Vec<&str> = answer
        .lines()
        .filter_map(|line| line.split("HTTP/1.1 ").nth(1))
        .collect();
    assert_eq!(
        statuses,
        ["200 OK", "200 OK", "400 Bad Request", "200 OK"],
        "{answer}"
    );

    let chunked = format!(
        "POST /api/42/envelope/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{ENVELOPE}\r\n0\r\n\r\n",
        ENVELOPE.len()
    );
    assert!(
        sink.exchange(chunked.as_bytes())?
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
    let printed = sink.finish()?;
    assert_eq!(printed.lines().count(), 3, "{printed}");
    Ok(())
}

#[test]
fn what_is_no_envelope_request_is_refused_and_the_program_lives_on() -> io::Result<()> {
    let sink = Sink::start(&["--count", "1"])?;
    for (request, status) in [
        (&b"GET /api/42/envelope/ HTTP/1.1\r\n\r\n"[..], "405"),
        (b"POST /api/42/store/ HTTP/1.1\r\n\r\n", "404"),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "400"),
        (
            b"POST /api/42/envelope/ HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n",
            "413",
        ),
        (
            b"POST /api/42/envelope/ HTTP/1.1\r\nContent-Encoding: lzw\r\n\r\n",
            "415",
        ),
    ] {
        let answer = sink.exchange(request)?;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
    sink.exchange(&post(ENVELOPE.as_bytes(), ""))?;
    sink.finish()?;
    Ok(())
}

#[test]
fn a_body_over_the_bound_is_refused_and_the_client_reads_why() -> io::Result<()> {
    let sink = Sink::start(&["--count", "1"])?;
    let answer = sink.exchange(&post(&vec![b'a'; 21 * 1024 * 1024], ""))?;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    sink.exchange(&post(ENVELOPE.as_bytes(), ""))?;
    sink.finish()?;
    Ok(())
}

#[test]
fn connections_are_served_side_by_side() -> io::Result<()> {
    let sink = Sink::start(&["--count", "1"])?;
    let mut idle = TcpStream::connect(&sink.address)?;
    idle.write_all(b"POST /api/42/envelope/ HTTP/1.1\r\nContent-Length: 10\r\n\r\n{}")?;
    assert!(
        sink.exchange(&post(ENVELOPE.as_bytes(), ""))?
            .starts_with("HTTP/1.1 200")
    );
    sink.finish()?;
    Ok(())
}

#[test]
fn a_bad_option_is_named_and_fails() -> io::Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_envelope-sink"))
        .arg("--loud")
        .output()?;
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("unknown option '--loud'"));
    Ok(())
}
