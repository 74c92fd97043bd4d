//! Looking for damage.

use crate::block::Block;
use crate::error::Error;
use crate::model::ids::Seq;

use super::shared::Shared;

impl Shared {
    /// Reads every block and compares the checksums.
    pub(super) fn check(&self) -> Result<Vec<String>, Error> {
        let mut findings = Vec::new();
        for segment in self.segments() {
            let Some(open) = self.cache.open(&segment)? else {
                continue;
            };
            let mut expected_at = super::segment::SEGMENT_HEADER_BYTES;
            for span in open.spans(Seq(0), Seq(u64::MAX), usize::MAX) {
                if span.offset != expected_at {
                    findings.push(format!(
                        "segment {}: bytes {expected_at} to {} cannot be read",
                        segment.first, span.offset
                    ));
                }
                expected_at = span.end();
                let block = Block::parse(open.read(&span)?).and_then(|block| block.verify());
                if let Err(error) = block {
                    findings.push(format!(
                        "segment {}: records {} to {}: {error}",
                        segment.first, span.first, span.last
                    ));
                }
            }
        }
        Ok(findings)
    }
}
