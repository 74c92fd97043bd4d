//! An acceptor with its journal and store in a temporary folder.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::Frame;
use mini_sentry::ratelimit::DataCategory;
use mini_sentry_server::accept::{
    AcceptParts, Acceptor, Claim, Receipt, Refusal, RequestFacts, Sender,
};
use mini_sentry_server::blob::Blobs;
use mini_sentry_server::block::Block;
use mini_sentry_server::catalog::CatalogCache;
use mini_sentry_server::clock::{Clock, SystemClock};
use mini_sentry_server::config::Config;
use mini_sentry_server::journal::Journal;
use mini_sentry_server::journal::disk::DiskJournal;
use mini_sentry_server::metrics::Metrics;
use mini_sentry_server::model::catalog::{KeyLimit, Project, ProjectKey};
use mini_sentry_server::model::ids::Seq;
use mini_sentry_server::model::outcome::Outcome;
use mini_sentry_server::model::record::Record;
use mini_sentry_server::model::settings::ProjectSettings;
use mini_sentry_server::model::time::Millis;
use mini_sentry_server::store::open::{StoreOptions, open};
use mini_sentry_server::store::query::OutcomeFilter;
use mini_sentry_server::store::{NewKey, NewProject, Store};
use tempfile::TempDir;

/// The key of the door's project.
pub(super) const KEY: &str = "0123456789abcdef0123456789abcdef";
/// An event's id.
pub(super) const ID: &str = "fc6d8c0c43fc4630ad850ee518f1b9d0";
/// The most that a block of a test unpacks to.
const MAX_BLOCK: usize = 64 * 1024 * 1024;

/// A clock that the test moves.
#[derive(Debug)]
pub(super) struct TestClock(AtomicI64);

impl TestClock {
    pub(super) fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::SeqCst))
    }
}

/// What a test may change before the door opens.
pub(super) struct Plan {
    pub(super) config: Config,
    pub(super) settings: ProjectSettings,
    pub(super) key_limit: Option<KeyLimit>,
}

/// An acceptor and what stands around it.
pub(super) struct Door {
    pub(super) acceptor: Arc<Acceptor>,
    pub(super) journal: Arc<DiskJournal>,
    pub(super) store: Store,
    pub(super) project: Project,
    pub(super) key: ProjectKey,
    pub(super) clock: Arc<TestClock>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) blobs: Arc<Blobs>,
    pub(super) catalog: Arc<CatalogCache>,
    pub(super) dir: TempDir,
}

impl Door {
    pub(super) async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    pub(super) async fn open_with(change: impl FnOnce(&mut Plan)) -> Self {
        let dir = TempDir::new().unwrap();
        let mut plan = Plan {
            config: Config::new(dir.path()),
            settings: ProjectSettings::default(),
            key_limit: None,
        };
        change(&mut plan);
        let clock = Arc::new(TestClock(AtomicI64::new(SystemClock.now().0)));
        let options = StoreOptions {
            partition_events: 1_000_000,
            partition_age: Duration::from_secs(24 * 60 * 60),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        let store = open("sqlite", dir.path(), options).await.unwrap();
        let (project, key) = provision(&store, &plan, clock.now()).await;
        let metrics = Arc::new(Metrics::new());
        let blobs = Arc::new(Blobs::open(dir.path().join("blobs")).unwrap());
        let journal = open_journal(&dir, &plan.config, &metrics, &clock, &blobs);
        let catalog = Arc::new(
            CatalogCache::open(Arc::clone(&store.catalog))
                .await
                .unwrap(),
        );
        let acceptor = Acceptor::new(AcceptParts {
            config: Arc::new(plan.config),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            catalog: Arc::clone(&catalog),
            journal: Arc::clone(&journal) as Arc<dyn Journal>,
            metrics: Arc::clone(&metrics),
            stats: Arc::clone(&store.stats),
            blobs: Arc::clone(&blobs),
        });
        Self {
            acceptor: Arc::new(acceptor),
            journal,
            store,
            project,
            key,
            clock,
            metrics,
            blobs,
            catalog,
            dir,
        }
    }

    /// What a request with the door's key claims.
    pub(super) fn claim(&self) -> Claim {
        Claim {
            public_key: Some(KEY.to_owned()),
            project: Some(self.project.id),
            origin: None,
        }
    }

    pub(super) fn sender(&self) -> Sender {
        self.acceptor.admit(&self.claim()).unwrap()
    }

    pub(super) fn facts(&self) -> RequestFacts {
        RequestFacts {
            client_ip: Some([203, 0, 113, 7].into()),
            user_agent: Some("Mozilla/5.0 (test)".to_owned()),
            sdk: Some("test/1.0".to_owned()),
            received: self.clock.now(),
        }
    }

    /// Sends an envelope as it is.
    pub(super) async fn send(&self, envelope: impl Into<Bytes>) -> Result<Receipt, Refusal> {
        self.send_body(Body::from(envelope.into()), None).await
    }

    /// Sends a body with its content encoding.
    pub(super) async fn send_body(
        &self,
        body: Body,
        encoding: Option<&str>,
    ) -> Result<Receipt, Refusal> {
        let facts = self.facts();
        self.acceptor
            .receive_envelope(self.claim(), &facts, body, encoding, None)
            .await
    }

    /// Sends one event without an envelope.
    pub(super) async fn send_event(&self, json: &str) -> Result<Receipt, Refusal> {
        let json = Bytes::from(json.to_owned());
        self.acceptor
            .receive_event(&self.sender(), &self.facts(), json)
            .await
    }

    /// Reads all records back from the segments.
    pub(super) fn records(&self) -> Vec<Record> {
        let tail = self.journal.tail();
        if tail == Seq(0) {
            return Vec::new();
        }
        let blocks = self.journal.blocks(Seq(1), tail).unwrap();
        let unpack = |bytes| Block::parse(bytes).unwrap().unpack(MAX_BLOCK).unwrap();
        blocks
            .into_iter()
            .flat_map(|block| unpack(block.bytes).records().unwrap())
            .collect()
    }

    /// Returns the counted outcomes as `category outcome reason quantity`, sorted.
    pub(super) async fn outcomes(&self) -> Vec<String> {
        self.acceptor.flush_outcomes().await;
        let now = self.clock.now();
        let filter = OutcomeFilter {
            projects: vec![self.project.id],
            times: now.plus(-Millis::DAY)..=now.plus(Millis::DAY),
            interval_minutes: 24 * 60,
        };
        let rows = self.store.stats.outcomes(&filter).await.unwrap();
        let mut lines: Vec<String> = rows
            .iter()
            .map(|row| {
                let (category, outcome) = (row.category.as_str(), row.outcome.as_str());
                format!("{category} {outcome} {} {}", row.reason, row.quantity)
            })
            .collect();
        lines.sort();
        lines
    }

    /// Reads one sum from the metrics.
    pub(super) fn metric(
        &self,
        category: DataCategory,
        outcome: Outcome,
        reason: &'static str,
    ) -> u64 {
        let labels = mini_sentry_server::metrics::OutcomeLabels {
            category: category.as_str(),
            outcome: outcome.as_str(),
            reason,
        };
        self.metrics.outcomes.get_or_create(&labels).get()
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.journal.close();
    }
}

fn open_journal(
    dir: &TempDir,
    config: &Config,
    metrics: &Arc<Metrics>,
    clock: &Arc<TestClock>,
    blobs: &Arc<Blobs>,
) -> Arc<DiskJournal> {
    let journal = DiskJournal::open(
        dir.path(),
        &config.journal,
        Arc::clone(metrics),
        Arc::clone(clock) as Arc<dyn Clock>,
        Seq(0),
        Arc::clone(blobs),
        true,
    );
    Arc::new(journal.unwrap())
}

async fn provision(store: &Store, plan: &Plan, at: Millis) -> (Project, ProjectKey) {
    let catalog = &store.catalog;
    let organisation = catalog
        .create_organisation("acme", "Acme", at)
        .await
        .unwrap();
    let project = NewProject {
        organisation: organisation.id,
        slug: "shop".to_owned(),
        name: "Shop".to_owned(),
        platform: None,
        ingest_token: "ingest-token".to_owned(),
        settings: plan.settings.clone(),
        at,
    };
    let project = catalog.create_project(project).await.unwrap();
    let key = NewKey {
        project: project.id,
        public_key: KEY.to_owned(),
        label: "default".to_owned(),
        rate_limit: plan.key_limit,
        at,
    };
    let key = catalog.create_key(key).await.unwrap();
    (project, key)
}

/// An envelope of items, each a header without length and a payload.
pub(super) fn envelope(header: &str, items: &[(&str, &str)]) -> Bytes {
    let mut text = format!("{header}\n");
    for (kind, payload) in items {
        let length = payload.len();
        text.push_str(&format!(
            "{{\"type\":\"{kind}\",\"length\":{length}}}\n{payload}\n"
        ));
    }
    Bytes::from(text)
}

pub(super) fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap().into()
}

pub(super) fn deflate(plain: &[u8]) -> Bytes {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap().into()
}

/// A body that comes in pieces, made when they are asked for.
pub(super) struct Pieces<F> {
    pub(super) next: F,
}

impl<F: FnMut() -> Option<Bytes> + Send + Unpin + 'static> Pieces<F> {
    pub(super) fn body(next: F) -> Body {
        Body::new(Self { next })
    }
}

impl<F: FnMut() -> Option<Bytes> + Unpin> hyper::body::Body for Pieces<F> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready((self.next)().map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// A body of given pieces.
pub(super) fn pieces(parts: Vec<Bytes>) -> Body {
    let mut parts = VecDeque::from(parts);
    Pieces::body(move || parts.pop_front())
}

/// A body that begins and then neither goes on nor ends.
pub(super) struct Stuck(pub(super) Option<Bytes>);

impl hyper::body::Body for Stuck {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Poll::Pending,
        }
    }
}

/// A body whose connection breaks.
pub(super) struct Torn(pub(super) Option<Bytes>);

impl hyper::body::Body for Torn {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(Some(match self.0.take() {
            Some(bytes) => Ok(Frame::data(bytes)),
            None => Err(std::io::ErrorKind::ConnectionReset.into()),
        }))
    }
}
