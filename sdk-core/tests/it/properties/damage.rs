//! Damaged vectors and bytes at random: whatever comes, the fuzz targets' checks hold.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::fuzz_targets;
use crate::golden::{bytes, names, testdata};

/// The vectors of one folder, as bytes.
type Corpus = LazyLock<Vec<Vec<u8>>>;

static ENVELOPES: Corpus = LazyLock::new(|| {
    let good = names("envelopes/ok", ".envelope", 109);
    let bad = names("envelopes/bad", ".envelope", 29);
    let good = good
        .iter()
        .map(|name| format!("envelopes/ok/{name}.envelope"));
    let bad = bad
        .iter()
        .map(|name| format!("envelopes/bad/{name}.envelope"));
    good.chain(bad).map(|path| bytes(&path)).collect()
});

static EVENTS: Corpus = LazyLock::new(|| {
    let names = names("events", ".in.json", 44);
    let own = names
        .iter()
        .map(|name| bytes(&format!("events/{name}.in.json")));
    // Payloads of other types come out of the envelopes.
    let lines = ENVELOPES
        .iter()
        .flat_map(|body| body.split(|byte| *byte == b'\n'));
    let payloads = lines.filter(|line| line.starts_with(b"{") && line.len() < 20_000);
    own.chain(payloads.map(<[u8]>::to_vec)).collect()
});

static LINES: Corpus = LazyLock::new(|| {
    let mut lines = Vec::new();
    for name in [
        "dsn.json",
        "auth.json",
        "ratelimits.json",
        "timestamps.json",
    ] {
        let table = std::fs::read_to_string(testdata().join(name)).unwrap();
        let texts = table.split('"').filter(|text| text.len() > 2);
        lines.extend(texts.map(|text| text.as_bytes().to_vec()));
    }
    lines
});

/// One way to damage bytes, at a place.
#[derive(Clone, Debug)]
enum Damage {
    Flip(u8),
    Cut(Index),
    Insert(Vec<u8>),
    Repeat(Index),
    Splice(Index, Index),
}

fn damage() -> impl Strategy<Value = (Index, Damage)> {
    let telling = proptest::sample::select(vec![
        &b"\""[..],
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b",",
        b"\n",
        b"\\",
        b"\\u",
        b"\\ud800",
        b"\0",
        b"\xff",
        b"\xc3",
        b"\xef\xbb\xbf",
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"null",
        b"-",
        b"\"length\":18446744073709551615,",
        b"@",
        b"/",
        b"%",
        b"=",
        b";",
    ]);
    let damage = prop_oneof![
        any::<u8>().prop_map(Damage::Flip),
        any::<Index>().prop_map(Damage::Cut),
        telling.prop_map(|bytes| Damage::Insert(bytes.to_vec())),
        vec(any::<u8>(), 1..4).prop_map(Damage::Insert),
        any::<Index>().prop_map(Damage::Repeat),
        (any::<Index>(), any::<Index>()).prop_map(|(which, from)| Damage::Splice(which, from)),
    ];
    (any::<Index>(), damage)
}

fn apply(corpus: &[Vec<u8>], body: &mut Vec<u8>, at: Index, damage: &Damage) {
    let at = at.index(body.len() + 1);
    let span = |end: &Index| {
        let length = end.index(64).min(body.len() - at);
        at..at + length
    };
    match damage {
        Damage::Flip(bits) => {
            if let Some(byte) = body.get_mut(at) {
                *byte ^= bits;
            }
        }
        Damage::Cut(end) => drop(body.drain(span(end))),
        Damage::Insert(bytes) => drop(body.splice(at..at, bytes.iter().copied())),
        Damage::Repeat(end) => {
            let piece = body[span(end)].to_vec();
            body.splice(at..at, piece);
        }
        Damage::Splice(which, from) => {
            let other = &corpus[which.index(corpus.len())];
            body.truncate(at);
            body.extend_from_slice(&other[from.index(other.len() + 1)..]);
        }
    }
}

fn damaged(corpus: &'static Corpus) -> impl Strategy<Value = Vec<u8>> {
    (any::<Index>(), vec(damage(), 1..6)).prop_map(|(which, damages)| {
        let mut body = corpus[which.index(corpus.len())].clone();
        for (at, damage) in &damages {
            apply(corpus, &mut body, *at, damage);
        }
        body
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn damaged_envelopes_read_alike_and_write_again(body in damaged(&ENVELOPES)) {
        fuzz_targets::envelope(&body);
    }

    #[test]
    fn damaged_json_reads_or_is_refused_and_writes_again(body in damaged(&EVENTS)) {
        fuzz_targets::event(&body);
    }

    #[test]
    fn damaged_lines_of_text_read_or_are_refused(line in damaged(&LINES)) {
        fuzz_targets::dsn(&line);
    }

    #[test]
    fn bytes_at_random_read_or_are_refused(bytes in vec(any::<u8>(), 0..200)) {
        fuzz_targets::envelope(&bytes);
        fuzz_targets::event(&bytes);
        fuzz_targets::dsn(&bytes);
    }
}

#[test]
fn every_vector_passes_the_checks_undamaged() {
    ENVELOPES
        .iter()
        .for_each(|body| fuzz_targets::envelope(body));
    EVENTS.iter().for_each(|body| fuzz_targets::event(body));
    LINES.iter().for_each(|line| fuzz_targets::dsn(line));
}
