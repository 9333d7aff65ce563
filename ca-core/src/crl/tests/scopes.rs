//! Shards and deltas: what stands on which list, and under which number.

use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{CrlDistributionPoints, CrlReason, IssuingDistributionPoint};

use super::*;
use crate::issuer::PublicationPoints;
use crate::ports::CrlScopes;
use crate::profile::DeltaTimes;
use crate::scope::{CrlLine, Shard};
use crate::sharding::{CrlPlan, HashShards, Sharding};

fn shard(name: &str) -> Shard {
    Shard::parse(name).unwrap()
}

fn scope(name: &str) -> CrlScope {
    CrlScope::Shard(shard(name))
}

/// A CA whose CRLs are divided and have deltas of an hour.
fn divided() -> World {
    let world = World::new();
    let points = PublicationPoints {
        crl: Some("http://crl.example.net/sub.crl".to_owned()),
        ..PublicationPoints::default()
    };
    let (certificate, tenant) = (world.issuer.certificate().clone(), world.issuer.tenant().clone());
    let plan = CrlPlan { sharding: Sharding::ByHash(HashShards::new(256).unwrap()), deltas: true };
    let issuer = Issuer::new(certificate, tenant, world.issuer.window_ends(), points)
        .and_then(|issuer| issuer.with_crl_plan(plan))
        .unwrap();
    let deltas = DeltaTimes { validity_seconds: DAY, reissue_seconds: 3_600 };
    World { issuer, profile: world.profile.with_deltas(deltas).unwrap(), ..world }
}

impl World {
    fn put_in(&self, name: &str, number: u64, status: CertificateStatus) {
        self.ledger.put_in(&shard(name), &self.id(serial(number)), status);
    }

    fn revoke_in(&self, name: &str, number: u64, reason: ReasonCode) {
        self.put_in(name, number, revoked(NOW - 5, reason));
    }
}

fn extension(record: &CrlRecord, oid: const_oid::ObjectIdentifier) -> Option<(bool, Vec<u8>)> {
    let extensions = read(record).tbs_cert_list.crl_extensions.unwrap();
    let found = extensions.into_iter().find(|extension| extension.extn_id == oid);
    found.map(|extension| (extension.critical, extension.extn_value.as_bytes().to_vec()))
}

fn uri(name: Option<DistributionPointName>) -> String {
    let Some(DistributionPointName::FullName(names)) = name else { panic!("{name:?}") };
    let [GeneralName::UniformResourceIdentifier(uri)] = names.as_slice() else { panic!("{names:?}") };
    uri.to_string()
}

/// The serial numbers on a list with the reasons, of which removeFromCRL is the one that is none.
fn listed(record: &CrlRecord) -> Vec<(Vec<u8>, CrlReason)> {
    let entries = read(record).tbs_cert_list.revoked_certificates.unwrap_or_default();
    let reason = |entry: &x509_cert::crl::RevokedCert| {
        let extensions = entry.crl_entry_extensions.as_deref().unwrap_or_default();
        let reason = extensions.iter().find(|extension| extension.extn_id == oid::CRL_REASON);
        reason.map_or(CrlReason::Unspecified, |reason| {
            CrlReason::from_der(reason.extn_value.as_bytes()).unwrap()
        })
    };
    entries.iter().map(|entry| (entry.serial_number.as_bytes().to_vec(), reason(entry))).collect()
}

fn octets(number: u64) -> Vec<u8> {
    serial(number).octets().to_vec()
}

// RFC 5280 §5.2.5: the CRL of a shard says so, critically, by the name in the certificates.
#[test]
fn a_shard_lists_its_own_and_the_crl_of_all_lists_everything() {
    let world = divided();
    world.revoke_in("0a", 1, ReasonCode::KeyCompromise);
    world.revoke_in("0b", 2, ReasonCode::Superseded);
    world.put(3, NOW + DAY, revoked(NOW - 5, ReasonCode::Superseded));
    let one = world.issue_in(NOW, &scope("0a"), None).unwrap();
    let other = world.issue_in(NOW, &scope("0b"), None).unwrap();
    let all = world.issue_at(NOW).unwrap();
    assert_eq!(serials(&one), [octets(1)]);
    assert_eq!(serials(&other), [octets(2)]);
    assert_eq!(serials(&all), [octets(1), octets(2), octets(3)]);
    let (critical, point) = extension(&one, oid::ISSUING_DISTRIBUTION_POINT).unwrap();
    let point = IssuingDistributionPoint::from_der(&point).unwrap();
    assert!(critical && !point.indirect_crl && !point.only_contains_user_certs);
    assert_eq!(uri(point.distribution_point), "http://crl.example.net/sub/0a.crl");
    assert_eq!(extension(&all, oid::ISSUING_DISTRIBUTION_POINT), None);
    assert_eq!(one.line(), CrlLine::complete(world.issuer.key(), scope("0a")));
}

// RFC 5280 §5.2.3, §5.2.4: complete and delta CRLs of one scope share one sequence of numbers.
#[test]
fn l_01_each_scope_counts_its_own_numbers_deltas_included() {
    let world = divided();
    let now = u64::try_from(NOW).unwrap();
    let base = world.issue_in(NOW, &scope("0a"), None).unwrap();
    world.revoke_in("0a", 1, ReasonCode::KeyCompromise);
    // Numbers of another scope are others.
    assert_eq!(world.issue_in(NOW, &scope("0b"), None).unwrap().number, now);
    assert_eq!(world.issue_at(NOW).unwrap().number, now);
    let base = {
        assert_eq!(base.number, now);
        world.issue_in(NOW, &scope("0a"), None).unwrap()
    };
    assert_eq!(base.number, now + 1);
    world.revoke_in("0a", 2, ReasonCode::KeyCompromise);
    let delta = world.issue_in(NOW, &scope("0a"), Some(base.number)).unwrap();
    let next = world.issue_in(NOW, &scope("0a"), None).unwrap();
    assert_eq!((delta.number, next.number), (now + 2, now + 3));
}

// RFC 5280 §5.2.4: the indicator is critical and names the base; the scope is that of the base. §5.2.6: freshestCRL stands on
// the complete CRL, non-critical, and never on a delta.
#[test]
fn a_delta_names_its_base_and_lists_what_changed_since() {
    let world = divided();
    world.revoke_in("0a", 1, ReasonCode::KeyCompromise);
    let base = world.issue_in(NOW, &scope("0a"), None).unwrap();
    let (critical, freshest) = extension(&base, oid::FRESHEST_CRL).unwrap();
    let point = CrlDistributionPoints::from_der(&freshest).unwrap().0.remove(0).distribution_point;
    assert_eq!((critical, uri(point).as_str()), (false, "http://crl.example.net/sub/0a.delta.crl"));
    world.revoke_in("0a", 2, ReasonCode::Superseded);
    world.revoke_in("0b", 3, ReasonCode::Superseded);
    let delta = world.issue_in(NOW + 60, &scope("0a"), Some(base.number)).unwrap();
    assert_eq!(listed(&delta), [(octets(2), CrlReason::Superseded)]);
    let (critical, indicated) = extension(&delta, oid::DELTA_CRL_INDICATOR).unwrap();
    assert_eq!((critical, u64::from_der(&indicated)), (true, Ok(base.number)));
    assert_eq!(
        extension(&delta, oid::ISSUING_DISTRIBUTION_POINT),
        extension(&base, oid::ISSUING_DISTRIBUTION_POINT)
    );
    assert_eq!(extension(&delta, oid::FRESHEST_CRL), None);
    assert_eq!((delta.base, delta.next_update), (Some(base.number), at(NOW + 60 + DAY)));
    assert_eq!(world.ledger.latest_of(&base.line()).unwrap(), Some(base));
    assert_eq!(world.ledger.latest_of(&delta.line()).unwrap(), Some(delta));
}

// RFC 5280 §5.2.4: also what no base had on hold, if any CRL since did.
#[test]
fn l_15_what_was_released_is_removed_by_the_delta_and_gone_from_the_next_complete_crl() {
    let world = divided();
    world.revoke_in("0a", 1, ReasonCode::CertificateHold);
    let base = world.issue_in(NOW, &scope("0a"), None).unwrap();
    world.revoke_in("0a", 2, ReasonCode::CertificateHold);
    let first = world.issue_in(NOW + 1, &scope("0a"), Some(base.number)).unwrap();
    assert_eq!(listed(&first), [(octets(2), CrlReason::CertificateHold)]);
    for number in [1, 2] {
        world.put_in("0a", number, CertificateStatus::Good);
        let id = world.id(serial(number));
        world.ledger.released.lock().unwrap().insert(id, at(NOW + 2));
    }
    let second = world.issue_in(NOW + 3, &scope("0a"), Some(base.number)).unwrap();
    let removed = |number| (octets(number), CrlReason::RemoveFromCRL);
    assert_eq!(listed(&second), [removed(1), removed(2)]);
    let complete = world.issue_in(NOW + 4, &scope("0a"), None).unwrap();
    assert_eq!(complete.entries, 0);
    let after = world.issue_in(NOW + 5, &scope("0a"), Some(complete.number)).unwrap();
    assert_eq!(after.entries, 0);
}

#[test]
fn l_15_a_delta_to_the_wrong_base_is_refused() {
    let world = divided();
    let refused = |seconds, base| world.issue_in(seconds, &scope("0a"), Some(base)).unwrap_err();
    assert!(matches!(refused(NOW, 1), CrlError::WrongBase { base: 1, latest: None, .. }));
    // What was recorded when changes were not counted cannot be a base.
    let unseen = world.issue_in(NOW, &scope("0a"), None).unwrap();
    assert_eq!(unseen.seen, 0);
    assert!(matches!(refused(NOW, unseen.number), CrlError::WrongBase { .. }));
    world.revoke_in("0a", 1, ReasonCode::KeyCompromise);
    let older = world.issue_in(NOW, &scope("0a"), None).unwrap();
    let base = world.issue_in(NOW, &scope("0a"), None).unwrap();
    let error = refused(NOW, older.number);
    assert_eq!((error.fault(), error.code()), (Fault::Conflict, "crl.base"));
    assert!(error.to_string().contains(&format!("it must be CRL {}", base.number)), "{error}");
    // The base of another scope is none.
    let elsewhere = world.issue_in(NOW, &scope("0b"), None).unwrap();
    assert!(matches!(refused(NOW, elsewhere.number), CrlError::WrongBase { .. }));
    // Nor is one that is over.
    assert!(matches!(refused(NOW + 7 * DAY, base.number), CrlError::WrongBase { .. }));
    assert!(world.issue_in(NOW + 7 * DAY - 1, &scope("0a"), Some(base.number)).is_ok());
    let without = World { profile: CrlProfile::new(7 * DAY, DAY).unwrap(), ..divided() };
    let error = without.issue_in(NOW, &scope("0a"), Some(1)).unwrap_err();
    assert_eq!((error.fault(), error.code()), (Fault::Requester, "crl.no-deltas"));
}

// RFC 5280 §5.2.4: a revocation stays on every delta until it stood on a complete CRL, whether its certificate expired or not;
// §3.3: and then on one complete CRL that was issued after the end.
#[test]
fn l_04_what_expires_between_two_complete_crls_is_on_every_delta_and_on_the_next_complete_one() {
    let world = divided();
    world.revoke_in("0a", 1, ReasonCode::KeyCompromise);
    let base = world.issue_in(NOW, &scope("0a"), None).unwrap();
    // Its certificate ends at NOW + DAY.
    world.revoke_in("0a", 2, ReasonCode::KeyCompromise);
    for seconds in [NOW + 60, NOW + 2 * DAY, NOW + 3 * DAY] {
        let delta = world.issue_in(seconds, &scope("0a"), Some(base.number)).unwrap();
        assert_eq!(serials(&delta), [octets(2)]);
    }
    let complete = world.issue_in(NOW + 4 * DAY, &scope("0a"), None).unwrap();
    assert!(lists(&complete, 2));
    assert_eq!(world.issue_in(NOW + 5 * DAY, &scope("0a"), None).unwrap().entries, 0);
}

#[test]
fn l_04_a_ledger_that_lost_a_change_makes_no_delta_and_no_shard() {
    let world = divided();
    world.revoke_in("0a", 1, ReasonCode::KeyCompromise);
    let base = world.issue_in(NOW, &scope("0a"), None).unwrap();
    world.revoke_in("0a", 2, ReasonCode::KeyCompromise);
    world.issue_in(NOW + 1, &scope("0a"), Some(base.number)).unwrap();
    world.ledger.changes.lock().unwrap().pop();
    let error = world.issue_in(NOW + 2, &scope("0a"), Some(base.number)).unwrap_err();
    let lost = |error: &CrlError, number| matches!(error, CrlError::EntriesVanished { missing: 1, first, .. } if *first == serial(number));
    assert!(lost(&error, 2), "{error}");
    world.ledger.rows.lock().unwrap().remove(&world.id(serial(1)));
    let error = world.issue_in(NOW + 3, &scope("0a"), None).unwrap_err();
    assert!(lost(&error, 1), "{error}");
}

#[test]
fn l_06_another_plan_moves_no_certificate_to_another_shard() {
    let world = divided();
    world.revoke_in("0a", 1, ReasonCode::KeyCompromise);
    world.issue_in(NOW, &scope("0a"), None).unwrap();
    let plan = CrlPlan { sharding: Sharding::ByHash(HashShards::new(16).unwrap()), deltas: true };
    let other = World { issuer: world.issuer.clone().with_crl_plan(plan).unwrap(), ..world };
    let again = other.issue_in(NOW + 1, &scope("0a"), None).unwrap();
    assert_eq!(serials(&again), [octets(1)]);
}

#[test]
fn each_crl_says_up_to_which_change_it_has_seen() {
    let world = divided();
    world.revoke_in("0a", 1, ReasonCode::KeyCompromise);
    let one = world.issue_in(NOW, &scope("0a"), None).unwrap();
    world.revoke_in("0b", 2, ReasonCode::KeyCompromise);
    let beyond = |name, record: &CrlRecord| {
        let key = world.issuer.key();
        world.ledger.changes((&key, &scope(name)), record.seen, 1).unwrap().changes.len()
    };
    assert_eq!((one.seen, beyond("0a", &one), beyond("0b", &one)), (1, 0, 1));
}

/// What a gateway fetches, in octets, under serial numbers as we draw them and with a reason in each entry: the figures of
/// docs/operate/crls.md.
#[test]
fn a_shard_of_a_million_revoked_and_a_delta_of_a_thousand_have_so_many_octets() {
    let world = divided();
    let revoke = |name: &str, number: u32| {
        let mut random = [0; SerialNumber::RANDOM_OCTETS];
        random[..4].copy_from_slice(&number.wrapping_mul(0x9E37_79B9).to_be_bytes());
        let serial = SerialNumber::draw(at(NOW), random).unwrap();
        world.ledger.put_in(
            &shard(name),
            &world.id(serial),
            revoked(NOW - 5, ReasonCode::CessationOfOperation),
        );
    };
    let octets = |crl: CrlRecord| (crl.entries, crl.der.length());
    revoke("0b", 0);
    assert!(octets(world.issue_in(NOW, &scope("0a"), None).unwrap()).1 < 450);
    for number in 1..=3_906 {
        revoke("0a", number);
    }
    let base = world.issue_in(NOW, &scope("0a"), None).unwrap();
    for number in 3_907..=4_906 {
        revoke("0a", number);
    }
    let delta = world.issue_in(NOW + 1, &scope("0a"), Some(base.number)).unwrap();
    let (base, delta) = (octets(base), octets(delta));
    assert!(base.0 == 3_906 && (191_000..193_000).contains(&base.1), "{base:?}");
    assert!(delta.0 == 1_000 && (49_000..50_000).contains(&delta.1), "{delta:?}");
}
