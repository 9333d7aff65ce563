//! Each invariant is broken by hand, in a store on disk, and must be named.

#![cfg(test)]

mod bench;
mod campaigns;
mod days;
mod devices;
mod taken_over;

use bench::{Bench, CERTIFICATES_END, Change, ISSUER, NOW, REQUEST};
use ledger_checker::Invariant;

fn names(invariant: Invariant, break_it: impl FnOnce(&mut Bench)) {
    let mut bench = Bench::new();
    break_it(&mut bench);
    let found = bench.violations();
    let named: Vec<Invariant> = found.iter().map(|violation| violation.invariant).collect();
    assert!(named.contains(&invariant), "{invariant:?} is not among {found:?}");
}

#[test]
fn finds_nothing_in_a_sound_ledger() {
    assert_eq!(Bench::new().violations(), []);
}

#[test]
fn finds_nothing_where_the_signer_says_the_same() {
    let mut bench = Bench::new();
    bench.witness();
    assert_eq!(bench.violations(), []);
}

#[test]
fn finds_nothing_where_the_log_of_the_signer_lies_in_several_files_in_two_places() {
    for archived in [&[][..], &[0], &[0, 1], &[1]] {
        let mut bench = Bench::new();
        bench.witness();
        bench.in_segments_of(1, archived, &[]);
        assert_eq!(bench.violations(), []);
    }
}

#[test]
fn finds_nothing_in_a_log_of_which_only_the_end_is_looked_at() {
    let mut bench = Bench::new();
    bench.witness();
    bench.in_segments_of(1, &[], &[0, 1]);
    bench.log_from = 3;
    assert_eq!(bench.violations(), []);
}

#[test]
fn names_i_17_and_exactly_the_records_that_are_missing() {
    for (size, archived, lost, said) in [
        (1, &[][..], &[0][..], "record 1 of the signer's log is missing"),
        (1, &[0], &[1, 2], "records 2 to 3 of the signer's log are missing"),
        (2, &[], &[0], "records 1 to 2 of the signer's log are missing"),
    ] {
        let mut bench = Bench::new();
        bench.witness();
        bench.in_segments_of(size, archived, lost);
        let found = bench.violations();
        let told = |found: &ledger_checker::Violation| found.to_string().starts_with(&format!("I17: {said}"));
        assert!(found.iter().any(told), "{found:?}");
    }
}

#[test]
fn names_i_17_when_a_closed_segment_of_the_log_of_the_signer_was_changed() {
    names_i_17(|bench| {
        bench.in_segments_of(2, &[0], &[]);
        bench.alter_record(1);
    });
    names_i_17(|bench| {
        bench.in_segments_of(2, &[0], &[]);
        bench.forget_record(1);
    });
}

fn names_i_17(break_it: impl FnOnce(&mut Bench)) {
    names(Invariant::I17, |bench| {
        bench.witness();
        break_it(bench);
    });
}

#[test]
fn names_i_17_when_the_signer_wrote_down_what_is_on_no_record() {
    names_i_17(|bench| bench.write_down_others(&[2, 2]));
}

#[test]
fn names_i_17_when_what_the_signer_signed_is_not_what_was_recorded() {
    names_i_17(|bench| bench.write_down_others(&bench.issued_serial()));
}

#[test]
fn names_i_17_when_what_the_signer_signed_counts_as_never_signed() {
    names_i_17(Bench::write_down_aborted);
}

#[test]
fn names_i_17_when_the_signer_wrote_down_a_crl_that_was_never_intended() {
    names_i_17(|bench| bench.write_down("crl", "8", b"another"));
}

#[test]
fn names_i_17_when_a_certificate_is_issued_that_the_signer_has_no_record_of() {
    // The first is gone: the records behind it follow no other.
    names_i_17(|bench| bench.forget_record(0));
    names_i_17(|bench| bench.issue(Change::None));
}

#[test]
fn names_i_1_when_a_certificate_was_signed_that_no_intent_has() {
    names(Invariant::I1, Bench::sign_without_intent);
}

#[test]
fn names_i_1_when_what_was_signed_is_not_what_was_recorded() {
    names(Invariant::I1, Bench::alter_uncertain_intent);
}

#[test]
fn names_i_1_when_a_signed_intent_counts_as_aborted() {
    names(Invariant::I1, Bench::uncertain_becomes_aborted);
}

#[test]
fn names_i_1_when_a_crl_was_signed_that_was_never_intended() {
    names(Invariant::I1, Bench::sign_crl_without_intent);
}

#[test]
fn names_i_2_when_a_serial_number_is_taken_twice() {
    names(Invariant::I2, |bench| bench.record_again(bench.issued_id()));
}

#[test]
fn names_i_2_when_a_burned_serial_number_is_free_again() {
    names(Invariant::I2, |bench| bench.remove(5, &bench.aborted_id()));
}

#[test]
fn names_i_3_when_a_delivered_certificate_is_on_no_record() {
    names(Invariant::I3, Bench::deliver_what_was_never_recorded);
}

#[test]
fn names_i_3_when_the_audit_trail_does_not_tell_of_a_certificate() {
    names(Invariant::I3, |bench| bench.issue(Change::NotTold));
}

#[test]
fn names_i_3_when_an_intent_was_signed_twice() {
    names(Invariant::I3, Bench::sign_again);
}

#[test]
fn names_i_4_when_a_row_is_issued_and_its_signature_is_not_the_issuers() {
    names(Invariant::I4, |bench| bench.issue(Change::ForeignSignature));
}

#[test]
fn names_i_5_when_an_uncertain_serial_number_is_on_no_crl_after_the_grace_time() {
    names(Invariant::I5, Bench::publish_late_crl_without_the_uncertain);
}

#[test]
fn names_i_6_when_a_crl_number_does_not_increase() {
    names(Invariant::I6, |bench| bench.sign_crl(7, &[bench.revoked_serial()]));
}

#[test]
fn names_i_6_when_an_entry_leaves_a_crl_before_it_has_expired() {
    names(Invariant::I6, |bench| bench.sign_crl(9, &[]));
}

#[test]
fn names_i_7_when_a_wish_was_answered_with_two_certificates() {
    names(Invariant::I7, Bench::answer_with_another);
}

#[test]
fn names_i_7_when_two_certificates_were_issued_for_one_wish() {
    names(Invariant::I7, |bench| bench.issue(Change::None));
}

#[test]
fn names_i_8_when_an_audit_record_is_missing() {
    names(Invariant::I8, |bench| bench.remove(2, &2_u64.to_be_bytes()));
}

#[test]
fn names_i_8_when_the_trail_lost_its_end() {
    names(Invariant::I8, |bench| bench.remove(2, &bench.last_audit().to_be_bytes()));
}

#[test]
fn names_i_8_when_a_subtree_is_not_what_the_records_hash_to() {
    names(Invariant::I8, Bench::change_subtree);
}

#[test]
fn names_i_9_when_a_certificate_outlives_its_issuer() {
    names(Invariant::I9, |bench| bench.issue(Change::OutlivesIssuer));
}

const MADE: &str = "a under p version 1; the server made the key; request SHA-256 00";

#[test]
fn finds_nothing_in_a_lost_key_that_its_requester_asked_for_again() {
    let mut bench = Bench::new();
    bench.lose("ra:line-1", "ra:line-1", Some(MADE));
    assert_eq!(bench.violations(), []);
}

#[test]
fn names_i_16_when_a_key_was_lost_by_another_or_nothing_took_its_place() {
    let of_its_own = Some("a under p version 1; request SHA-256 00");
    for (lost_by, next) in [("ra:line-2", Some(MADE)), ("ra:line-1", None), ("ra:line-1", of_its_own)] {
        names(Invariant::I16, |bench| bench.lose("ra:line-1", lost_by, next));
    }
}

#[test]
fn finds_nothing_in_requests_that_two_others_approved() {
    let mut bench = Bench::new();
    bench.approved_by(&["bob", "eve"]);
    bench.answer_request(1);
    bench.answer_request(2);
    assert_eq!(bench.violations(), []);
}

#[test]
fn names_i_10_when_approvals_are_missing_doubled_the_requesters_own_or_refused() {
    for operators in [&[][..], &["bob"], &["bob", "bob"], &["bob", "ada"]] {
        names(Invariant::I10, |bench| {
            bench.approved_by(operators);
            bench.answer_request(1);
        });
    }
    names(Invariant::I10, |bench| {
        bench.approved_by(&["bob", "eve"]);
        bench.refuse();
        bench.answer_request(1);
    });
    names(Invariant::I10, |bench| bench.answer_request(1));
}

/// Who approved may not approve any more.
fn void_approval(bench: &mut Bench, operator: &str) {
    let detail = format!("operator:{operator} may not approve any more");
    bench.audit_by("process:approvals", 136, (&[], &REQUEST), &detail);
}

// M-02, M-03.
#[test]
fn names_i_10_when_one_person_approved_by_two_credentials_or_an_approval_was_void() {
    for (approvers, credential) in [(["uid-7", "bob"], "bob; uid:7"), (["uid-7", "bob"], "ada; uid:7")] {
        names(Invariant::I10, |bench| {
            bench.approved_by(&approvers);
            bench.audit_by("operator:uid-0", 133, (&[], &[]), credential);
            bench.answer_request(1);
        });
    }
    names(Invariant::I10, |bench| {
        bench.approved_by(&["bob", "eve"]);
        void_approval(bench, "eve");
        bench.answer_request(1);
    });
    let mut bench = Bench::new();
    bench.approved_by(&["bob", "eve"]);
    void_approval(&mut bench, "eve");
    bench.audit_by("operator:kim", 41, (&[], &REQUEST), &hex::encode(REQUEST));
    bench.answer_request(1);
    assert_eq!(bench.violations(), []);
}

#[test]
fn names_i_10_when_two_certificates_come_of_one_approval() {
    names(Invariant::I10, |bench| {
        bench.approved_by(&["bob", "eve"]);
        for last in [1, 2] {
            bench.answer_request(last);
            bench.tell_of_certificate(last);
        }
    });
}

#[test]
fn finds_nothing_in_an_order_under_which_no_more_was_made_than_ordered() {
    let mut bench = Bench::new();
    bench.order(1);
    // What came to nothing, and what was scrapped, gave its place back.
    bench.make((1, 1, "p"), false);
    bench.make((2, 2, "p"), true);
    bench.scrap(2);
    bench.make((3, 1, "q"), true);
    bench.close_order();
    assert_eq!(bench.violations(), []);
}

#[test]
fn names_i_19_when_a_surplus_left_the_line() {
    let broken = |break_it: &dyn Fn(&mut Bench)| {
        names(Invariant::I19, |bench| {
            bench.order(1);
            break_it(bench);
        });
    };
    // One device more, be the place of the first free in the rows.
    broken(&|bench| {
        bench.make((1, 1, "p"), true);
        bench.make((2, 2, "p"), true);
    });
    // A second certificate of the same profile for a device.
    broken(&|bench| {
        bench.make((1, 1, "p"), true);
        bench.make((2, 1, "p"), true);
    });
    // A title, a profile, or a time that is not of the order.
    broken(&|bench| bench.make((1, 3, "p"), true));
    broken(&|bench| bench.make((1, 1, "other"), true));
    broken(&|bench| {
        bench.close_order();
        bench.make((1, 1, "p"), true);
    });
    // Rows that say less than the trail.
    broken(&|_| {});
    names(Invariant::I19, |bench| bench.make((1, 1, "p"), true));
}

#[test]
fn a_visit_that_is_approved_gives_its_technician_one_certificate() {
    let mut bench = Bench::new();
    bench.visit(CERTIFICATES_END, &["lee", "kim"]);
    bench.issue_on("v", ("tim", 0x51));
    assert_eq!(bench.violations(), []);
}

#[test]
fn names_i_21_when_a_unit_got_what_no_visit_gives() {
    let broken = |until: i64, approved_by: &[&str], break_it: &dyn Fn(&mut Bench)| {
        names(Invariant::I21, |bench| {
            bench.visit(until, approved_by);
            break_it(bench);
        });
    };
    let issue = |by: &'static str| move |bench: &mut Bench| bench.issue_on("v", (by, 0x51));
    // Too few who approved, who opened it or who goes among them; and somebody else's.
    broken(CERTIFICATES_END, &["lee"], &issue("tim"));
    broken(CERTIFICATES_END, &["lee", "ron"], &issue("tim"));
    broken(CERTIFICATES_END, &["lee", "tim"], &issue("tim"));
    broken(CERTIFICATES_END, &["lee", "kim"], &issue("tom"));
    // A certificate that ends later, a second one beside it, and one that is left.
    broken(CERTIFICATES_END - 1, &["lee", "kim"], &issue("tim"));
    broken(CERTIFICATES_END, &["lee", "kim"], &|bench| {
        bench.issue_on("v", ("tim", 0x51));
        bench.issue_on("v", ("tim", 0x52));
    });
    broken(CERTIFICATES_END, &["lee", "kim"], &|bench| {
        bench.issue_on("v", ("tim", 0x51));
        bench.end_visit();
    });
    // After its end, and on none.
    broken(CERTIFICATES_END, &["lee", "kim"], &|bench| {
        bench.end_visit();
        bench.issue_on("v", ("tim", 0x51));
    });
    names(Invariant::I21, |bench| bench.issue_on("other", ("tim", 0x51)));
}

#[test]
fn names_i_11_when_a_revocation_is_gone() {
    names(Invariant::I11, |bench| bench.remove(11, &bench.revoked_id()));
}

#[test]
fn names_i_11_when_what_a_client_was_told_is_revoked_is_not() {
    names(Invariant::I11, |bench| bench.note(&format!("revoked {} 0777", hex::encode(ISSUER))));
}

#[test]
fn finds_nothing_in_transactions_that_ended_as_they_should() {
    let mut bench = Bench::new();
    bench.end_transaction(50, 1, &bench.issued_id());
    bench.note(&format!("confirmed {} {}", hex::encode(ISSUER), hex::encode(&bench.issued_id()[20..])));
    bench.end_transaction(51, 2, &bench.revoked_id());
    bench.end_transaction(52, 3, &bench.issued_id()[..20]);
    assert_eq!(bench.violations(), []);
}

#[test]
fn finds_nothing_in_a_certificate_that_waits_to_be_confirmed_until_its_deadline() {
    let mut bench = Bench::new();
    bench.wait_for_confirmation(NOW);
    bench.all_is_published();
    assert_eq!(bench.violations(), []);
}

#[test]
fn names_i_13_when_what_was_not_accepted_is_not_revoked_or_more_than_once() {
    for act in [51, 52] {
        names(Invariant::I13, |bench| bench.end_transaction(act, 1, &bench.issued_id()));
    }
    names(Invariant::I13, Bench::revoke_again);
}

#[test]
fn names_i_13_when_a_transaction_ends_twice() {
    names(Invariant::I13, |bench| {
        bench.end_transaction(50, 1, &bench.issued_id());
        bench.end_transaction(50, 1, &bench.issued_id());
    });
    names(Invariant::I13, |bench| {
        bench.end_transaction(50, 1, &bench.revoked_id());
        bench.end_transaction(52, 2, &bench.revoked_id());
    });
}

#[test]
fn names_i_13_when_what_a_client_was_told_is_confirmed_is_not() {
    names(Invariant::I13, |bench| bench.note(&format!("confirmed {} 0777", hex::encode(ISSUER))));
}

#[test]
fn names_i_13_when_a_deadline_was_missed_or_what_waits_is_not_found() {
    names(Invariant::I13, |bench| {
        bench.wait_for_confirmation(NOW - 1);
        bench.all_is_published();
    });
    for keyspace in [24, 29] {
        names(Invariant::I13, |bench| {
            bench.wait_for_confirmation(NOW);
            let key = if keyspace == 24 { vec![0xCD; 32] } else { bench.issued_id() };
            bench.remove(keyspace, &key);
        });
    }
}

#[test]
fn names_i_12_when_a_second_start_changed_a_row() {
    names(Invariant::I12, |bench| bench.second_start_removes(5, &bench.aborted_id()));
}

/// What is found when the issued certificate is put on hold and something is done then.
fn holding(act: impl FnOnce(&mut Bench)) -> Vec<Invariant> {
    let mut bench = Bench::new();
    bench.hold();
    act(&mut bench);
    bench.violations().into_iter().map(|violation| violation.invariant).collect()
}

#[test]
fn finds_nothing_in_a_hold_a_release_and_a_revocation_from_hold() {
    assert_eq!(holding(|_| ()), []);
    assert_eq!(holding(Bench::release), []);
    assert_eq!(holding(Bench::make_final), []);
    assert_eq!(
        holding(|bench| {
            bench.release();
            bench.hold();
            bench.make_final();
        }),
        []
    );
}

#[test]
fn names_i_14_when_rows_and_trail_tell_of_other_holds() {
    let issued = Bench::new().issued_id();
    for break_it in [
        |bench: &mut Bench, id: &[u8]| bench.remove(11, id),
        |bench: &mut Bench, id: &[u8]| {
            bench.release();
            bench.remove(30, id);
        },
        // On hold twice; released twice; released from what is final; on hold from what is final.
        |bench: &mut Bench, _: &[u8]| bench.hold(),
        |bench: &mut Bench, _: &[u8]| {
            bench.release();
            bench.release();
        },
        |bench: &mut Bench, _: &[u8]| {
            bench.make_final();
            bench.release();
        },
        |bench: &mut Bench, _: &[u8]| {
            bench.make_final();
            bench.hold();
        },
    ] {
        let found = holding(|bench| break_it(bench, &issued));
        assert!(found.contains(&Invariant::I14), "{found:?}");
    }
}

// L-04: what leaves a CRL was on hold, and is on record as released.
#[test]
fn names_i_6_when_an_entry_leaves_that_was_not_released_and_only_then() {
    let entry_leaves = |released: bool, on_hold: bool| {
        let found = holding(|bench| {
            let issued = bench.issued_serial();
            if on_hold {
                bench.sign_crl_with_hold(8, &issued);
            } else {
                bench.sign_crl(8, &[bench.revoked_serial(), issued]);
            }
            if released {
                bench.release();
            }
            bench.sign_crl(9, &[bench.revoked_serial()]);
        });
        found.contains(&Invariant::I6)
    };
    assert!(!entry_leaves(true, true));
    assert!(entry_leaves(false, true));
    assert!(entry_leaves(true, false));
}

#[test]
fn finds_nothing_in_a_sound_shard() {
    let mut bench = Bench::new();
    bench.divide("0a");
    assert_eq!(bench.violations(), []);
}

#[test]
fn names_i_15_when_a_shard_lists_what_is_of_another_or_lacks_its_own() {
    // What lies in another shard is on the CRL of `0a`.
    names(Invariant::I15, |bench| bench.divide("0b"));
    names(Invariant::I15, Bench::publish_a_shard_that_lacks_one);
}

#[test]
fn names_i_15_when_an_index_says_other_than_the_rows() {
    names(Invariant::I15, |bench| {
        bench.divide("0a");
        bench.remove(32, &bench.in_shard("0a"));
    });
    names(Invariant::I15, Bench::note_a_change_that_nobody_told_of);
}

#[test]
fn finds_nothing_where_what_is_short_lived_is_revoked_and_on_no_crl() {
    let mut bench = Bench::new();
    bench.revoke_short_lived(&[5, 11]);
    assert_eq!(bench.violations(), []);
    // What is not short-lived must be on one.
    names(Invariant::I11, |bench| bench.revoke_short_lived(&[]));
}

#[test]
fn names_i_15_when_what_is_short_lived_is_on_a_crl_or_among_the_changes_or_marked_by_halves() {
    names(Invariant::I15, |bench| {
        bench.revoke_short_lived(&[5, 11]);
        bench.list_the_short_lived();
    });
    names(Invariant::I15, |bench| {
        bench.revoke_short_lived(&[5, 11]);
        bench.note_a_change_of_the_short_lived();
    });
    names(Invariant::I15, |bench| bench.revoke_short_lived(&[5]));
    names(Invariant::I15, |bench| bench.revoke_short_lived(&[11]));
}

#[test]
fn finds_nothing_where_a_device_is_found_counted_and_followed() {
    let mut bench = Bench::new();
    bench.list_device();
    assert_eq!(bench.violations(), []);
}

#[test]
fn reads_an_intent_that_says_when_what_it_replaces_is_revoked() {
    let mut bench = Bench::new();
    bench.order(1);
    bench.make((1, 1, "p"), true);
    bench.replaces_something(1);
    assert_eq!(bench.violations(), []);
}
