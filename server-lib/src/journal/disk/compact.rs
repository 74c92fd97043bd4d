//! Compaction: which segments are written anew, and when.
//!
//! Packing tighter is work for idle times; removing the dead is not put off. Small segments, as
//! restarts and quiet hours leave them, are taken together with their neighbours: never more than
//! a segment may have, and an older one only if it is not much larger than what is added to it, so
//! that a record is not written over and over.

use std::fs::File;
use std::ops::{Range, RangeInclusive};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind};
use crate::model::ids::Seq;
use crate::model::time::Millis;
use crate::store::Upkeep;

use super::index;
use super::rewrite::{Dead, GENERATION, rewrite};
use super::segment::{Segment, SegmentHeader};
use super::shared::Shared;

/// Nothing was appended for so long: idle.
const IDLE_MS: i64 = 5_000;
/// Fewer records a second than these leave time for packing.
const CALM_RECORDS_PER_SECOND: u64 = 200;
/// A segment with less than this is closed only after a longer time.
const SMALL_BYTES: u64 = 256 * 1024;
const LONG_IDLE_MS: i64 = 600_000;
/// How much larger an older neighbour may be that is written anew with a segment.
const NEIGHBOUR_RATIO: u64 = 2;

/// Compaction of one journal: one at a time.
#[derive(Debug, Default)]
pub(super) struct Compaction {
    turn: tokio::sync::Mutex<()>,
    /// How far the journal was at the last look.
    seen: Mutex<Option<(Millis, Seq)>>,
}

impl Compaction {
    /// Does one unit of work. False when there is none.
    pub(super) async fn step(
        &self,
        shared: &Arc<Shared>,
        upkeep: &dyn Upkeep,
    ) -> Result<bool, Error> {
        let _turn = self.turn.lock().await;
        let segments = shared.segments();
        let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
            return Ok(false);
        };
        let dead = Dead::new(upkeep.dead(first.first..=last.last()).await?);
        let is_calm = self.is_calm(shared);
        if last.is_live() && wants_seal(shared, last, &dead) {
            // An answer that does not come means that the server is shutting down.
            if shared.intake.seal().await.is_err() {
                return Ok(false);
            }
        }
        let Some(inputs) = pick(shared, &dead, is_calm)? else {
            shared.cache.shed();
            return Ok(false);
        };
        let gone = run(Arc::clone(shared), inputs, dead).await?;
        for range in gone.unwrap_or_default() {
            upkeep.buried(range).await?;
        }
        Ok(true)
    }

    fn is_calm(&self, shared: &Shared) -> bool {
        let now = shared.clock.now();
        let tail = shared.tail();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = seen.unwrap_or((now, tail));
        let elapsed = u64::try_from(now.since(before.0)).unwrap_or_default();
        let is_slow = elapsed >= 1_000 && {
            let records = tail.0.saturating_sub(before.1.0);
            records.saturating_mul(1_000) / elapsed.max(1) < CALM_RECORDS_PER_SECOND
        };
        if elapsed >= 1_000 || seen.is_none() {
            *seen = Some((now, tail));
        }
        is_slow || idle_ms(shared) >= IDLE_MS
    }
}

/// Reports whether the segment that is being written should be closed now.
fn wants_seal(shared: &Shared, live: &Segment, dead: &Dead) -> bool {
    if live.last() < live.first {
        return false;
    }
    let idle = idle_ms(shared);
    let is_idle = idle >= IDLE_MS && (live.bytes() >= SMALL_BYTES || idle >= LONG_IDLE_MS);
    is_idle || dead.touches(live.first, live.last())
}

fn idle_ms(shared: &Shared) -> i64 {
    let last = Millis(shared.last_append.load(Ordering::Relaxed));
    shared.clock.now().since(last)
}

/// Chooses neighbours that are written anew as one.
fn pick(shared: &Shared, dead: &Dead, is_calm: bool) -> Result<Option<Vec<Arc<Segment>>>, Error> {
    let committed = shared.committed();
    let mut closed = shared.segments();
    closed.retain(|segment| !segment.is_live() && segment.last() <= committed);
    let mut chosen = None;
    for (place, segment) in closed.iter().enumerate() {
        if has_dead(segment, dead)? {
            chosen = Some(place);
            break;
        }
        if chosen.is_none() && is_calm && segment.generation < GENERATION {
            chosen = Some(place);
        }
    }
    let Some(place) = chosen else {
        return Ok(None);
    };
    let range = with_neighbours(&closed, place, shared.segment_bytes);
    Ok(closed.get(range).map(<[_]>::to_vec))
}

/// Reports whether a segment has records that must go. Of projects, only those that are gone from
/// it altogether count; other dead leave when it is written anew for another reason.
fn has_dead(segment: &Segment, dead: &Dead) -> Result<bool, Error> {
    if dead.touches(segment.first, segment.last()) {
        return Ok(true);
    }
    if dead.projects.is_empty() || segment.generation == 0 {
        return Ok(false);
    }
    let file = match File::open(&segment.path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let place = SegmentHeader::read(&file)?.and_then(|header| header.index);
    let index = place.map(|place| index::read(&file, place)).transpose()?;
    let projects = index.flatten().map(|index| index.projects);
    Ok(projects
        .unwrap_or_default()
        .iter()
        .any(|(project, (_, latest))| {
            dead.projects
                .get(project)
                .is_some_and(|until| latest <= until)
        }))
}

fn with_neighbours(closed: &[Arc<Segment>], place: usize, limit: u64) -> Range<usize> {
    let bytes = |place: usize| {
        closed
            .get(place)
            .map_or(u64::MAX, |segment| segment.bytes())
    };
    let mut total = bytes(place);
    let mut end = place.saturating_add(1);
    while end < closed.len() && total.saturating_add(bytes(end)) <= limit {
        total = total.saturating_add(bytes(end));
        end = end.saturating_add(1);
    }
    let mut start = place;
    while let Some(before) = start.checked_sub(1) {
        let older = bytes(before);
        if older > total.saturating_mul(NEIGHBOUR_RATIO) || total.saturating_add(older) > limit {
            break;
        }
        total = total.saturating_add(older);
        start = before;
    }
    start..end
}

/// Rewrites on a thread of its own, which yields to all others.
async fn run(
    shared: Arc<Shared>,
    inputs: Vec<Arc<Segment>>,
    dead: Dead,
) -> Result<Option<Vec<RangeInclusive<Seq>>>, Error> {
    let (answer, receiver) = oneshot::channel();
    std::thread::Builder::new()
        .name("compaction".to_owned())
        .spawn(move || {
            lower_priority();
            let outcome = rewrite(&shared, &inputs, &dead);
            // The folder must be free when who asked goes on and closes the journal.
            drop((shared, inputs));
            // Who asked may have given up; the work is not lost.
            let _ = answer.send(outcome);
        })
        .map_err(|error| Error::new(ErrorKind::System, error).during("start compaction"))?;
    receiver.await.unwrap_or_else(|_| {
        Err(Error::because(
            ErrorKind::System,
            "compaction ended by a panic",
        ))
    })
}

/// On Linux, the priority is the thread's own.
fn lower_priority() {
    if cfg!(target_os = "linux") {
        // Being refused only means that we compete.
        let _ = rustix::process::setpriority_process(None, 19);
    }
}
