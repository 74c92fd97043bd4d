//! Retention, sweeping and compaction over a real journal and SQLite.

use std::sync::Arc;

use bytes::Bytes;
use mini_sentry::protocol::EventId;
use mini_sentry_server::facts::{FactsInput, FrameRules, Scan, derive};
use mini_sentry_server::jobs::{JobKind, Jobs};
use mini_sentry_server::model::ids::{ProjectId, Seq};
use mini_sentry_server::model::record::{NewRecord, RecordContext, RecordHead, RecordKind};
use mini_sentry_server::model::settings::ProjectSettings;
use mini_sentry_server::model::time::Millis;
use mini_sentry_server::state::{AppState, Parts};
use mini_sentry_server::store::query::EventFilter;
use mini_sentry_server::store::{NewProject, ProjectChange};
use mini_sentry_server::testkit::TestServer;

/// Long enough that the server's own jobs stay out of the way.
const NEVER: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

struct Lab {
    server: TestServer,
    sent: u64,
}

impl Lab {
    async fn start(days: u32, max_bytes: u64) -> Self {
        let server = TestServer::start_with(|config| {
            config.retention.interval = NEVER;
            config.retention.days = days;
            config.retention.max_bytes = max_bytes;
            config.retention.partition_events = 10;
            config.retention.partition_age = 365 * NEVER;
            config.journal.segment_bytes = 64 * 1024;
        });
        Self {
            server: server.await.unwrap(),
            sent: 0,
        }
    }

    fn state(&self) -> &AppState {
        self.server.state().unwrap()
    }

    fn jobs(&self) -> Jobs {
        Jobs::new(self.state().clone())
    }

    fn project(&self) -> ProjectId {
        self.server.first.project.id
    }

    /// Sends events that arrive now, one batch each, so that partitions close in between.
    async fn send(&mut self, project: ProjectId, count: u64) {
        for _ in 0..count {
            self.sent += 1;
            let record = event(project, self.sent, self.state().clock.now());
            self.state().journal.append(vec![record]).await.unwrap();
            self.server.digested().await.unwrap();
        }
    }

    async fn settings(&self, change: impl FnOnce(&mut ProjectSettings)) {
        let mut settings = ProjectSettings::default();
        change(&mut settings);
        let change = ProjectChange {
            settings: Some(settings),
            ..ProjectChange::default()
        };
        let catalog = &self.state().store.catalog;
        catalog
            .update_project(self.project(), change)
            .await
            .unwrap();
        self.state().catalog.refresh().await.unwrap();
    }

    async fn other_project(&self) -> ProjectId {
        let state = self.state();
        let project = NewProject {
            organisation: self.server.first.project.organisation,
            slug: "other".to_owned(),
            name: "Other".to_owned(),
            platform: None,
            ingest_token: "fedcba9876543210".to_owned(),
            settings: ProjectSettings::default(),
            at: state.clock.now(),
        };
        let project = state.store.catalog.create_project(project).await.unwrap();
        state.catalog.refresh().await.unwrap();
        project.id
    }

    async fn count(&self, project: ProjectId) -> u64 {
        let filter = EventFilter {
            projects: vec![project],
            ..EventFilter::default()
        };
        self.state().store.events.count(&filter).await.unwrap()
    }

    /// Reports which of all records still have a body.
    async fn bodies(&self) -> Vec<bool> {
        let seqs: Vec<_> = (1..=self.state().journal.tail().0).map(Seq).collect();
        let records = self.state().bodies.read(&seqs).await.unwrap();
        records.iter().map(Option::is_some).collect()
    }
}

fn event(project: ProjectId, number: u64, received: Millis) -> NewRecord {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    id[15] = 1;
    let noise: String = (0..6000).map(|n| noise(number << 32 | n)).collect();
    let body = format!(r#"{{"message":"number {number}","extra":{{"noise":"{noise}"}}}}"#);
    let head = RecordHead {
        project,
        kind: RecordKind::Event,
        event_id: EventId::from_bytes(id),
        received,
        context: RecordContext::default(),
    };
    let rules = FrameRules::default();
    let scan = Scan::read(body.as_bytes()).unwrap();
    let facts = derive(&scan, &FactsInput::of_head(&head, &rules));
    NewRecord {
        head,
        facts: Some(Box::new(facts)),
        body: Bytes::from(body),
    }
}

/// Text that packs badly, so that some records fill a segment.
fn noise(seed: u64) -> char {
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    char::from(b'a' + u8::try_from(mixed >> 60).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_the_days_kept_goes_whole_partitions_at_a_time() {
    let mut lab = Lab::start(30, 0).await;
    let project = lab.project();
    lab.send(project, 45).await;
    lab.server.clock.advance(20 * Millis::DAY);
    lab.send(project, 65).await;
    let jobs = lab.jobs();
    let idle = jobs.run_once(JobKind::Retention).await.unwrap();
    assert_eq!((idle.partitions, lab.count(project).await), (0, 110));

    lab.server.clock.advance(11 * Millis::DAY);
    let report = jobs.run_once(JobKind::Retention).await.unwrap();
    assert_eq!(report.partitions, 4);
    // The third partition has old and young ones, and waits until all are old.
    assert_eq!(lab.count(project).await, 70);
    let swept = jobs.run_once(JobKind::Sweep).await.unwrap();
    assert_eq!(swept.rows, 0);
    let partitions = lab.state().store.upkeep.partitions().await.unwrap();
    assert_eq!(partitions[0].first, Seq(41));
    let bodies = lab.bodies().await;
    assert!(bodies[40..].iter().all(|is_there| *is_there));
    assert!(!bodies[0]);
    let again = jobs.run_once(JobKind::Retention).await.unwrap();
    assert_eq!((again.partitions, again.projects), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_install_forgets_too() {
    let mut lab = Lab::start(30, 0).await;
    let project = lab.project();
    lab.send(project, 5).await;
    lab.server.clock.advance(31 * Millis::DAY);
    let jobs = lab.jobs();
    jobs.run_once(JobKind::Retention).await.unwrap();
    assert_eq!(lab.count(project).await, 0);
    assert_eq!(jobs.run_once(JobKind::Sweep).await.unwrap().rows, 5);
    jobs.run_once(JobKind::Compaction).await.unwrap();
    assert_eq!(lab.bodies().await, [false; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_keeps_as_many_events_as_it_wants_and_others_keep_theirs() {
    let mut lab = Lab::start(0, 0).await;
    let project = lab.project();
    let other = lab.other_project().await;
    for _ in 0..12 {
        lab.send(project, 1).await;
        lab.server.clock.advance(1_000);
        lab.send(other, 1).await;
        lab.server.clock.advance(1_000);
    }
    lab.settings(|settings| settings.max_events = 5).await;
    let jobs = lab.jobs();
    let report = jobs.run_once(JobKind::Retention).await.unwrap();
    assert_eq!(report.projects, 1);
    assert_eq!(lab.count(project).await, 5);
    assert_eq!(lab.count(other).await, 12);
    assert_eq!(jobs.run_once(JobKind::Sweep).await.unwrap().rows, 7);
    // The segment that is being written is left alone for a while.
    lab.server.clock.advance(11 * Millis::MINUTE);
    jobs.run_once(JobKind::Compaction).await.unwrap();
    let bodies = lab.bodies().await;
    let expected: Vec<_> = (0..24).map(|at| at % 2 == 1 || at >= 14).collect();
    assert_eq!(bodies, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_may_keep_its_events_for_a_shorter_time_than_the_install() {
    let mut lab = Lab::start(90, 0).await;
    let project = lab.project();
    let other = lab.other_project().await;
    lab.send(other, 1).await;
    lab.send(project, 3).await;
    lab.server.clock.advance(8 * Millis::DAY);
    lab.send(project, 2).await;
    let jobs = lab.jobs();
    jobs.run_once(JobKind::Retention).await.unwrap();
    assert_eq!(lab.count(project).await, 5);
    lab.settings(|settings| settings.retention_days = Some(7))
        .await;
    jobs.run_once(JobKind::Retention).await.unwrap();
    assert_eq!(lab.count(project).await, 2);
    assert_eq!(lab.count(other).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_install_that_is_too_large_drops_its_oldest_partitions() {
    let mut lab = Lab::start(0, 1).await;
    let project = lab.project();
    lab.send(project, 45).await;
    let jobs = lab.jobs();
    // Each run drops as many as give space back at once.
    while jobs.run_once(JobKind::Retention).await.unwrap().partitions > 0 {}
    let partitions = lab.state().store.upkeep.partitions().await.unwrap();
    assert_eq!(partitions.len(), 1);
    assert_eq!(lab.count(project).await, partitions[0].events);
    let bodies = lab.bodies().await;
    assert!(!bodies[0] && bodies[44]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_their_own_go_with_their_partition() {
    let mut lab = Lab::start(30, 0).await;
    let project = lab.project();
    let state = lab.state().clone();
    let blob = |content: &'static [u8]| {
        let mut writer = state.blobs.create(state.clock.now()).unwrap();
        writer.write(content).unwrap();
        writer.finish().unwrap()
    };
    let old = blob(b"old");
    lab.send(project, 10).await;
    lab.server.clock.advance(2 * 60 * Millis::MINUTE);
    lab.send(project, 2).await;
    lab.server.clock.advance(31 * Millis::DAY);
    let young = blob(b"young");
    lab.send(project, 12).await;
    let report = lab.jobs().run_once(JobKind::Retention).await.unwrap();
    assert_eq!((report.partitions, report.blobs), (1, 1));
    assert!(state.blobs.read(&old.name).is_err());
    assert!(state.blobs.read(&young.name).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn started_jobs_do_all_of_it_by_themselves() {
    let mut lab = Lab::start(30, 0).await;
    let project = lab.project();
    lab.send(project, 15).await;
    lab.server.clock.advance(31 * Millis::DAY);
    let mut parts = Parts::clone(lab.state());
    let mut config = (*parts.config).clone();
    config.retention.interval = std::time::Duration::from_millis(20);
    parts.config = Arc::new(config);
    let state = AppState::new(parts);
    let running = Jobs::new(state.clone()).start();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    let mut beat = tokio::time::interval(std::time::Duration::from_millis(20));
    loop {
        let partitions = state.store.upkeep.partitions().await.unwrap();
        if partitions.len() == 1 && lab.count(project).await == 0 {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{partitions:?}");
        beat.tick().await;
    }
    running.stop(std::time::Duration::from_secs(20)).await;
}
