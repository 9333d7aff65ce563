//! Releases by a clock that tests turn: roots and CRLs by another implementation (rcgen), the repository on a disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ca_core::certificate::Certificate;
use ca_core::issuer::{Issuer, PublicationPoints};
use ca_core::ports::Clock;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose, SerialNumber,
};
use server_kit::health::Condition;
use server_kit::metrics::Metrics;
use status_server::publish::CrlFolder;
use status_server::repository::{Repository, issued_path};
use tempfile::TempDir;
use time::OffsetDateTime;

use super::outlook::{self, Nearness, OutlookWatch};
use super::{Object, Releases};

const DAY: i64 = 86_400;
/// 2027-01-01T00:00:00Z
const START: i64 = 1_798_761_600;

/// A clock that stands until it is turned.
struct TurnedClock(AtomicI64);

impl Clock for TurnedClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// A root made by rcgen.
pub(crate) struct Root {
    params: CertificateParams,
    key: KeyPair,
    der: Vec<u8>,
}

impl Root {
    pub(crate) fn new(name: &str) -> Self {
        Self::until(name, time(2_000))
    }

    fn until(name: &str, end: OffsetDateTime) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.use_authority_key_identifier_extension = true;
        params.key_identifier_method = KeyIdMethod::PreSpecified(vec![0; 20]);
        params.serial_number = Some(SerialNumber::from(7_u64));
        (params.not_before, params.not_after) = (time(-400), end);
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        params.key_identifier_method = KeyIdMethod::PreSpecified(key_identifier(&key));
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { params, key, der }
    }

    pub(crate) fn issuer(&self) -> Arc<Issuer> {
        let certificate = Certificate::from_der(&self.der).unwrap();
        let end = certificate.validity().not_after();
        let tenant = TenantId::parse("dso").unwrap();
        Arc::new(Issuer::new(certificate, tenant, end, PublicationPoints::default()).unwrap())
    }

    /// A CRL that speaks from one day to another.
    pub(crate) fn crl(&self, number: u64, from: i64, to: i64) -> Vec<u8> {
        let params = CertificateRevocationListParams {
            this_update: time(from),
            next_update: time(to),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: KeyIdMethod::PreSpecified(key_identifier(&self.key)),
        };
        let issuer = rcgen::Issuer::from_params(&self.params, &self.key);
        params.signed_by(&issuer).unwrap().der().to_vec()
    }

    /// The certificate of another root by this one.
    fn certify(&self, other: &Self) -> Vec<u8> {
        let issuer = rcgen::Issuer::from_params(&self.params, &self.key);
        other.params.signed_by(&other.key, &issuer).unwrap().der().to_vec()
    }
}

fn key_identifier(key: &KeyPair) -> Vec<u8> {
    use rcgen::PublicKeyData;
    ca_core::public_key::PublicKey::from_spki_der(&key.subject_public_key_info())
        .unwrap()
        .key_ref()
        .octets()
        .to_vec()
}

fn time(day: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(START + day * DAY).unwrap()
}

fn at(day: i64) -> UnixTime {
    UnixTime::from_seconds(START + day * DAY)
}

/// A root, a repository on a disk, and a clock that stands at day 0.
struct World {
    place: TempDir,
    root: Root,
    clock: Arc<TurnedClock>,
}

impl World {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        for name in ["published", "kept"] {
            std::fs::create_dir(place.path().join(name)).unwrap();
        }
        Self { place, root: Root::new("Root G1"), clock: Arc::new(TurnedClock(AtomicI64::new(START))) }
    }

    fn turn(&self, day: i64) {
        self.clock.0.store(START + day * DAY, Ordering::SeqCst);
    }

    /// Starts once more on the same disk.
    fn start(&self) -> (Releases, Arc<Repository>) {
        let roots = [self.root.issuer()];
        let folder = CrlFolder::open(&self.place.path().join("published")).unwrap();
        let repository = Arc::new(Repository::new(folder, &roots));
        repository.refresh().unwrap();
        let kept = self.place.path().join("kept");
        let clock: Arc<dyn Clock> = self.clock.clone();
        (Releases::open(Some(Path::new(&kept)), &roots, Arc::clone(&repository), clock).unwrap(), repository)
    }

    /// Four CRLs, one a quarter, each valid for a month longer.
    fn year(&self) -> Vec<(Vec<u8>, Option<UnixTime>)> {
        let quarter = |number: u64, day| (self.root.crl(number, day, day + 120), None);
        vec![quarter(2, 0), quarter(3, 90), quarter(4, 180), quarter(5, 270)]
    }
}

fn number(releases: &Releases, root: &Root) -> Option<u64> {
    releases.standing(&root.issuer().key()).map(|standing| standing.number)
}

fn code(outcome: Result<Vec<super::Release>, crate::exit::Failure>) -> String {
    outcome.expect_err("it is refused").code
}

#[test]
fn nothing_is_released_before_its_date_and_each_on_it() {
    let world = World::new();
    let (releases, _) = world.start();
    assert_eq!(releases.take_in(world.year()).unwrap().len(), 4);
    for (day, expected) in [(0, 2), (89, 2), (90, 3), (180, 4), (269, 4), (270, 5), (400, 5)] {
        world.turn(day);
        releases.release_due().unwrap();
        assert_eq!(number(&releases, &world.root), Some(expected), "day {day}");
    }
    world.turn(0);
    releases.release_due().unwrap();
    assert_eq!(number(&releases, &world.root), Some(5), "a clock that was put back takes nothing back");
}

#[test]
fn one_second_before_the_date_is_too_early() {
    let world = World::new();
    let (releases, _) = world.start();
    world.clock.0.store(START - 1, Ordering::SeqCst);
    releases.take_in(world.year()).unwrap();
    assert!(releases.release_due().unwrap().is_empty());
    world.clock.0.store(START, Ordering::SeqCst);
    assert_eq!(releases.release_due().unwrap().len(), 1);
    assert!(releases.release_due().unwrap().is_empty(), "once");
}

#[test]
fn after_a_long_stop_only_the_newest_that_is_due_goes_out() {
    let world = World::new();
    world.start().0.take_in(world.year()).unwrap();
    world.turn(200);
    let (releases, _) = world.start();
    let out = releases.release_due().unwrap();
    assert_eq!(out.len(), 1);
    assert_eq!(number(&releases, &world.root), Some(4));
    assert!(releases.kept().iter().map(|release| releases.is_out(release)).eq([true, true, true, false]));
}

#[test]
fn the_same_series_again_changes_nothing_even_when_some_of_it_is_out() {
    let world = World::new();
    let (releases, _) = world.start();
    let year = world.year();
    releases.take_in(year.clone()).unwrap();
    world.turn(100);
    releases.release_due().unwrap();
    assert!(releases.take_in(year).unwrap().is_empty());
    assert_eq!(releases.kept().len(), 4);
}

#[test]
fn a_series_with_a_gap_or_out_of_order_is_refused_as_a_whole() {
    let world = World::new();
    let (releases, _) = world.start();
    let mut gap = world.year();
    gap.remove(1);
    assert_eq!(code(releases.take_in(gap)), "releases.gap");
    let mut swapped = world.year();
    swapped[0].1 = Some(at(100));
    assert_eq!(code(releases.take_in(swapped)), "releases.order");
    let mut twice = world.year();
    twice.push((world.root.crl(3, 90, 300), None));
    assert_eq!(code(releases.take_in(twice)), "releases.order");
    assert!(releases.kept().is_empty());
    assert_eq!(std::fs::read_dir(world.place.path().join("kept")).unwrap().count(), 0);
}

#[test]
fn a_series_signed_after_a_revocation_overtakes_the_one_that_is_kept() {
    let world = World::new();
    let (releases, _) = world.start();
    releases.take_in(world.year()).unwrap();
    releases.release_due().unwrap();
    world.turn(100);
    releases.release_due().unwrap();
    let later = vec![(world.root.crl(6, 100, 220), None), (world.root.crl(7, 190, 310), None)];
    releases.take_in(later).unwrap();
    let overtaken: Vec<bool> = releases.kept().iter().map(|release| releases.is_overtaken(release)).collect();
    assert_eq!(overtaken, [false, false, false, true, false, true], "those for day 180 and 270");
    for (day, expected) in [(100, 6), (180, 6), (190, 7), (300, 7)] {
        world.turn(day);
        releases.release_due().unwrap();
        assert_eq!(number(&releases, &world.root), Some(expected), "day {day}");
    }
    assert_eq!(code(releases.take_in(vec![(world.root.crl(5, 300, 400), None)])), "releases.number");
}

#[test]
fn a_date_outside_of_what_the_crl_speaks_of_is_refused() {
    let world = World::new();
    let (releases, _) = world.start();
    for day in [-1, 120] {
        let early = vec![(world.root.crl(2, 0, 120), Some(at(day)))];
        assert_eq!(code(releases.take_in(early)), "releases.date", "day {day}");
    }
}

#[test]
fn r_09_an_old_crl_is_refused_when_a_newer_one_is_out() {
    let world = World::new();
    let (releases, repository) = world.start();
    repository.publish(&world.root.issuer().key(), world.root.crl(9, 0, 50).as_slice()).unwrap();
    assert_eq!(code(releases.take_in(world.year())), "releases.number");
}

#[test]
fn r_08_a_crl_of_a_stranger_and_an_altered_kept_file_are_refused() {
    let world = World::new();
    let (releases, _) = world.start();
    let stranger = Root::new("Root G1");
    assert_eq!(code(releases.take_in(vec![(stranger.crl(2, 0, 120), None)])), "releases.foreign");
    releases.take_in(world.year()).unwrap();
    let kept = std::fs::read_dir(world.place.path().join("kept")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&kept).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let other = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, stranger.crl(2, 0, 120));
    value["der"] = other.into();
    std::fs::write(&kept, value.to_string()).unwrap();
    let roots = [world.root.issuer()];
    let folder = CrlFolder::open(&world.place.path().join("published")).unwrap();
    let repository = Arc::new(Repository::new(folder, &roots));
    let opened =
        Releases::open(Some(&world.place.path().join("kept")), &roots, repository, world.clock.clone());
    assert_eq!(opened.unwrap_err().code, "releases.altered");
}

#[test]
fn a_successor_root_and_its_links_are_served_from_their_date() {
    let world = World::new();
    let successor = Root::new("Root G2");
    let links = [world.root.certify(&successor), successor.certify(&world.root), successor.der.clone()];
    let (releases, repository) = world.start();
    assert_eq!(code(releases.take_in(vec![(links[2].clone(), None)])), "releases.foreign");
    // In any order: what vouches for the others comes along.
    let dated = |der: &Vec<u8>| (der.clone(), Some(at(30)));
    assert_eq!(releases.take_in(links.iter().rev().map(dated).collect()).unwrap().len(), 3);
    let served = |repository: &Repository| {
        links
            .iter()
            .filter(|der| repository.serves(&issued_path(&Certificate::from_der(der).unwrap())))
            .count()
    };
    releases.release_due().unwrap();
    assert_eq!(served(&repository), 0);
    world.turn(30);
    assert_eq!(releases.release_due().unwrap().len(), 3);
    assert_eq!(served(&repository), 3);
    let (again, repository) = world.start();
    assert!(again.kept().iter().all(|release| matches!(release.object, Object::Certificate(_))));
    again.release_due().unwrap();
    assert_eq!(served(&repository), 3, "after another start too");
}

#[test]
fn nothing_is_kept_where_no_directory_is_named() {
    let world = World::new();
    let (_, repository) = world.start();
    let clock = world.clock.clone();
    let releases = Releases::open(None, &[world.root.issuer()], repository, clock).unwrap();
    assert_eq!(code(releases.take_in(world.year())), "releases.no-directory");
}

#[test]
fn r_16_the_end_of_the_series_is_told_180_90_and_30_days_before() {
    let world = World::new();
    let (releases, _) = world.start();
    assert_eq!(outlook::condition(&releases), Condition::Well, "the certificate lasts, and there is no CRL");
    releases.take_in(world.year()).unwrap();
    let releases = Arc::new(releases);
    let metrics = Metrics::new("pki_");
    let watch = OutlookWatch::new(Arc::clone(&releases), &metrics);
    // The last CRL ends on day 390.
    let mut told = Vec::new();
    for day in 0..=391 {
        world.turn(day);
        for outlook in watch.look() {
            told.push((390 - day, outlook.nearness()));
        }
    }
    let expected =
        [(180, Nearness::Plan), (90, Nearness::Call), (30, Nearness::Urgent), (-1, Nearness::Over)];
    assert_eq!(told, expected, "once for each step");
    let Condition::Degraded(sentence) = outlook::condition(&releases) else { panic!("it is told") };
    assert!(sentence.contains("the last CRL of CN=Root G1 ended at 2028-01-26T00:00:00Z"), "{sentence}");
    let key = world.root.issuer().key();
    let gauge = format!("pki_root_days_left{{root=\"{key}\",what=\"crl\"}} -1");
    assert!(metrics.render().contains(&gauge), "{}", metrics.render());
}

#[test]
fn r_16_the_end_of_a_root_certificate_is_told() {
    let world = World::new();
    let (releases, _) = world.start();
    world.turn(2_000 - 180);
    let Condition::Degraded(sentence) = outlook::condition(&releases) else { panic!("it is told") };
    assert!(sentence.contains("the certificate of CN=Root G1 ends at"), "{sentence}");
    assert!(sentence.contains("in 180 days; hold a ceremony before"), "{sentence}");
}

// RFC 5280 §4.1.2.5: 99991231235959Z is no well-defined end.
#[test]
fn a_root_certificate_without_an_end_is_not_waited_for() {
    let never = OffsetDateTime::from_unix_timestamp(UnixTime::NO_EXPIRY.seconds()).unwrap();
    let world = World { root: Root::until("Root G1", never), ..World::new() };
    let (releases, _) = world.start();
    assert_eq!(outlook::of(&releases).len(), 0, "{:?}", outlook::of(&releases));
}
