//! As much of HTTP/1.1 as SDKs speak: bodies with a length or in chunks, compressed or not,
//! several requests on one connection. Every size is bounded.

use std::io::{self, BufRead, Read, Write};

use flate2::read::{MultiGzDecoder, ZlibDecoder};

/// Bound for a body as sent and, separately, as decoded.
pub(crate) const MAX_BODY_BYTES: usize = 20 * 1024 * 1024;

/// Bound for the request line and all headers, and for the lines between chunks.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// One request with its body decoded.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
    pub(crate) keep_alive: bool,
}

/// Why a request could not be read.
#[derive(Debug)]
pub(crate) enum HttpError {
    Io(io::Error),
    /// Answered with this status and sentence; the connection ends.
    Refused(u16, &'static str),
}

impl From<io::Error> for HttpError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads the next request; `None` when the client closed the connection between requests.
pub(crate) fn read_request(
    reader: &mut impl BufRead,
    writer: &mut impl Write,
) -> Result<Option<Request>, HttpError> {
    let mut budget = MAX_HEAD_BYTES;
    let Some(first) = read_line(reader, &mut budget)? else {
        return Ok(None);
    };
    let mut words = first.split(' ');
    let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next())
    else {
        return Err(HttpError::Refused(400, "the request line is malformed"));
    };
    if !version.starts_with("HTTP/1.") {
        return Err(HttpError::Refused(
            505,
            "only HTTP/1.0 and HTTP/1.1 are spoken here",
        ));
    }
    let head = read_head(reader, &mut budget)?;
    if head.expects_continue {
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        writer.flush()?;
    }
    let raw = match (head.chunked, head.length) {
        (true, Some(_)) => {
            return Err(HttpError::Refused(
                400,
                "a body is either chunked or has a length",
            ));
        }
        (true, None) => read_chunks(reader)?,
        (false, length) => read_exactly(reader, length.unwrap_or(0))?,
    };
    Ok(Some(Request {
        method: method.to_owned(),
        path: target.split('?').next().unwrap_or_default().to_owned(),
        body: decode(&head.encoding, raw)?,
        keep_alive: head.keep_alive.unwrap_or(version != "HTTP/1.0"),
    }))
}

/// Writes a JSON answer.
pub(crate) fn respond(
    writer: &mut impl Write,
    status: u16,
    body: &str,
    keep_alive: bool,
) -> io::Result<()> {
    let reason = match status {
        200 => "OK",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Bad Request",
    };
    let connection = if keep_alive { "keep-alive" } else { "close" };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nconnection: {connection}\r\n\r\n{body}"
    );
    writer.write_all(answer.as_bytes())?;
    writer.flush()
}

/// The headers that matter here.
#[derive(Default)]
struct Head {
    length: Option<usize>,
    chunked: bool,
    encoding: String,
    keep_alive: Option<bool>,
    expects_continue: bool,
}

fn read_head(reader: &mut impl BufRead, budget: &mut usize) -> Result<Head, HttpError> {
    let mut head = Head::default();
    loop {
        let line = read_line(reader, budget)?
            .ok_or(HttpError::Refused(400, "the headers end too early"))?;
        if line.is_empty() {
            return Ok(head);
        }
        let (name, value) = line
            .split_once(':')
            .ok_or(HttpError::Refused(400, "a header has no colon"))?;
        let value = value.trim().to_ascii_lowercase();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => {
                let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
                let length = value.parse().ok().filter(|_| is_number);
                let length =
                    length.ok_or(HttpError::Refused(400, "content-length is malformed"))?;
                if head.length.is_some_and(|earlier| earlier != length) {
                    return Err(HttpError::Refused(400, "two lengths are given"));
                }
                head.length = Some(length);
            }
            "transfer-encoding" if value == "chunked" => head.chunked = true,
            "transfer-encoding" => {
                return Err(HttpError::Refused(
                    400,
                    "the only transfer coding here is chunked",
                ));
            }
            "content-encoding" => head.encoding = value,
            "connection" if value == "close" => head.keep_alive = Some(false),
            "connection" if value == "keep-alive" => head.keep_alive = Some(true),
            "expect" => head.expects_continue = value == "100-continue",
            _ => {}
        }
    }
}

/// Reads a line without its end; `None` at the end of the connection.
fn read_line(reader: &mut impl BufRead, budget: &mut usize) -> Result<Option<String>, HttpError> {
    let mut line = Vec::new();
    let limit = u64::try_from(*budget).unwrap_or(u64::MAX);
    let taken = reader.by_ref().take(limit).read_until(b'\n', &mut line)?;
    *budget = budget.saturating_sub(taken);
    if taken == 0 && *budget > 0 {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(match *budget {
            0 => HttpError::Refused(413, "the headers are over 32 KiB"),
            _ => HttpError::Refused(400, "a line ends too early"),
        });
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

fn read_exactly(reader: &mut impl BufRead, length: usize) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    append_exactly(reader, length, &mut body)?;
    Ok(body)
}

fn read_chunks(reader: &mut impl BufRead) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    let mut budget = MAX_HEAD_BYTES;
    loop {
        let line = read_line(reader, &mut budget)?.unwrap_or_default();
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16)
            .map_err(|_| HttpError::Refused(400, "a chunk's size is malformed"))?;
        if size == 0 {
            break;
        }
        append_exactly(reader, size, &mut body)?;
        // Only lines without content count, so that many small chunks stay within the bound.
        budget = MAX_HEAD_BYTES;
        if read_line(reader, &mut budget)?.as_deref() != Some("") {
            return Err(HttpError::Refused(400, "a chunk is longer than its size"));
        }
    }
    while let Some(line) = read_line(reader, &mut budget)? {
        if line.is_empty() {
            break;
        }
    }
    Ok(body)
}

fn append_exactly(
    reader: &mut impl BufRead,
    length: usize,
    body: &mut Vec<u8>,
) -> Result<(), HttpError> {
    let end = body
        .len()
        .checked_add(length)
        .filter(|end| *end <= MAX_BODY_BYTES);
    let end = end.ok_or(HttpError::Refused(413, "the body is over 20 MiB"))?;
    let limit = u64::try_from(length).unwrap_or(u64::MAX);
    reader.by_ref().take(limit).read_to_end(body)?;
    if body.len() < end {
        return Err(HttpError::Refused(400, "the body ends too early"));
    }
    Ok(())
}

fn decode(encoding: &str, raw: Vec<u8>) -> Result<Vec<u8>, HttpError> {
    match encoding {
        "" | "identity" => Ok(raw),
        "gzip" | "x-gzip" => read_bounded(MultiGzDecoder::new(raw.as_slice())),
        "deflate" => read_bounded(ZlibDecoder::new(raw.as_slice())),
        _ => Err(HttpError::Refused(
            415,
            "content-encoding must be gzip or deflate",
        )),
    }
}

fn read_bounded(decoder: impl Read) -> Result<Vec<u8>, HttpError> {
    let mut decoded = Vec::new();
    let limit = u64::try_from(MAX_BODY_BYTES).unwrap_or(u64::MAX);
    decoder
        .take(limit.saturating_add(1))
        .read_to_end(&mut decoded)
        .map_err(|_| HttpError::Refused(400, "the body is not what content-encoding says"))?;
    if decoded.len() > MAX_BODY_BYTES {
        return Err(HttpError::Refused(
            413,
            "the body is over 20 MiB when decoded",
        ));
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<Request>, HttpError> {
        read_request(&mut io::Cursor::new(bytes), &mut io::sink())
    }

    fn status(bytes: &[u8]) -> Option<u16> {
        match read(bytes) {
            Err(HttpError::Refused(status, _)) => Some(status),
            _ => None,
        }
    }

    #[test]
    fn chunks_are_joined_and_trailers_skipped() {
        let text = b"POST /a?b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
            3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\nrest";
        let request = read(text).unwrap().unwrap();
        assert_eq!(request.body, b"abc0123456789");
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/a")
        );
        assert!(request.keep_alive);
    }

    #[test]
    fn lengths_that_lie_or_disagree_are_refused() {
        assert_eq!(
            status(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"),
            Some(400)
        );
        assert_eq!(
            status(b"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\na"),
            Some(400)
        );
        assert_eq!(
            status(b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"),
            Some(413)
        );
        assert_eq!(
            status(b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na"),
            Some(400)
        );
        assert_eq!(
            status(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"),
            Some(413)
        );
        assert_eq!(
            status(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n"),
            Some(400)
        );
    }

    #[test]
    fn a_decompression_bomb_is_cut_at_the_bound() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let block = vec![0_u8; 1024 * 1024];
        for _ in 0..21 {
            encoder.write_all(&block).unwrap();
        }
        let packed = encoder.finish().unwrap();
        let mut text = format!(
            "POST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            packed.len()
        )
        .into_bytes();
        text.extend(packed);
        assert_eq!(status(&text), Some(413));
    }

    #[test]
    fn malformed_heads_are_refused_and_a_closed_connection_is_not_an_error() {
        assert!(matches!(read(b""), Ok(None)));
        assert_eq!(status(b"hello\r\n\r\n"), Some(400));
        assert_eq!(status(b"GET / HTTP/2\r\n\r\n"), Some(505));
        assert_eq!(status(b"GET / HTTP/1.1\r\nHost"), Some(400));
        let mut endless = b"GET / HTTP/1.1\r\n".to_vec();
        endless.extend(vec![b'a'; MAX_HEAD_BYTES]);
        assert_eq!(status(&endless), Some(413));
        let keeps = |head: &str| read(head.as_bytes()).unwrap().unwrap().keep_alive;
        assert!(!keeps("GET / HTTP/1.0\r\n\r\n"));
        assert!(!keeps("GET / HTTP/1.1\r\nConnection: Close\r\n\r\n"));
    }
}
