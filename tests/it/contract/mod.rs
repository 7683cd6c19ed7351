//! What every store promises, as plain async functions over `&dyn Store` (events) or
//! `&dyn RelationalStore` (everything else), one file a noun.
//!
//! An assembly joins by a macro at the foot of this file, around a function that opens a new, empty store.
//! A case joins by its name in the list. Each pair becomes a test of its own.

mod aliases;
mod candidates;
mod coverage;
pub(crate) mod events;
mod evidence;
mod figures;
mod given;
mod history;
mod leases;
mod metadata;
mod publications;
mod quarantine;
mod relays;
mod state;
mod statistics;
mod traffic;

/// Hands every case that is not about events to a macro.
macro_rules! every_relational_case {
    ($run:ident) => {
        $run! {
            candidates: [
                adding_counts_what_is_new,
                adding_passes_over_what_is_known,
                adding_a_large_batch_counts_truly,
                a_known_candidate_keeps_its_history,
                due_are_the_least_failed_then_the_longest_waiting,
                due_stays_within_its_networks_time_and_limit,
                promoting_keeps_the_discovery,
                promoting_again_changes_nothing,
                promoting_a_stranger_discovers_it_now,
                promoting_at_the_same_time_makes_one_relay,
                postponing_counts,
                postponing_a_stranger_does_nothing,
                giving_up_leaves_a_tombstone_that_expires,
                expired_tombstones_are_deleted_in_portions,
                candidates_are_counted_by_network,
            ],
            evidence: [
                namings_add_up,
                nothing_is_kept_of_strangers,
                evidence_outlives_a_promotion_and_goes_with_a_candidate,
                walking_meets_every_known_url_once,
            ],
            relays: [
                adding_leaves_known_relays_alone,
                adding_takes_the_place_of_a_candidate,
                an_unknown_url_is_no_relay,
                keys_are_answered_in_order,
                many_keys_are_answered_once_each,
                due_for_check_is_longest_waiting_first,
                due_for_sync_is_longest_waiting_first,
                a_check_is_recorded_whole,
                a_check_of_an_unknown_relay_fails,
                a_visit_is_recorded,
                a_visit_to_an_unknown_relay_fails,
                relays_are_counted_by_network_and_state,
                walking_meets_every_relay_once,
            ],
            aliases: [
                relays_beside_share_scheme_host_and_port,
                an_alias_is_listed_and_visited_no_more,
                aliases_of_an_alias_follow_it,
                a_canonical_relay_is_visited_again,
                an_alias_of_itself_is_none,
                a_withdrawal_is_on_record_for_as_long_as_the_alias,
                aliases_are_looked_at_in_turn,
                a_released_alias_is_a_relay_again,
            ],
            traffic: [
                traffic_adds_up_and_news_replace_each_other,
                traffic_of_an_unknown_relay_fails,
                the_freshest_come_first_and_the_stale_not_at_all,
                traffic_is_told_by_network,
            ],
            history: [
                nothing_is_known_of_a_relay_that_was_never_checked,
                windows_say_how_often_and_how_fast,
                latencies_are_told_by_percentiles,
                a_check_counts_once,
                time_that_nobody_looked_at_is_neither_up_nor_down,
                changes_of_state_are_written_down,
                histories_are_bounded,
                an_unknown_relay_has_no_history,
            ],
            metadata: [
                a_document_is_read_back,
                a_document_is_shared,
                a_document_that_stays_current_costs_no_row,
                a_document_that_returns_is_a_new_row,
                an_old_observation_changes_nothing_newer,
                an_unknown_relay_stores_nothing,
                samples_are_newest_first,
                expiry_keeps_the_newest,
                expiry_goes_in_portions,
                orphans_go_and_current_documents_stay,
            ],
            coverage: [
                nothing_is_covered_at_first,
                touching_intervals_of_one_method_join,
                another_method_replaces_what_it_overlaps,
                covering_closes_splits_and_shrinks_gaps,
                the_same_gap_again_is_another_attempt,
                a_gap_over_covered_seconds_is_kept,
                filters_and_relays_are_apart,
                an_empty_range_is_ignored,
                the_far_future_is_a_second_like_any_other,
                an_unknown_relay_fails,
                counts_speak_about_all_relays,
                progress_speaks_about_each_network_and_those_behind,
                random_histories_agree_with_seconds,
            ],
            state: [
                a_row_is_read_back,
                rows_are_ordered_by_key,
                the_last_write_wins,
                an_empty_key_writes_nothing,
                deleting_counts_what_existed,
                services_and_types_are_apart,
            ],
            statistics: [
                the_newest_cycle_of_each_service_is_told,
                only_the_newest_cycles_are_kept,
                a_cycle_recorded_twice_is_one,
                totals_count_every_noun,
            ],
            leases: [
                each_relay_is_leased_once,
                only_what_is_due_on_these_networks_is_leased,
                a_lease_is_renewed_by_its_holder_alone,
                a_released_relay_is_free,
                a_relay_is_leased_for_each_work_apart,
                a_lease_that_is_not_renewed_ends,
                workers_at_the_same_time_share_without_waiting,
            ],
            publications: [
                each_publication_is_leased_once,
                a_sender_renews_and_releases_what_it_has,
                what_takes_the_place_of_a_leased_publication_is_leased,
                a_lease_of_a_publication_that_ran_out_is_taken_over,
                senders_at_the_same_time_share_without_waiting,
                each_relay_has_a_queue_of_its_own,
                what_is_said_anew_takes_the_place_of_what_waits,
            ],
            quarantine: [
                what_is_kept_aside_is_read_back,
                the_first_reason_stays,
                only_the_newest_stay_aside,
            ],
        }
    };
}

/// Hands every case about events to a macro.
macro_rules! every_event_case {
    ($run:ident) => {
        $run! {
            events: [
                a_bound_ends_with_a_whole_second,
                arrivals_are_logged_in_order,
                bounds_stop_a_query,
                deleted_events_are_refused_on_request,
                deletion_by_address_hides_older_versions,
                deletion_by_id_hides,
                expiration_hides,
                first_d_tag_is_the_identifier,
                keys_stop_at_limits_and_bounds,
                sets_are_given_up_at_their_deadline,
                limits_are_per_filter,
                lowest_id_wins_a_tie,
                messages_are_for_their_parties,
                neighbours_in_a_second_are_told_apart,
                newest_version_is_served,
                oldest_sighting_per_relay_stays,
                outcomes_are_in_order,
                protected_events_that_were_found_are_hidden,
                protected_events_of_their_authors_are_served,
                bringing_and_finding_at_once_is_bringing,
                recipients_delete_gift_wraps,
                repeats_in_a_batch_are_known,
                requests_cannot_be_deleted,
                statistics_count_what_is_stored,
                few_and_many_carry_a_tag,
                tag_values_are_exact,
                time_stops_a_query,
                trimming_keeps_events_and_numbers,
                vanishing_elsewhere_is_no_concern,
                vanishing_removes_everything,
                walks_meet_everything_once,
            ],
        }
    };
}

/// Hands every case about figures to a macro.
macro_rules! every_figure_case {
    ($run:ident) => {
        $run! {
            figures: [
                nothing_is_counted_at_first,
                a_history_is_counted_as_it_comes,
                a_history_is_counted_in_pieces,
                a_history_is_counted_at_once,
                counting_and_writing_do_not_disturb_each_other,
                a_comparison_finds_nothing_wrong,
                documents_are_counted_whatever_they_say,
                round_trips_are_averaged_over_the_last_ten,
            ],
        }
    };
}

/// Makes tests of the embedded assembly.
macro_rules! embedded {
    ($($noun:ident: [$($case:ident),+ $(,)?],)+) => {
        $(mod $noun {
            $(#[tokio::test]
            async fn $case() {
                let (store, _directory) = crate::contract::given::embedded().await;
                crate::contract::$noun::$case(&store).await;
            })+
        })+
    };
}

/// Makes tests of the PostgreSQL assembly.
macro_rules! postgres {
    ($($noun:ident: [$($case:ident),+ $(,)?],)+) => {
        $(mod $noun {
            $(#[tokio::test]
            async fn $case() {
                let (store, _database) = crate::contract::given::postgres().await;
                crate::contract::$noun::$case(&store).await;
            })+
        })+
    };
}

/// Makes tests of an event engine that leaves everything to be indexed later.
macro_rules! deferring {
    ($($noun:ident: [$($case:ident),+ $(,)?],)+) => {
        $(mod $noun {
            $(#[tokio::test]
            async fn $case() {
                let (_directory, store) = {
                    use crate::events::deferral::{IN_RUNS, deferring};
                    deferring(IN_RUNS)
                };
                crate::contract::$noun::$case(&store).await;
            })+
        })+
    };
}

mod embedded {
    every_relational_case!(embedded);
    every_event_case!(embedded);
    every_figure_case!(embedded);
}

mod deferring {
    every_event_case!(deferring);
}

mod postgres {
    every_relational_case!(postgres);
    every_event_case!(postgres);
    every_figure_case!(postgres);
}
