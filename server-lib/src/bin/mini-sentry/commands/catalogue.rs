//! The catalogue as commands use it: opened beside a running server, things found by name.

use std::path::PathBuf;
use std::sync::Arc;

use mini_sentry_server::address::BaseUrl;
use mini_sentry_server::catalog::CatalogView;
use mini_sentry_server::clock::{Clock as _, SystemClock};
use mini_sentry_server::model::catalog::{Organisation, Project, ProjectKey};
use mini_sentry_server::model::ids::{KeyId, OrganisationId, ProjectId};
use mini_sentry_server::model::people::{AuditActor, AuditNote};
use mini_sentry_server::store::open::{StoreOptions, open};
use mini_sentry_server::store::people::People;
use mini_sentry_server::store::{Catalog, Store};

use super::{Context, presence};
use crate::failure::Failure;
use crate::settings::Settings;

/// The database's name in the data folder.
const DATABASE: &str = "mini-sentry.db";

/// The catalogue, opened.
#[derive(Debug)]
pub(crate) struct Catalogue {
    store: Store,
    base: BaseUrl,
}

impl Catalogue {
    /// Opens the store that the settings name; it must be there already.
    pub(crate) async fn open(context: &Context) -> Result<Self, Failure> {
        Ok(Self {
            store: open_store(context.settings()).await?,
            base: known_url(context.settings())?,
        })
    }

    /// Returns the catalogue itself.
    pub(crate) fn catalog(&self) -> &dyn Catalog {
        &*self.store.catalog
    }

    /// Returns what is kept of people.
    pub(crate) fn people(&self) -> &dyn People {
        &*self.store.people
    }

    /// Writes into the audit log what somebody with this shell has done.
    pub(crate) async fn note(
        &self,
        organisation: OrganisationId,
        action: &str,
        target: &str,
        project: Option<ProjectId>,
    ) -> Result<(), Failure> {
        let note = AuditNote {
            organisation,
            at: SystemClock.now(),
            actor: AuditActor {
                user: None,
                token: None,
                label: "command line".to_owned(),
            },
            action: action.to_owned(),
            target: target.to_owned(),
            project,
            address: String::new(),
        };
        Ok(self.people().note(note).await?)
    }

    /// Returns the address that DSNs are made with.
    pub(crate) fn base(&self) -> &BaseUrl {
        &self.base
    }

    /// Reads the catalogue.
    pub(crate) async fn view(&self) -> Result<CatalogView, Failure> {
        Ok(CatalogView::new(self.catalog().snapshot().await?))
    }

    /// Closes the store.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        Ok(self.store.upkeep.close().await?)
    }
}

/// Opens the store that the settings name; it must be there already.
pub(crate) async fn open_store(settings: &Settings) -> Result<Store, Failure> {
    if let Some(file) = sqlite_file(settings)
        && !file.exists()
    {
        return Err(Failure::not_found(format!(
            "there is no Mini Sentry at {}; `mini-sentry init` makes one",
            file.display()
        )));
    }
    open_or_create_store(settings).await
}

/// Opens the store that the settings name, or makes it.
pub(crate) async fn open_or_create_store(settings: &Settings) -> Result<Store, Failure> {
    let config = &settings.config;
    let options = StoreOptions {
        partition_events: config.retention.partition_events,
        partition_age: config.retention.partition_age,
        clock: Arc::new(SystemClock),
    };
    Ok(open(&config.store, &config.data_dir, options).await?)
}

/// Returns the database file, when the store is SQLite.
pub(crate) fn sqlite_file(settings: &Settings) -> Option<PathBuf> {
    let store = settings.config.store.as_str();
    let path = match store.strip_prefix("sqlite")? {
        "" => DATABASE,
        rest => {
            let path = rest.strip_prefix(':')?;
            path.strip_prefix("//").unwrap_or(path)
        }
    };
    Some(settings.config.data_dir.join(path))
}

/// Returns the address that clients use: the one that is set, or that of the running server, or the
/// one that would be listened on.
pub(crate) fn known_url(settings: &Settings) -> Result<BaseUrl, Failure> {
    if settings.config.http.public_url.is_none()
        && let Some(url) = presence::url(&settings.config.data_dir)
    {
        return Ok(BaseUrl::parse(&url)?);
    }
    base_url(settings, None)
}

/// Returns the address that clients use: the one that is set, or the one that is listened on.
/// `port` is the one that the system chose, where it did.
pub(crate) fn base_url(settings: &Settings, port: Option<u16>) -> Result<BaseUrl, Failure> {
    if let Some(url) = &settings.config.http.public_url {
        return Ok(BaseUrl::parse(url)?);
    }
    let listen = settings.listen.as_str();
    let (host, given) = listen.rsplit_once(':').unwrap_or((listen, "8000"));
    let host = match host {
        "0.0.0.0" | "[::]" => "localhost",
        host => host,
    };
    let port = port.map_or_else(|| given.to_owned(), |port| port.to_string());
    let authority = match port.as_str() {
        "80" => host.to_owned(),
        port => format!("{host}:{port}"),
    };
    Ok(BaseUrl::new(false, &authority, ""))
}

/// Finds the organisation by slug or number; without a name, the only one.
pub(crate) fn organisation<'a>(
    view: &'a CatalogView,
    name: Option<&str>,
) -> Result<&'a Organisation, Failure> {
    if let Some(name) = name {
        return view
            .organisation(name)
            .ok_or_else(|| Failure::not_found(format!("there is no organisation {name:?}")));
    }
    match view.organisations() {
        [only] => Ok(only),
        [] => Err(Failure::not_found(
            "there is no organisation; `mini-sentry init` makes one",
        )),
        _ => Err(Failure::usage(
            "there are several organisations; say which with --org",
        )),
    }
}

/// Finds a project by number, slug, or `organisation/slug`.
pub(crate) fn project<'a>(view: &'a CatalogView, name: &str) -> Result<&'a Arc<Project>, Failure> {
    let missing = || Failure::not_found(format!("there is no project {name:?}"));
    if let Some((organisation, slug)) = name.split_once('/') {
        let organisation = view.organisation(organisation).ok_or_else(missing)?;
        return view
            .project_named(organisation.id, slug)
            .ok_or_else(missing);
    }
    let found: Vec<_> = view
        .organisations()
        .iter()
        .filter_map(|organisation| view.project_named(organisation.id, name))
        .collect();
    match found.as_slice() {
        [only] => Ok(only),
        [] => Err(missing()),
        _ => Err(Failure::usage(format!(
            "several organisations have a project {name:?}; write ORGANISATION/{name}"
        ))),
    }
}

/// Finds a key by its public key or number.
pub(crate) fn key<'a>(view: &'a CatalogView, name: &str) -> Result<&'a Arc<ProjectKey>, Failure> {
    let by_number = || {
        let id = KeyId(name.parse().ok()?);
        let mut keys = view
            .projects()
            .iter()
            .flat_map(|project| view.keys_of(project.id));
        keys.find(|key| key.id == id)
    };
    view.key(name)
        .or_else(by_number)
        .ok_or_else(|| Failure::not_found(format!("there is no key {name:?}")))
}

/// Returns the slug of a project's organisation.
pub(crate) fn organisation_slug(view: &CatalogView, project: &Project) -> String {
    view.organisations()
        .iter()
        .find(|organisation| organisation.id == project.organisation)
        .map_or_else(String::new, |organisation| organisation.slug.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(listen: &str, public_url: Option<&str>) -> Settings {
        let mut settings = Settings::default();
        listen.clone_into(&mut settings.listen);
        settings.config.http.public_url = public_url.map(str::to_owned);
        settings
    }

    #[test]
    fn the_address_of_dsns_is_the_public_one_or_one_that_this_machine_reaches() {
        let cases = [
            ("127.0.0.1:8000", None, None, "http://127.0.0.1:8000"),
            ("0.0.0.0:80", None, None, "http://localhost"),
            ("[::]:9000", None, None, "http://localhost:9000"),
            ("localhost:0", None, Some(4321), "http://localhost:4321"),
            (
                "127.0.0.1:8000",
                Some("https://e.example.com/p"),
                None,
                "https://e.example.com/p",
            ),
        ];
        for (listen, public_url, port, expected) in cases {
            let base = base_url(&settings(listen, public_url), port).unwrap();
            assert_eq!(base.to_string(), expected);
        }
    }

    #[test]
    fn the_database_file_is_in_the_data_folder_or_where_the_store_says() {
        let mut settings = Settings::default();
        assert_eq!(sqlite_file(&settings), Some("data/mini-sentry.db".into()));
        "sqlite:errors.db".clone_into(&mut settings.config.store);
        assert_eq!(sqlite_file(&settings), Some("data/errors.db".into()));
        "sqlite:///srv/errors.db".clone_into(&mut settings.config.store);
        assert_eq!(sqlite_file(&settings), Some("/srv/errors.db".into()));
        "postgres://db/x".clone_into(&mut settings.config.store);
        assert_eq!(sqlite_file(&settings), None);
    }
}
