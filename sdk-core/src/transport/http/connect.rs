//! Opening connections: addresses, proxies, encryption.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Method, Request};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq_proto::client::{Call, SendRequestResult};

use super::proxy::Proxy;
use crate::dsn::Scheme;
use crate::transport::TransportOptions;
use crate::transport::engine::SLICE;
use crate::transport::tls;

/// How long one address may take to accept.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A proxy that says more than this about a tunnel is none.
const MAX_TUNNEL_ANSWER_BYTES: usize = 16 << 10;

/// Where connections lead.
pub(super) struct Target {
    host: String,
    port: u16,
    is_tls: bool,
    proxy: Result<Option<Proxy>, UnusableProxy>,
    timeout: Duration,
    options: TransportOptions,
    /// Made when the first encrypted connection is.
    tls_config: Option<Arc<ClientConfig>>,
}

/// The proxy's address cannot be read. Going around it is not for us to decide.
#[derive(Debug)]
struct UnusableProxy;

impl Target {
    pub(super) fn new(options: &TransportOptions) -> Self {
        let is_tls = options.dsn.scheme() == Scheme::Https;
        let proxy = if is_tls {
            &options.https_proxy
        } else {
            &options.http_proxy
        };
        let proxy = proxy
            .as_deref()
            .filter(|text| !text.trim().is_empty())
            .map(|text| Proxy::parse(text).ok_or(UnusableProxy))
            .transpose();
        Self {
            host: options.dsn.host().to_owned(),
            port: options.dsn.port(),
            is_tls,
            proxy,
            timeout: options.request_timeout,
            options: options.clone(),
            tls_config: None,
        }
    }

    /// The proxy that is asked for each request by itself, and not for a tunnel.
    pub(super) fn forwarding_proxy(&self) -> Option<&Proxy> {
        let proxy = self.proxy.as_ref().ok()?.as_ref();
        proxy.filter(|_| !self.is_tls)
    }

    /// Opens a connection over which requests can be sent.
    pub(super) fn open(&mut self) -> io::Result<Stream> {
        let deadline = Deadline::after(self.timeout);
        let config = self.tls_config();
        let Ok(proxy) = &self.proxy else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let Some(proxy) = proxy else {
            let stream = connect(&self.host, self.port, deadline)?;
            return self.secure(stream, config, deadline);
        };
        let mut stream = connect(&proxy.host, proxy.port, deadline)?;
        if proxy.is_tls {
            stream = handshake(stream, config.clone(), &proxy.host, deadline)?;
        }
        if self.is_tls {
            open_tunnel(&mut stream, &self.host, self.port, proxy, deadline)?;
        }
        self.secure(stream, config, deadline)
    }

    fn secure(
        &self,
        stream: Stream,
        config: Option<Arc<ClientConfig>>,
        deadline: Deadline,
    ) -> io::Result<Stream> {
        if self.is_tls {
            handshake(stream, config, &self.host, deadline)
        } else {
            Ok(stream)
        }
    }

    fn tls_config(&mut self) -> Option<Arc<ClientConfig>> {
        let proxy = self.proxy.as_ref().ok()?.as_ref();
        let is_needed = self.is_tls || proxy.is_some_and(|proxy| proxy.is_tls);
        if is_needed && self.tls_config.is_none() {
            self.tls_config = tls::client_config(&self.options).map(Arc::new);
        }
        self.tls_config.clone()
    }
}

/// A connection. Reading and writing give up after [`SLICE`] with an error that says so.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, Self>>),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

impl Stream {
    /// Writes everything, until a deadline.
    pub(super) fn write_until(&mut self, mut bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) => deadline.check(error)?,
            }
        }
        while let Err(error) = self.flush() {
            deadline.check(error)?;
        }
        Ok(())
    }
}

/// Until when something has to be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    started: Instant,
    timeout: Duration,
}

impl Deadline {
    pub(super) fn after(timeout: Duration) -> Self {
        Self {
            started: Instant::now(),
            timeout,
        }
    }

    pub(super) fn left(self) -> Duration {
        self.timeout.saturating_sub(self.started.elapsed())
    }

    /// Whether to go on after an error: when it only says that a slice of time is over, and
    /// more is left.
    pub(super) fn check(self, error: io::Error) -> io::Result<()> {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut if !self.left().is_zero() => Ok(()),
            io::ErrorKind::Interrupted => Ok(()),
            _ => Err(error),
        }
    }
}

fn connect(host: &str, port: u16, deadline: Deadline) -> io::Result<Stream> {
    let mut last_error = io::ErrorKind::NotFound.into();
    for address in (bare(host), port).to_socket_addrs()? {
        let timeout = deadline.left().min(CONNECT_TIMEOUT);
        if timeout.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                // Each request is written as one, and its last packet must not wait.
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(SLICE))?;
                stream.set_write_timeout(Some(SLICE))?;
                return Ok(Stream::Plain(stream));
            }
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

/// An IPv6 address without the brackets of a URL.
fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

fn handshake(
    mut stream: Stream,
    config: Option<Arc<ClientConfig>>,
    host: &str,
    deadline: Deadline,
) -> io::Result<Stream> {
    let config = config.ok_or(io::ErrorKind::Unsupported)?;
    let name = ServerName::try_from(bare(host).to_owned()).map_err(io::Error::other)?;
    let mut connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        let step = if connection.wants_write() {
            connection.write_tls(&mut stream)
        } else {
            connection.read_tls(&mut stream)
        };
        match step {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {
                connection.process_new_packets().map_err(io::Error::other)?;
            }
            Err(error) => deadline.check(error)?,
        }
        if deadline.left().is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
    Ok(Stream::Tls(Box::new(StreamOwned::new(connection, stream))))
}

/// Asks a proxy for a tunnel.
fn open_tunnel(
    stream: &mut Stream,
    host: &str,
    port: u16,
    proxy: &Proxy,
    deadline: Deadline,
) -> io::Result<()> {
    let address = format!("{host}:{port}");
    let mut request = Request::new(());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = address.parse().map_err(io::Error::other)?;
    let host = HeaderValue::from_str(&address).map_err(io::Error::other)?;
    request.headers_mut().insert(HOST, host);
    if let Some(authorization) = proxy.authorization() {
        let headers = request.headers_mut();
        headers.insert(PROXY_AUTHORIZATION, authorization.clone());
    }
    let mut call = Call::new(request).map_err(io::Error::other)?.proceed();
    let mut head = [0; 4096];
    let head_len = call.write(&mut head).map_err(io::Error::other)?;
    let Ok(Some(SendRequestResult::RecvResponse(mut call))) = call.proceed() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    stream.write_until(head.get(..head_len).unwrap_or_default(), deadline)?;

    let mut input = Vec::new();
    while input.len() < MAX_TUNNEL_ANSWER_BYTES {
        // One by one, for what follows the head belongs to the tunnel.
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => input.extend_from_slice(&byte),
            Err(error) => deadline.check(error)?,
        }
        if !input.ends_with(b"\r\n\r\n") {
            continue;
        }
        match call.try_response(&input, false).map_err(io::Error::other)? {
            (_, Some(response)) if response.status().is_success() => return Ok(()),
            (_, Some(_)) => return Err(io::ErrorKind::PermissionDenied.into()),
            // An interim answer.
            (_, None) => input.clear(),
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}
