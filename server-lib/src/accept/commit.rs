//! The last step of accept: files first, then the journal, then the answer.

use std::io;

use super::intake::{Draft, Ready};
use super::{Acceptor, Receipt, Refusal};
use crate::blob::BlobWriter;
use crate::journal::AppendError;
use crate::model::record::{Blob, NewRecord};
use crate::model::time::Millis;

impl Acceptor {
    /// Puts all records on disk, or none, and answers.
    pub(super) async fn commit(&self, ready: Ready) -> Result<Receipt, Refusal> {
        let Ready {
            mut drafts,
            event_id,
            limits,
        } = ready;
        if drafts.is_empty() {
            return Ok(Receipt {
                event_id,
                last: None,
                limits,
            });
        }
        let files = self.finish_files(&mut drafts).await?;
        let mut counts = Vec::with_capacity(drafts.len());
        let records: Vec<NewRecord> = drafts
            .into_iter()
            .map(|draft| {
                counts.push((draft.category, draft.quantity));
                draft.record
            })
            .collect();
        let others = u64::try_from(records.len())
            .unwrap_or(u64::MAX)
            .saturating_sub(1);
        let first = match self.parts.journal.append(records).await {
            Ok(first) => first,
            Err(error) => {
                for file in files {
                    // Without a record nobody asks for it; retention takes what stays.
                    let _ = self.parts.blobs.remove(&file.name);
                }
                return Err(error.into());
            }
        };
        for (category, quantity) in counts {
            self.tally.accept(category, quantity);
        }
        Ok(Receipt {
            event_id,
            last: Some(first.plus(others)),
            limits,
        })
    }

    /// Begins a file for a large body.
    pub(super) fn create_file(&self, received: Millis) -> Result<BlobWriter, Refusal> {
        self.parts.blobs.create(received).map_err(|error| {
            tracing::warn!(error = %error, "a file for a large item cannot be made");
            match error.kind() {
                crate::error::ErrorKind::Full => AppendError::Full.into(),
                _ => AppendError::Failed.into(),
            }
        })
    }

    /// Syncs the files and names them in their records.
    async fn finish_files(&self, drafts: &mut [Draft]) -> Result<Vec<Blob>, Refusal> {
        let writers: Vec<(usize, BlobWriter)> = drafts
            .iter_mut()
            .enumerate()
            .filter_map(|(index, draft)| Some((index, draft.file.take()?)))
            .collect();
        if writers.is_empty() {
            return Ok(Vec::new());
        }
        let blobs = std::sync::Arc::clone(&self.parts.blobs);
        // Syncing takes as long as the disk likes.
        let finishing = tokio::task::spawn_blocking(move || {
            let mut finished = Vec::with_capacity(writers.len());
            for (index, writer) in writers {
                match writer.finish() {
                    Ok(blob) => finished.push((index, blob)),
                    Err(error) => {
                        for (_, blob) in finished {
                            let _ = blobs.remove(&blob.name);
                        }
                        return Err(error);
                    }
                }
            }
            Ok(finished)
        });
        let finished = match finishing.await {
            Ok(Ok(finished)) => finished,
            Ok(Err(error)) => return Err(refuse_write(&error)),
            Err(_) => return Err(AppendError::Failed.into()),
        };
        let mut files = Vec::with_capacity(finished.len());
        for (index, blob) in finished {
            if let Some(draft) = drafts.get_mut(index) {
                draft.record.head.context.blob = Some(blob.clone());
            }
            files.push(blob);
        }
        Ok(files)
    }
}

/// Says that a file could not be written.
pub(super) fn refuse_write(error: &io::Error) -> Refusal {
    tracing::warn!(error = %error, "a large item cannot be written");
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => AppendError::Full.into(),
        _ => AppendError::Failed.into(),
    }
}
