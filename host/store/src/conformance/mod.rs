//! What any engine must do, as tests that know the contract only.
//!
//! An engine's own test runs [`all`], each case on a fresh, empty database:
//!
//! ```text
//! for (name, case) in partneros_store::conformance::all() {
//!     case(&engine().await).await;
//! }
//! ```
//!
//! A case panics where the engine breaks a promise. A promise that is added to the contract gets a case here, and no
//! case is changed to suit an engine.

mod alerts;
mod audit;
mod bindings;
mod brakes;
mod changes;
mod commits;
mod connections;
mod former_links;
mod health;
mod history;
mod idempotency;
mod isolation;
mod journals;
mod keys;
mod leases;
mod links;
mod members;
mod organizations;
mod outbox;
mod pair_audits;
mod pairs;
mod people;
mod plugin_activity;
mod plugin_world;
mod plugins;
mod portals;
mod pushes;
mod races;
mod records;
mod runs;
mod schemas;
mod sessions;
mod webhooks;
mod world;

use std::future::Future;
use std::pin::Pin;

use crate::Store;

/// One promise, tried on an empty database.
pub type Case = for<'a> fn(&'a dyn Store) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

macro_rules! cases {
    ($($group:ident: $($case:ident)+;)+) => {
        vec![$($((
            concat!(stringify!($group), "::", stringify!($case)),
            (|store| Box::pin($group::$case(store))) as Case,
        ),)+)+]
    };
}

/// Every case with its name.
pub fn all() -> Vec<(&'static str, Case)> {
    let mut cases = cases_of_the_sync();
    cases.extend(cases_of_safety());
    cases.extend(cases_of_portals());
    cases.extend(cases_of_plugins());
    cases.extend(cases_of_people());
    cases.extend(cases! {
        isolation:
            what_belongs_to_another_organization_does_not_exist
            two_organizations_may_have_the_same_plugin;
        keys:
            new_data_keys_leave_secrets_as_they_are
            what_is_in_use_is_not_retired
            an_erased_organization_is_gone_and_the_others_stay;
    });
    cases
}

fn cases_of_portals() -> Vec<(&'static str, Case)> {
    cases! {
        connections:
            a_portal_is_renewed_in_place
            a_portal_has_one_organization_at_a_time
            a_status_keeps_the_last_error
            what_was_learned_before_a_portal_was_connected_anew_is_not_said
            tokens_open_as_they_were_put
            tokens_are_replaced_by_generation
            a_disconnected_portal_has_no_tokens
            a_connect_flow_is_valid_once_and_in_time;
        portals:
            the_same_portal_goes_on_where_it_was
            another_portal_is_an_explicit_choice
            pairs_move_to_another_portal_without_what_is_of_theirs
            pairs_do_not_move_where_they_would_meet
            nobody_moves_the_pairs_of_others;
    }
}

fn cases_of_the_sync() -> Vec<(&'static str, Case)> {
    cases! {
        organizations:
            names_are_unique
            a_token_speaks_for_its_organization
            a_token_expires_and_its_use_is_noted;
        idempotency:
            a_key_is_taken_once_and_its_answer_given_again
            a_key_is_free_again_when_nothing_changed_or_long_after;
        schemas:
            a_discovery_replaces_the_one_before;
        pairs:
            two_objects_are_paired_once
            a_patch_changes_what_it_names
            mappings_are_replaced_by_version
            a_setup_is_put_in_one_step_or_not_at_all
            becoming_active_puts_unlinked_records_into_the_outbox
            what_is_edited_while_paused_waits
            a_direction_that_begins_to_write_puts_records_into_the_outbox
            due_pairs_come_longest_due_first
            a_pair_that_somebody_syncs_is_not_due
            a_deleted_pair_leaves_its_records;
        changes:
            changes_come_in_the_order_they_were_made
            nobody_sees_the_changes_of_others;
        health:
            lags_are_told_by_the_hour
            runs_are_summed_up
            what_is_quiet_is_not_looked_at
            old_runs_are_forgotten_but_not_the_last_success;
        records:
            values_of_every_type_come_back
            a_version_counts_changes
            a_cursor_survives_changes_of_the_list
            a_foreign_cursor_is_not_found
            a_deleted_record_stays_deleted
            an_upsert_is_all_or_none
            ids_are_the_organizations_own;
        leases:
            one_worker_holds_a_lease
            leases_of_workers_that_are_gone_end_together
            a_lost_lease_is_left_alone
            the_cursor_is_set_and_forgotten
            a_cursor_of_other_mappings_is_none;
        links:
            links_are_found_from_both_sides
            records_without_a_link_are_listed_with_their_key
            a_deleted_record_leaves_a_tombstone
            values_of_linked_records_are_found
            a_link_says_what_is_listed_for_its_record
            deleted_records_are_told_from_unknown_ones
            edits_are_counted_and_what_the_sync_writes_is_not;
        outbox:
            the_longest_waiting_comes_first
            a_pass_goes_on_after_what_it_settled
            a_retry_waits_and_counts
            every_pair_that_writes_hubspot_learns_of_an_edit
            records_are_put_back
            a_retry_ends_the_pauses_of_fields
            what_is_sent_to_make_an_object_is_remembered;
        commits:
            a_page_is_written_as_a_whole
            an_update_counts_and_is_no_edit
            a_record_that_the_sync_makes_is_as_old_as_its_object
            a_lost_lease_writes_nothing
            an_unknown_run_writes_nothing
            other_pairs_learn_of_what_the_sync_writes
            a_replayed_creation_makes_no_second_record;
        races:
            an_edited_record_races_wholly
            a_deleted_record_races
            a_link_is_one_to_one;
        pushes:
            what_was_pushed_is_remembered_whatever_happened_meanwhile
            a_push_to_an_object_of_another_record_races;
        history:
            failures_are_replaced_by_record_and_stage
            rejections_end_with_the_link
            rejected_objects_are_found_by_their_reason
            parked_fields_are_listed_without_a_record
            lists_are_newest_first_and_paged;
        runs:
            a_run_is_followed_to_its_end
            the_end_of_a_run_gives_its_lease_back
            a_new_run_interrupts_the_one_before
            an_audit_is_due_when_a_run_has_said;
    }
}

/// What becomes of links, and what stops a pair.
fn cases_of_safety() -> Vec<(&'static str, Case)> {
    cases! {
        former_links:
            a_link_that_ends_is_remembered
            a_merged_object_leaves_its_link_to_one
            a_record_is_deleted_with_its_object_and_comes_back
            values_of_deleted_records_are_forgotten_in_time
            a_mirroring_pair_archives_the_object_of_a_deleted_record
            a_deletion_can_be_taken_back_before_the_object_is_archived
            what_is_pushed_of_a_record_deleted_meanwhile_is_archived
            an_object_that_shows_after_its_record_was_deleted_is_archived
            an_object_that_shows_late_stays_where_deletions_are_not_mirrored
            other_pairs_learn_of_a_record_that_goes_and_comes_back
            objects_that_are_not_found_are_kept_account_of
            linked_objects_are_gone_through_in_rounds
            a_released_record_is_pushed_as_a_new_one
            a_lost_lease_ends_no_link;
        pair_audits:
            a_range_of_links_tells_what_is_known_of_each
            what_is_known_of_objects_without_a_record_is_told
            lost_records_are_put_into_the_outbox
            the_last_audits_are_kept
            a_lost_lease_keeps_no_audit;
        journals:
            one_process_reads_a_journal
            what_the_journal_says_of_linked_objects_makes_their_pair_due
            an_association_hurries_nobody_and_hides_nothing
            associations_leave_room_for_what_matters
            associations_told_during_a_run_wait_for_the_next
            a_hint_is_forgotten_unless_something_was_said_since
            what_is_said_while_a_pair_runs_makes_it_due_again
            a_gap_has_every_active_pair_audited
            more_than_is_kept_has_the_pair_audited
            what_pairs_sync_over_the_app_is_listed;
        brakes:
            what_passes_the_limit_is_not_written
            a_record_counts_once_and_for_a_while
            a_share_of_the_linked_records_may_change
            a_braked_pair_waits_until_somebody_decides
            a_paused_pair_stays_paused_whatever_is_decided;
    }
}

fn cases_of_people() -> Vec<(&'static str, Case)> {
    cases! {
        members:
            the_first_owner_comes_once
            a_role_counts_at_once
            a_removed_member_loses_sessions_and_tokens
            the_last_owner_stays
            a_token_is_never_more_than_its_member
            an_invitation_works_once_and_in_time
            an_invitation_is_for_its_address
            a_user_joins_a_further_organization
            people_and_tokens_are_listed_page_by_page;
        sessions:
            a_session_ends_idle_and_at_last
            a_session_ends_when_it_is_told
            a_new_password_ends_the_other_sessions
            an_organization_is_chosen
            the_oldest_sessions_make_room;
    }
}

fn cases_of_plugins() -> Vec<(&'static str, Case)> {
    cases! {
        plugins:
            a_version_is_kept_as_it_was_uploaded
            the_same_component_is_one_version_of_one_plugin
            versions_are_numbered_within_their_plugin
            plugins_are_listed_with_what_is_active
            a_version_in_use_is_not_deleted
            a_plugin_goes_with_its_last_version
            a_quarantine_lasts_until_it_is_ended
            the_state_follows_the_bindings
            keys_are_trusted_by_name;
        bindings:
            the_narrowest_binding_holds
            a_binding_remembers_what_ran_before
            what_was_decided_on_another_binding_is_a_conflict
            what_is_quarantined_or_unknown_is_not_bound
            a_candidate_is_tried_beside_what_runs
            a_candidate_of_an_unbound_organization_stands_beside_the_default
            failed_batches_are_counted_in_a_row
            a_binding_ends_with_its_pair
            nothing_is_bound_to_what_does_not_exist;
        plugin_activity:
            usage_adds_up_by_day
            the_newest_calls_of_each_version_are_kept
            a_shadow_report_replaces_the_one_before
            what_is_known_of_a_pair_goes_with_it;
        audit:
            events_are_listed_newest_first_by_prefix
            events_are_found_by_subject_and_time
            old_events_are_forgotten_a_few_at_a_time;
        alerts:
            one_alert_goes_on_for_the_same_trouble
            a_resolved_alert_stays_and_makes_room
            a_person_acknowledges_and_resolves_an_alert;
        webhooks:
            an_event_is_told_to_those_who_want_it
            a_message_is_claimed_until_it_is_settled
            a_message_is_given_up_and_sent_again
            the_secret_before_signs_for_a_while
            a_broken_webhook_is_disabled_with_an_alert
            a_full_queue_misses_events_and_says_so
            those_served_longest_ago_come_first
            webhooks_are_made_changed_and_deleted;
    }
}
