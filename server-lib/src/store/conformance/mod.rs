//! What every backend must do, case by case.
//!
//! A backend's tests say how to get an empty database, as a [`Place`], and
//! [`store_conformance!`](crate::store_conformance) turns every case into a test. The cases know
//! nothing of the backend: they write and read through the traits only.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::Store;
use super::open::StoreOptions;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::model::time::Millis;

pub mod catalog;
mod data;
pub mod digests;
pub mod erasure;
pub mod events;
mod indexing;
pub mod issues;
pub mod items;
pub mod people;
pub mod picks;
mod reference;
pub mod releases;
pub mod search;
pub mod sessions;
pub mod split;
pub mod stats;
pub mod tokens;
pub mod upkeep;
pub mod work;

/// One database, empty at first.
#[async_trait]
pub trait Place: Send + Sync {
    /// Opens it: the first time, again after it was closed, or a second time beside an open one.
    async fn open(&self, options: StoreOptions) -> Result<Store, Error>;
}

/// The moment at which all cases play.
pub const NOW: Millis = Millis(1_790_000_000_000);

/// Returns options under which everything goes into one partition.
#[must_use]
pub fn options() -> StoreOptions {
    partitioned(1_000_000)
}

/// Returns options under which a partition takes so many events.
#[must_use]
pub fn partitioned(partition_events: u64) -> StoreOptions {
    StoreOptions {
        partition_events,
        partition_age: Duration::from_secs(365 * 24 * 60 * 60),
        clock: Arc::new(Standing(NOW)),
    }
}

/// Returns options of a store that is opened at another moment.
fn opened_at(now: Millis) -> StoreOptions {
    StoreOptions {
        clock: Arc::new(Standing(now)),
        ..options()
    }
}

/// A clock that stands.
#[derive(Debug)]
struct Standing(Millis);

impl Clock for Standing {
    fn now(&self) -> Millis {
        self.0
    }
}

/// Checks that an operation was refused as it should.
fn assert_refused<T>(answer: Result<T, Error>, kind: ErrorKind) {
    let refused = answer.map(drop).map_err(|error| error.kind());
    assert_eq!(refused, Err(kind));
}

/// The error of a case that misses something.
fn missing(what: &str) -> Error {
    Error::because(ErrorKind::NotFound, format!("the case misses {what}"))
}

/// Makes a test of every case. The expression returns a new [`Place`] each time it is evaluated.
#[macro_export]
macro_rules! store_conformance {
    ($place:expr) => {
        $crate::store_conformance! { @cases $place;
            catalog: [
                a_new_catalogue_is_empty,
                what_is_made_is_read_back_whole,
                every_change_moves_the_version,
                a_slug_is_taken_once,
                a_project_number_is_never_used_again,
                a_change_leaves_the_rest_alone,
                unknown_numbers_are_not_found,
                a_deleted_project_takes_its_keys_along,
                a_public_key_is_taken_once,
                two_handles_write_without_losing_anything,
            ],
            tokens: [
                a_token_is_found_by_its_hash,
                tokens_are_listed_newest_first,
                the_last_use_of_a_token_is_noted,
                a_deleted_token_is_not_found,
            ],
            people: [
                a_store_of_nobody_is_empty,
                accounts_memberships_and_teams_are_read_back_whole,
                every_change_of_people_moves_their_version,
                an_address_and_a_slug_of_a_team_are_taken_once,
                what_is_not_there_is_not_found,
                an_organisation_keeps_an_owner,
                who_leaves_takes_tokens_and_teams_along,
                a_deleted_account_takes_all_that_hangs_on_it_along,
                a_token_belongs_to_a_member_and_a_project_of_its_organisation,
                a_deleted_project_takes_its_tokens_along,
                a_password_is_kept_and_replaced,
                a_login_is_found_touched_and_ended,
                a_link_is_used_once,
                the_audit_log_is_listed_newest_first_and_bounded,
                what_has_ended_is_forgotten,
            ],
            digests: [
                a_new_store_stands_at_zero,
                an_event_is_read_back_whole,
                the_same_batch_again_changes_nothing,
                a_batch_of_nothing_moves_the_position,
                the_position_outlives_the_handle,
                the_second_event_of_an_id_is_not_stored,
                a_duplicate_is_found_after_reopening,
                another_project_may_have_the_same_id,
                a_duplicate_is_counted_as_invalid,
                a_duplicate_leaves_issue_and_counts_alone,
                events_of_a_deleted_project_are_not_shown,
            ],
            events: [
                an_event_is_found_by_id_in_the_projects_asked,
                lists_and_counts_agree_with_a_slow_reference,
                lists_and_counts_agree_after_hiding_erasing_and_dropping,
                pages_put_together_are_the_whole_list,
                equal_times_are_ordered_by_place,
                no_projects_means_no_events,
                environments_are_noted_once_and_bounded,
            ],
            issues: [
                events_of_one_key_share_an_issue,
                issue_numbers_count_up_in_each_project,
                an_issue_shows_its_latest_event,
                issues_are_listed_latest_seen_first,
                many_issues_in_many_batches_keep_their_numbers,
                issues_of_a_deleted_project_are_gone,
            ],
            work: [
                a_resolved_issue_is_opened_by_a_further_event,
                the_release_decides_what_opens_an_issue_again,
                a_commit_resolves_in_the_release_that_brings_it,
                an_ignored_issue_comes_back_when_it_was_told_to,
                an_ignored_issue_counts_events_in_intervals,
                an_ignored_issue_comes_back_after_so_many_users,
                assignment_and_priority_leave_a_history,
                comments_are_written_changed_and_deleted,
                marks_belong_to_a_person,
                merged_issues_are_one_and_come_apart_again,
                only_issues_of_one_project_are_merged,
                a_deleted_issue_is_gone_and_its_key_opens_another,
                events_of_a_discarded_issue_are_dropped_and_counted,
                a_key_that_replaces_another_joins_its_issue,
            ],
            search: [
                events_are_found_as_by_looking_at_each,
                what_is_erased_hidden_or_dropped_is_not_found,
                events_are_counted_by_hour_tag_and_issue,
                tags_are_summed_up_for_issues_and_projects,
                rare_values_beyond_a_bound_are_counted_as_others,
                the_events_of_an_issue_are_counted_by_hour,
                people_are_counted_once,
                the_same_index_batch_again_changes_nothing,
            ],
            split: [
                events_are_split_up_as_by_looking_at_each,
                people_and_issues_of_long_periods_are_summed_by_hour,
                parts_of_erased_events_and_deleted_issues_shrink,
                too_many_rows_are_not_read,
            ],
            picks: [
                issues_are_found_as_by_looking_at_each,
            ],
            releases: [
                events_and_sessions_make_releases_known,
                releases_are_made_changed_and_listed,
                a_release_with_issues_is_not_deleted,
                deployments_make_releases_known,
                health_is_summed_by_release_and_interval,
            ],
            items: [
                an_item_is_read_back_whole,
                a_transaction_is_stored_once,
                items_are_listed_newest_first,
                items_are_found_by_kind_and_event,
                bodies_are_known_by_arrival_and_length,
                the_places_of_items_are_told_step_by_step,
                a_report_takes_the_place_of_the_last_on_its_event,
            ],
            stats: [
                outcomes_of_a_minute_add_up,
                outcomes_are_summed_by_interval,
                a_session_is_counted_once_and_moves,
                a_final_state_stays,
                an_old_update_changes_nothing,
                a_session_with_errors_counts_as_errored,
                tallies_and_updates_add_up,
                sessions_are_counted_when_they_began,
                a_session_is_in_the_total_once_its_beginning_was_told,
            ],
            sessions: [
                a_person_is_counted_once_whatever_is_added_up,
                many_people_are_estimated,
                sessions_that_ended_well_tell_how_long_they_took,
                an_erased_person_is_in_no_sum,
                old_sessions_are_forgotten_and_stay_counted,
                old_sums_are_kept_by_the_hour_then_by_the_day_and_then_not,
                items_fill_a_partition_too,
            ],
            upkeep: [
                a_full_partition_is_followed_by_another,
                an_old_partition_is_followed_by_another,
                a_dropped_partition_is_gone,
                the_last_partition_is_not_dropped,
                hidden_events_and_items_are_not_shown,
                the_arrival_of_the_nth_newest_event_is_known,
                erased_events_are_gone_and_marked,
                an_erased_event_takes_its_attachments_along,
                the_events_of_a_user_are_erased,
                sweeping_removes_what_is_hidden_and_ends,
                arrivals_out_of_order_are_hidden_and_swept,
                a_deleted_project_is_dead,
                buried_marks_are_forgotten,
                a_healthy_store_has_no_findings,
                a_closed_store_opens_again,
            ],
            erasure: [
                the_sessions_of_a_user_are_erased,
                the_index_forgets_what_was_erased,
                the_index_forgets_a_deleted_project,
            ],
        }
    };
    (@cases $place:expr; $($part:ident: [$($case:ident),+ $(,)?],)+) => {
        $crate::store_conformance! { @flat $place; $($($part $case,)+)+ }
    };
    (@flat $place:expr; $($part:ident $case:ident,)+) => {
        $(
            #[tokio::test]
            async fn $case() -> Result<(), $crate::error::Error> {
                $crate::store::conformance::$part::$case(&$place).await
            }
        )+
    };
}
