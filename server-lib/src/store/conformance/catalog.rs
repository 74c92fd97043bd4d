//! Organisations, projects and keys.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use super::data::{new_project, organisation, project};
use super::{NOW, Place, assert_refused, missing, options};
use crate::error::{Error, ErrorKind};
use crate::model::catalog::{KeyLimit, ProjectKey};
use crate::model::ids::{KeyId, OrganisationId, ProjectId};
use crate::store::{CatalogSnapshot, KeyChange, NewKey, ProjectChange, Store};

/// Text that a careless query would trip over.
const AWKWARD: &str = "O'Neil \"; DROP TABLE x; -- %_\\ \u{1F980} \u{202E} ünï\tnew\nline";

fn new_key(project: ProjectId, public_key: &str) -> NewKey {
    NewKey {
        project,
        public_key: public_key.to_owned(),
        label: "Default".to_owned(),
        rate_limit: None,
        at: NOW,
    }
}

async fn key(store: &Store, project: ProjectId, digit: char) -> Result<ProjectKey, Error> {
    let public_key: String = std::iter::repeat_n(digit, 32).collect();
    store
        .catalog
        .create_key(new_key(project, &public_key))
        .await
}

pub async fn a_new_catalogue_is_empty(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let snapshot = store.catalog.snapshot().await?;
    assert_eq!(snapshot.organisations, []);
    assert_eq!(snapshot.projects, []);
    assert_eq!(snapshot.keys, []);
    assert_eq!(snapshot.version, store.catalog.version().await?);
    Ok(())
}

pub async fn what_is_made_is_read_back_whole(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let long = "long ".repeat(20_000);
    let organisation = store
        .catalog
        .create_organisation("acme", AWKWARD, NOW)
        .await?;
    assert_eq!(organisation.slug, "acme");
    assert_eq!(organisation.name, AWKWARD);
    assert_eq!(organisation.created, NOW);

    let mut wanted = new_project(organisation.id, "shop");
    wanted.name.clone_from(&long);
    wanted.platform = Some(AWKWARD.to_owned());
    wanted.settings.filters.messages = vec![AWKWARD.to_owned(), String::new()];
    wanted.settings.scrubbing.defaults = false;
    wanted.settings.retention_days = Some(7);
    wanted.settings.max_events = u64::from(u32::MAX) + 1;
    let project = store.catalog.create_project(wanted.clone()).await?;
    assert_eq!(project.organisation, organisation.id);
    assert_eq!(project.slug, "shop");
    assert_eq!(project.name, long);
    assert_eq!(project.platform.as_deref(), Some(AWKWARD));
    assert_eq!(project.created, NOW);
    assert_eq!(project.ingest_token, wanted.ingest_token);
    assert_eq!(project.settings, wanted.settings);

    let mut wanted = new_key(project.id, "0123456789abcdef0123456789abcdef");
    wanted.label = AWKWARD.to_owned();
    wanted.rate_limit = Some(KeyLimit {
        window: 60,
        count: u32::MAX,
    });
    let key = store.catalog.create_key(wanted.clone()).await?;
    assert_eq!(key.project, project.id);
    assert_eq!(key.public_key, wanted.public_key);
    assert_eq!(key.label, AWKWARD);
    assert!(key.active);
    assert_eq!(key.rate_limit, wanted.rate_limit);

    let read = store.catalog.snapshot().await?;
    let made = CatalogSnapshot {
        version: store.catalog.version().await?,
        organisations: vec![organisation],
        projects: vec![project],
        keys: vec![key],
    };
    assert_eq!(read, made);
    store.upkeep.close().await?;
    assert_eq!(place.open(options()).await?.catalog.snapshot().await?, made);
    Ok(())
}

pub async fn every_change_moves_the_version(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let mut versions = vec![store.catalog.version().await?];
    let organisation = organisation(&store, "acme").await?.id;
    versions.push(store.catalog.version().await?);
    let project = project(&store, organisation, "shop").await?.id;
    versions.push(store.catalog.version().await?);
    let change = ProjectChange {
        name: Some("Shop".to_owned()),
        ..ProjectChange::default()
    };
    store.catalog.update_project(project, change).await?;
    versions.push(store.catalog.version().await?);
    let key = key(&store, project, 'a').await?.id;
    versions.push(store.catalog.version().await?);
    let change = KeyChange {
        active: Some(false),
        ..KeyChange::default()
    };
    store.catalog.update_key(key, change).await?;
    versions.push(store.catalog.version().await?);
    store.catalog.delete_key(key).await?;
    versions.push(store.catalog.version().await?);
    store.catalog.delete_project(project).await?;
    versions.push(store.catalog.version().await?);
    assert!(
        versions.is_sorted_by(|one, next| one < next),
        "{versions:?}"
    );
    Ok(())
}

pub async fn a_slug_is_taken_once(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    assert_refused(organisation(&store, "acme").await, ErrorKind::Conflict);
    let other = organisation(&store, "other").await?.id;
    project(&store, acme, "shop").await?;
    let mut again = new_project(acme, "shop");
    again.ingest_token = "a token of its own".to_owned();
    let version = store.catalog.version().await?;
    assert_refused(
        store.catalog.create_project(again).await,
        ErrorKind::Conflict,
    );
    assert_eq!(store.catalog.version().await?, version);
    project(&store, other, "shop").await?;
    let second = project(&store, acme, "second").await?.id;
    let change = ProjectChange {
        slug: Some("shop".to_owned()),
        ..ProjectChange::default()
    };
    assert_refused(
        store.catalog.update_project(second, change).await,
        ErrorKind::Conflict,
    );
    assert_eq!(store.catalog.snapshot().await?.projects.len(), 3);
    Ok(())
}

pub async fn a_project_number_is_never_used_again(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let first = project(&store, acme, "first").await?.id;
    store.catalog.delete_project(first).await?;
    store.upkeep.close().await?;
    let store = place.open(options()).await?;
    let second = project(&store, acme, "first").await?.id;
    assert!(second > first, "{second} after {first}");
    store.catalog.delete_project(second).await?;
    while store.upkeep.sweep(1000).await? > 0 {}
    let third = project(&store, acme, "first").await?.id;
    assert!(third > second, "{third} after {second}");
    Ok(())
}

pub async fn a_change_leaves_the_rest_alone(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let mut wanted = new_project(acme, "shop");
    wanted.platform = Some("python".to_owned());
    let before = store.catalog.create_project(wanted).await?;

    let same = store
        .catalog
        .update_project(before.id, ProjectChange::default())
        .await?;
    assert_eq!(same, before);

    let mut settings = before.settings.clone();
    settings.events_per_minute = 5;
    let change = ProjectChange {
        platform: Some(None),
        settings: Some(settings.clone()),
        ..ProjectChange::default()
    };
    let after = store.catalog.update_project(before.id, change).await?;
    let mut expected = before.clone();
    expected.platform = None;
    expected.settings = settings;
    assert_eq!(after, expected);

    let change = ProjectChange {
        slug: Some("store".to_owned()),
        name: Some("Store".to_owned()),
        ingest_token: Some("another".to_owned()),
        ..ProjectChange::default()
    };
    let after = store.catalog.update_project(before.id, change).await?;
    expected.slug = "store".to_owned();
    expected.name = "Store".to_owned();
    expected.ingest_token = "another".to_owned();
    assert_eq!(after, expected);
    assert_eq!(store.catalog.snapshot().await?.projects, [expected]);

    let before = key(&store, before.id, 'b').await?;
    let change = KeyChange {
        rate_limit: Some(Some(KeyLimit {
            window: 1,
            count: 2,
        })),
        ..KeyChange::default()
    };
    let after = store.catalog.update_key(before.id, change).await?;
    assert_eq!(after.label, before.label);
    assert!(after.active);
    assert_eq!(after.rate_limit.map(|limit| limit.count), Some(2));
    let change = KeyChange {
        label: Some("Mobile".to_owned()),
        active: Some(false),
        rate_limit: Some(None),
    };
    let after = store.catalog.update_key(before.id, change).await?;
    assert_eq!(after.label, "Mobile");
    assert!(!after.active);
    assert_eq!(after.rate_limit, None);
    assert_eq!(store.catalog.snapshot().await?.keys, [after]);
    Ok(())
}

pub async fn unknown_numbers_are_not_found(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let catalog = &store.catalog;
    let none = ProjectId(4_000_000_000);
    assert_refused(
        catalog.update_project(none, ProjectChange::default()).await,
        ErrorKind::NotFound,
    );
    assert_refused(catalog.delete_project(none).await, ErrorKind::NotFound);
    assert_refused(
        catalog.update_key(KeyId(7), KeyChange::default()).await,
        ErrorKind::NotFound,
    );
    assert_refused(catalog.delete_key(KeyId(7)).await, ErrorKind::NotFound);
    assert_refused(
        project(&store, OrganisationId(7), "shop").await,
        ErrorKind::NotFound,
    );
    assert_refused(key(&store, none, 'c').await, ErrorKind::NotFound);
    Ok(())
}

pub async fn a_deleted_project_takes_its_keys_along(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let gone = project(&store, acme, "gone").await?.id;
    let kept = project(&store, acme, "kept").await?.id;
    key(&store, gone, 'a').await?;
    let key = key(&store, kept, 'b').await?;
    store.catalog.delete_project(gone).await?;
    let snapshot = store.catalog.snapshot().await?;
    let left: Vec<_> = snapshot.projects.iter().map(|project| project.id).collect();
    assert_eq!(left, [kept]);
    assert_eq!(snapshot.keys, [key]);
    assert_refused(
        store.catalog.delete_project(gone).await,
        ErrorKind::NotFound,
    );
    Ok(())
}

pub async fn a_public_key_is_taken_once(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let one = project(&store, acme, "one").await?.id;
    let two = project(&store, acme, "two").await?.id;
    let first = key(&store, one, 'd').await?;
    assert_refused(key(&store, two, 'd').await, ErrorKind::Conflict);
    store.catalog.delete_key(first.id).await?;
    key(&store, two, 'd').await?;
    Ok(())
}

pub async fn two_handles_write_without_losing_anything(place: &dyn Place) -> Result<(), Error> {
    let one = place.open(options()).await?;
    let two = place.open(options()).await?;
    let acme = organisation(&one, "acme").await?.id;
    let make = async |store: &Store, name: &str| -> Result<(), Error> {
        for index in 0..20 {
            project(store, acme, &format!("{name}-{index}")).await?;
        }
        Ok(())
    };
    let before = one.catalog.version().await?;
    let (first, second) = tokio::join!(make(&one, "one"), make(&two, "two"));
    first?;
    second?;
    let seen = one.catalog.snapshot().await?;
    assert_eq!(seen, two.catalog.snapshot().await?);
    assert_eq!(seen.projects.len(), 40);
    assert!(seen.version >= before + 40);
    let first = seen.projects.first().ok_or_else(|| missing("a project"))?;
    two.catalog.delete_project(first.id).await?;
    assert!(one.catalog.version().await? > seen.version);
    Ok(())
}
