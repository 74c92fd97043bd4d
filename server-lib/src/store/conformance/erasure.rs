//! What a person leaves besides events.
#![expect(missing_docs, reason = "the names of cases are sentences")]

use super::data::{Feed, projects};
use super::stats::{change, totals, update};
use super::{Place, options};
use crate::error::Error;
use crate::model::session::{SessionChange, SessionState};
use crate::store::SessionTotals;

pub async fn the_sessions_of_a_user_are_erased(place: &dyn Place) -> Result<(), Error> {
    let store = place.open(options()).await?;
    let made = projects(&store, 2).await?;
    let project = made.first().copied().unwrap_or_default();
    let other = made.last().copied().unwrap_or_default();
    let mut feed = Feed::new();
    let of = |user, change| SessionChange { user, ..change };
    let changes = vec![
        change(project, 1, 0, SessionState::Crashed),
        change(project, 2, 0, SessionState::Errored),
        SessionChange {
            begins: false,
            ..change(project, 3, 1, SessionState::Abnormal)
        },
        of(Some(43), change(project, 4, 0, SessionState::Crashed)),
        of(None, change(project, 5, 0, SessionState::Ok)),
        change(other, 1, 0, SessionState::Crashed),
    ];
    update(&store, &mut feed, changes).await?;
    assert_eq!(store.upkeep.erase_user(project, 42).await?, 3);
    assert_eq!(store.upkeep.erase_user(project, 42).await?, 0);
    for (sid, is_there) in [(1, false), (2, false), (3, false), (4, true), (5, true)] {
        let state = store.stats.session(project, [sid; 16]).await?;
        assert_eq!(state.is_some(), is_there, "{sid}");
    }
    let expected = SessionTotals {
        total: 2,
        errored: 0,
        abnormal: 0,
        crashed: 1,
    };
    assert_eq!(totals(&store, project).await?, expected);
    assert_eq!(totals(&store, other).await?.crashed, 1);
    assert_eq!(store.upkeep.check().await?, [""; 0]);
    Ok(())
}
