//! Shards, changes and lines of CRLs: indexed with the act that they tell of, read page by page, rebuilt from a log.

use ca_core::audit::{Act, AuditEvent};
use ca_core::ports::{CrlScopes, Ledger, Releases, StatusSource};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateStatus, CrlChanges, CrlIntent, CrlNumberTaken, CrlRecord, Intent, ReleaseRecord,
    RevocationRecord, Settlement,
};
use ca_core::scope::{CrlLine, CrlListing, CrlScope, Shard};
use ca_core::serial_number::SerialNumber;
use ca_core::validity::{UnixTime, Validity};

use super::backup::{copied, replayed};
use super::ground::{END, Ground, LedgerWords, NOW, event, id, intent, issuer, revocation, revoking, serial};
use crate::keyspace::{Keyspace, change_key, id_key, shard_revocation_key};
use crate::row::{CrlHeadRow, RevocationRow, Row};
use crate::transaction::Rows;
use crate::{EngineKind, IntegrityFault, Store};

fn shard(name: &str) -> Shard {
    Shard::parse(name).unwrap()
}

fn scope(name: &str) -> CrlScope {
    CrlScope::Shard(shard(name))
}

fn of_shard(number: u16, name: &str) -> Intent {
    Intent { listing: CrlListing::Listed(Some(shard(name))), ..intent(number) }
}

/// An event that names the certificate, as ca-core's do.
fn told(act: Act, number: u16) -> AuditEvent {
    AuditEvent { issuer: Some(id(number).issuer), serial: Some(id(number).serial), ..event(act) }
}

fn revoke(store: &Store, number: u16, reason: ReasonCode) {
    let event = AuditEvent { reason: reason.name().to_owned(), ..told(revoking(reason), number) };
    store.record_revocation(RevocationRecord { event, ..revocation(&id(number), reason) }).unwrap();
}

fn release(store: &Store, number: u16) {
    let event = told(Act::CertificateReleased, number);
    store.record_release(ReleaseRecord { id: id(number), event }).unwrap();
}

fn revoked_in(store: &Store, name: &str) -> Vec<SerialNumber> {
    let page = store.revoked_in((&issuer(1), &shard(name)), None, 100).unwrap();
    page.into_iter().map(|entry| entry.serial).collect()
}

fn changes(store: &Store, scope: &CrlScope, after: u64) -> CrlChanges {
    store.changes((&issuer(1), scope), after, 100).unwrap()
}

/// The serial numbers that changed, and whether each is listed now.
fn changed(store: &Store, scope: &CrlScope, after: u64) -> Vec<(SerialNumber, bool)> {
    let told = changes(store, scope, after).changes;
    assert!(told.is_sorted_by_key(|change| change.sequence));
    told.into_iter().map(|change| (change.serial, change.entry.is_some())).collect()
}

fn l_06_the_shard_of_a_certificate_is_on_record_and_stays(ground: &Ground) {
    let store = ground.open();
    store.issue(of_shard(1, "0a"));
    store.issue(intent(2));
    let on_record = |store: &Store, number| store.certificate(&id(number)).unwrap().unwrap().listing;
    let in_0a = CrlListing::Listed(Some(shard("0a")));
    assert_eq!((on_record(&store, 1), on_record(&store, 2)), (in_0a.clone(), CrlListing::ON_ALL));
    for reason in [ReasonCode::CertificateHold, ReasonCode::KeyCompromise] {
        revoke(&store, 1, reason);
        assert_eq!(on_record(&store, 1), in_0a);
        assert_eq!(revoked_in(&store, "0a"), [serial(1)]);
    }
    drop(store);
    let store = ground.open();
    assert_eq!(on_record(&store, 1), in_0a);
    assert_eq!(revoked_in(&store, "0a"), [serial(1)]);
}

fn the_revoked_of_a_shard_are_read_in_ascending_order_page_by_page(ground: &Ground) {
    let store = ground.open();
    for number in [300, 2, 128, 1, 200, 7] {
        let name = if number == 7 { "0a1" } else { "0a" };
        store.issue(of_shard(number, name));
        revoke(&store, number, ReasonCode::Superseded);
    }
    store.issue(intent(9));
    revoke(&store, 9, ReasonCode::Superseded);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.revoked_in((&issuer(1), &shard("0a")), after.as_ref(), 2).unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        after = Some(last.serial.clone());
        found.extend(page.into_iter().map(|entry| entry.serial));
    }
    let mut expected = [300, 2, 128, 1, 200].map(serial).to_vec();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(revoked_in(&store, "0a1"), [serial(7)]);
    assert_eq!(revoked_in(&store, "0"), []);
    assert_eq!(store.revoked_in((&issuer(2), &shard("0a")), None, 9).unwrap(), []);
    assert_eq!(store.revoked(&issuer(1), None, 100).unwrap().len(), 7);
}

fn every_revocation_hold_and_release_is_a_change_of_its_scopes(ground: &Ground) {
    let store = ground.open();
    for (number, name) in [(1, "0a"), (2, "0b")] {
        store.issue(of_shard(number, name));
    }
    store.issue(intent(3));
    assert_eq!(changed(&store, &CrlScope::All, 0), []);
    revoke(&store, 1, ReasonCode::CertificateHold);
    let seen = changes(&store, &CrlScope::All, u64::MAX).seen;
    revoke(&store, 2, ReasonCode::KeyCompromise);
    release(&store, 1);
    revoke(&store, 3, ReasonCode::Superseded);
    let all = [(serial(1), false), (serial(2), true), (serial(1), false), (serial(3), true)];
    assert_eq!(changed(&store, &CrlScope::All, 0), all);
    assert_eq!(changed(&store, &CrlScope::All, seen), all[1..]);
    assert_eq!(changed(&store, &scope("0a"), seen), [(serial(1), false)]);
    assert_eq!(changed(&store, &scope("0b"), seen), [(serial(2), true)]);
    assert_eq!(changed(&store, &scope("0c"), 0), []);
    assert_eq!(revoked_in(&store, "0a"), []);
    revoke(&store, 1, ReasonCode::CertificateHold);
    revoke(&store, 1, ReasonCode::KeyCompromise);
    let last = changes(&store, &scope("0a"), 0);
    assert_eq!((last.changes.len(), last.changes.last().unwrap().sequence), (4, last.seen));
    assert_eq!(store.changes((&issuer(1), &CrlScope::All), 0, 3).unwrap().changes.len(), 3);
    // What changes nothing is no change.
    revoke(&store, 1, ReasonCode::Superseded);
    assert_eq!(changes(&store, &scope("0a"), last.seen).changes, []);
}

fn short_lived(number: u16) -> Intent {
    Intent { listing: CrlListing::Never, ..intent(number) }
}

fn what_is_short_lived_is_revoked_and_in_no_scope(ground: &Ground) {
    let store = ground.open();
    for number in 1..=9 {
        store.issue(if number == 5 { intent(number) } else { short_lived(number) });
        revoke(&store, number, ReasonCode::CertificateHold);
    }
    release(&store, 1);
    revoke(&store, 2, ReasonCode::KeyCompromise);
    // An intent may turn out to have been signed.
    store.record(short_lived(10)).unwrap();
    store.settle(10, Settlement::Uncertain);
    revoke(&store, 10, ReasonCode::Unspecified);
    let status = |number| store.status_of(&id(number)).unwrap();
    assert_eq!(status(1), CertificateStatus::Good);
    for (number, reason) in
        [(2, ReasonCode::KeyCompromise), (3, ReasonCode::CertificateHold), (10, ReasonCode::Unspecified)]
    {
        assert!(
            matches!(status(number), CertificateStatus::Revoked(told) if told.reason == reason),
            "{number}"
        );
    }
    assert_eq!(store.certificate(&id(2)).unwrap().unwrap().listing, CrlListing::Never);
    // A page is full although most rows are passed over.
    for limit in [1, 2, 99] {
        let page = store.revoked(&issuer(1), None, limit).unwrap();
        assert_eq!(page.into_iter().map(|entry| entry.serial).collect::<Vec<_>>(), [serial(5)], "{limit}");
        assert_eq!(store.revoked(&issuer(1), Some(&serial(5)), limit).unwrap(), []);
    }
    assert_eq!(changed(&store, &CrlScope::All, 0), [(serial(5), true)]);
    assert_eq!(store.shards(&issuer(1), NOW).unwrap(), []);
}

fn a_mark_of_what_no_crl_lists_that_fits_to_nothing_is_found(ground: &Ground) {
    let store = ground.open();
    let sound = super::backup::sound(1);
    super::backup::issue_sound(&store, 1, Intent { listing: CrlListing::Never, ..sound });
    revoke(&store, 1, ReasonCode::KeyCompromise);
    store.check_integrity().unwrap();
    let sequence = changes(&store, &CrlScope::All, 0).seen;
    let key = change_key(&issuer(1), &CrlScope::All, sequence);
    tamper(&store, Keyspace::Changes, key.clone(), Some(serial(1).octets().to_vec()));
    assert!(matches!(store.check_integrity(), Err(IntegrityFault::Scope { keyspace: "changes" })));
    tamper(&store, Keyspace::Changes, key, None);
    store.check_integrity().unwrap();
    let row = store.read("test", |view| view.row::<RevocationRow>(&id(1))).unwrap().unwrap();
    let listed = RevocationRow { on_no_crl: false, ..row }.encode().unwrap();
    tamper(&store, Keyspace::Revocations, id_key(&id(1)), Some(listed));
    assert!(matches!(store.check_integrity(), Err(IntegrityFault::Scope { keyspace: "revocations" })));
}

fn a_shard_lasts_as_long_as_its_last_certificate(ground: &Ground) {
    let store = ground.open();
    let ending =
        |number, name, end| Intent { validity: Validity::new(NOW, end).unwrap(), ..of_shard(number, name) };
    let later = |seconds| END.plus_seconds(seconds);
    store.issue(ending(1, "0a", later(9)));
    store.issue(ending(2, "0a", END));
    store.issue(ending(3, "0b", END));
    // An intent may turn out to have been signed.
    store.record(of_shard(4, "0c")).unwrap();
    store.settle(4, Settlement::Uncertain);
    let at = |time: UnixTime| store.shards(&issuer(1), time).unwrap();
    assert_eq!(at(NOW), ["0a", "0b", "0c"].map(shard));
    assert_eq!(at(later(1)), [shard("0a")]);
    assert_eq!(at(later(9)), [shard("0a")]);
    assert_eq!(at(later(10)), []);
    assert_eq!(store.shards(&issuer(2), NOW).unwrap(), []);
}

fn reserve(store: &Store, scope: &CrlScope, number: u64) -> Result<(), CrlNumberTaken> {
    let event = event(Act::CrlIntended);
    let (issuer, scope) = (issuer(1), scope.clone());
    store.record_crl_intent(CrlIntent { issuer, scope, number, this_update: NOW, event }).unwrap()
}

fn crl(scope: &CrlScope, base: Option<u64>, number: u64) -> CrlRecord {
    CrlRecord {
        issuer: issuer(1),
        scope: scope.clone(),
        base,
        seen: number + 1,
        number,
        this_update: NOW,
        next_update: NOW.plus_seconds(86_400),
        entries: 3,
        der: vec![u8::try_from(number).unwrap(); 5_000].into(),
    }
}

// RFC 5280 §5.2.3, §5.2.4.
fn l_01_complete_and_delta_crls_of_a_scope_share_one_sequence_of_numbers(ground: &Ground) {
    let store = ground.open();
    let record = |crl: &CrlRecord| {
        reserve(&store, &crl.scope, crl.number).unwrap();
        store.record_crl(crl.clone(), event(Act::CrlIssued)).unwrap();
    };
    for scope in [CrlScope::All, scope("0a"), scope("0")] {
        let latest = |kind: fn(_, _) -> CrlLine| store.latest_of(&kind(issuer(1), scope.clone())).unwrap();
        assert_eq!((latest(CrlLine::complete), latest(CrlLine::delta)), (None, None));
        record(&crl(&scope, None, 5));
        record(&crl(&scope, Some(5), 6));
        assert_eq!(reserve(&store, &scope, 6), Err(CrlNumberTaken { last: 6 }));
        assert_eq!(latest(CrlLine::complete), Some(crl(&scope, None, 5)));
        assert_eq!(latest(CrlLine::delta), Some(crl(&scope, Some(5), 6)));
        record(&crl(&scope, None, 7));
        assert_eq!(latest(CrlLine::complete), Some(crl(&scope, None, 7)));
        // Of each line the latest is kept, and nothing else.
        assert_eq!(latest(CrlLine::delta), Some(crl(&scope, Some(5), 6)));
    }
    let parts =
        store.read("test", |view| Ok(view.rows_after(Keyspace::CrlOctets, &[], &[], usize::MAX)?.len()));
    assert_eq!(parts.unwrap(), 3 * 2 * 2);
}

// RFC 5280 §5.2.4: a delta lists what is beyond its base, which is never older than the latest complete CRL.
fn changes_go_once_no_crl_of_their_scope_needs_them(ground: &Ground) {
    let store = ground.open();
    for (number, name) in [(1, "0a"), (2, "0a"), (3, "0b"), (4, "0a")] {
        store.issue(of_shard(number, name));
    }
    let record = |scope: &CrlScope, base, number| {
        reserve(&store, scope, number).unwrap();
        let seen = changes(&store, scope, u64::MAX).seen;
        store.record_crl(CrlRecord { seen, ..crl(scope, base, number) }, event(Act::CrlIssued)).unwrap();
        seen
    };
    let known = |scope: &CrlScope| {
        changed(&store, scope, 0).into_iter().map(|(serial, _)| serial).collect::<Vec<_>>()
    };
    let shard = scope("0a");
    revoke(&store, 1, ReasonCode::KeyCompromise);
    revoke(&store, 3, ReasonCode::KeyCompromise);
    // The first complete CRL may still be overtaken by a delta that was begun before it: nothing goes with it.
    let seen = record(&shard, None, 5);
    assert_eq!(known(&shard), [serial(1)]);
    revoke(&store, 2, ReasonCode::KeyCompromise);
    record(&shard, Some(5), 6);
    assert_eq!(known(&shard), [serial(2)], "all beyond the base is there for the next delta");
    assert_eq!(changed(&store, &shard, seen), [(serial(2), true)]);
    // The base that is replaced was seen by deltas up to now; what came after it goes with the next.
    record(&shard, None, 7);
    assert_eq!(known(&shard), [serial(2)]);
    revoke(&store, 4, ReasonCode::KeyCompromise);
    record(&shard, Some(7), 8);
    assert_eq!(known(&shard), [serial(4)]);
    // Other scopes have CRLs of their own.
    assert_eq!(known(&scope("0b")), [serial(3)]);
    assert_eq!(known(&CrlScope::All), [1, 3, 2, 4].map(serial));
    // No CRL loses an entry by it: what is revoked stands in its own row.
    assert_eq!(revoked_in(&store, "0a"), [1, 2, 4].map(serial));
    drop(store);
    assert_eq!(changed(&ground.open(), &shard, 0), [(serial(4), true)]);
}

/// Removes or writes one row behind the ledger's back.
fn tamper(store: &Store, keyspace: Keyspace, key: Vec<u8>, value: Option<Vec<u8>>) {
    store
        .write("test", crate::engine::Durability::Durable, move |tx| match value {
            Some(value) => tx.put_octets(keyspace, key, value),
            None => {
                tx.remove_key(keyspace, key);
                Ok(())
            }
        })
        .unwrap();
}

fn an_index_that_does_not_fit_to_the_revocations_is_found(ground: &Ground) {
    let store = ground.open();
    issue_sound_in(&store, 1, "0a");
    issue_sound_in(&store, 2, "0a");
    revoke(&store, 1, ReasonCode::KeyCompromise);
    store.check_integrity().unwrap();
    let fault = || {
        let fault = store.check_integrity().unwrap_err();
        let IntegrityFault::Scope { keyspace } = fault else { panic!("{fault}") };
        keyspace
    };
    let listed = |number| shard_revocation_key(&issuer(1), &shard("0a"), &serial(number));
    for (keyspace, key, good, bad) in [
        (Keyspace::ShardRevocations, listed(1), Some(Vec::new()), None),
        (Keyspace::ShardRevocations, listed(2), None, Some(Vec::new())),
        (Keyspace::Changes, change_key(&issuer(1), &scope("0a"), 1), None, Some(serial(1).octets().to_vec())),
    ] {
        tamper(&store, keyspace, key.clone(), bad);
        assert_eq!(fault(), keyspace.name());
        tamper(&store, keyspace, key, good);
        store.check_integrity().unwrap();
    }
}

/// Before there were shards no ledger had these keyspaces, and no CRL said what it has seen.
fn a_ledger_from_before_there_were_shards_opens_and_goes_on(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1));
    store.issue(intent(2));
    revoke(&store, 1, ReasonCode::Superseded);
    reserve(&store, &CrlScope::All, 5).unwrap();
    store.record_crl(CrlRecord { seen: 0, ..crl(&CrlScope::All, None, 5) }, event(Act::CrlIssued)).unwrap();
    for change in changes(&store, &CrlScope::All, 0).changes {
        tamper(&store, Keyspace::Changes, change_key(&issuer(1), &CrlScope::All, change.sequence), None);
    }
    drop(store);
    if ground.kind == EngineKind::Fjall {
        let path = ground.path().join("engine");
        let database = ::fjall::Database::builder(path).open().unwrap();
        for keyspace in [Keyspace::Shards, Keyspace::ShardRevocations, Keyspace::Changes] {
            let options = ::fjall::KeyspaceCreateOptions::default;
            let known = database.keyspace(keyspace.name(), options).unwrap();
            database.delete_keyspace(known).unwrap();
        }
    }
    let store = ground.open();
    let before = store.latest_crl(&issuer(1)).unwrap().unwrap();
    assert_eq!((before.number, before.seen, before.base), (5, 0, None));
    assert_eq!(store.revoked(&issuer(1), None, 9).unwrap().len(), 1);
    assert_eq!(changed(&store, &CrlScope::All, 0), []);
    revoke(&store, 2, ReasonCode::KeyCompromise);
    store.issue(of_shard(3, "0a"));
    revoke(&store, 3, ReasonCode::KeyCompromise);
    drop(store);
    let store = ground.open();
    assert_eq!(changed(&store, &CrlScope::All, 0), [(serial(2), true), (serial(3), true)]);
    assert_eq!(revoked_in(&store, "0a"), [serial(3)]);
}

/// Issues, with the audit events of ca-core, a certificate of a shard.
fn issue_sound_in(store: &Store, number: u16, name: &str) {
    let sound = super::backup::sound(number);
    super::backup::issue_sound(
        store,
        number,
        Intent { listing: CrlListing::Listed(Some(shard(name))), ..sound },
    );
}

fn shards_and_changes_of_after_a_copy_come_back_from_the_log(ground: &Ground) {
    let store = ground.open();
    for (number, name) in [(1, "0a"), (2, "0a"), (3, "0b")] {
        issue_sound_in(&store, number, name);
    }
    revoke(&store, 1, ReasonCode::CertificateHold);
    let (rows, _) = copied(&store);
    release(&store, 1);
    revoke(&store, 2, ReasonCode::KeyCompromise);
    revoke(&store, 3, ReasonCode::CertificateHold);
    revoke(&store, 3, ReasonCode::Superseded);
    // One that was never finished, of a shard that the copy does not know, as ca-core tells of it.
    let mut open = super::backup::sound(4);
    open.event.detail =
        "CN=subject 4 under meter-op-ds-s1 version 3; request SHA-256 00; shard 0c".to_owned();
    store.record(Intent { listing: CrlListing::Listed(Some(shard("0c"))), ..open }).unwrap();
    revoke(&store, 4, ReasonCode::Unspecified);
    let mut open = super::backup::sound(5);
    open.event.detail = "CN=subject 5 under hhu-op-ds-s1 version 2; request SHA-256 00; on no CRL".to_owned();
    store.record(Intent { listing: CrlListing::Never, ..open }).unwrap();
    revoke(&store, 5, ReasonCode::Unspecified);
    for (detail, number) in
        [("CRL 7 of shard 0b, 1 entries", 7), ("CRL 8 of shard 0b, delta to 7, 0 entries", 8)]
    {
        let event =
            AuditEvent { issuer: Some(issuer(1)), detail: detail.to_owned(), ..event(Act::CrlIntended) };
        let intent = CrlIntent { issuer: issuer(1), scope: scope("0b"), number, this_update: NOW, event };
        store.record_crl_intent(intent).unwrap().unwrap();
    }

    let (_parent, other) = replayed(rows, &store, ground.kind);
    for name in ["0a", "0b", "0c"] {
        assert_eq!(revoked_in(&other, name), revoked_in(&store, name), "{name}");
        assert_eq!(changed(&other, &scope(name), 0), changed(&store, &scope(name), 0), "{name}");
    }
    assert_eq!(revoked_in(&other, "0c"), [serial(4)]);
    assert_eq!(other.certificate(&id(5)).unwrap().unwrap().listing, CrlListing::Never);
    let of_all = |store: &Store| {
        let page = store.revoked(&issuer(1), None, 99).unwrap();
        page.into_iter().map(|entry| entry.serial).collect::<Vec<_>>()
    };
    assert_eq!(
        (of_all(&other), of_all(&store)),
        ([2, 3, 4].map(serial).to_vec(), [2, 3, 4].map(serial).to_vec())
    );
    assert_eq!(changed(&other, &CrlScope::All, 0), changed(&store, &CrlScope::All, 0));
    assert_eq!(other.shards(&issuer(1), NOW).unwrap(), store.shards(&issuer(1), NOW).unwrap());
    let head = other.read("test", |view| view.row::<CrlHeadRow>(&(issuer(1), scope("0b"))));
    assert_eq!(head.unwrap().map(|head| (head.last, head.latest)), Some((8, None)));
    assert!(other.check_integrity().is_ok());
}

super::on_every_engine! {
    a_ledger_from_before_there_were_shards_opens_and_goes_on,
    shards_and_changes_of_after_a_copy_come_back_from_the_log,
    l_06_the_shard_of_a_certificate_is_on_record_and_stays,
    the_revoked_of_a_shard_are_read_in_ascending_order_page_by_page,
    every_revocation_hold_and_release_is_a_change_of_its_scopes,
    changes_go_once_no_crl_of_their_scope_needs_them,
    what_is_short_lived_is_revoked_and_in_no_scope,
    a_mark_of_what_no_crl_lists_that_fits_to_nothing_is_found,
    a_shard_lasts_as_long_as_its_last_certificate,
    l_01_complete_and_delta_crls_of_a_scope_share_one_sequence_of_numbers,
    an_index_that_does_not_fit_to_the_revocations_is_found,
}
