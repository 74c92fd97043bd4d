//! Blocks: what is written is read, and damage is found.

use bytes::Bytes;
use mini_sentry::protocol::EventId;
use mini_sentry_server::block::{
    Block, BlockBuilder, BlockError, BlockHeader, HEADER_BYTES, MAX_PLAIN_BYTES, Packer,
};
use mini_sentry_server::model::ids::{KeyId, ProjectId, Seq};
use mini_sentry_server::model::record::{Blob, Record, RecordContext, RecordHead, RecordKind};
use mini_sentry_server::model::time::Millis;
use proptest::collection::vec;
use proptest::prelude::*;

fn contexts() -> impl Strategy<Value = RecordContext> {
    let texts = proptest::option::of("[a-zäöü\"\\\\/0-9.]{0,20}");
    (
        any::<i64>(),
        texts.clone(),
        texts,
        any::<Option<u32>>(),
        any::<Option<u64>>(),
    )
        .prop_map(|(drift_ms, sdk, name, key, blob)| RecordContext {
            drift_ms,
            key: key.map(KeyId),
            sdk,
            name,
            blob: blob.map(|bytes| Blob {
                name: "0123456789abcdef0123456789abcdef".to_owned(),
                bytes,
            }),
            ..RecordContext::default()
        })
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    let record = (
        1..1_000_u64,
        any::<u32>(),
        proptest::sample::select(RecordKind::ALL),
        proptest::option::of(any::<[u8; 16]>()),
        any::<i64>(),
        proptest::option::of(contexts()),
        vec(any::<u8>(), 0..300),
    );
    vec(record, 1..20).prop_map(|parts| {
        let mut seq = 0;
        let records =
            parts
                .into_iter()
                .map(|(step, project, kind, id, received, context, body)| {
                    seq += step;
                    Record {
                        seq: Seq(seq),
                        head: RecordHead {
                            project: ProjectId(project),
                            kind,
                            event_id: id.map_or(EventId::nil(), EventId::from_bytes),
                            received: Millis(received),
                            context: context.unwrap_or_default(),
                        },
                        body: Bytes::from(body),
                    }
                });
        records.collect()
    })
}

fn written(records: &[Record]) -> Vec<u8> {
    let mut builder = BlockBuilder::new();
    for record in records {
        builder
            .push(record.seq, &record.head, &record.body)
            .unwrap();
    }
    let mut out = Vec::new();
    let mut packer = Packer::new(1).unwrap();
    builder.finish(&mut packer, 0, false, &mut out).unwrap();
    out
}

fn read(bytes: &[u8]) -> Result<Vec<Record>, BlockError> {
    let block = Block::parse(Bytes::copy_from_slice(bytes))?;
    block.unpack(MAX_PLAIN_BYTES)?.records()
}

fn same(left: &[Record], right: &[Record]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| {
            (left.seq, &left.head, &left.body) == (right.seq, &right.head, &right.body)
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read(records in records()) {
        let bytes = written(&records);
        let back = read(&bytes).unwrap();
        prop_assert!(same(&back, &records));
        let header = BlockHeader::peek(&bytes).unwrap();
        prop_assert_eq!(header.total_bytes(), bytes.len() as u64);
        prop_assert_eq!((header.first, header.last), (records[0].seq, records.last().unwrap().seq));
        let unpacked = Block::parse(Bytes::from(bytes)).unwrap().unpack(MAX_PLAIN_BYTES).unwrap();
        for record in &records {
            let entry = unpacked.find(record.seq).unwrap();
            prop_assert_eq!(entry.body_bytes as usize, record.body.len());
        }
        prop_assert!(unpacked.find(Seq(0)).is_none());
    }

    #[test]
    fn every_flipped_bit_is_found(records in records(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut bytes = written(&records);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn every_cut_is_found(records in records(), at in any::<prop::sample::Index>()) {
        let bytes = written(&records);
        let cut = at.index(bytes.len());
        prop_assert_eq!(read(&bytes[..cut]).unwrap_err(), BlockError::Torn);
    }

    #[test]
    fn damage_with_right_checksums_is_an_error_or_other_records(
        records in records(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = written(&records);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        repair_checksums(&mut bytes);
        // The outcome does not matter; that there is one does.
        let _ = read(&bytes);
    }

    #[test]
    fn anything_at_all_is_an_error(bytes in vec(any::<u8>(), 0..400)) {
        prop_assert!(read(&bytes).is_err());
    }
}

/// Makes all three checksums right for the bytes as they are, as far as the lengths allow.
fn repair_checksums(bytes: &mut [u8]) {
    let length = |at: usize| {
        let field: [u8; 4] = bytes[at..at + 4].try_into().unwrap();
        u32::from_le_bytes(field) as usize
    };
    let (directory, packed) = (length(28), length(32));
    let directory_end = HEADER_BYTES.saturating_add(directory);
    let packed_end = directory_end.saturating_add(packed);
    if packed_end <= bytes.len() {
        let crc = crc32(&bytes[HEADER_BYTES..directory_end]);
        bytes[44..48].copy_from_slice(&crc);
        let crc = crc32(&bytes[directory_end..packed_end]);
        bytes[48..52].copy_from_slice(&crc);
    }
    let crc = crc32(&bytes[..HEADER_BYTES - 4]);
    bytes[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&crc);
}

/// CRC-32 bit by bit, so that it does not depend on the library that writes it.
fn crc32(bytes: &[u8]) -> [u8; 4] {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        }
    }
    (!crc).to_le_bytes()
}

fn one(body: &'static [u8]) -> Vec<u8> {
    written(&[Record {
        seq: Seq(1),
        head: RecordHead {
            project: ProjectId(1),
            kind: RecordKind::Event,
            event_id: EventId::nil(),
            received: Millis(0),
            context: RecordContext::default(),
        },
        body: Bytes::from_static(body),
    }])
}

#[test]
fn a_reader_says_how_much_it_unpacks() {
    let block = Block::parse(Bytes::from(one(&[7; 10_000]))).unwrap();
    let error = block.unpack(9_999).unwrap_err();
    let expected = BlockError::TooLarge {
        plain: 10_000,
        limit: 9_999,
    };
    assert_eq!(error, expected);
    assert!(block.unpack(10_000).is_ok());
}

#[test]
fn a_lying_length_allocates_nothing() {
    let mut bytes = one(b"short");
    bytes[36..40].copy_from_slice(&200_000_000_u32.to_le_bytes());
    repair_checksums(&mut bytes);
    assert!(matches!(read(&bytes), Err(BlockError::Damaged(_))));
    bytes[36..40].copy_from_slice(&u32::MAX.to_le_bytes());
    repair_checksums(&mut bytes);
    assert!(matches!(read(&bytes), Err(BlockError::TooLarge { .. })));
}

#[test]
fn a_newer_version_is_named() {
    let mut bytes = one(b"short");
    bytes[4] = 9;
    repair_checksums(&mut bytes);
    assert_eq!(read(&bytes).unwrap_err(), BlockError::TooNew(9));
}

#[test]
fn records_must_be_in_order() {
    let mut builder = BlockBuilder::new();
    let head = read(&one(b"x")).unwrap().remove(0).head;
    builder.push(Seq(5), &head, b"a").unwrap();
    assert_eq!(
        builder.push(Seq(5), &head, b"b"),
        Err(BlockError::Disordered)
    );
    builder.push(Seq(6), &head, b"c").unwrap();
    assert_eq!(builder.count(), 2);
}
