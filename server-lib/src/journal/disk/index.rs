//! The index at the end of a compacted segment: where its blocks are, and from when to when each
//! project has records in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

use crate::error::Error;
use crate::model::ids::{ProjectId, Seq};
use crate::model::time::Millis;

use super::segment::Span;

const MAGIC: [u8; 4] = *b"MSIX";
const SPAN_BYTES: usize = 33;
const PROJECT_BYTES: usize = 20;
/// A longer one is not believed.
const MAX_INDEX_BYTES: u32 = 256 * 1024 * 1024;

/// What a compacted segment knows of itself.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) spans: Vec<Span>,
    /// The earliest and the latest arrival of each project's records.
    pub(super) projects: BTreeMap<ProjectId, (Millis, Millis)>,
}

impl Index {
    /// Notes a record of a project.
    pub(super) fn note(&mut self, project: ProjectId, received: Millis) {
        self.projects
            .entry(project)
            .and_modify(|(earliest, latest)| {
                *earliest = received.min(*earliest);
                *latest = received.max(*latest);
            })
            .or_insert((received, received));
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        push_count(&mut bytes, self.spans.len());
        push_count(&mut bytes, self.projects.len());
        for span in &self.spans {
            bytes.extend_from_slice(&span.first.0.to_le_bytes());
            bytes.extend_from_slice(&span.last.0.to_le_bytes());
            bytes.extend_from_slice(&span.offset.to_le_bytes());
            bytes.extend_from_slice(&span.bytes.to_le_bytes());
            bytes.extend_from_slice(&span.plain_bytes.to_le_bytes());
            bytes.push(u8::from(span.names_blobs));
        }
        for (project, (earliest, latest)) in &self.projects {
            bytes.extend_from_slice(&project.0.to_le_bytes());
            bytes.extend_from_slice(&earliest.0.to_le_bytes());
            bytes.extend_from_slice(&latest.0.to_le_bytes());
        }
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }
}

/// Reads the index; `None` when it is damaged.
pub(super) fn read(file: &File, (at, length): (u64, u32)) -> Result<Option<Index>, Error> {
    if length > MAX_INDEX_BYTES || at.saturating_add(u64::from(length)) > file.metadata()?.len() {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut bytes, at)?;
    Ok(parse(&bytes))
}

fn parse(bytes: &[u8]) -> Option<Index> {
    let (covered, crc) = bytes.split_last_chunk::<4>()?;
    if *crc != crc32fast::hash(covered).to_le_bytes() {
        return None;
    }
    let rest = covered.strip_prefix(&MAGIC)?;
    let (span_count, rest) = split_count(rest)?;
    let (project_count, rest) = split_count(rest)?;
    let (spans, projects) = rest.split_at_checked(span_count.checked_mul(SPAN_BYTES)?)?;
    if projects.len() != project_count.checked_mul(PROJECT_BYTES)? {
        return None;
    }
    let mut index = Index::default();
    for fields in spans.as_chunks::<SPAN_BYTES>().0 {
        let (first, rest) = fields.split_first_chunk::<8>()?;
        let (last, rest) = rest.split_first_chunk::<8>()?;
        let (offset, rest) = rest.split_first_chunk::<8>()?;
        let (bytes, rest) = rest.split_first_chunk::<4>()?;
        let (plain_bytes, rest) = rest.split_first_chunk::<4>()?;
        index.spans.push(Span {
            first: Seq(u64::from_le_bytes(*first)),
            last: Seq(u64::from_le_bytes(*last)),
            offset: u64::from_le_bytes(*offset),
            bytes: u32::from_le_bytes(*bytes),
            plain_bytes: u32::from_le_bytes(*plain_bytes),
            names_blobs: rest.first() == Some(&1),
        });
    }
    for fields in projects.as_chunks::<PROJECT_BYTES>().0 {
        let (project, rest) = fields.split_first_chunk::<4>()?;
        let (earliest, rest) = rest.split_first_chunk::<8>()?;
        let (latest, _) = rest.split_first_chunk::<8>()?;
        index.projects.insert(
            ProjectId(u32::from_le_bytes(*project)),
            (
                Millis(i64::from_le_bytes(*earliest)),
                Millis(i64::from_le_bytes(*latest)),
            ),
        );
    }
    Some(index)
}

fn push_count(bytes: &mut Vec<u8>, count: usize) {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&count.to_le_bytes());
}

fn split_count(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (count, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*count)).ok()?, rest))
}
