//! Accounts, memberships, teams, logins, links, the audit log.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use super::data::{new_project, organisation};
use super::{NOW, Place, assert_refused, missing, options};
use crate::error::{Error, ErrorKind};
use crate::model::ids::{LoginId, OrganisationId, ProjectId, TeamId, UserId};
use crate::model::people::{AuditActor, AuditNote, Email, Role, Team, User};
use crate::model::scope::Scopes;
use crate::secret::Secret;
use crate::store::people::{
    EndedPeople, NewLink, NewLogin, NewTeam, NewUser, PasswordHash, PeopleSnapshot, TeamChange,
    UserChange,
};
use crate::store::{NewToken, Store};

async fn user(store: &Store, name: &str) -> Result<User, Error> {
    let new = NewUser {
        email: email(name)?,
        name: name.to_owned(),
        password: None,
        at: NOW,
    };
    store.people.create_user(new).await
}

fn email(name: &str) -> Result<Email, Error> {
    Email::parse(&format!("{name}@example.com")).ok_or_else(|| missing("an address"))
}

async fn team(store: &Store, organisation: OrganisationId, slug: &str) -> Result<Team, Error> {
    let new = NewTeam {
        organisation,
        slug: slug.to_owned(),
        name: slug.to_uppercase(),
        at: NOW,
    };
    store.people.create_team(new).await
}

fn token(organisation: OrganisationId, secret: &str) -> NewToken {
    let secret = Secret::new(secret);
    NewToken {
        organisation,
        owner: None,
        project: None,
        label: "CI".to_owned(),
        hash: secret.hash(),
        hint: secret.hint(),
        scopes: Scopes::all(),
        at: NOW,
        expires: None,
    }
}

fn login(user: UserId, secret: &str) -> NewLogin {
    NewLogin {
        user,
        hash: Secret::new(secret).hash(),
        at: NOW,
        expires: NOW.plus(1000),
        address: "192.0.2.1".to_owned(),
        agent: "browser".to_owned(),
    }
}

fn note(organisation: OrganisationId, action: &str) -> AuditNote {
    AuditNote {
        organisation,
        at: NOW,
        actor: AuditActor {
            user: Some(UserId(1)),
            token: None,
            label: "a@example.com".to_owned(),
        },
        action: action.to_owned(),
        target: "shop".to_owned(),
        project: Some(ProjectId(1)),
        address: "192.0.2.1".to_owned(),
    }
}

pub async fn a_store_of_nobody_is_empty(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let version = store.people.version().await?;
    let empty = PeopleSnapshot {
        version,
        ..PeopleSnapshot::default()
    };
    assert_eq!(store.people.snapshot().await?, empty);
    Ok(())
}

pub async fn accounts_memberships_and_teams_are_read_back_whole(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let other = organisation(&store, "other").await?.id;
    let project = new_project(acme, "shop");
    let project = store.catalog.create_project(project).await?.id;
    let (one, two) = (user(&store, "one").await?, user(&store, "two").await?);
    assert!(one.active && !one.has_password && one.created == NOW);
    let people = &store.people;
    let owner = people.set_member(acme, one.id, Role::Owner, NOW).await?;
    people.set_member(acme, two.id, Role::Viewer, NOW).await?;
    let later = NOW.plus(5);
    let second = people.set_member(acme, two.id, Role::Member, later).await?;
    assert_eq!((second.role, second.created), (Role::Member, NOW));
    let first_team = team(&store, acme, "a").await?;
    let second_team = team(&store, other, "a").await?;
    let change = TeamChange {
        name: Some("Ä".to_owned()),
        ..TeamChange::default()
    };
    let first_team = people.update_team(first_team.id, change).await?;
    assert_eq!(
        (first_team.slug.as_str(), first_team.name.as_str()),
        ("a", "Ä")
    );
    for _ in 0..2 {
        people.set_in_team(first_team.id, two.id, true).await?;
        people
            .set_project_of_team(first_team.id, project, true)
            .await?;
    }
    people.set_open(other, false).await?;
    let shown = people.snapshot().await?;
    let expected = PeopleSnapshot {
        version: people.version().await?,
        users: vec![one.clone(), two.clone()],
        memberships: vec![owner, second],
        teams: vec![first_team.clone(), second_team],
        team_members: vec![(first_team.id, two.id)],
        team_projects: vec![(first_team.id, project)],
        closed: vec![other],
    };
    assert_eq!(shown, expected);
    for _ in 0..2 {
        people.set_in_team(first_team.id, two.id, false).await?;
        people
            .set_project_of_team(first_team.id, project, false)
            .await?;
    }
    people.set_open(other, true).await?;
    let shown = people.snapshot().await?;
    assert!(shown.team_members.is_empty() && shown.team_projects.is_empty());
    assert!(shown.closed.is_empty());
    Ok(())
}

pub async fn every_change_of_people_moves_their_version(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let mut last = store.people.version().await?;
    let mut moved = async |what: &str| -> Result<(), Error> {
        let now = store.people.version().await?;
        assert_ne!(now, last, "{what}");
        last = now;
        Ok(())
    };
    let (one, two) = (user(&store, "one").await?, user(&store, "two").await?);
    moved("an account").await?;
    store
        .people
        .set_member(acme, one.id, Role::Owner, NOW)
        .await?;
    store
        .people
        .set_member(acme, two.id, Role::Member, NOW)
        .await?;
    moved("a membership").await?;
    let made = team(&store, acme, "a").await?;
    moved("a team").await?;
    store.people.set_in_team(made.id, two.id, true).await?;
    moved("a member of a team").await?;
    store.people.set_open(acme, false).await?;
    moved("the organisation").await?;
    store.people.delete_team(made.id).await?;
    moved("a deleted team").await?;
    store.people.remove_member(acme, two.id).await?;
    moved("a left member").await?;
    store.people.delete_user(two.id).await?;
    moved("a deleted account").await?;
    Ok(())
}

pub async fn an_address_and_a_slug_of_a_team_are_taken_once(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let one = user(&store, "one").await?;
    assert_refused(user(&store, "one").await, ErrorKind::Conflict);
    user(&store, "two").await?;
    let change = UserChange {
        email: Some(email("two")?),
        ..UserChange::default()
    };
    let changed = store.people.update_user(one.id, change).await;
    assert_refused(changed, ErrorKind::Conflict);
    team(&store, acme, "a").await?;
    assert_refused(team(&store, acme, "a").await, ErrorKind::Conflict);
    let second = team(&store, acme, "b").await?;
    let change = TeamChange {
        slug: Some("a".to_owned()),
        ..TeamChange::default()
    };
    let changed = store.people.update_team(second.id, change).await;
    assert_refused(changed, ErrorKind::Conflict);
    Ok(())
}

pub async fn what_is_not_there_is_not_found(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let other = organisation(&store, "other").await?.id;
    let foreign = new_project(other, "shop");
    let foreign = store.catalog.create_project(foreign).await?.id;
    let (one, made) = (user(&store, "one").await?, team(&store, acme, "a").await?);
    let (nobody, nothing) = (UserId(99), OrganisationId(99));
    let people = &store.people;
    let not_found = ErrorKind::NotFound;
    let change = UserChange::default();
    assert_refused(people.update_user(nobody, change).await, not_found);
    assert_refused(people.delete_user(nobody).await, not_found);
    assert_refused(people.password(nobody).await, not_found);
    let set = people.set_member(acme, nobody, Role::Member, NOW).await;
    assert_refused(set, not_found);
    let set = people.set_member(nothing, one.id, Role::Member, NOW).await;
    assert_refused(set, not_found);
    assert_refused(people.remove_member(acme, one.id).await, not_found);
    assert_refused(people.set_open(nothing, true).await, not_found);
    assert_refused(team(&store, nothing, "a").await, not_found);
    assert_refused(people.delete_team(TeamId(99)).await, not_found);
    let stranger = people.set_in_team(made.id, one.id, true).await;
    assert_refused(stranger, not_found);
    let set = people.set_project_of_team(made.id, foreign, true).await;
    assert_refused(set, not_found);
    assert_refused(people.create_login(login(nobody, "a")).await, not_found);
    assert_refused(people.delete_login(LoginId(99)).await, not_found);
    Ok(())
}

pub async fn an_organisation_keeps_an_owner(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let (one, two) = (user(&store, "one").await?, user(&store, "two").await?);
    let people = &store.people;
    people.set_member(acme, one.id, Role::Owner, NOW).await?;
    people.set_member(acme, two.id, Role::Admin, NOW).await?;
    let before = people.snapshot().await?;
    let asleep = || UserChange {
        active: Some(false),
        ..UserChange::default()
    };
    let less = people.set_member(acme, one.id, Role::Admin, NOW).await;
    assert_refused(less, ErrorKind::Conflict);
    assert_refused(
        people.remove_member(acme, one.id).await,
        ErrorKind::Conflict,
    );
    assert_refused(people.delete_user(one.id).await, ErrorKind::Conflict);
    let change = people.update_user(one.id, asleep()).await;
    assert_refused(change, ErrorKind::Conflict);
    assert_eq!(people.snapshot().await?, before);

    people.set_member(acme, two.id, Role::Owner, NOW).await?;
    let changed = people.update_user(one.id, asleep()).await?;
    assert!(!changed.active);
    assert_refused(
        people.remove_member(acme, two.id).await,
        ErrorKind::Conflict,
    );
    people.delete_user(one.id).await?;
    Ok(())
}

pub async fn who_leaves_takes_tokens_and_teams_along(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let other = organisation(&store, "other").await?.id;
    let one = user(&store, "one").await?;
    for (organisation, secret) in [(acme, "a"), (other, "b")] {
        let people = &store.people;
        people
            .set_member(organisation, one.id, Role::Member, NOW)
            .await?;
        let made = team(&store, organisation, "a").await?;
        people.set_in_team(made.id, one.id, true).await?;
        let mut own = token(organisation, secret);
        own.owner = Some(one.id);
        assert_eq!(store.catalog.create_token(own).await?.owner, Some(one.id));
    }
    store.people.remove_member(acme, one.id).await?;
    let shown = store.people.snapshot().await?;
    assert_eq!((shown.memberships.len(), shown.team_members.len()), (1, 1));
    assert_eq!(store.catalog.tokens(acme).await?, []);
    assert_eq!(store.catalog.tokens(other).await?.len(), 1);
    Ok(())
}

pub async fn a_deleted_account_takes_all_that_hangs_on_it_along(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let one = user(&store, "one").await?;
    let people = &store.people;
    people.set_member(acme, one.id, Role::Member, NOW).await?;
    let mut own = token(acme, "a");
    own.owner = Some(one.id);
    store.catalog.create_token(own).await?;
    people.create_login(login(one.id, "b")).await?;
    let hash = Secret::new("c").hash();
    let expires = NOW.plus(1);
    let user_id = one.id;
    let link = NewLink {
        user: user_id,
        hash,
        expires,
    };
    people.create_link(link).await?;
    people.delete_user(one.id).await?;
    assert_eq!(store.catalog.tokens(acme).await?, []);
    assert_eq!(people.find_login(&Secret::new("b").hash()).await?, None);
    assert_eq!(people.find_link(&hash, NOW).await?, None);
    assert_eq!(people.snapshot().await?.memberships, []);
    let next = user(&store, "one").await?;
    assert_ne!(next.id, one.id, "a number is never used again");
    Ok(())
}

pub async fn a_token_belongs_to_a_member_and_a_project_of_its_organisation(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let other = organisation(&store, "other").await?.id;
    let foreign = new_project(other, "shop");
    let foreign = store.catalog.create_project(foreign).await?.id;
    let one = user(&store, "one").await?;
    let mut wanted = token(acme, "a");
    wanted.owner = Some(one.id);
    let made = store.catalog.create_token(wanted).await;
    assert_refused(made, ErrorKind::NotFound);
    let mut wanted = token(acme, "a");
    wanted.project = Some(foreign);
    let made = store.catalog.create_token(wanted).await;
    assert_refused(made, ErrorKind::NotFound);
    Ok(())
}

pub async fn a_deleted_project_takes_its_tokens_along(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let project = new_project(acme, "shop");
    let project = store.catalog.create_project(project).await?.id;
    let made = team(&store, acme, "a").await?;
    store
        .people
        .set_project_of_team(made.id, project, true)
        .await?;
    let mut wanted = token(acme, "a");
    wanted.project = Some(project);
    let made = store.catalog.create_token(wanted).await?;
    assert_eq!(made.project, Some(project));
    store.catalog.delete_project(project).await?;
    assert_eq!(store.catalog.tokens(acme).await?, []);
    assert_eq!(store.people.snapshot().await?.team_projects, []);
    Ok(())
}

pub async fn a_password_is_kept_and_replaced(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let one = user(&store, "one").await?;
    assert_eq!(store.people.password(one.id).await?, None);
    for kept in [Some(PasswordHash("$x".to_owned())), None] {
        let change = UserChange {
            password: Some(kept.clone()),
            ..UserChange::default()
        };
        let changed = store.people.update_user(one.id, change).await?;
        assert_eq!(changed.has_password, kept.is_some());
        assert_eq!(store.people.password(one.id).await?, kept);
        // Another change leaves it alone.
        let change = UserChange {
            name: Some("Other".to_owned()),
            ..UserChange::default()
        };
        let changed = store.people.update_user(one.id, change).await?;
        assert_eq!(changed.name, "Other");
        assert_eq!(store.people.password(one.id).await?, kept);
    }
    Ok(())
}

pub async fn a_login_is_found_touched_and_ended(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let (one, two) = (user(&store, "one").await?, user(&store, "two").await?);
    let people = &store.people;
    let first = people.create_login(login(one.id, "a")).await?;
    assert_eq!((first.user, first.seen), (one.id, NOW));
    assert_eq!(
        (first.address.as_str(), first.agent.as_str()),
        ("192.0.2.1", "browser")
    );
    let second = people.create_login(login(one.id, "b")).await?;
    let other = people.create_login(login(two.id, "c")).await?;
    people.touch_login(first.id, NOW.plus(7)).await?;
    people.touch_login(first.id, NOW).await?;
    let found = people.find_login(&Secret::new("a").hash()).await?;
    let found = found.ok_or_else(|| missing("a login"))?;
    assert_eq!(found.seen, NOW.plus(7));
    assert_eq!(
        people.logins(one.id).await?,
        [second.clone(), found.clone()]
    );
    assert_eq!(people.delete_logins(one.id, Some(second.id)).await?, 1);
    assert_eq!(people.logins(one.id).await?, [second]);
    assert_eq!(people.delete_logins(one.id, None).await?, 1);
    let left = people.logins(two.id).await?;
    assert_eq!(left, std::slice::from_ref(&other));
    people.delete_login(other.id).await?;
    assert_eq!(people.find_login(&Secret::new("c").hash()).await?, None);
    Ok(())
}

pub async fn a_link_is_used_once(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let one = user(&store, "one").await?;
    let people = &store.people;
    let link = |secret: &str| NewLink {
        user: one.id,
        hash: Secret::new(secret).hash(),
        expires: NOW.plus(10),
    };
    people.create_link(link("a")).await?;
    people.create_link(link("b")).await?;
    let (old, new) = (Secret::new("a").hash(), Secret::new("b").hash());
    assert_eq!(people.take_link(&old, NOW).await?, None);
    assert_eq!(people.find_link(&new, NOW).await?, Some(one.id));
    assert_eq!(people.find_link(&new, NOW.plus(10)).await?, None);
    assert_eq!(people.take_link(&new, NOW).await?, Some(one.id));
    assert_eq!(people.take_link(&new, NOW).await?, None);
    Ok(())
}

pub async fn the_audit_log_is_listed_newest_first_and_bounded(
    place: &dyn Place,
) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let other = organisation(&store, "other").await?.id;
    let people = &store.people;
    for action in ["a", "b", "c"] {
        people.note(note(acme, action)).await?;
    }
    people.note(note(other, "d")).await?;
    let all = people.audit(acme, None, 10).await?;
    let actions: Vec<_> = all.iter().map(|entry| entry.note.action.as_str()).collect();
    assert_eq!(actions, ["c", "b", "a"]);
    let newest = all.first().ok_or_else(|| missing("an entry"))?;
    assert_eq!(newest.note, note(acme, "c"));
    let rest = people.audit(acme, Some(newest.id), 1).await?;
    assert_eq!(rest.as_slice(), all.get(1..2).unwrap_or_default());
    let bound = EndedPeople {
        now: NOW,
        idle: NOW,
        noted: NOW,
        entries: 2,
    };
    assert_eq!(people.forget(bound).await?, 2);
    let left = people.audit(acme, None, 10).await?;
    assert_eq!(left, std::slice::from_ref(newest));
    Ok(())
}

pub async fn what_has_ended_is_forgotten(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let acme = organisation(&store, "acme").await?.id;
    let one = user(&store, "one").await?;
    let people = &store.people;
    people.create_login(login(one.id, "a")).await?;
    let link = NewLink {
        user: one.id,
        hash: Secret::new("b").hash(),
        expires: NOW.plus(10),
    };
    people.create_link(link).await?;
    people.note(note(acme, "a")).await?;
    let ended = |now: i64, idle: i64, noted: i64| EndedPeople {
        now: NOW.plus(now),
        idle: NOW.plus(idle),
        noted: NOW.plus(noted),
        entries: 100,
    };
    assert_eq!(people.forget(ended(0, 0, 0)).await?, 0);
    assert_eq!(people.forget(ended(10, 0, 0)).await?, 1, "the link");
    assert_eq!(people.forget(ended(10, 1, 0)).await?, 1, "the idle login");
    people.create_login(login(one.id, "c")).await?;
    assert_eq!(people.forget(ended(1000, 0, 0)).await?, 1, "the old login");
    assert_eq!(people.forget(ended(1000, 0, 1)).await?, 1, "the entry");
    Ok(())
}
