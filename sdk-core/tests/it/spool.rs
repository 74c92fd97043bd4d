//! The offline spool: what is on disk outlives the process, and arrives once.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use mini_sentry::dsn::Dsn;
use mini_sentry::transport::http::HttpTransport;
use mini_sentry::transport::{SpoolOptions, Transport, TransportOptions};
use tempfile::TempDir;

use crate::delivery::{NEVER, event, lost, options, with_report};
use crate::sink::{Answer, PATIENCE, Sink, dsn_at};

/// Tells a child process of this binary which spool to fill.
const SPOOL_VARIABLE: &str = "MINI_SENTRY_TEST_SPOOL";

fn spooled(dsn: Dsn, dir: &Path) -> TransportOptions {
    let mut options = options(dsn);
    options.spool = Some(SpoolOptions::new(dir));
    options
}

/// Options for a server that cannot be reached, and is not tried twice.
fn offline(dir: &Path) -> TransportOptions {
    let mut options = spooled(dsn_at(Sink::reserve()), dir);
    options.retry_base = NEVER;
    options
}

/// Spools events in a process that then is gone without a word.
fn leave_behind(dir: &Path, messages: &[&str]) {
    let transport = HttpTransport::new(&offline(dir));
    for message in messages {
        transport.send(event(message));
    }
}

/// The spooled files, oldest first.
fn files(dir: &Path) -> Vec<PathBuf> {
    let runs = fs::read_dir(dir).unwrap().map(|run| run.unwrap().path());
    let files = runs.flat_map(|run| fs::read_dir(run).unwrap());
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some());
    files.sort_by_key(|path| path.file_name().map(ToOwned::to_owned));
    files
}

/// Waits for the time by which files of different runs sort to go on.
fn next_millisecond() {
    let millisecond = || UNIX_EPOCH.elapsed().unwrap().as_millis();
    let before = millisecond();
    while millisecond() == before {
        thread::yield_now();
    }
}

#[test]
fn what_waits_on_disk_is_sent_at_the_next_start_oldest_first() {
    let dir = TempDir::new().unwrap();
    leave_behind(dir.path(), &["a", "b", "c"]);
    next_millisecond();
    leave_behind(dir.path(), &["d"]);
    let sink = Sink::start();
    let transport = HttpTransport::new(&spooled(sink.dsn(), dir.path()));
    assert!(transport.flush(PATIENCE));
    assert_eq!(sink.messages(), ["a", "b", "c", "d"]);
    assert!(sink.requests()[0].envelope().header.sent_at.is_some());
    drop(transport);
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        0,
        "nothing stays"
    );
}

#[test]
fn a_backlog_does_not_hold_up_new_events() {
    let dir = TempDir::new().unwrap();
    leave_behind(dir.path(), &["old", "older"]);
    let sink = Sink::start();
    sink.answer(Answer::hold());
    let transport = HttpTransport::new(&spooled(sink.dsn(), dir.path()));
    transport.poll();
    sink.wait_for(1);
    transport.send(event("new"));
    let messages: Vec<_> = sink.wait_for(2).iter().map(|r| r.message()).collect();
    assert_eq!(messages, ["old", "new"]);
    sink.release();
    assert!(transport.flush(PATIENCE));
    assert_eq!(sink.messages(), ["old", "new", "older"]);
}

#[test]
fn a_killed_process_leaves_its_events_to_the_next_and_a_living_one_keeps_them() {
    let dir = TempDir::new().unwrap();
    let mut child = spawn_child(dir.path());
    let sink = Sink::start();
    let beside = HttpTransport::new(&spooled(sink.dsn(), dir.path()));
    beside.send(event("own"));
    assert!(beside.flush(PATIENCE));
    assert_eq!(sink.messages(), ["own"]);

    child.kill().unwrap();
    child.wait().unwrap();
    let after = HttpTransport::new(&spooled(sink.dsn(), dir.path()));
    assert!(after.flush(PATIENCE));
    assert_eq!(sink.messages(), ["own", "sent", "kept"]);
}

/// Starts a process that fills the spool and then waits, holding it.
fn spawn_child(dir: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "spool::a_child_process_fills_the_spool_until_it_is_killed",
            "--nocapture",
        ])
        .env(SPOOL_VARIABLE, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let is_ready = output.lines().any(|line| line.unwrap().contains("spooled"));
    assert!(is_ready, "the child has spooled its events");
    child
}

/// What the process does that [`spawn_child`] starts; by itself it does nothing.
#[test]
fn a_child_process_fills_the_spool_until_it_is_killed() {
    let Some(dir) = std::env::var_os(SPOOL_VARIABLE) else {
        return;
    };
    let transport = HttpTransport::new(&offline(Path::new(&dir)));
    transport.send(event("sent"));
    next_millisecond();
    assert!(transport.keep(&event("kept")));
    println!("spooled");
    // Waits until it is killed, or its parent is gone.
    std::io::stdin().lines().for_each(drop);
}

#[test]
fn what_is_kept_while_a_send_blocks_is_on_disk_at_once_and_is_sent_later() {
    let dir = TempDir::new().unwrap();
    let sink = Sink::start();
    sink.answer(Answer::hold());
    let transport = Arc::new(HttpTransport::new(&spooled(sink.dsn(), dir.path())));
    transport.send(event("blocking"));
    let blocked = thread::spawn({
        let transport = Arc::clone(&transport);
        move || transport.flush(PATIENCE)
    });
    sink.wait_for(1);
    assert!(transport.keep(&event("panicking")));
    assert_eq!(files(dir.path()).len(), 1);
    sink.release();
    assert!(blocked.join().unwrap());
    assert_eq!(sink.messages(), ["blocking", "panicking"]);
    assert!(files(dir.path()).is_empty());
}

#[test]
fn a_clean_end_keeps_what_could_not_be_sent() {
    let dir = TempDir::new().unwrap();
    let options = offline(dir.path());
    let transport = HttpTransport::new(&options);
    transport.send(event("later"));
    assert!(!transport.shutdown(Duration::from_secs(1)));
    assert_eq!(lost(&options.losses), [""; 0]);
    drop(transport);
    assert_eq!(files(dir.path()).len(), 1);
}

#[test]
fn what_is_under_way_at_the_end_is_kept_too() {
    let dir = TempDir::new().unwrap();
    let sink = Sink::start();
    sink.answer(Answer::hold());
    let transport = HttpTransport::new(&spooled(sink.dsn(), dir.path()));
    transport.send(event("unanswered"));
    assert!(!transport.shutdown(Duration::from_millis(1)));
    assert_eq!(files(dir.path()).len(), 1);
}

#[test]
fn the_oldest_make_room_for_the_newest_and_are_counted() {
    let dir = TempDir::new().unwrap();
    let mut options = offline(dir.path());
    options.spool.as_mut().unwrap().max_bytes = 1_000;
    let transport = HttpTransport::new(&options);
    for i in 10..40 {
        transport.send(with_report(event(&format!("{i}"))));
    }
    let kept = files(dir.path());
    let bytes: u64 = kept.iter().map(|file| file.metadata().unwrap().len()).sum();
    assert!(bytes <= 1_000 && kept.len() > 1, "{bytes} bytes");
    let dropped = 30 - kept.len();
    assert_eq!(
        lost(&options.losses),
        [
            format!("{dropped} error cache_overflow"),
            format!("{dropped} error sample_rate")
        ]
    );
    drop(transport);

    let sink = Sink::start();
    let transport = HttpTransport::new(&spooled(sink.dsn(), dir.path()));
    assert!(transport.flush(PATIENCE));
    let newest: Vec<String> = (10 + dropped..40).map(|i| format!("{i}")).collect();
    assert_eq!(sink.messages(), newest);
}

#[test]
fn the_bound_is_over_the_files_of_all_processes() {
    let dir = TempDir::new().unwrap();
    let mut options = offline(dir.path());
    let one = HttpTransport::new(&options);
    one.send(event("a"));
    let size = files(dir.path())[0].metadata().unwrap().len();
    options.spool.as_mut().unwrap().max_bytes = size * 2;
    let other = HttpTransport::new(&options);
    for name in ["b", "c", "d"] {
        other.send(event(name));
    }
    assert_eq!(files(dir.path()).len(), 2);
    assert_eq!(lost(&options.losses), ["2 error cache_overflow"]);
}

#[test]
fn what_is_too_old_is_counted_and_not_sent() {
    let dir = TempDir::new().unwrap();
    leave_behind(dir.path(), &["old", "new"]);
    let oldest = &files(dir.path())[0];
    let name = oldest.file_name().unwrap().to_str().unwrap();
    let (_, rest) = name.split_once('-').unwrap();
    fs::rename(oldest, oldest.with_file_name(format!("{:016x}-{rest}", 1))).unwrap();

    let sink = Sink::start();
    let options = spooled(sink.dsn(), dir.path());
    let transport = HttpTransport::new(&options);
    assert!(transport.flush(PATIENCE));
    assert_eq!(sink.messages(), ["new"]);
    assert_eq!(lost(&options.losses), ["1 error cache_overflow"]);
    assert!(files(dir.path()).is_empty());
}

#[test]
fn damaged_files_are_counted_and_removed_and_the_others_sent() {
    let dir = TempDir::new().unwrap();
    leave_behind(
        dir.path(),
        &["cut", "empty", "garbled", "unfinished", "good"],
    );
    let left = files(dir.path());
    let whole = fs::read(&left[0]).unwrap();
    fs::write(&left[0], &whole[..whole.len() - 9]).unwrap();
    fs::write(&left[1], b"").unwrap();
    fs::write(&left[2], [0; 300]).unwrap();
    fs::write(left[3].with_extension("part"), &whole[..40]).unwrap();
    fs::remove_file(&left[3]).unwrap();
    fs::write(left[4].with_file_name("note.txt"), "not ours").unwrap();

    let sink = Sink::start();
    let options = spooled(sink.dsn(), dir.path());
    let transport = HttpTransport::new(&options);
    assert!(transport.flush(PATIENCE));
    assert_eq!(sink.messages(), ["good"]);
    assert_eq!(lost(&options.losses), ["4 error invalid"]);
}

#[test]
fn a_limit_during_the_replay_drops_nothing() {
    let dir = TempDir::new().unwrap();
    leave_behind(dir.path(), &["a", "b"]);
    let sink = Sink::start();
    sink.answer(Answer::status(429).header("X-Sentry-Rate-Limits", "3600:error:key"));
    let options = spooled(sink.dsn(), dir.path());
    let transport = HttpTransport::new(&options);
    assert!(!transport.flush(PATIENCE));
    assert_eq!(sink.requests().len(), 1);
    assert_eq!(lost(&options.losses), [""; 0]);
    assert_eq!(files(dir.path()).len(), 2);
}

#[test]
fn a_refused_envelope_is_removed_and_counted() {
    let dir = TempDir::new().unwrap();
    leave_behind(dir.path(), &["bad", "good"]);
    let sink = Sink::start();
    sink.answer(Answer::status(400));
    let options = spooled(sink.dsn(), dir.path());
    let transport = HttpTransport::new(&options);
    assert!(transport.flush(PATIENCE));
    assert_eq!(sink.messages(), ["bad", "good"]);
    assert_eq!(lost(&options.losses), ["1 error send_error"]);
    assert!(files(dir.path()).is_empty());
}

#[test]
fn without_a_usable_folder_memory_takes_over() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let address = Sink::reserve();
    let transport = HttpTransport::new(&spooled(dsn_at(address), &file.join("spool")));
    assert!(!transport.keep(&event("nowhere")));
    transport.send(event("in memory"));
    let sink = Sink::start_at(address);
    assert!(transport.flush(PATIENCE));
    assert_eq!(sink.messages(), ["in memory"]);
}

#[test]
fn an_envelope_larger_than_the_spool_waits_in_memory() {
    let dir = TempDir::new().unwrap();
    let address = Sink::reserve();
    let mut options = spooled(dsn_at(address), dir.path());
    options.spool.as_mut().unwrap().max_bytes = 100;
    let transport = HttpTransport::new(&options);
    let message = "large ".repeat(100);
    transport.send(event(&message));
    assert!(files(dir.path()).is_empty());
    let sink = Sink::start_at(address);
    assert!(transport.flush(PATIENCE));
    assert_eq!(sink.messages(), [message]);
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_spool() {
    use std::os::unix::fs::PermissionsExt;

    let dir = TempDir::new().unwrap();
    let spool = dir.path().join("made/by/us");
    leave_behind(&spool, &["secret"]);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let file = files(&spool).remove(0);
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);
    assert_eq!(mode(&spool), 0o700);
}
