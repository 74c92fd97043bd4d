//! Tokens for the management API.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use super::data::organisation;
use super::{NOW, Place, assert_refused, missing, options};
use crate::error::{Error, ErrorKind};
use crate::model::ids::OrganisationId;
use crate::model::scope::{Scope, Scopes};
use crate::secret::{Secret, SecretHash};
use crate::store::NewToken;

fn new_token(organisation: OrganisationId, secret: &str) -> NewToken {
    let secret = Secret::new(secret);
    NewToken {
        organisation,
        owner: None,
        project: None,
        label: "CI".to_owned(),
        hash: secret.hash(),
        hint: secret.hint(),
        scopes: [Scope::OrgCi, Scope::EventRead].into_iter().collect(),
        at: NOW,
        expires: None,
    }
}

fn hash_of(secret: &str) -> SecretHash {
    Secret::new(secret).hash()
}

pub async fn a_token_is_found_by_its_hash(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let mut wanted = new_token(acme, "secret-one");
    wanted.expires = Some(NOW.plus(-1));
    wanted.scopes = Scopes::all();
    let made = store.catalog.create_token(wanted.clone()).await?;
    assert_eq!(made.organisation, acme);
    assert_eq!(made.label, "CI");
    assert_eq!(made.hint, "-one");
    assert_eq!(made.scopes, Scopes::all());
    assert_eq!(made.created, NOW);
    assert_eq!(made.last_used, None);
    assert_eq!(made.expires, wanted.expires);
    let found = store.catalog.find_token(&hash_of("secret-one")).await?;
    assert_eq!(found, Some(made));
    let none = store.catalog.find_token(&hash_of("secret-two")).await?;
    assert_eq!(none, None);
    let unowned = new_token(OrganisationId(99), "secret-three");
    assert_refused(
        store.catalog.create_token(unowned).await,
        ErrorKind::NotFound,
    );
    Ok(())
}

pub async fn tokens_are_listed_newest_first(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let other = organisation(&store, "other").await?.id;
    let first = store.catalog.create_token(new_token(acme, "a")).await?;
    store.catalog.create_token(new_token(other, "b")).await?;
    let second = store.catalog.create_token(new_token(acme, "c")).await?;
    assert_eq!(store.catalog.tokens(acme).await?, [second, first]);
    assert_eq!(store.catalog.tokens(OrganisationId(99)).await?, []);
    Ok(())
}

pub async fn the_last_use_of_a_token_is_noted(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let one = store.catalog.create_token(new_token(acme, "a")).await?;
    let two = store.catalog.create_token(new_token(acme, "b")).await?;
    let used = [(one.id, NOW.plus(5)), (two.id, NOW.plus(6))];
    store.catalog.touch_tokens(&used).await?;
    store
        .catalog
        .touch_tokens(&[(one.id, NOW.plus(60_000))])
        .await?;
    let found = store.catalog.find_token(&hash_of("a")).await?;
    let found = found.ok_or_else(|| missing("a token"))?;
    assert_eq!(found.last_used, Some(NOW.plus(60_000)));
    let found = store.catalog.find_token(&hash_of("b")).await?;
    let found = found.ok_or_else(|| missing("a token"))?;
    assert_eq!(found.last_used, Some(NOW.plus(6)));
    Ok(())
}

pub async fn a_deleted_token_is_not_found(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let token = store.catalog.create_token(new_token(acme, "a")).await?;
    store.catalog.delete_token(token.id).await?;
    assert_eq!(store.catalog.find_token(&hash_of("a")).await?, None);
    assert_eq!(store.catalog.tokens(acme).await?, []);
    assert_refused(
        store.catalog.delete_token(token.id).await,
        ErrorKind::NotFound,
    );
    Ok(())
}
