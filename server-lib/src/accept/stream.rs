//! Envelopes that are too large for memory: read, unpacked and judged while they arrive.
//!
//! Events and containers are held in memory up to their own limits; attachments, profiles and
//! replays go to files as soon as they are large. So a request of hundreds of megabytes costs no
//! more memory than its largest event.

use std::io::{self, Write};

use bytes::Bytes;
use mini_sentry::envelope::{EnvelopeError, EnvelopeStream, ItemHeader, ItemKind, StreamEvent};

use super::admission::with_dsn;
use super::body::Source;
use super::budget::Held;
use super::commit::refuse_write;
use super::decode::{Broken, Encoding, Unpacker};
use super::envelope::{EnvelopeFacts, dsn_of, unreadable};
use super::intake::{Intake, Payload, Ready};
use super::{Acceptor, Claim, Refusal, RequestFacts, Sender};
use crate::blob::BlobWriter;
use crate::model::record::RecordKind;

/// Packed bytes that are unpacked without giving others their turn.
const STEP: usize = 16 * 1024;
/// What decoders hold besides the bodies.
const DECODER_BYTES: usize = 128 * 1024;
/// What those of newer encodings hold.
const LARGE_DECODER_BYTES: usize = 8 * 1024 * 1024;

/// A request whose envelope is streamed.
pub(super) struct Streamed<'a> {
    /// Who judges.
    pub(super) acceptor: &'a Acceptor,
    /// Who sends, as far as the request says.
    pub(super) claim: Claim,
    /// The same, admitted, when the request itself names a key.
    pub(super) sender: Option<Sender>,
    /// What else the request says.
    pub(super) facts: &'a RequestFacts,
}

impl<'a> Streamed<'a> {
    /// Reads the envelope that begins with `start` and goes on in `source`.
    pub(super) async fn receive(
        self,
        encoding: Encoding,
        start: Bytes,
        source: Option<Source>,
        mut held: Held,
    ) -> Result<(Ready, Held), Refusal> {
        let overhead = match encoding {
            Encoding::Identity | Encoding::Gzip | Encoding::Deflate => DECODER_BYTES,
            Encoding::Brotli | Encoding::Zstd => LARGE_DECODER_BYTES,
        };
        let overhead = overhead.saturating_add(start.len());
        held.reach(overhead).await?;
        let limits = &self.acceptor.limits;
        let sink = Sink {
            stream: EnvelopeStream::new(limits),
            intake: None,
            current: None,
            held,
            overhead,
            stop: None,
            request: self,
        };
        let mut unpacker =
            Unpacker::new(encoding, &start, sink).map_err(|_| Broken::Invalid.into_refusal(0))?;
        let mut source = source;
        let mut next = Some(start);
        while let Some(chunk) = next {
            for piece in chunk.chunks(STEP) {
                if unpacker.write(piece).is_err() {
                    let stop = unpacker.sink().stop.take();
                    return Err(stop.unwrap_or_else(|| Broken::Invalid.into_refusal(0)));
                }
                tokio::task::yield_now().await;
            }
            // After a broken frame nothing more is read.
            if unpacker.sink().stream.has_ended() {
                break;
            }
            next = match &mut source {
                Some(source) => source.next().await?,
                None => None,
            };
        }
        if unpacker.sink().stream.has_ended() {
            return unpacker.sink().end();
        }
        // Decoders hand on their last bytes when they are closed.
        match unpacker.finish() {
            Ok(mut sink) => sink.end(),
            Err(_) => Err(Broken::Invalid.into_refusal(0)),
        }
    }
}

/// Where the unpacked bytes go.
struct Sink<'a> {
    request: Streamed<'a>,
    stream: EnvelopeStream,
    intake: Option<Intake<'a>>,
    current: Option<Current>,
    held: Held,
    overhead: usize,
    stop: Option<Refusal>,
}

/// The item that is arriving.
struct Current {
    header: ItemHeader,
    place: Place,
}

enum Place {
    Memory(Vec<u8>),
    File(BlobWriter),
    /// The item is only counted.
    Nowhere,
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        loop {
            // Taken out so that the borrow of the bytes does not last.
            let mut stream = std::mem::replace(
                &mut self.stream,
                EnvelopeStream::new(&self.request.acceptor.limits),
            );
            let outcome = stream.advance(&mut rest).map(|step| self.take(step));
            self.stream = stream;
            match outcome {
                None => return Ok(bytes.len()),
                Some(Ok(())) => {}
                Some(Err(refusal)) => {
                    self.stop = Some(refusal);
                    return Err(io::ErrorKind::Other.into());
                }
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink<'_> {
    fn take(&mut self, step: Result<StreamEvent<'_>, EnvelopeError>) -> Result<(), Refusal> {
        match step {
            Ok(StreamEvent::Header(fields)) => self.begin(&fields),
            Ok(StreamEvent::ItemStart(header)) => {
                self.current = Some(Current::new(header));
                Ok(())
            }
            Ok(StreamEvent::ItemData(bytes)) => self.data(bytes),
            Ok(StreamEvent::ItemEnd) => self.end_item(),
            Ok(_) => Ok(()),
            Err(error) => self.fault(error),
        }
    }

    fn begin(
        &mut self,
        fields: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<(), Refusal> {
        let request = &mut self.request;
        let claim = with_dsn(std::mem::take(&mut request.claim), dsn_of(fields))?;
        let sender = match request.sender.take() {
            Some(sender) => sender,
            None => request.acceptor.admit(&claim)?,
        };
        let facts = EnvelopeFacts::read(fields, request.facts);
        self.intake = Some(Intake::new(request.acceptor, sender, request.facts, facts));
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let (Some(intake), Some(current)) = (&self.intake, &mut self.current) else {
            return Ok(());
        };
        if let Place::Memory(buffer) = &mut current.place {
            let len = buffer.len().saturating_add(bytes.len());
            if let Some(kind) = file_kind(&current.header.kind)
                && intake.wants_file(kind, len)
            {
                let mut file = intake.core.create_file(intake.facts.received)?;
                file.write(buffer).map_err(|error| refuse_write(&error))?;
                current.place = Place::File(file);
            } else {
                let kept = self.overhead.saturating_add(intake.bytes());
                // Twice, because a buffer that grows is copied.
                self.held
                    .reach_now(kept.saturating_add(len.saturating_mul(2)))?;
                buffer.extend_from_slice(bytes);
            }
        }
        if let Place::File(file) = &mut current.place {
            file.write(bytes).map_err(|error| refuse_write(&error))?;
        }
        Ok(())
    }

    fn end_item(&mut self) -> Result<(), Refusal> {
        let (Some(intake), Some(current)) = (&mut self.intake, self.current.take()) else {
            return Ok(());
        };
        let payload = match current.place {
            Place::Memory(mut buffer) => {
                buffer.shrink_to_fit();
                Payload::Inline(Bytes::from(buffer))
            }
            Place::File(file) => Payload::File(file),
            Place::Nowhere => Payload::Inline(Bytes::new()),
        };
        intake.item(current.header, payload)?;
        self.held
            .shrink(self.overhead.saturating_add(intake.bytes()));
        Ok(())
    }

    /// An item, the frame or the whole is broken; whatever arrived of the item is dropped.
    fn fault(&mut self, error: EnvelopeError) -> Result<(), Refusal> {
        let current = self.current.take();
        if let EnvelopeError::TooLarge { .. } = error {
            return Err(unreadable(error, &self.request.acceptor.limits));
        }
        match &mut self.intake {
            Some(intake) => {
                intake.frame_fault(error, current.as_ref().map(|current| &current.header.kind));
                Ok(())
            }
            None => Err(unreadable(error, &self.request.acceptor.limits)),
        }
    }

    /// Ends with the body.
    fn end(&mut self) -> Result<(Ready, Held), Refusal> {
        while let Some(step) = self.stream.finish() {
            // Nothing that borrows comes out of the end.
            let step = match step {
                Ok(StreamEvent::ItemEnd) => Ok(StreamEvent::ItemEnd),
                Ok(StreamEvent::Header(fields)) => Ok(StreamEvent::Header(fields)),
                Ok(StreamEvent::ItemStart(header)) => Ok(StreamEvent::ItemStart(header)),
                Ok(_) => continue,
                Err(error) => Err(error),
            };
            self.take(step)?;
        }
        let Some(intake) = self.intake.take() else {
            return Err(unreadable(
                EnvelopeError::MissingHeader,
                &self.request.acceptor.limits,
            ));
        };
        Ok((intake.finish()?, self.held.take()))
    }
}

impl Current {
    fn new(header: ItemHeader) -> Self {
        let is_dead = matches!(
            header.kind,
            ItemKind::UnrealReport | ItemKind::Statsd | ItemKind::MetricBuckets
        );
        let place = if is_dead {
            Place::Nowhere
        } else {
            Place::Memory(Vec::new())
        };
        Self { header, place }
    }
}

/// Returns as what an item may go to a file while it arrives; `None` for what has to be looked at.
fn file_kind(kind: &ItemKind) -> Option<RecordKind> {
    Some(match kind {
        ItemKind::Attachment => RecordKind::Attachment,
        ItemKind::ReplayRecording => RecordKind::ReplayRecording,
        ItemKind::ReplayVideo => RecordKind::ReplayVideo,
        ItemKind::Profile => RecordKind::Profile,
        ItemKind::ProfileChunk => RecordKind::ProfileChunk,
        _ => return None,
    })
}
