//! Delivery over encrypted connections and through proxies.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use mini_sentry::dsn::Dsn;
use mini_sentry::transport::http::HttpTransport;
use mini_sentry::transport::{Transport, TransportOptions};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;

use crate::delivery::{NEVER, event, options};
use crate::sink::{PATIENCE, Sink};

/// A server for `localhost`, and the file with the authority that vouches for it.
struct Authority {
    server: Arc<ServerConfig>,
    ca_file: PathBuf,
    _dir: TempDir,
}

impl Authority {
    fn new() -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca_params = CertificateParams::new([]).unwrap();
        ca_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = ca_params.self_signed(&ca_key).unwrap();
        let issuer = Issuer::new(ca_params, ca_key);

        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let cert = params.signed_by(&key, &issuer).unwrap();
        let private_key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], private_key)
            .unwrap();

        let dir = TempDir::new().unwrap();
        let ca_file = dir.path().join("ca.pem");
        fs::write(&ca_file, format!("# ours\n{}", ca.pem())).unwrap();
        Self {
            server: Arc::new(server),
            ca_file,
            _dir: dir,
        }
    }
}

/// A proxy that opens tunnels, and tells the first line and the login of each request for one.
struct TunnelProxy {
    address: SocketAddr,
    requests: Receiver<String>,
}

impl TunnelProxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = channel();
        thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.unwrap();
                let head = read_head(&mut client).unwrap();
                let host = head.split(' ').nth(1).unwrap().to_owned();
                if sender.send(head).is_err() {
                    return;
                }
                client
                    .write_all(b"HTTP/1.1 200 There You Are\r\n\r\n")
                    .unwrap();
                let server = TcpStream::connect(host).unwrap();
                let (from_client, to_server) =
                    (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || pump(from_client, to_server));
                thread::spawn(move || pump(server, client));
            }
        });
        Self { address, requests }
    }
}

fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    // Ends with either side.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

fn trusting(sink: &Sink, authority: &Authority) -> TransportOptions {
    let mut options = options(sink.dsn());
    options.ca_certs = Some(authority.ca_file.clone());
    options
}

fn deliver(options: &TransportOptions, message: &str) {
    let transport = HttpTransport::new(options);
    transport.send(event(message));
    assert!(transport.flush(PATIENCE), "everything is delivered");
}

fn fails(options: &mut TransportOptions) {
    options.retry_base = NEVER;
    let transport = HttpTransport::new(options);
    transport.send(event("must not arrive"));
    assert!(!transport.flush(PATIENCE));
}

#[test]
fn a_certificate_of_an_authority_from_a_file_is_trusted() {
    let authority = Authority::new();
    let sink = Sink::start_tls(Arc::clone(&authority.server));
    let options = trusting(&sink, &authority);
    let transport = HttpTransport::new(&options);
    for message in ["a", "b"] {
        transport.send(event(message));
        assert!(transport.flush(PATIENCE));
    }
    assert_eq!(sink.messages(), ["a", "b"]);
    assert_eq!(sink.connections(), 1);
}

#[test]
fn large_bodies_pass_an_encrypted_connection_whole() {
    let authority = Authority::new();
    let sink = Sink::start_tls(Arc::clone(&authority.server));
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'!' + state.to_be_bytes()[0] % 90)
    });
    let message: String = noise.take(900_000).collect();
    deliver(&trusting(&sink, &authority), &message);
    assert_eq!(sink.messages(), [message]);
}

#[test]
fn an_unknown_authority_is_not_trusted_unless_everything_is() {
    let authority = Authority::new();
    let sink = Sink::start_tls(Arc::clone(&authority.server));
    let mut options = options(sink.dsn());
    fails(&mut options);
    options.ca_certs = Some(PathBuf::from("no such file"));
    fails(&mut options);
    assert!(sink.requests().is_empty());
    options.accept_invalid_certs = true;
    deliver(&options, "trusted");
    assert_eq!(sink.messages(), ["trusted"]);
}

#[test]
fn a_certificate_for_another_name_is_not_trusted() {
    let authority = Authority::new();
    let sink = Sink::start_tls(Arc::clone(&authority.server));
    let mut options = trusting(&sink, &authority);
    let address = sink.address();
    options.dsn = Dsn::parse(&format!("https://key@{address}/42")).unwrap();
    fails(&mut options);
    assert!(sink.requests().is_empty());
}

#[test]
fn plain_requests_are_forwarded_by_a_proxy_that_is_told_the_whole_address() {
    let proxy = Sink::start();
    let dsn = Dsn::parse("http://key@errors.example.invalid/base/42").unwrap();
    let mut options = options(dsn);
    options.http_proxy = Some(format!("http://user-42:hush@{}", proxy.address()));
    deliver(&options, "by proxy");
    let request = &proxy.requests()[0];
    let target = "http://errors.example.invalid/base/api/42/envelope/";
    assert_eq!(request.target, target);
    assert_eq!(request.header("Host"), Some("errors.example.invalid"));
    let login = request.header("Proxy-Authorization");
    assert_eq!(login, Some("Basic dXNlci00MjpodXNo"));
    assert_eq!(request.message(), "by proxy");
}

#[test]
fn encrypted_requests_pass_a_proxy_through_a_tunnel() {
    let authority = Authority::new();
    let sink = Sink::start_tls(Arc::clone(&authority.server));
    let proxy = TunnelProxy::start();
    let mut options = trusting(&sink, &authority);
    options.http_proxy = Some("http://not-this-one.invalid".to_owned());
    options.https_proxy = Some(format!("user-42:hush@{}", proxy.address));
    deliver(&options, "in secret");
    let request = &sink.requests()[0];
    assert_eq!(request.target, "/api/42/envelope/");
    assert_eq!(request.header("Proxy-Authorization"), None);
    assert_eq!(request.message(), "in secret");
    let head = proxy.requests.recv().unwrap();
    let port = sink.address().port();
    assert!(
        head.starts_with(&format!("CONNECT localhost:{port} HTTP/1.1\r\n")),
        "{head}"
    );
    let login = "proxy-authorization: Basic dXNlci00MjpodXNo\r\n";
    assert!(head.contains(login), "{head}");
}

#[test]
fn a_proxy_that_refuses_or_cannot_be_used_is_not_gone_around() {
    let authority = Authority::new();
    let sink = Sink::start_tls(Arc::clone(&authority.server));
    let refusing = Sink::start();
    refusing.answer_always(crate::sink::Answer::status(407));
    let proxies = [
        format!("http://{}", refusing.address()),
        format!("http://{}", Sink::reserve()),
        "socks5://127.0.0.1:9".to_owned(),
    ];
    for proxy in proxies {
        let mut options = trusting(&sink, &authority);
        options.https_proxy = Some(proxy);
        fails(&mut options);
    }
    assert_eq!(refusing.requests()[0].method, "CONNECT");
    assert!(sink.requests().is_empty());
}
