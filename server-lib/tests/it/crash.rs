//! An event that was answered 2xx is on disk: the process is killed under load and asked afterwards.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::program::Program;

const CONNECTIONS: usize = 16;
const ROUNDS: u64 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_kill_9_and_is_there_once() {
    let data = tempfile::tempdir().unwrap();
    let mut program = Program::init(data.path(), &[]);
    survives(&mut program).await;
}

/// Kills the program in several rounds and compares.
pub(crate) async fn survives(program: &mut Program) {
    let next = Arc::new(AtomicU64::new(1));
    let mut accepted = HashSet::new();
    let mut open = HashSet::new();
    for round in 0..ROUNDS {
        program.start().await;
        let (sent, unanswered) =
            load(program, &next, Duration::from_millis(300 + round * 170)).await;
        accepted.extend(sent);
        open.extend(unanswered);
    }
    program.start().await;

    let stored = program.event_ids(accepted.len()).await;
    let unique: HashSet<u128> = stored.iter().copied().collect();
    assert!(
        accepted.len() > 100,
        "only {} events were accepted",
        accepted.len()
    );
    assert_eq!(
        accepted.difference(&unique).count(),
        0,
        "accepted events are missing"
    );
    assert_eq!(stored.len(), unique.len(), "events are there twice");
    assert!(
        unique
            .iter()
            .all(|id| accepted.contains(id) || open.contains(id))
    );
}

/// Sends for some time, kills the program, and returns which events were answered and which not.
async fn load(
    program: &mut Program,
    next: &Arc<AtomicU64>,
    time: Duration,
) -> (Vec<u128>, Vec<u128>) {
    let stop = Arc::new(AtomicBool::new(false));
    let (mut accepted, mut open) = (Vec::new(), Vec::new());
    {
        let shared: &Program = program;
        let connections = (0..CONNECTIONS).map(|_| one(shared, next, &stop));
        let all = futures_join(connections.collect());
        let killer = async {
            tokio::time::sleep(time).await;
            shared.kill_by_signal();
            stop.store(true, Ordering::Relaxed);
        };
        let (results, ()) = tokio::join!(all, killer);
        for (sent, unanswered) in results {
            accepted.extend(sent);
            open.extend(unanswered);
        }
    }
    program.kill();
    (accepted, open)
}

async fn one(program: &Program, next: &AtomicU64, stop: &AtomicBool) -> (Vec<u128>, Vec<u128>) {
    let (mut accepted, mut open, mut stream) = (Vec::new(), Vec::new(), None);
    while !stop.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        // Ids of SDKs are spread over all bits.
        let id = u128::from(number).wrapping_mul(0xda94_2042_e4dd_58b5_9e37_79b9_7f4a_7c15);
        match program
            .send(&mut stream, id, &format!("order {number} is lost"))
            .await
        {
            Some(200) => accepted.push(id),
            Some(_) => {}
            None => open.push(id),
        }
    }
    (accepted, open)
}

/// Runs futures side by side on this task and returns their results in order.
async fn futures_join<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures
        .into_iter()
        .map(|future| (Box::pin(future), None))
        .collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (future, result) in &mut running {
            if result.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *result = Some(value),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
    running
        .into_iter()
        .filter_map(|(_, result)| result)
        .collect()
}
