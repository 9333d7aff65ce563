//! CRLs on disk: replaced by later ones only, whole or not at all.

use std::fs;
use std::io::Read;
use std::sync::{Arc, Barrier};

use ca_core::issuer::Issuer;
use ca_core::record::CrlRecord;
use ca_core::scope::{CrlLine, CrlScope};
use ca_core::signing::{IntegerLength, assemble, sign_verified};
use ca_core::suite::Curve;
use der::asn1::OctetString;
use der::{Decode, Encode};
use status_server::aside::DiskError;
use status_server::publish::{
    CrlFolder, Gone, Leaves, PublishError, PublishedCrl, ReadPublishedError, UnfitCrl, line_named,
};
use status_server::repository::{CrlStanding, PublishCrlError, Repository, line_path};
use x509_cert::certificate::Rfc5280;
use x509_cert::crl::CertificateList;
use x509_cert::ext::Extension;

use crate::world::{Authority, NOW, World, der, revoked};

fn folder(world: &World) -> CrlFolder {
    CrlFolder::open(world.path()).unwrap()
}

fn name(world: &World) -> CrlLine {
    CrlLine::complete(world.issuer.key(), CrlScope::All)
}

fn published(world: &World) -> Vec<u8> {
    let published = folder(world).published(&name(world), &world.issuer).unwrap().unwrap();
    octets(&published)
}

fn octets(published: &PublishedCrl) -> Vec<u8> {
    let mut octets = Vec::new();
    published.content.reader().read_to_end(&mut octets).unwrap();
    octets
}

fn publish(world: &World, octets: &[u8]) -> Result<PublishedCrl, PublishError> {
    folder(world).publish(&name(world), &world.issuer, octets)
}

fn crls(world: &World) -> (CrlRecord, CrlRecord) {
    (world.crl(), world.crl())
}

// RFC 5280 §5.2.3: the number tells which CRL supersedes which.
#[test]
fn l_01_a_lower_number_is_refused_and_the_published_list_stays() {
    let world = World::new();
    let (first, second) = crls(&world);
    publish(&world, &der(&second)).unwrap();
    let error = publish(&world, &der(&first)).unwrap_err();
    assert!(
        matches!(error, PublishError::NumberNotGreater { number, published }
            if number == first.number && published == second.number),
        "{error}"
    );
    assert_eq!((published(&world), error.code()), (der(&second), "publish.number"));
}

#[test]
fn l_01_an_equal_number_is_refused_unless_it_is_the_same_list() {
    let world = World::new();
    let first = world.crl();
    publish(&world, &der(&first)).unwrap();
    publish(&world, &der(&first)).unwrap();
    // A ledger that was restored gives out the same number for another list.
    let restored = World { ledger: Arc::default(), ..world };
    restored.put(1, revoked(NOW));
    let other = restored.crl();
    assert_eq!(other.number, first.number);
    let error = publish(&restored, &der(&other)).unwrap_err();
    assert!(matches!(error, PublishError::NumberNotGreater { .. }), "{error}");
    assert_eq!(published(&restored), der(&first));
}

#[test]
fn l_02_a_list_of_another_scope_is_refused() {
    let world = World::new();
    let (first, second) = crls(&world);
    let scoped = with_issuing_distribution_point(&world, &first);
    publish(&world, &scoped).unwrap();
    let error = publish(&world, &der(&second)).unwrap_err();
    assert!(matches!(error, PublishError::OtherScope), "{error}");
    assert_eq!(published(&world), scoped);
}

/// The same list with an issuing distribution point, signed again.
fn with_issuing_distribution_point(world: &World, crl: &CrlRecord) -> Vec<u8> {
    let mut tbs = CertificateList::<Rfc5280>::from_der(&der(crl)).unwrap().tbs_cert_list;
    let only_contains_ca_certs = OctetString::new([0x30, 3, 0x82, 1, 0xFF]).unwrap();
    tbs.crl_extensions.as_mut().unwrap().push(Extension {
        extn_id: ca_core::oid::ISSUING_DISTRIBUTION_POINT,
        critical: true,
        extn_value: only_contains_ca_certs,
    });
    let (tbs, key) = (tbs.to_der().unwrap(), world.issuer.key());
    let public_key = world.issuer.certificate().public_key();
    let made = sign_verified(world.signer.as_ref(), &key, public_key, &tbs, IntegerLength::Any).unwrap();
    assemble(&tbs, &made.signature).unwrap()
}

/// The same authority with a ledger that knows these revocations alone.
fn knowing(world: World, numbers: impl Iterator<Item = u64>) -> World {
    let world = World { ledger: Arc::default(), ..world };
    numbers.for_each(|number| world.put(number, revoked(NOW)));
    world
}

/// Publishes a list, if what it lacks may leave.
fn publish_where(world: &World, crl: &CrlRecord, leaves: Leaves<'_>) -> Result<PublishedCrl, PublishError> {
    folder(world).publish_where(&name(world), &world.issuer, crl.der.reader(), leaves)
}

// RFC 5280 §3.3.
#[test]
fn l_04_a_list_that_lacks_an_entry_of_the_published_one_is_refused_unless_that_may_leave() {
    let world = knowing(World::new(), 1..=3_000);
    let before = world.crl();
    publish(&world, &der(&before)).unwrap();
    let world = knowing(world, (1..=3_001).filter(|number| *number != 1_500));
    drop(world.crl());
    let next = world.crl();
    let error = publish_where(&world, &next, &|_| false).unwrap_err();
    let PublishError::EntriesVanished { missing, published: listed, first } = &error else {
        panic!("{error}")
    };
    assert_eq!((*missing, *listed, error.code()), (1, 3_000, "publish.entries-vanished"));
    assert_eq!(published(&world), der(&before));
    let expected = Gone { serial: first.clone(), on_hold: false, this_update: next.this_update };
    publish_where(&world, &next, &|gone| *gone == expected).unwrap();
    assert_eq!(published(&world), der(&next));
}

#[test]
fn l_05_a_list_that_lost_most_of_its_entries_or_all_is_refused_and_says_how_many() {
    let mut world = knowing(World::new(), 1..=100);
    let before = world.crl();
    publish(&world, &der(&before)).unwrap();
    for left in [0, 10] {
        world = knowing(world, 1..=left);
        drop(world.crl());
        let error = publish_where(&world, &world.crl(), &|_| false).unwrap_err();
        let PublishError::EntriesVanished { missing, published: listed, .. } = error else {
            panic!("{error}")
        };
        assert_eq!((missing, listed), (100 - left, 100));
        assert_eq!(published(&world), der(&before));
    }
}

#[test]
fn l_06_what_a_file_lists_that_this_ca_did_not_sign_keeps_no_list_back() {
    let mut world = knowing(World::new(), 1..=100);
    let mut damaged = der(&world.crl());
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    fs::write(folder(&world).file_of(&name(&world)), &damaged).unwrap();
    world = knowing(world, 1..=1);
    let next = world.crl();
    publish_where(&world, &next, &|_| false).unwrap();
    assert_eq!(published(&world), der(&next));
}

#[test]
fn l_03_of_two_nodes_that_publish_at_once_one_wins() {
    let world = World::new();
    let first = world.crl();
    let restored = World { ledger: Arc::default(), ..world };
    restored.put(1, revoked(NOW));
    let second = restored.crl();
    assert_eq!(first.number, second.number);
    let barrier = Barrier::new(2);
    let outcomes = std::thread::scope(|scope| {
        [&first, &second]
            .map(|crl| {
                let (folder, issuer, barrier) = (folder(&restored), &restored.issuer, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    folder.publish(&CrlLine::complete(issuer.key(), CrlScope::All), issuer, crl.der.reader())
                })
            })
            .map(|node| node.join().unwrap())
    });
    let winners: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    let [winner] = winners.as_slice() else { panic!("{} winners", winners.len()) };
    assert_eq!(published(&restored), octets(winner));
}

#[test]
fn l_07_what_a_crash_left_aside_is_never_seen() {
    let world = World::new();
    let (first, second) = crls(&world);
    publish(&world, &der(&first)).unwrap();
    let aside = world.path().join(format!(".{}.crl.new", world.issuer.key()));
    fs::write(&aside, &der(&second)[..100]).unwrap();
    assert_eq!(published(&world), der(&first));
    publish(&world, &der(&second)).unwrap();
    assert_eq!(published(&world), der(&second));
    assert!(!aside.exists());
}

#[test]
fn l_07_readers_see_one_list_or_the_next_while_they_change() {
    let world = World::new();
    let lists: Vec<CrlRecord> = (0..50).map(|_| world.crl()).collect();
    let folder = folder(&world);
    folder.publish(&name(&world), &world.issuer, lists[0].der.reader()).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for list in &lists[1..] {
                folder.publish(&name(&world), &world.issuer, list.der.reader()).unwrap();
            }
        });
        let mut last = 0;
        while !writer.is_finished() {
            let seen = folder.published(&name(&world), &world.issuer).unwrap().unwrap().number;
            assert!(seen >= last);
            last = seen;
        }
    });
}

#[test]
fn a_disk_that_refuses_leaves_the_last_list() {
    let world = World::new();
    let (first, second) = crls(&world);
    world.repository.publish(&first.issuer, first.der.reader()).unwrap();
    // A folder stands where the new file is to be written; that stops even the superuser.
    let aside = world.path().join(format!(".{}.crl.new", world.issuer.key()));
    fs::create_dir(&aside).unwrap();
    let error = world.repository.publish(&second.issuer, second.der.reader()).unwrap_err();
    assert!(
        matches!(
            error,
            PublishCrlError::NotPublished(PublishError::Disk(DiskError { act: "create the new file", .. }))
        ),
        "{error}"
    );
    assert_eq!(published(&world), der(&first));
    assert_eq!(world.repository.standing(&first.issuer), Some(standing(&first)));
}

fn standing(crl: &CrlRecord) -> CrlStanding {
    CrlStanding { number: crl.number, this_update: crl.this_update, next_update: crl.next_update }
}

#[test]
fn only_lists_that_the_ca_signed_are_published() {
    let world = World::new();
    let crl = world.crl();
    let publish = |issuer: &Issuer, octets: &[u8]| {
        folder(&world).publish(&CrlLine::complete(issuer.key(), CrlScope::All), issuer, octets).unwrap_err()
    };
    let other = Authority::root(Curve::P256, NOW).issuer();
    assert!(matches!(publish(&other, &der(&crl)), PublishError::Unfit(UnfitCrl::NotOfIssuer)));
    // The last octet of the signature, and one of the list.
    for at in [der(&crl).len() - 1, der(&crl).len() / 3] {
        let mut changed = der(&crl);
        changed[at] ^= 1;
        assert!(matches!(publish(&world.issuer, &changed), PublishError::Unfit(_)));
    }
    assert!(matches!(publish(&world.issuer, b"no list"), PublishError::Unfit(UnfitCrl::Unreadable(_))));
    assert!(matches!(
        world.repository.publish(&other.key(), crl.der.reader()),
        Err(PublishCrlError::NotServed { issuer }) if issuer == other.key()
    ));
    assert!(folder(&world).published(&name(&world), &world.issuer).unwrap().is_none());
}

#[test]
fn a_damaged_file_is_reported_and_replaced_by_the_next_list() {
    let world = World::new();
    let (first, second) = crls(&world);
    world.repository.publish(&first.issuer, first.der.reader()).unwrap();
    fs::write(folder(&world).file_of(&name(&world)), b"damaged").unwrap();
    assert!(matches!(world.repository.refresh(), Err(ReadPublishedError::Unfit { .. })));
    assert_eq!(
        world.repository.standing(&first.issuer),
        Some(standing(&first)),
        "the last good one is served"
    );
    world.repository.publish(&second.issuer, second.der.reader()).unwrap();
    assert_eq!(published(&world), der(&second));
}

#[test]
fn a_repository_takes_up_what_another_process_published() {
    let world = World::new();
    let crl = world.crl();
    let other = Repository::new(folder(&world), &[Arc::clone(&world.issuer)]);
    other.refresh().unwrap();
    assert_eq!(other.standing(&crl.issuer), None);
    world.repository.publish(&crl.issuer, crl.der.reader()).unwrap();
    other.refresh().unwrap();
    assert_eq!(other.standing(&crl.issuer), Some(standing(&crl)));
}

#[test]
fn an_older_file_put_in_the_folder_does_not_take_the_place_of_a_later_one() {
    let world = World::new();
    let (first, second) = crls(&world);
    world.repository.publish(&second.issuer, second.der.reader()).unwrap();
    fs::write(folder(&world).file_of(&name(&world)), der(&first)).unwrap();
    world.repository.refresh().unwrap();
    assert_eq!(world.repository.standing(&first.issuer), Some(standing(&second)));
}

#[test]
fn a_folder_must_exist() {
    let world = World::new();
    let absent = world.path().join("absent");
    assert!(CrlFolder::open(&absent).unwrap_err().to_string().contains("create it first"));
    fs::write(&absent, b"").unwrap();
    assert!(CrlFolder::open(&absent).is_err());
}

#[test]
fn names_have_one_spelling_and_lead_nowhere_else() {
    let key = "0123456789abcdef0123456789abcdef01234567";
    for end in [".crl", ".delta.crl", "/00.crl", "/North-West-3.crl", "/00.delta.crl"] {
        let line = line_named(&format!("{key}{end}")).unwrap();
        assert_eq!((line_path(&line), line.issuer.to_string()), (format!("/crl/{key}{end}"), key.to_owned()));
    }
    for end in
        ["", ".cer", "/.crl", "/../x.crl", "/a/b.crl", "/a.b.crl", ".delta.delta.crl", "/a_b.crl", "x.crl"]
    {
        assert_eq!(line_named(&format!("{key}{end}")), None, "{end}");
    }
    assert_eq!(line_named(&format!("{}.crl", key.to_uppercase())), None);
    assert_eq!(line_named(&"\u{e4}".repeat(30)), None);
}
