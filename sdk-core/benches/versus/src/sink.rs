//! The sink's process, and the question what arrived.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::program::{Figures, on_core};

/// The running sink; ends with this value.
pub struct Sink {
    process: Child,
    port: u16,
    projects: u32,
}

impl Sink {
    pub fn start(core: Option<&str>) -> Result<Self, Box<dyn Error>> {
        let path = std::env::current_exe()?.with_file_name("versus-sink");
        let mut process = on_core(core, &path).stdout(Stdio::piped()).spawn()?;
        let stdout = process.stdout.take().ok_or("the sink has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let port = line.trim().parse()?;
        Ok(Self {
            process,
            port,
            projects: 0,
        })
    }

    /// A DSN that nobody used before.
    pub fn new_dsn(&mut self) -> String {
        self.projects += 1;
        format!("http://key@127.0.0.1:{}/{}", self.port, self.projects)
    }

    /// Adds to the figures what arrived for the newest DSN, and lets the sink forget it.
    pub fn count(&self, figures: &mut Figures) -> Result<(), Box<dyn Error>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        write!(stream, "GET /counts/{} HTTP/1.1\r\n\r\n", self.projects)?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("the sink is silent")?;
        let counts: Value = serde_json::from_str(body)?;
        let number = |pointer: &str| counts.pointer(pointer).and_then(Value::as_f64);
        let lost = counts.get("lost").and_then(Value::as_object);
        let lost = lost.into_iter().flatten().filter_map(|(_, n)| n.as_f64());
        figures.set("reported", lost.sum());
        figures.set("delivered", number("/items/event").unwrap_or(0.0));
        figures.set("frames", number("/frames").unwrap_or(0.0));
        figures.set("wire_bytes", number("/bytes").unwrap_or(0.0));
        figures.set("unreadable", number("/unreadable").unwrap_or(0.0));
        Ok(())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // A sink that has gone already needs no end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
