//! Every row reads back as it was written, its octets are what its definition says, and octets that are not one are refused.

use ca_core::audit::AuditTrail;
use ca_core::audit::tree::Peaks;
use ca_core::people::{
    AskedChange, Bound, Credential, Emergency, Grant, Person, PersonAct, PersonId, Reach, Role,
};
use ca_core::profile::{Hierarchy, KeyPurpose, ProfileId};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    BlockedKey, CertificateId, Change, Device, DeviceState, ExpectedDevice, Mark, OrderProgress, Provenance,
    Revocation, RevocationOrder, ScheduledRevocation, Slot, Token, VisitId, WaitingRequest,
};
use ca_core::record::{
    OrderedCertificate, OrderedTitles, ProducedCertificate, ProductionCount, ProductionId, ProductionOrder,
    ProductionState,
};
use ca_core::scope::{CrlListing, CrlScope};
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::validity::Validity;
use ca_core::visits::{Visit, VisitCertificate, VisitPlan};
use der::asn1::AnyRef;

use super::*;

fn id() -> CertificateId {
    CertificateId { issuer: KeyRef::new([7; 20]), serial: SerialNumber::from_octets(&[0, 0x80]).unwrap() }
}

fn shard() -> Shard {
    Shard::parse("North-3").unwrap()
}

fn slot() -> Slot {
    Slot {
        tenant: TenantId::parse("dso").unwrap(),
        title: SystemTitle::new([1; 8]),
        hierarchy: Hierarchy::Operational,
        purpose: KeyPurpose::Tls,
    }
}

fn certificate_row(state: CertificateState, slot: Option<Slot>) -> CertificateRow {
    CertificateRow {
        state,
        since: time(-1),
        octets: vec![0x30, 0],
        tenant: TenantId::parse("dso").unwrap(),
        profile: ProfileId::parse("p").unwrap(),
        profile_version: u32::MAX,
        subject: "CN=Zähler".to_owned(),
        key_fingerprint: [9; 32],
        purpose: KeyPurpose::Signature,
        validity: Validity::new(time(0), UnixTime::NO_EXPIRY).unwrap(),
        recorded_at: time(5),
        record: 6,
        slot,
        listing: CrlListing::ON_ALL,
        handed_to: None,
        provenance: Provenance::Issued,
    }
}

fn device(claimed: bool) -> DeviceRow {
    let device = Device {
        expected: ExpectedDevice {
            manufacturer: claimed.then(|| TenantId::parse("maker").unwrap()),
            serial_number: if claimed { "4711".to_owned() } else { String::new() },
            firmware: if claimed { "1.2".to_owned() } else { String::new() },
            batch: "lot".to_owned(),
            region: claimed.then(shard),
            concentrator: (!claimed).then(shard),
            ..ExpectedDevice::new(TenantId::parse("dso").unwrap(), SystemTitle::new([1; 8]))
        },
        state: if claimed { DeviceState::Claimed } else { DeviceState::Suspended },
        imported_at: time(1),
        claimed_by: claimed.then_some([4; 32]),
        factory_superseded_at: (!claimed).then_some(time(2)),
        suspended_from: (!claimed).then_some(DeviceState::Operational),
        shipped_to: claimed.then(|| TenantId::parse("dso-2").unwrap()),
        delivery: claimed.then_some([6; 32]),
        delivered_keys: u16::from(claimed) * 3,
    };
    DeviceRow { device }
}

fn waiting(decided: bool) -> WaitingRow {
    let mark = || Mark { by: "operator:uid-1000".to_owned(), at: time(5) };
    let request = WaitingRequest {
        digest: [7; 32],
        tenant: TenantId::parse("dso").unwrap(),
        issuer: KeyRef::new([2; 20]),
        profile: ProfileId::parse("p").unwrap(),
        profile_version: 3,
        subject: "CN=a".to_owned(),
        names: vec!["a.example".to_owned(); 2],
        key_fingerprint: [9; 32],
        requester: "ra:line-1".to_owned(),
        again: decided,
        needed: 2,
        requested_at: time(1),
        expires_at: time(9),
        approvals: if decided { vec![mark(), mark()] } else { Vec::new() },
        refusal: decided.then(|| (mark(), "no".to_owned())),
        answer: decided.then(id),
    };
    WaitingRow { request }
}

fn mark() -> Mark {
    Mark { by: "operator:uid-1000".to_owned(), at: time(5) }
}

fn order(carried_out: bool) -> OrderRow {
    let reason = ReasonCode::CessationOfOperation;
    let order = RevocationOrder {
        digest: [7; 32],
        tenant: TenantId::parse("dso").unwrap(),
        change: if carried_out {
            Change::Revoke { reason, invalidity_date: Some(time(3)) }
        } else {
            Change::Release
        },
        selection: "profile hhu-*".to_owned(),
        profiles: vec![(ProfileId::parse("p").unwrap(), u64::MAX)],
        count: 65,
        parts: 2,
        needed: 1,
        planned: mark(),
        requested: carried_out.then(mark),
        expires_at: time(9),
        approvals: vec![mark()],
        refusal: (!carried_out).then(|| (mark(), "no".to_owned())),
        progress: OrderProgress {
            parts: 2,
            changed: 64,
            skipped: 1,
            finished_at: carried_out.then_some(time(8)),
        },
    };
    OrderRow { order }
}

fn production(ended: bool) -> ProductionRow {
    let titles = if ended {
        OrderedTitles::Listed { count: 3 }
    } else {
        OrderedTitles::Ranges(vec![(SystemTitle::new([1; 8]), SystemTitle::new([2; 8])); 64])
    };
    let certificate = |purpose| OrderedCertificate { purpose, profile: ProfileId::parse("p").unwrap() };
    let order = ProductionOrder {
        id: ProductionId::parse("PO-1").unwrap(),
        tenant: TenantId::parse("maker").unwrap(),
        ordered: u64::MAX,
        certificates: vec![certificate(KeyPurpose::Signature), certificate(KeyPurpose::Tls)],
        titles,
        model: "m".repeat(64),
        firmware: "f".repeat(64),
        batch: "b".repeat(64),
        customer: ended.then(|| TenantId::parse("dso").unwrap()),
        stations: vec!["s".repeat(64); 16],
        until: time(9),
        opened: mark(),
        state: if ended { ProductionState::Cancelled } else { ProductionState::Open },
        ended: ended.then(|| (mark(), "no".to_owned())),
        count: ProductionCount { places: 4, complete: 3, under_way: 2, scrapped: 1 },
    };
    ProductionRow { order }
}

fn produced(issued: bool) -> ProducedRow {
    let certificate = ProducedCertificate { purpose: KeyPurpose::Tls, id: id(), issued };
    ProducedRow { order: ProductionId::parse("PO-1").unwrap(), certificates: vec![certificate; 3] }
}

fn token(spent_by: Option<CertificateId>) -> TokenRow {
    let token = Token {
        hash: [3; 32],
        tenant: TenantId::parse("dso").unwrap(),
        title: SystemTitle::new([1; 8]),
        profile: ProfileId::parse("p").unwrap(),
        expires_at: time(8),
        spent: spent_by.is_some(),
    };
    TokenRow { token, spent_by }
}

/// Checks that a row reads back, that nothing may follow it, and that another version is refused by its number.
fn reads_back<R: Row + Clone + PartialEq + core::fmt::Debug>(row: R) {
    let octets = row.encode().unwrap();
    assert_eq!(R::decode(&octets).unwrap(), row);
    let longer = [octets.as_slice(), &[0]].concat();
    assert!(matches!(R::decode(&longer), Err(RowFault::Decode { .. })));
    let shorter = octets.split_last().unwrap().1;
    assert!(matches!(R::decode(shorter), Err(RowFault::Decode { .. })));
    let mut newer = octets;
    newer[0] = 3;
    assert!(matches!(R::decode(&newer), Err(RowFault::Version { version: 3, .. })));
    assert!(matches!(R::decode(&[]), Err(RowFault::Empty { .. })));
}

/// A person with every role, though nobody has.
fn person(set: bool) -> PersonRow {
    let grant = |role| Grant {
        role,
        reach: if set { Reach::Tenant(TenantId::parse("dso").unwrap()) } else { Reach::Everything },
        granted: mark(),
        until: set.then_some(time(9)),
    };
    let emergency = || Emergency {
        role: Role::CaOperations,
        reason: "fire".to_owned(),
        seconds: 14_400,
        asked: mark(),
        agreed: set.then(mark),
        ended: (!set).then(mark),
        reviewed: set.then(|| (mark(), "as the reason says".to_owned())),
    };
    let wanted = |tenant: Option<TenantId>| PersonAct::Grant {
        role: Role::Approver,
        reach: tenant.map_or(Reach::Everything, Reach::Tenant),
        until: Some(time(10)),
    };
    let acts = [
        wanted(None),
        wanted(Some(TenantId::parse("dso").unwrap())),
        PersonAct::AddCredential(Credential::User(1001)),
    ];
    let asked = acts.into_iter().filter(|_| set).map(|act| AskedChange { act, asked: mark() });
    let person = Person {
        id: PersonId::parse("ada").unwrap(),
        name: "Ada Näme".to_owned(),
        added: mark(),
        removed: set.then(mark),
        grants: Role::ALL.map(grant).into(),
        credentials: vec![Bound { credential: Credential::Certificate([7; 32]), added: mark() }],
        emergencies: set.then(emergency).into_iter().collect(),
        asked: asked.collect(),
    };
    PersonRow { person }
}

fn visit(set: bool) -> VisitRow {
    let plan = VisitPlan {
        technician: PersonId::parse("tim").unwrap(),
        unit: SystemTitle::new([2; 8]),
        meters: if set { vec![SystemTitle::new([3; 8]), SystemTitle::new([4; 8])] } else { Vec::new() },
        region: "Süd".to_owned(),
        from: time(1),
        until: time(9),
        reason: "no answer".to_owned(),
        needed: 2,
    };
    let certificate = VisitCertificate { purpose: KeyPurpose::Tls, id: id() };
    VisitRow {
        visit: Visit {
            id: VisitId::parse("V-1").unwrap(),
            tenant: TenantId::parse("dso").unwrap(),
            plan,
            digest: [8; 32],
            opened: mark(),
            approvals: vec![mark(); 2],
            refusal: set.then(|| (mark(), "no".to_owned())),
            ended: (!set).then(|| (mark(), "done".to_owned())),
            certificates: vec![certificate; usize::from(set)],
        },
    }
}

fn open(set: bool, certificate: CertificateRow) -> IntentRow {
    IntentRow {
        certificate,
        request: set.then_some([1; 32]),
        token: (!set).then_some([2; 32]),
        claim: set.then_some(SystemTitle::new([3; 8])),
        approval: (!set).then_some([4; 32]),
        revoke_replaced_after: set.then_some(864_000),
        node: set.then_some(7),
    }
}

#[test]
fn every_row_reads_back_as_it_was_written() {
    for state in [CertificateState::Issued, CertificateState::Aborted, CertificateState::Uncertain] {
        reads_back(certificate_row(state, Some(slot())));
        reads_back(certificate_row(state, None));
    }
    let certificate = certificate_row(CertificateState::Intended, None);
    for set in [true, false] {
        reads_back(open(set, certificate.clone()));
        reads_back(order(set));
        reads_back(production(set));
        reads_back(produced(set));
        reads_back(OrderPartRow { certificates: vec![id(); 64] });
        reads_back(ScheduledRow {
            scheduled: ScheduledRevocation {
                id: id(),
                due: time(9),
                reason: ReasonCode::Superseded,
                invalidity_date: set.then_some(time(1)),
                asked: mark(),
                if_replaced: set,
            },
        });
        reads_back(BlockedRow {
            blocked: BlockedKey {
                key: KeyRef::new([5; 20]),
                blocked: mark(),
                why: "lost".to_owned(),
                unblock_asked: set.then(mark),
            },
        });
        reads_back(waiting(set));
        reads_back(person(set));
        reads_back(visit(set));
        reads_back(KeyRow {
            subject: "s".to_owned(),
            purpose: KeyPurpose::KeyAgreement,
            holders: u64::MAX,
            blocked: set,
        });
        reads_back(device(set));
        reads_back(token(set.then(id)));
        let base = set.then_some(6);
        let issued =
            IssuedCrl { next_update: time(3), entries: 4, length: 5, base, seen: base.unwrap_or_default() };
        reads_back(CrlRow { this_update: time(2), issued: set.then_some(issued) });
        let loose = set.then_some(LooseParts { number: 7, parts: 300 });
        reads_back(CrlHeadRow {
            last: 9,
            latest: set.then_some(8),
            latest_delta: (!set).then_some(9),
            loose,
        });
        reads_back(ShardRow { last_not_after: time(7) });
        reads_back(CertificateRow {
            listing: CrlListing::Listed(set.then(shard)),
            handed_to: set.then(|| "ra:line-1".to_owned()),
            provenance: if set { Provenance::TakenOver } else { Provenance::Issued },
            ..certificate_row(CertificateState::Issued, None)
        });
    }
    // As an earlier state of this version wrote them, without a record.
    let short_lived = CertificateRow {
        listing: CrlListing::Never,
        record: 0,
        ..certificate_row(CertificateState::Issued, None)
    };
    assert!(short_lived.encode().unwrap().ends_with(&[0xA2, 2, 5, 0]));
    reads_back(short_lived);
    reads_back(SlotRow { holders: vec![SlotHolder { id: id(), not_after: time(7) }; 2] });
    reads_back(RequestRow { id: id() });
    reads_back(CountRow::<Waiting>::new(u32::MAX));
    reads_back(CountRow::<Transacting>::new(1));
    reads_back(UncertainRow { since: time(3) });
    let peaks = Peaks::new(u64::MAX, vec![[6; 32]; 64]).unwrap();
    reads_back(TrailRow(AuditTrail::new([5; 32], peaks)));
    reads_back(TrailRowV1 { sequence: u64::MAX, head: [5; 32] });
}

#[test]
fn every_reason_hierarchy_and_purpose_reads_back() {
    for reason in ReasonCode::ALL {
        let revocation = Revocation { time: time(1), reason, invalidity_date: Some(time(0)) };
        for taken_over_at in [None, Some(time(8))] {
            let (not_after, final_since) = (time(9), None);
            reads_back(RevocationRow { revocation, not_after, final_since, on_no_crl: false, taken_over_at });
        }
    }
    for ((hierarchy, _), purpose) in Hierarchy::ALL.into_iter().zip(KeyPurpose::ALL.into_iter().cycle()) {
        let slot = Slot { hierarchy, purpose, ..slot() };
        reads_back(certificate_row(CertificateState::Issued, Some(slot)));
    }
}

/// The octets of a whole row, so that a change of the form cannot go by unnoticed.
#[test]
fn a_revocation_has_the_octets_that_its_definition_says() {
    let revocation =
        Revocation { time: time(0x6B), reason: ReasonCode::KeyCompromise, invalidity_date: Some(time(-1)) };
    let row = RevocationRow {
        revocation,
        not_after: time(0x80),
        final_since: None,
        on_no_crl: false,
        taken_over_at: None,
    };
    // As it was written before there was hold.
    let expected = [1, 0x30, 15, 2, 1, 0x6B, 2, 1, 1, 2, 2, 0, 0x80, 0xA0, 3, 2, 1, 0xFF];
    assert_eq!(row.encode().unwrap(), expected.map(|octet: u8| octet));
    assert_eq!(RevocationRow::decode(&expected).unwrap(), row);
    let once_on_hold = RevocationRow { final_since: Some(time(0x6D)), ..row };
    let expected =
        [1, 0x30, 20, 2, 1, 0x6B, 2, 1, 1, 2, 2, 0, 0x80, 0xA0, 3, 2, 1, 0xFF, 0xA1, 3, 2, 1, 0x6D];
    assert_eq!(once_on_hold.encode().unwrap(), expected.map(|octet: u8| octet));
    reads_back(once_on_hold);
    let on_no_crl = RevocationRow { final_since: None, on_no_crl: true, ..row };
    let expected = [1, 0x30, 19, 2, 1, 0x6B, 2, 1, 1, 2, 2, 0, 0x80, 0xA0, 3, 2, 1, 0xFF, 0xA2, 2, 5, 0];
    assert_eq!(on_no_crl.encode().unwrap(), expected.map(|octet: u8| octet));
    reads_back(on_no_crl);
    let elsewhere = RevocationRow { taken_over_at: Some(time(0x6D)), ..row };
    let expected =
        [1, 0x30, 20, 2, 1, 0x6B, 2, 1, 1, 2, 2, 0, 0x80, 0xA0, 3, 2, 1, 0xFF, 0xA3, 3, 2, 1, 0x6D];
    assert_eq!(elsewhere.encode().unwrap(), expected.map(|octet: u8| octet));
    reads_back(elsewhere);
    reads_back(ReleaseRow { time: time(3) });
}

/// A ledger of before shards, deltas and changes reads as one that has none.
#[test]
fn rows_of_crls_have_the_octets_of_before_where_nothing_is_new() {
    let issued = IssuedCrl { next_update: time(3), entries: 4, length: 5, base: None, seen: 0 };
    let crl = [1, 0x30, 16, 2, 1, 2, 0xA0, 11, 0x30, 9, 2, 1, 3, 2, 1, 4, 2, 1, 5];
    let row = CrlRow { this_update: time(2), issued: Some(issued) };
    assert_eq!(row.encode().unwrap(), crl.map(|octet: u8| octet));
    let head = [1, 0x30, 8, 2, 1, 9, 0xA0, 3, 2, 1, 8];
    let row = CrlHeadRow { last: 9, latest: Some(8), latest_delta: None, loose: None };
    assert_eq!(row.encode().unwrap(), head.map(|octet: u8| octet));
    let key = CrlHeadRow::key(&(KeyRef::new([7; 20]), CrlScope::All));
    assert_eq!(key, [7; 20]);
}

#[test]
fn a_slot_has_the_octets_that_its_definition_says() {
    let row = SlotRow { holders: vec![SlotHolder { id: id(), not_after: time(5) }] };
    let mut expected = vec![1, 0x30, 0x23, 0x30, 0x21, 0x30, 0x1F, 0x30, 0x1A, 4, 20];
    expected.extend([7; 20]);
    expected.extend([4, 2, 0, 0x80, 2, 1, 5]);
    assert_eq!(row.encode().unwrap(), expected);
}

#[test]
fn values_that_are_never_written_are_refused() {
    let refused = |octets: Vec<u8>| matches!(CertificateRow::decode(&octets), Err(RowFault::Value { .. }));
    let row = certificate_row(CertificateState::Issued, Some(slot()));
    let tampered = |find: &[u8], put: &[u8]| {
        let mut octets = row.encode().unwrap();
        let at = octets.windows(find.len()).position(|window| window == find).unwrap();
        octets[at..at + put.len()].copy_from_slice(put);
        octets
    };
    // A tenant in upper case, and a validity that ends before it begins.
    assert!(refused(tampered(b"dso", b"DSO")));
    assert!(refused(tampered(&[2, 1, 0, 2, 5], &[2, 1, 0, 2, 5, 0x80])));
    let unknown_reason = [1, 0x30, 9, 2, 1, 1, 2, 1, 7, 2, 1, 1];
    let final_hold = [1, 0x30, 14, 2, 1, 1, 2, 1, 6, 2, 1, 9, 0xA1, 3, 2, 1, 5];
    for octets in [unknown_reason.as_slice(), &final_hold] {
        assert!(matches!(RevocationRow::decode(octets), Err(RowFault::Value { .. })));
    }
    let issued = IntentRow::bare(certificate_row(CertificateState::Issued, None));
    assert!(matches!(IntentRow::decode(&issued.encode().unwrap()), Err(RowFault::Value { .. })));
}

#[test]
fn a_row_is_der_behind_its_version_octet() {
    let octets = certificate_row(CertificateState::Issued, Some(slot())).encode().unwrap();
    assert_eq!(octets[0], 1);
    assert!(AnyRef::from_der(&octets[1..]).is_ok());
}
