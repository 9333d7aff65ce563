//! Searching certificates by whatever is known of them: whichever index drives it, the same are found, and each once.

use std::collections::BTreeSet;

use ca_core::ports::Ledger;
use ca_core::profile::{Hierarchy, KeyPurpose, ProfileId};
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateId, CertificateQuery, Intent, SlotUse, StatusKind};
use ca_core::serial_number::SerialNumber;
use ca_core::validity::{UnixTime, Validity};

use super::ground::{END, Ground, IntentWords, LedgerWords, NOW, id, intent, issuer, serial, tenant, title};
use crate::Store;
use crate::certificate_search::{CertificateSearch, FoundCertificates, Span};

fn all(limit: usize) -> CertificateSearch {
    CertificateSearch {
        query: CertificateQuery { limit, ..CertificateQuery::default() },
        ..CertificateSearch::default()
    }
}

fn found(store: &Store, search: &CertificateSearch) -> Vec<CertificateId> {
    let FoundCertificates { certificates, next, .. } = store.search_certificates(search).unwrap();
    assert_eq!(next, None, "all was looked at");
    certificates.into_iter().map(|one| one.id).collect()
}

/// Five certificates that differ in what can be asked for.
fn fill(store: &Store) {
    store.issue(intent(1).for_slot(4, SlotUse::First));
    store.issue(Intent { profile: ProfileId::parse("est-tls-s1").unwrap(), ..intent(2) });
    store.issue(Intent { purpose: KeyPurpose::Tls, subject: "CN=head-end.example".to_owned(), ..intent(3) });
    store.issue(Intent { validity: Validity::new(NOW, END.plus_seconds(-9)).unwrap(), ..intent(4) });
    store.record(Intent { tenant: tenant("maker"), ..intent(5) }).unwrap();
    store.revoke(2, ReasonCode::Superseded);
}

fn each_thing_that_is_asked_for_narrows_the_search(ground: &Ground) {
    let store = ground.open();
    fill(&store);
    assert_eq!(found(&store, &all(9)), [1, 2, 3, 4, 5].map(id));
    let profile = ProfileId::parse("est-tls-s1").ok();
    assert_eq!(found(&store, &CertificateSearch { profile, ..all(9) }), [id(2)]);
    let purpose = Some(KeyPurpose::Tls);
    assert_eq!(found(&store, &CertificateSearch { purpose, ..all(9) }), [id(3)]);
    let hierarchy = Some(Hierarchy::Operational);
    assert_eq!(found(&store, &CertificateSearch { hierarchy, ..all(9) }), [id(1)]);
    let subject = Some("head-end".to_owned());
    assert_eq!(found(&store, &CertificateSearch { subject, ..all(9) }), [id(3)]);
    let until = Some(END.plus_seconds(-1));
    assert_eq!(found(&store, &CertificateSearch { expires: Span { from: None, until }, ..all(9) }), [id(4)]);
    let whole = CertificateSearch { serial_begins: serial(3).octets().to_vec(), ..all(9) };
    assert_eq!(found(&store, &whole), [id(3)]);
    let begins = CertificateSearch { serial_begins: serial(3).octets()[..1].to_vec(), ..all(9) };
    assert_eq!(found(&store, &begins), [1, 2, 3, 4, 5].map(id));
    let of_tenant = CertificateQuery { tenant: Some(tenant("maker")), ..all(9).query };
    assert_eq!(found(&store, &CertificateSearch { query: of_tenant, ..all(9) }), [id(5)]);
    let revoked = CertificateQuery { status: Some(StatusKind::Revoked), ..all(9).query };
    assert_eq!(found(&store, &CertificateSearch { query: revoked.clone(), ..all(9) }), [id(2)]);
    let both = CertificateSearch { purpose: Some(KeyPurpose::Tls), query: revoked, ..all(9) };
    assert_eq!(found(&store, &both), []);
}

fn a_key_leads_to_its_certificates_whoever_holds_it(ground: &Ground) {
    let store = ground.open();
    fill(&store);
    let key = |number| Some(intent(number).key_fingerprint);
    assert_eq!(found(&store, &CertificateSearch { key: key(1), ..all(9) }), [id(1)], "of a device");
    assert_eq!(found(&store, &CertificateSearch { key: key(3), ..all(9) }), [id(3)], "of nobody's slot");
    let unknown = store.search_certificates(&CertificateSearch { key: key(77), ..all(9) }).unwrap();
    assert_eq!(unknown, FoundCertificates::default(), "no row is looked at for a key that is not known");
}

fn the_time_of_recording_leaps_over_other_days_under_every_issuer(ground: &Ground) {
    let store = ground.open();
    let day = |number: i64| NOW.plus_seconds(number * 86_400);
    let of = |authority: u8, number: u16, at: UnixTime| {
        let drawn = SerialNumber::draw(at, [u8::try_from(number).unwrap(); 14]).unwrap();
        let id = CertificateId { issuer: issuer(authority), serial: drawn };
        Intent { id, validity: Validity::new(at, END).unwrap(), ..intent(number).at(at) }
    };
    let mut meant = Vec::new();
    for (authority, first) in [(1, 0), (2, 100)] {
        for number in 0..6_u16 {
            let made = store.issue(of(authority, first + number, day(i64::from(number) - 5)));
            if (1..=2).contains(&number) {
                meant.push(made);
            }
        }
    }
    let recorded = Span { from: Some(day(-4)), until: Some(day(-3)) };
    let search = CertificateSearch { recorded, ..all(99) };
    assert_eq!(found(&store, &search), meant);
    let only = CertificateQuery { issuer: Some(issuer(2)), ..all(99).query };
    assert_eq!(found(&store, &CertificateSearch { query: only, ..search }), meant[2..]);
}

fn every_road_gives_each_certificate_once_in_pages_of_every_size(ground: &Ground) {
    let store = ground.open();
    fill(&store);
    store.issue(intent(6).for_slot(4, SlotUse::Rotation));
    let title_4 = CertificateQuery { title: Some(title(4)), ..CertificateQuery::default() };
    let roads = [
        (CertificateSearch::default(), 6),
        (
            CertificateSearch {
                expires: Span { from: Some(NOW), until: None },
                ..CertificateSearch::default()
            },
            5,
        ),
        (
            CertificateSearch {
                serial_begins: serial(1).octets()[..1].to_vec(),
                ..CertificateSearch::default()
            },
            6,
        ),
        (CertificateSearch { query: title_4, ..CertificateSearch::default() }, 2),
    ];
    for (road, many) in roads {
        for limit in 1..=7 {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let query = CertificateQuery { limit, after, ..road.query.clone() };
                let page = store.search_certificates(&CertificateSearch { query, ..road.clone() }).unwrap();
                assert!(page.certificates.len() <= limit);
                seen.extend(page.certificates.into_iter().map(|one| one.id));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(seen.len(), many, "{road:?} in pages of {limit}");
            assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), many);
        }
    }
}

fn an_answer_that_finds_little_looks_no_further_and_says_where_to_go_on(ground: &Ground) {
    let store = ground.open();
    for part in 0..10_u16 {
        let intents = (0..500).map(|number| Intent {
            tenant: tenant(if part == 9 && number == 499 { "rare" } else { "dso" }),
            ..intent(part * 500 + number)
        });
        assert!(store.record_intents(intents.collect()).unwrap().iter().all(Result::is_ok));
    }
    let query = CertificateQuery { tenant: Some(tenant("rare")), ..all(1).query };
    let rare = CertificateSearch { query, ..all(1) };
    let first = store.search_certificates(&rare).unwrap();
    assert_eq!((first.certificates.len(), first.looked_at), (0, 4_096));
    let query = CertificateQuery { after: first.next, ..rare.query.clone() };
    let second = store.search_certificates(&CertificateSearch { query, ..rare }).unwrap();
    assert_eq!(second.certificates.iter().map(|one| one.id.clone()).collect::<Vec<_>>(), [id(4_999)]);
}

super::on_every_engine! {
    each_thing_that_is_asked_for_narrows_the_search,
    a_key_leads_to_its_certificates_whoever_holds_it,
    the_time_of_recording_leaps_over_other_days_under_every_issuer,
    every_road_gives_each_certificate_once_in_pages_of_every_size,
    an_answer_that_finds_little_looks_no_further_and_says_where_to_go_on,
}
