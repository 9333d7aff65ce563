//! Listing certificates: in the order of their ids, filtered, page by page, whatever their state.

use ca_core::ports::StatusSource;
use ca_core::record::{CertificateId, CertificateQuery, Intent, Settlement, SlotUse};
use ca_core::validity::Validity;

use super::ground::{END, Ground, IntentWords, LedgerWords, NOW, id, intent, issuer, serial, tenant, title};
use crate::Store;

/// Seven certificates of two issuers, two tenants and two devices, in every state.
fn fill(store: &Store) {
    store.issue(intent(5).for_slot(4, SlotUse::First));
    store.record(intent(3)).unwrap();
    store.issue(intent(9));
    store.record(intent(7).for_slot(4, SlotUse::Rotation)).unwrap();
    store.settle(7, Settlement::Aborted);
    store.record(Intent { tenant: tenant("dso-2"), ..intent(1) }).unwrap();
    let elsewhere = |number| Intent {
        id: CertificateId { issuer: issuer(2), serial: serial(number) },
        ..intent(number + 100)
    };
    // No slot, but a subject that is a system title.
    store.issue(Intent { subject: title(4).to_string(), ..elsewhere(2) });
    store.record(elsewhere(6).for_slot(8, SlotUse::First)).unwrap();
}

fn all() -> CertificateQuery {
    CertificateQuery { limit: usize::MAX, ..CertificateQuery::default() }
}

fn ids(store: &Store, query: &CertificateQuery) -> Vec<(u8, u8)> {
    let found = store.certificates(query).unwrap();
    found.iter().map(|one| (one.id.issuer.octets()[0], one.id.serial.octets()[2])).collect()
}

const EVERYTHING: [(u8, u8); 7] = [(1, 1), (1, 3), (1, 5), (1, 7), (1, 9), (2, 2), (2, 6)];

fn certificates_are_listed_in_the_order_of_their_ids(ground: &Ground) {
    let store = ground.open();
    assert_eq!(ids(&store, &all()), []);
    fill(&store);
    assert_eq!(ids(&store, &all()), EVERYTHING);
    let found = store.certificates(&all()).unwrap();
    for one in found {
        assert_eq!(store.certificate(&one.id).unwrap(), Some(one));
    }
}

fn every_page_size_gives_the_same_list(ground: &Ground) {
    let store = ground.open();
    fill(&store);
    let on_device = CertificateQuery { title: Some(title(4)), ..all() };
    for base in [all(), on_device] {
        let whole = ids(&store, &base);
        for limit in 1..=8 {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let query = CertificateQuery { limit, after: after.clone(), ..base.clone() };
                let page = store.certificates(&query).unwrap();
                assert!(page.len() <= limit);
                let Some(last) = page.last() else { break };
                after = Some(last.id.clone());
                seen.extend(page.iter().map(|one| (one.id.issuer.octets()[0], one.id.serial.octets()[2])));
            }
            assert_eq!(seen, whole);
        }
    }
    assert_eq!(ids(&store, &CertificateQuery { limit: 0, ..all() }), []);
}

fn a_list_is_narrowed_by_tenant_issuer_and_device(ground: &Ground) {
    let store = ground.open();
    fill(&store);
    let of = |tenant_name: Option<&str>, authority: Option<u8>, device: Option<u8>| {
        let query = CertificateQuery {
            tenant: tenant_name.map(tenant),
            issuer: authority.map(issuer),
            title: device.map(title),
            ..all()
        };
        ids(&store, &query)
    };
    assert_eq!(of(Some("dso-2"), None, None), [(1, 1)]);
    assert_eq!(of(None, Some(2), None), [(2, 2), (2, 6)]);
    assert_eq!(of(None, None, Some(4)), [(1, 5), (1, 7), (2, 2)]);
    assert_eq!(of(None, Some(1), Some(4)), [(1, 5), (1, 7)]);
    assert_eq!(of(Some("dso"), Some(2), Some(8)), [(2, 6)]);
    assert_eq!(of(Some("dso-2"), None, Some(4)), []);
}

fn a_list_goes_on_behind_an_id_that_need_not_exist(ground: &Ground) {
    let store = ground.open();
    fill(&store);
    let behind = |authority, number, of: Option<u8>| {
        let after = Some(CertificateId { issuer: issuer(authority), serial: serial(number) });
        ids(&store, &CertificateQuery { after, issuer: of.map(issuer), ..all() })
    };
    assert_eq!(behind(1, 6, None), [(1, 7), (1, 9), (2, 2), (2, 6)]);
    assert_eq!(behind(1, 999, Some(1)), []);
    assert_eq!(behind(1, 999, Some(2)), [(2, 2), (2, 6)]);
    assert_eq!(behind(3, 1, Some(2)), []);
}

fn a_list_is_longer_than_one_page_of_rows(ground: &Ground) {
    let store = ground.open();
    let intents = (0..700).map(|number| Intent {
        tenant: tenant(if number % 350 == 0 { "rare" } else { "dso" }),
        ..intent(number)
    });
    use ca_core::ports::Ledger;
    assert!(store.record_intents(intents.collect()).unwrap().iter().all(Result::is_ok));
    assert_eq!(store.certificates(&all()).unwrap().len(), 700);
    let rare = CertificateQuery { tenant: Some(tenant("rare")), limit: 2, ..CertificateQuery::default() };
    let found: Vec<_> = store.certificates(&rare).unwrap().into_iter().map(|one| one.id).collect();
    assert_eq!(found, [id(0), id(350)]);
}

fn certificates_are_listed_by_the_time_at_which_they_end(ground: &Ground) {
    let store = ground.open();
    let ending = |number, end| Intent { validity: Validity::new(NOW, end).unwrap(), ..intent(number) };
    store.issue(ending(1, END));
    store.issue(ending(2, END.plus_seconds(-1)));
    store.issue(ending(3, END));
    store.record(ending(4, END)).unwrap();
    let later = (END, id(3));
    assert_eq!(store.expiring(NOW, None, 2).unwrap(), [(END.plus_seconds(-1), id(2)), (END, id(1))]);
    assert_eq!(store.expiring(END, None, 9).unwrap(), [(END, id(1)), later.clone()]);
    assert_eq!(store.expiring(END, Some(&id(1)), 9).unwrap(), [later]);
    assert_eq!(store.expiring(END.plus_seconds(1), None, 9).unwrap(), []);
    let within = |from, until, limit| store.count_expiring(from, until, limit).unwrap();
    assert_eq!([within(NOW, END.plus_seconds(-1), 9), within(NOW, END, 9), within(NOW, END, 1)], [1, 3, 1]);
    assert_eq!([within(END.plus_seconds(-1), END, 9), within(END, END.plus_seconds(9), 9)], [2, 0]);
}

super::on_every_engine! {
    certificates_are_listed_in_the_order_of_their_ids,
    every_page_size_gives_the_same_list,
    a_list_is_narrowed_by_tenant_issuer_and_device,
    a_list_goes_on_behind_an_id_that_need_not_exist,
    a_list_is_longer_than_one_page_of_rows,
    certificates_are_listed_by_the_time_at_which_they_end,
}
