//! Transactions: opened once, answered in turn, closed once with the revocation of what was not accepted, and gone in time.

use ca_core::audit::Act;
use ca_core::ports::{Ledger, Schedule, Transactions};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    AfterWindow, CertificateId, CertificateStatus, Conclusion, Idempotency, Intent, IntentConflict, Opened,
    Outcome, RevocationRecord, Settlement, SlotUse, Stage, Transaction, TransactionAnswer, TransactionBounds,
    TransactionConflict,
};
use ca_core::validity::UnixTime;

use super::backup::{copied, issue_sound, restored, sound};
use super::ground::{
    Ground, IntentWords, LedgerTold, LedgerWords, NOW, event, id, intent, issued, issuer, revocation, tenant,
};
use super::races::at_once;
use crate::Store;
use crate::engine::{Durability, Write};
use crate::keyspace::Keyspace;

/// How long a certificate waits to be confirmed, in seconds.
const WAIT: i64 = 300;

/// The last second of a transaction, and the first one after it.
const END: UnixTime = NOW.plus_seconds(WAIT);
const LATE: UnixTime = NOW.plus_seconds(WAIT + 1);

const BOUNDS: TransactionBounds = TransactionBounds { of_requester: 1_000, of_tenant: 1_000 };

/// As long as several parts.
fn long(octet: u8) -> Vec<u8> {
    vec![octet; 10_000]
}

fn key(number: u8) -> [u8; 32] {
    [number; 32]
}

fn opening(number: u8) -> Transaction {
    Transaction {
        key: key(number),
        issuer: issuer(1),
        tenant: tenant("dso"),
        requester: "ra:line-1".to_owned(),
        opened_at: NOW,
        ends_at: END,
        request: [1; 32],
        answer: Vec::new(),
        memo: b"its nonce".to_vec(),
        stage: Stage::Answering,
    }
}

fn open(store: &Store, opening: Transaction) -> Opened {
    store.open_transaction(opening, BOUNDS).unwrap()
}

/// An intent that answers a transaction.
fn within(transaction: u8, number: u16) -> Intent {
    let mut asking = sound(number);
    let since = UnixTime::from_seconds(i64::MIN);
    asking.conditions.transaction = Some(key(transaction));
    asking.conditions.idempotency =
        Some(Idempotency { key: key(transaction), since, after: AfterWindow::ReturnExisting });
    asking
}

fn answer(number: u8, stage: Stage) -> TransactionAnswer {
    TransactionAnswer {
        key: key(number),
        now: NOW,
        before: [1; 32],
        request: [1; 32],
        answer: long(0xA1),
        memo: Vec::new(),
        stage,
        ends_at: END,
    }
}

/// Issues the certificate of the same number in a transaction.
fn make(store: &Store, number: u8) -> CertificateId {
    let number_of_it = u16::from(number);
    issue_sound(store, number_of_it, within(number, number_of_it));
    id(number_of_it)
}

/// A transaction whose certificate of the same number waits to be confirmed.
fn unconfirmed(store: &Store, number: u8) {
    assert_eq!(open(store, opening(number)), Opened::New);
    let certificate = make(store, number);
    store.record_answer(answer(number, Stage::Unconfirmed { certificate })).unwrap().unwrap();
}

/// The revocation of a certificate, as its audit record must tell it.
fn revoking(number: u16, at: UnixTime) -> RevocationRecord {
    let mut record = revocation(&id(number), ReasonCode::CessationOfOperation);
    record.revocation.time = at;
    record.event.time = at;
    record.event.reason = ReasonCode::CessationOfOperation.name().to_owned();
    (record.event.issuer, record.event.serial) = (Some(issuer(1)), Some(id(number).serial));
    record
}

fn conclusion(number: u8, outcome: Outcome, at: UnixTime) -> Conclusion {
    let act = match outcome {
        Outcome::Answered | Outcome::Confirmed => Act::CertificateConfirmed,
        Outcome::Refused => Act::CertificateRefused,
        Outcome::Lapsed => Act::TransactionLapsed,
    };
    let mut event = event(act);
    event.time = at;
    Conclusion {
        key: key(number),
        outcome,
        last: (outcome != Outcome::Lapsed).then(|| ([2; 32], b"pkiConf".to_vec())),
        revocation: (outcome != Outcome::Confirmed).then(|| revoking(u16::from(number), at)),
        event,
    }
}

fn conclude(store: &Store, number: u8, outcome: Outcome, at: UnixTime) -> Result<Stage, TransactionConflict> {
    store.conclude(conclusion(number, outcome, at)).unwrap().map(|closed| closed.stage)
}

fn is_revoked(store: &Store, number: u16) -> bool {
    matches!(store.status(number), CertificateStatus::Revoked(_))
}

fn revocations(store: &Store) -> usize {
    store.acts().into_iter().filter(|act| *act == Act::CertificateRevoked).count()
}

fn stage(store: &Store, number: u8) -> Option<Stage> {
    store.transaction(&key(number)).unwrap().map(|known| known.stage)
}

/// How many rows transactions have in each of their keyspaces.
fn rows(store: &Store) -> [usize; 6] {
    let view = store.engine().view().unwrap();
    [
        Keyspace::Transactions,
        Keyspace::TransactionOctets,
        Keyspace::TransactionDeadlines,
        Keyspace::TransactionEnds,
        Keyspace::TransactionCounts,
        Keyspace::Unconfirmed,
    ]
    .map(|keyspace| view.rows_after(keyspace, &[], &[], 1_000).unwrap().len())
}

// C-10: the same name again finds what was answered, octet for octet, and makes nothing.
fn c_10_a_name_is_opened_once_and_finds_its_answer_again_after_a_restart(ground: &Ground) {
    let store = ground.open();
    assert_eq!(open(&store, opening(7)), Opened::New);
    let again = Transaction { request: [9; 32], memo: long(9), ..opening(7) };
    assert_eq!(open(&store, again.clone()), Opened::Known(Box::new(opening(7))));
    let certificate = make(&store, 7);
    store.record_answer(answer(7, Stage::Unconfirmed { certificate: certificate.clone() })).unwrap().unwrap();
    drop(store);
    let store = ground.open();
    let stage = Stage::Unconfirmed { certificate: certificate.clone() };
    let known = Transaction { answer: long(0xA1), memo: Vec::new(), stage, ..opening(7) };
    assert_eq!(open(&store, again), Opened::Known(Box::new(known.clone())));
    assert_eq!(store.transaction(&key(7)).unwrap(), Some(known.clone()));
    assert_eq!(store.unconfirmed(&certificate).unwrap(), Some(known));
    assert_eq!(store.unconfirmed(&id(8)).unwrap(), None);
    assert_eq!(store.transaction(&key(8)).unwrap(), None);
    assert_eq!(rows(&store), [1, 3, 1, 0, 2, 1]);
    store.check_integrity().unwrap();
}

fn an_answer_follows_only_the_one_before_it_and_holds_only_its_own_certificate(ground: &Ground) {
    let store = ground.open();
    let refused = |answer| store.record_answer(answer).unwrap().unwrap_err();
    assert_eq!(refused(answer(7, Stage::Waiting)), TransactionConflict::Unknown);
    open(&store, opening(7));
    store.issue(intent(1));
    let with = |certificate| Stage::Unconfirmed { certificate };
    assert_eq!(refused(answer(7, with(id(1)))), TransactionConflict::OtherCertificate);
    store.record(within(7, 7)).unwrap();
    assert_eq!(refused(answer(7, with(id(7)))), TransactionConflict::OtherCertificate, "not signed yet");
    for stage in [Stage::Waiting, Stage::Closed(Outcome::Answered)] {
        assert_eq!(refused(answer(7, stage)), TransactionConflict::BeingIssued, "by another thread");
    }
    store.begin(7);
    store.record_issued(vec![issued(&id(7), NOW)]).unwrap();
    let after = TransactionAnswer { before: [8; 32], ..answer(7, with(id(7))) };
    assert_eq!(refused(after), TransactionConflict::Overtaken);
    let late = TransactionAnswer { now: LATE, ..answer(7, with(id(7))) };
    assert_eq!(refused(late), TransactionConflict::Over { ends_at: END });
    let whole = TransactionAnswer { answer: vec![0; 65_537], ..answer(7, with(id(7))) };
    assert_eq!(refused(whole), TransactionConflict::TooLong);
    assert_eq!(stage(&store, 7), Some(Stage::Answering), "nothing has changed");
    let longest = TransactionAnswer { answer: vec![5; 65_536], ..answer(7, Stage::Waiting) };
    assert_eq!(store.record_answer(longest).unwrap().unwrap().answer, [5; 65_536]);
    let polled = TransactionAnswer { request: [2; 32], ..answer(7, with(id(7))) };
    store.record_answer(polled).unwrap().unwrap();
    assert_eq!(rows(&store)[1], 3, "the octets of the longer answer are gone");
    assert_eq!(
        refused(TransactionAnswer { before: [2; 32], ..answer(7, Stage::Waiting) }),
        TransactionConflict::OutOfTurn
    );
}

// RFC 9483 §4.1.1.
fn c_16_what_is_refused_is_revoked_with_it_and_what_is_confirmed_is_not(ground: &Ground) {
    let store = ground.open();
    unconfirmed(&store, 1);
    unconfirmed(&store, 2);
    assert_eq!(conclude(&store, 1, Outcome::Confirmed, END), Ok(Stage::Closed(Outcome::Confirmed)));
    assert_eq!(conclude(&store, 2, Outcome::Refused, END), Ok(Stage::Closed(Outcome::Refused)));
    assert_eq!((is_revoked(&store, 1), is_revoked(&store, 2)), (false, true));
    assert_eq!(store.acts()[store.acts().len() - 2..], [Act::CertificateRefused, Act::CertificateRevoked]);
    for number in [1, 2] {
        let known = store.transaction(&key(number)).unwrap().unwrap();
        assert_eq!((known.request, known.answer.as_slice()), ([2; 32], b"pkiConf".as_slice()));
        for outcome in [Outcome::Confirmed, Outcome::Refused, Outcome::Lapsed] {
            let Stage::Closed(before) = known.stage else { panic!("{known:?}") };
            assert_eq!(conclude(&store, number, outcome, LATE), Err(TransactionConflict::Closed(before)));
        }
        assert_eq!(store.unconfirmed(&id(u16::from(number))).unwrap(), None);
    }
    assert_eq!(revocations(&store), 1);
    assert_eq!(rows(&store), [2, 2, 0, 2, 0, 0]);
    store.check_integrity().unwrap();
}

// KP11: the deadline is in the rows, not in a process.
fn c_17_what_nobody_confirms_is_revoked_once_also_over_restarts(ground: &Ground) {
    let store = ground.open();
    unconfirmed(&store, 7);
    drop(store);
    let store = ground.open();
    let due = |store: &Store, at| store.transactions_due(&issuer(1), at, 10).unwrap().len();
    assert_eq!((due(&store, END), due(&store, LATE)), (0, 1), "the last second belongs to the holder");
    assert_eq!(conclude(&store, 7, Outcome::Lapsed, END), Err(TransactionConflict::NotOver { ends_at: END }));
    assert_eq!(
        conclude(&store, 7, Outcome::Confirmed, LATE),
        Err(TransactionConflict::Over { ends_at: END })
    );
    assert!(!is_revoked(&store, 7));
    assert_eq!(conclude(&store, 7, Outcome::Lapsed, LATE), Ok(Stage::Closed(Outcome::Lapsed)));
    drop(store);
    let store = ground.open();
    assert!(is_revoked(&store, 7));
    assert_eq!(conclude(&store, 7, Outcome::Lapsed, LATE), Err(TransactionConflict::Closed(Outcome::Lapsed)));
    assert_eq!((revocations(&store), due(&store, LATE)), (1, 0));
    assert_eq!(store.transaction(&key(7)).unwrap().unwrap().answer, long(0xA1), "for whoever asks again");
}

fn c_17_the_holder_and_the_deadline_at_once_end_it_once(ground: &Ground) {
    let store = ground.open();
    for number in 1..=40 {
        unconfirmed(&store, number);
        let outcomes = at_once(4, |thread| match thread {
            0 => conclude(&store, number, Outcome::Confirmed, END),
            1 => conclude(&store, number, Outcome::Refused, END),
            _ => conclude(&store, number, Outcome::Lapsed, LATE),
        });
        let won: Vec<_> = outcomes.into_iter().flatten().collect();
        assert_eq!(won.len(), 1);
        assert_eq!(stage(&store, number), won.first().cloned());
        let confirmed = won == [Stage::Closed(Outcome::Confirmed)];
        assert_eq!(is_revoked(&store, u16::from(number)), !confirmed);
    }
    store.check_integrity().unwrap();
}

fn what_an_operator_revoked_before_is_not_revoked_again_when_it_lapses(ground: &Ground) {
    let store = ground.open();
    unconfirmed(&store, 7);
    let before = revoking(7, NOW);
    store.record_revocation(before.clone()).unwrap();
    assert_eq!(conclude(&store, 7, Outcome::Lapsed, LATE), Ok(Stage::Closed(Outcome::Lapsed)));
    assert_eq!(store.status(7), CertificateStatus::Revoked(before.revocation));
    assert_eq!(revocations(&store), 1);
    store.check_integrity().unwrap();
}

fn nothing_is_made_in_a_transaction_that_is_closed_or_not_on_record(ground: &Ground) {
    let store = ground.open();
    assert_eq!(store.record(within(7, 1)), Err(IntentConflict::TransactionOver));
    open(&store, opening(7));
    let lapsed = Conclusion { revocation: None, ..conclusion(7, Outcome::Lapsed, LATE) };
    store.conclude(lapsed).unwrap().unwrap();
    assert_eq!(store.record(within(7, 1)), Err(IntentConflict::TransactionOver));
    assert_eq!(store.status(1), CertificateStatus::NeverIssued);
}

// A crash between T2 and the answer: the transaction is still being answered, and its certificate is good.
fn a_crash_before_the_answer_leaves_nothing_that_is_good_and_nobody_has(ground: &Ground) {
    let store = ground.open();
    open(&store, opening(7));
    store.record(within(7, 7)).unwrap();
    let unseen = || Conclusion { revocation: None, ..conclusion(7, Outcome::Lapsed, LATE) };
    assert_eq!(store.conclude(unseen()).unwrap(), Err(TransactionConflict::BeingIssued));
    assert_eq!(conclude(&store, 7, Outcome::Lapsed, LATE), Err(TransactionConflict::BeingIssued));
    store.begin(7);
    store.record_issued(vec![issued(&id(7), NOW)]).unwrap();
    drop(store);
    let store = ground.open();
    assert_eq!(store.conclude(unseen()).unwrap(), Err(TransactionConflict::BeingIssued), "it came between");
    let other = Conclusion { revocation: Some(revoking(8, LATE)), ..unseen() };
    assert_eq!(store.conclude(other).unwrap(), Err(TransactionConflict::OtherCertificate));
    assert!(!is_revoked(&store, 7), "nothing has changed");
    // Whoever asks again before its end gets the same certificate.
    let again = store.record(within(7, 9)).unwrap_err();
    assert!(matches!(again, IntentConflict::AlreadyIssued(stored) if stored.id == id(7)));
    assert_eq!(conclude(&store, 7, Outcome::Lapsed, LATE), Ok(Stage::Closed(Outcome::Lapsed)));
    assert!(is_revoked(&store, 7));
    assert_eq!(store.record(within(7, 9)), Err(IntentConflict::TransactionOver));
}

fn an_intent_that_came_to_nothing_does_not_hold_a_transaction_open(ground: &Ground) {
    let store = ground.open();
    open(&store, opening(7));
    store.record(within(7, 7)).unwrap();
    store.settle(7, Settlement::Aborted);
    let lapsed = Conclusion { revocation: None, ..conclusion(7, Outcome::Lapsed, LATE) };
    store.conclude(lapsed).unwrap().unwrap();
    assert_eq!(revocations(&store), 0);
}

fn who_waits_is_polled_for_and_nothing_is_confirmed_before_there_is_something(ground: &Ground) {
    let store = ground.open();
    open(&store, opening(7));
    for outcome in [Outcome::Confirmed, Outcome::Refused] {
        assert_eq!(conclude(&store, 7, outcome, NOW), Err(TransactionConflict::OutOfTurn));
    }
    let later = NOW.plus_seconds(7 * 86_400);
    let waits = TransactionAnswer { ends_at: later, ..answer(7, Stage::Waiting) };
    store.record_answer(waits).unwrap().unwrap();
    assert_eq!(store.transactions_due(&issuer(1), LATE, 10).unwrap(), []);
    let polled = TransactionAnswer { now: LATE, request: [2; 32], ..answer(7, Stage::Waiting) };
    let polled = TransactionAnswer { ends_at: later, ..polled };
    assert_eq!(store.record_answer(polled.clone()).unwrap().unwrap().request, [2; 32]);
    assert_eq!(store.record_answer(polled).unwrap(), Err(TransactionConflict::Overtaken));
    assert_eq!(rows(&store)[2], 1, "the deadline before is gone");
}

fn a_closed_transaction_is_kept_for_a_day_and_then_taken_away(ground: &Ground) {
    let store = ground.open();
    for number in 1..=3 {
        unconfirmed(&store, number);
        conclude(&store, number, Outcome::Confirmed, NOW).unwrap();
    }
    let day = END.plus_seconds(86_400);
    open(&store, Transaction { opened_at: day, ends_at: day, ..opening(8) });
    assert_eq!(rows(&store)[..4], [4, 4, 1, 3], "the last second belongs to them");
    let late = day.plus_seconds(1);
    let opened = open(&store, Transaction { opened_at: late, ends_at: late, ..opening(9) });
    assert_eq!((opened, rows(&store)), (Opened::New, [2, 2, 2, 0, 2, 0]));
    // What is open is never taken away, however old.
    let older = late.plus_seconds(900_000);
    open(&store, Transaction { opened_at: older, ends_at: older, ..opening(10) });
    assert_eq!(stage(&store, 8), Some(Stage::Answering));
    store.check_integrity().unwrap();
}

// A message that is replayed when its transaction is forgotten must not bring about the end of a certificate that is in use.
fn a_name_that_is_used_again_does_not_take_the_certificate_of_the_one_before(ground: &Ground) {
    let store = ground.open();
    unconfirmed(&store, 7);
    conclude(&store, 7, Outcome::Confirmed, NOW).unwrap();
    let late = END.plus_seconds(86_401);
    let opened = open(&store, Transaction { opened_at: late, ends_at: late, ..opening(7) });
    assert_eq!(opened, Opened::New);
    let again = store.record(within(7, 9).at(late)).unwrap_err();
    assert!(matches!(again, IntentConflict::AlreadyIssued(stored) if stored.id == id(7)));
    let stale = TransactionAnswer { now: late, ..answer(7, Stage::Unconfirmed { certificate: id(7) }) };
    assert_eq!(store.record_answer(stale).unwrap(), Err(TransactionConflict::OtherCertificate));
    assert_eq!(
        conclude(&store, 7, Outcome::Lapsed, late.plus_seconds(1)),
        Ok(Stage::Closed(Outcome::Lapsed))
    );
    assert!(!is_revoked(&store, 7));
}

fn open_transactions_are_counted_by_requester_and_tenant(ground: &Ground) {
    let store = ground.open();
    let bounds = TransactionBounds { of_requester: 2, of_tenant: 3 };
    let ask = |number, requester: &str| {
        let asked = Transaction { requester: requester.to_owned(), ..opening(number) };
        store.open_transaction(asked, bounds).unwrap()
    };
    assert_eq!([ask(1, "a"), ask(2, "a"), ask(3, "a")], [Opened::New, Opened::New, Opened::TooMany]);
    assert!(matches!(ask(1, "a"), Opened::Known(_)), "who is known is answered");
    assert_eq!([ask(4, "b"), ask(5, "c")], [Opened::New, Opened::TooMany]);
    store.record_answer(answer(1, Stage::Closed(Outcome::Answered))).unwrap().unwrap();
    assert_eq!([ask(3, "a"), ask(6, "a")], [Opened::New, Opened::TooMany]);
    let outcomes = at_once(8, |number| ask(100 + u8::try_from(number).unwrap(), "d"));
    assert!(outcomes.iter().all(|opened| *opened == Opened::TooMany));
    store.check_integrity().unwrap();
}

fn what_is_due_is_listed_for_its_issuer_the_oldest_first(ground: &Ground) {
    let store = ground.open();
    for (number, seconds, by) in [(1, 3, 1), (2, 1, 1), (3, 2, 2), (4, 2, 1), (5, 9, 1)] {
        let ends_at = NOW.plus_seconds(seconds);
        open(&store, Transaction { ends_at, issuer: issuer(by), ..opening(number) });
    }
    let listed = |by, seconds, limit| -> Vec<u8> {
        let due = store.transactions_due(&issuer(by), NOW.plus_seconds(seconds), limit).unwrap();
        due.iter().map(|known| known.key[0]).collect()
    };
    assert_eq!(listed(1, 4, 10), [2, 4, 1]);
    assert_eq!(listed(1, 4, 2), [2, 4]);
    assert_eq!(listed(2, 9, 10), [3]);
    assert_eq!(listed(1, 1, 10), []);
}

fn the_same_name_at_once_is_opened_once(ground: &Ground) {
    let store = ground.open();
    let outcomes = at_once(16, |_| open(&store, opening(7)));
    assert_eq!(outcomes.iter().filter(|opened| **opened == Opened::New).count(), 1);
}

fn when_recovery_ends_nothing_is_revoked_that_may_have_been_confirmed_since(ground: &Ground) {
    let store = ground.open();
    open(&store, opening(1));
    open(&store, opening(2));
    store.record_answer(answer(2, Stage::Waiting)).unwrap().unwrap();
    unconfirmed(&store, 3);
    unconfirmed(&store, 4);
    conclude(&store, 4, Outcome::Refused, NOW).unwrap();
    let (copy, _) = copied(&store);
    let (_parent, other) = restored(copy, ground.kind);
    assert_eq!(rows(&other), rows(&store));
    assert!(other.conclude(conclusion(3, Outcome::Lapsed, LATE)).is_err(), "in recovery");
    other.leave_recovery(2, event(Act::RecoveryEnded)).unwrap();
    assert_eq!([1, 2].map(|number| stage(&other, number)), [None, None]);
    assert_eq!(stage(&other, 3), Some(Stage::Closed(Outcome::Answered)));
    assert_eq!(other.transaction(&key(3)).unwrap().unwrap().answer, long(0xA1));
    assert_eq!(stage(&other, 4), Some(Stage::Closed(Outcome::Refused)));
    assert_eq!(other.status(3), CertificateStatus::Good);
    assert_eq!(rows(&other), [2, 4, 0, 2, 0, 0]);
    let told = other.trail().pop().unwrap().event.detail;
    assert!(told.contains("; 1 unconfirmed certificates stay;"), "{told}");
}

fn a_row_that_points_nowhere_or_is_pointed_to_by_none_is_found(ground: &Ground) {
    let store = ground.open();
    for number in 1..=3 {
        unconfirmed(&store, number);
    }
    conclude(&store, 3, Outcome::Confirmed, NOW).unwrap();
    assert_eq!(store.check_integrity().unwrap().transactions, 3);
    drop(store);
    let lost = [
        Keyspace::Transactions,
        Keyspace::TransactionOctets,
        Keyspace::TransactionDeadlines,
        Keyspace::TransactionEnds,
        Keyspace::TransactionCounts,
        Keyspace::Unconfirmed,
    ];
    for keyspace in lost {
        let (directory, engine) = ground.engine();
        let (key, value) = engine.view().unwrap().rows_after(keyspace, &[], &[], 1).unwrap().remove(0);
        let write = |value| vec![Write { keyspace, key: key.clone(), value }];
        engine.commit(write(None), Durability::Durable).unwrap();
        drop((directory, engine));
        let store = ground.open();
        assert!(store.check_integrity().is_err(), "{}", keyspace.name());
        drop(store);
        let (directory, engine) = ground.engine();
        engine.commit(write(Some(value)), Durability::Durable).unwrap();
        drop((directory, engine));
        ground.open().check_integrity().unwrap();
    }
}

/// A device's certificate of the number of its transaction, in the place of the one before it.
fn replace(store: &Store, number: u8, slot_use: SlotUse) -> CertificateId {
    let mut asking = within(number, u16::from(number)).for_slot(1, slot_use);
    asking.conditions.revoke_replaced_after = Some(1_000);
    assert_eq!(open(store, opening(number)), Opened::New);
    issue_sound(store, u16::from(number), asking);
    id(u16::from(number))
}

/// When a certificate will be revoked.
fn due(store: &Store, number: u16) -> Option<UnixTime> {
    let scheduled = store.scheduled(UnixTime::from_seconds(i64::MAX), None, 100).unwrap();
    scheduled.into_iter().find(|one| one.id == id(number)).map(|one| one.due)
}

fn what_is_replaced_waits_for_the_confirmation_where_one_is_awaited(ground: &Ground) {
    let store = ground.open();
    let first = replace(&store, 1, SlotUse::First);
    store.record_answer(answer(1, Stage::Unconfirmed { certificate: first })).unwrap().unwrap();
    conclude(&store, 1, Outcome::Confirmed, NOW).unwrap();
    // Refused: what it would have replaced stays.
    let second = replace(&store, 2, SlotUse::Rotation);
    store.record_answer(answer(2, Stage::Unconfirmed { certificate: second })).unwrap().unwrap();
    assert_eq!(due(&store, 1), None);
    conclude(&store, 2, Outcome::Refused, NOW).unwrap();
    assert_eq!((due(&store, 1), is_revoked(&store, 2)), (None, true));
    // Confirmed: from then.
    let third = replace(&store, 3, SlotUse::First);
    store.record_answer(answer(3, Stage::Unconfirmed { certificate: third })).unwrap().unwrap();
    let fourth = replace(&store, 4, SlotUse::Rotation);
    store.record_answer(answer(4, Stage::Unconfirmed { certificate: fourth })).unwrap().unwrap();
    drop(store);
    let store = ground.open();
    assert_eq!(due(&store, 3), None);
    conclude(&store, 4, Outcome::Confirmed, NOW.plus_seconds(200)).unwrap();
    assert_eq!(due(&store, 3), Some(NOW.plus_seconds(1_200)));
    // No confirmation is wanted: from the answer.
    replace(&store, 5, SlotUse::Rotation);
    assert_eq!(due(&store, 4), None);
    store.record_answer(answer(5, Stage::Closed(Outcome::Answered))).unwrap().unwrap();
    assert_eq!(due(&store, 4), Some(NOW.plus_seconds(1_000)));
    store.check_integrity().unwrap();
}

super::on_every_engine!(
    what_is_replaced_waits_for_the_confirmation_where_one_is_awaited,
    a_row_that_points_nowhere_or_is_pointed_to_by_none_is_found,
    c_10_a_name_is_opened_once_and_finds_its_answer_again_after_a_restart,
    an_answer_follows_only_the_one_before_it_and_holds_only_its_own_certificate,
    c_16_what_is_refused_is_revoked_with_it_and_what_is_confirmed_is_not,
    c_17_what_nobody_confirms_is_revoked_once_also_over_restarts,
    c_17_the_holder_and_the_deadline_at_once_end_it_once,
    what_an_operator_revoked_before_is_not_revoked_again_when_it_lapses,
    nothing_is_made_in_a_transaction_that_is_closed_or_not_on_record,
    a_crash_before_the_answer_leaves_nothing_that_is_good_and_nobody_has,
    an_intent_that_came_to_nothing_does_not_hold_a_transaction_open,
    who_waits_is_polled_for_and_nothing_is_confirmed_before_there_is_something,
    a_closed_transaction_is_kept_for_a_day_and_then_taken_away,
    a_name_that_is_used_again_does_not_take_the_certificate_of_the_one_before,
    open_transactions_are_counted_by_requester_and_tenant,
    what_is_due_is_listed_for_its_issuer_the_oldest_first,
    the_same_name_at_once_is_opened_once,
    when_recovery_ends_nothing_is_revoked_that_may_have_been_confirmed_since,
);
