//! Orders of many certificates, what is due later, and authorities that are shut out: each step once, also over a reopening,
//! and what comes back from a log.

use ca_core::audit::{Act, AuditEvent};
use ca_core::orders::{OrderDesk, OrderRule};
use ca_core::ports::{BlockStatus, Orders, Schedule, TrustBlocks};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    BlockedKey, CertificateId, CertificateStatus, Change, Mark, OrderAct, OrderConflict, OrderDecision,
    OrderProgress, OrderStanding, OrderStep, OrderedChange, RevocationOrder, ScheduledRevocation, Unblock,
    Unblocked, Verdict,
};
use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};

use super::backup::{copied, issue_sound, replayed, sound};
use super::ground::{Ground, LedgerTold, LedgerWords, NOW, event, id, intent, issuer, revocation, tenant};
use crate::Store;
use crate::engine::Durability;
use crate::row::OrderPartRow;
use crate::transaction::Transaction;

const REASON: ReasonCode = ReasonCode::CessationOfOperation;

fn by(name: &str) -> Mark {
    Mark { by: format!("operator:{name}"), at: NOW }
}

/// An order of four certificates whose list is not written down.
fn unplanned() -> RevocationOrder {
    RevocationOrder {
        digest: [7; 32],
        tenant: tenant("dso"),
        change: Change::Revoke { reason: REASON, invalidity_date: None },
        selection: "profile p".to_owned(),
        profiles: Vec::new(),
        count: 4,
        parts: 0,
        needed: 0,
        planned: by("ada"),
        requested: None,
        expires_at: NOW.plus_seconds(100),
        approvals: Vec::new(),
        refusal: None,
        progress: OrderProgress::default(),
    }
}

/// An order of the first four certificates, in two parts.
pub(super) fn planned(store: &Store) -> RevocationOrder {
    let order = unplanned();
    store.plan_order(order.clone()).unwrap();
    store.plan_parts(&order.digest, 0, vec![vec![id(1), id(2)], vec![id(3), id(4)]]).unwrap();
    let order = RevocationOrder { parts: 2, ..order };
    store.plan_order(order.clone()).unwrap();
    order
}

pub(super) fn request(store: &Store, name: &str) -> Result<RevocationOrder, OrderConflict> {
    let act = OrderAct::Request;
    let decision = OrderDecision { digest: [7; 32], mark: by(name), act, event: event(Act::OrderRequested) };
    store.record_order_act(decision).unwrap()
}

fn step(part: u32, numbers: [u16; 2]) -> OrderStep {
    let change = |number| OrderedChange::Revoke(revocation(&id(number), REASON));
    OrderStep {
        digest: [7; 32],
        part,
        changes: numbers.map(change).into(),
        skipped: 0,
        now: NOW,
        finished: event(Act::OrderFinished),
    }
}

fn count(store: &Store, act: Act) -> usize {
    store.trail().iter().filter(|record| record.event.act == act).count()
}

fn each_part_is_carried_out_once_over_a_reopening(ground: &Ground) {
    let store = ground.open();
    (1..=4).for_each(|number| issue_sound(&store, number, sound(number)));
    planned(&store);
    request(&store, "ada").unwrap();
    store.revoke(2, ReasonCode::Superseded);
    let order = store.record_order_step(step(0, [1, 2])).unwrap();
    assert_eq!((order.progress.parts, order.progress.changed, order.progress.skipped), (1, 1, 1));
    drop(store);
    let store = ground.open();
    // The same part again, and the one after the next, change nothing.
    assert_eq!(store.record_order_step(step(0, [1, 2])).unwrap(), order);
    assert_eq!(store.record_order_step(step(2, [3, 4])).unwrap(), order);
    assert_eq!(store.status(3), CertificateStatus::Good);
    let order = store.record_order_step(step(1, [3, 4])).unwrap();
    assert_eq!((order.standing(NOW), order.progress.changed), (OrderStanding::Done, 3));
    assert_eq!(store.record_order_step(step(1, [3, 4])).unwrap(), order);
    assert_eq!((count(&store, Act::OrderFinished), count(&store, Act::CertificateRevoked)), (1, 4));
    assert!(store.check_integrity().is_ok());
}

/// The digest of an order, as the approval of it names it: by the definition, not by the code that makes one.
fn digest_of(selection: &str, ids: &[CertificateId]) -> [u8; 32] {
    let said = format!("{:?} None {}", Some(REASON.number()), NOW.seconds());
    let mut hash = Sha256::new_with_prefix("meter-pki revocation order 1");
    for field in [said.as_str(), "operator:ada", selection] {
        hash.update(u64::try_from(field.len()).unwrap().to_be_bytes());
        hash.update(field);
    }
    for id in ids {
        let serial = id.serial.octets();
        hash.update([id.issuer.octets().as_slice(), &[u8::try_from(serial.len()).unwrap()], serial].concat());
    }
    hash.finalize().into()
}

/// An order of two certificates that two people have asked for and approved.
pub(super) fn approved(store: &Store, selection: &str, numbers: [u16; 2]) -> RevocationOrder {
    let ids = numbers.map(id);
    let digest = digest_of(selection, &ids);
    let plan =
        RevocationOrder { digest, selection: selection.to_owned(), count: 2, needed: 1, ..unplanned() };
    store.plan_order(plan.clone()).unwrap();
    store.plan_parts(&digest, 0, ids.map(|id| vec![id]).into()).unwrap();
    store.plan_order(RevocationOrder { parts: 2, ..plan }).unwrap();
    let take = |mark, act, told| {
        store.record_order_act(OrderDecision { digest, mark, act, event: event(told) }).unwrap().unwrap()
    };
    take(by("ada"), OrderAct::Request, Act::OrderRequested);
    take(by("bob"), OrderAct::Decide(Verdict::Approve), Act::OrderApproved)
}

fn m_04_an_approved_order_whose_list_is_altered_afterwards_does_not_run(ground: &Ground) {
    let store = ground.open();
    (1..=5).for_each(|number| issue_sound(&store, number, sound(number)));
    let tenant = tenant("dso");
    let desk = OrderDesk {
        tenant: &tenant,
        authorities: &[],
        status: &store,
        orders: &store,
        rule: OrderRule::default(),
    };
    let run = |order: RevocationOrder| {
        let half = desk.carry_on(order, NOW).unwrap();
        desk.carry_on(half, NOW).unwrap()
    };
    assert_eq!(run(approved(&store, "profile a", [1, 2])).standing(NOW), OrderStanding::Done);
    let order = approved(&store, "profile b", [3, 4]);
    let key = (order.digest, 1);
    let altered = move |tx: &mut Transaction<'_>| tx.put(&key, &OrderPartRow { certificates: vec![id(5)] });
    store.write("test", Durability::Durable, altered).unwrap();
    let order = run(order);
    assert_eq!(order.standing(NOW), OrderStanding::Refused);
    let (by, reason) = order.refusal.clone().unwrap();
    assert_eq!(
        (by.by.as_str(), reason.as_str()),
        ("process:orders", "its list is not the one that was approved")
    );
    assert_eq!(run(order.clone()), order);
    for number in [3, 4, 5] {
        assert_eq!(store.status(number), CertificateStatus::Good);
    }
    assert_eq!((count(&store, Act::OrderRefused), count(&store, Act::CertificateRevoked)), (1, 2));
    assert!(store.check_integrity().is_ok());
}

fn a_list_that_was_asked_for_is_never_changed_and_one_that_was_not_is_forgotten(ground: &Ground) {
    let store = ground.open();
    let order = planned(&store);
    request(&store, "ada").unwrap();
    assert_eq!(request(&store, "bob"), Err(OrderConflict::Requested { by: by("ada") }));
    store.plan_order(RevocationOrder { count: 9, ..order.clone() }).unwrap();
    store.plan_parts(&order.digest, 0, vec![vec![id(9)]]).unwrap();
    assert_eq!(store.order_part(&order.digest, 0).unwrap(), [id(1), id(2)]);
    assert!(store.order_part(&order.digest, 2).is_err(), "a part that is not there is no empty one");
    let idle = RevocationOrder { digest: [8; 32], parts: 0, ..order };
    store.plan_order(idle.clone()).unwrap();
    store.plan_parts(&idle.digest, 0, vec![vec![id(1)]]).unwrap();
    store.forget_plans(idle.expires_at, 9).unwrap();
    assert_eq!(store.orders_named(&[8]).unwrap().len(), 1, "its last second belongs to it");
    store.forget_plans(idle.expires_at.plus_seconds(1), 9).unwrap();
    assert_eq!((store.orders_named(&[8]).unwrap().len(), store.orders_named(&[7]).unwrap().len()), (0, 1));
    assert!(store.order_part(&idle.digest, 0).is_err());
}

fn scheduled(number: u16, seconds: i64) -> ScheduledRevocation {
    ScheduledRevocation {
        id: id(number),
        due: NOW.plus_seconds(seconds),
        reason: ReasonCode::Superseded,
        invalidity_date: None,
        asked: by("ada"),
        if_replaced: false,
    }
}

fn schedule(store: &Store, one: &ScheduledRevocation) {
    let told = AuditEvent {
        actor: one.asked.by.clone(),
        issuer: Some(one.id.issuer),
        serial: Some(one.id.serial.clone()),
        reason: one.reason.name().to_owned(),
        detail: one.told(),
        ..event(Act::RevocationScheduled)
    };
    store.schedule(one.clone(), told).unwrap();
}

fn due(store: &Store, seconds: i64) -> Vec<ScheduledRevocation> {
    store.scheduled(NOW.plus_seconds(seconds), None, 9).unwrap()
}

fn what_is_revoked_is_due_no_more_and_another_time_is_in_the_place_of_the_first(ground: &Ground) {
    let store = ground.open();
    for number in 1..=2 {
        store.issue(intent(number));
    }
    for (number, seconds) in [(1, 50), (2, 20), (1, 10)] {
        schedule(&store, &scheduled(number, seconds));
    }
    drop(store);
    let store = ground.open();
    assert_eq!(due(&store, 9), []);
    assert_eq!(due(&store, 60), [scheduled(1, 10), scheduled(2, 20)]);
    store.revoke(1, ReasonCode::Superseded);
    assert_eq!(due(&store, 60), [scheduled(2, 20)]);
    assert!(store.cancel_schedule(&id(2), event(Act::ScheduleCancelled)).unwrap());
    assert!(!store.cancel_schedule(&id(2), event(Act::ScheduleCancelled)).unwrap());
    assert_eq!((due(&store, 60), count(&store, Act::ScheduleCancelled)), (Vec::new(), 1));
}

fn block(store: &Store, number: u8) -> bool {
    let blocked =
        BlockedKey { key: issuer(number), blocked: by("ada"), why: "lost".to_owned(), unblock_asked: None };
    let told = AuditEvent {
        actor: by("ada").by,
        issuer: Some(issuer(number)),
        detail: "lost".to_owned(),
        ..event(Act::TrustBlocked)
    };
    store.block(blocked, told).unwrap()
}

fn unblock(store: &Store, number: u8, name: &str) -> Unblocked {
    let told = |act| AuditEvent { actor: by(name).by, issuer: Some(issuer(number)), ..event(act) };
    let (asked, done) = (told(Act::UnblockRequested), told(Act::TrustUnblocked));
    store
        .unblock(&issuer(number), Unblock { mark: by(name), two_people: true, asked, done })
        .unwrap()
        .unwrap()
}

fn what_was_shut_out_and_scheduled_after_a_copy_was_made_comes_back_from_the_log(ground: &Ground) {
    let store = ground.open();
    for number in 1..=2 {
        store.issue(intent(number));
    }
    planned(&store);
    let (rows, _) = copied(&store);
    schedule(&store, &scheduled(1, 10));
    schedule(&store, &scheduled(2, 20));
    store
        .cancel_schedule(
            &id(2),
            AuditEvent {
                issuer: Some(id(2).issuer),
                serial: Some(id(2).serial),
                ..event(Act::ScheduleCancelled)
            },
        )
        .unwrap();
    assert_eq!(
        [block(&store, 1), block(&store, 2), block(&store, 3), block(&store, 1)],
        [true, true, true, false]
    );
    assert_eq!(unblock(&store, 2, "ada"), Unblocked::Asked);
    assert_eq!((unblock(&store, 3, "ada"), unblock(&store, 3, "bob")), (Unblocked::Asked, Unblocked::Done));
    let (_parent, other) = replayed(rows, &store, ground.kind);
    assert_eq!(due(&other, 60), due(&store, 60));
    assert_eq!(other.blocked().unwrap(), store.blocked().unwrap());
    assert_eq!([1, 2, 3].map(|number| other.is_blocked(&issuer(number)).unwrap()), [true, true, false]);
    // Perhaps it was refused after the copy was made: whoever wants it asks anew.
    other.leave_recovery(2, event(Act::RecoveryEnded)).unwrap();
    let order = other.orders_named(&[7]).unwrap().pop().unwrap();
    assert_eq!(order.standing(UnixTime::from_seconds(0)), OrderStanding::Refused);
}

super::on_every_engine!(
    m_04_an_approved_order_whose_list_is_altered_afterwards_does_not_run,
    each_part_is_carried_out_once_over_a_reopening,
    a_list_that_was_asked_for_is_never_changed_and_one_that_was_not_is_forgotten,
    what_is_revoked_is_due_no_more_and_another_time_is_in_the_place_of_the_first,
    what_was_shut_out_and_scheduled_after_a_copy_was_made_comes_back_from_the_log,
);
