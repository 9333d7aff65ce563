//! The lists of expected devices.

use ca_core::audit::Act;
use ca_core::ports::Registry;
use ca_core::record::{Device, DeviceState, ExpectedDevice, ImportOutcome};

use super::ground::{
    Ground, IntentWords, LedgerTold, LedgerWords, NOW, event, expected, intent, listed_devices, tenant, title,
};
use crate::Store;

fn import(store: &Store, devices: Vec<ExpectedDevice>) -> ImportOutcome {
    store.import_devices(devices, event(Act::DevicesImported)).unwrap()
}

fn an_imported_device_is_expected(ground: &Ground) {
    let store = ground.open();
    assert_eq!(store.device(&title(4)).unwrap(), None);
    let anyones = ExpectedDevice { manufacturer: None, batch: "lot 9".to_owned(), ..expected(5) };
    let outcome = import(&store, vec![expected(4), anyones.clone()]);
    assert_eq!(outcome, ImportOutcome { added: 2, ..ImportOutcome::default() });
    for expected in [expected(4), anyones] {
        let device = Device::new(expected.clone(), NOW);
        assert_eq!(store.device(&expected.title).unwrap(), Some(device));
    }
    assert_eq!(store.acts(), [Act::LedgerOpened, Act::DevicesImported]);
}

fn an_import_repeated_changes_nothing_and_a_corrected_one_is_taken(ground: &Ground) {
    let store = ground.open();
    let corrected = ExpectedDevice { model: "E360".to_owned(), ..expected(4) };
    let outcome = import(&store, vec![expected(4), expected(4), corrected.clone()]);
    assert_eq!(outcome, ImportOutcome { added: 2, unchanged: 1, refused: Vec::new() });
    assert_eq!(store.device(&title(4)).unwrap().unwrap().expected, corrected);
}

fn a_device_on_anothers_list_is_refused(ground: &Ground) {
    let store = ground.open();
    import(&store, vec![expected(4)]);
    let foreign = |device| ExpectedDevice { tenant: tenant("dso-2"), ..expected(device) };
    let outcome = import(&store, vec![foreign(3), foreign(4)]);
    assert_eq!(outcome, ImportOutcome { added: 1, unchanged: 0, refused: vec![title(4)] });
    assert_eq!(store.device(&title(4)).unwrap().unwrap().expected, expected(4));
    assert_eq!(listed_devices(&store, "dso-2", (None, 9)).len(), 1);
}

fn a_device_that_was_claimed_is_not_changed_by_an_import(ground: &Ground) {
    let store = ground.open();
    import(&store, vec![expected(4)]);
    store.record(intent(1).with_claim(4, 9)).unwrap();
    let corrected = ExpectedDevice { model: "E360".to_owned(), ..expected(4) };
    let outcome = import(&store, vec![expected(4), corrected]);
    assert_eq!(outcome, ImportOutcome { added: 0, unchanged: 1, refused: vec![title(4)] });
    let device = store.device(&title(4)).unwrap().unwrap();
    assert_eq!((device.state, device.expected), (DeviceState::Claimed, expected(4)));
}

fn devices_are_listed_for_one_owner_in_order_and_page_by_page(ground: &Ground) {
    let store = ground.open();
    let foreign = ExpectedDevice { tenant: tenant("dso-2"), ..expected(6) };
    import(&store, vec![expected(9), expected(4), foreign, expected(7)]);
    let titles = |after: Option<u8>, limit| {
        let after = after.map(title);
        let devices = listed_devices(&store, "dso", (after, limit));
        devices.into_iter().map(|device| device.expected.title).collect::<Vec<_>>()
    };
    assert_eq!(titles(None, 2), [4, 7].map(title));
    assert_eq!(titles(Some(7), 2), [9].map(title));
    assert_eq!(titles(Some(5), 9), [7, 9].map(title));
    assert_eq!(titles(None, 0), []);
    assert_eq!(listed_devices(&store, "ds", (None, 9)), []);
}

super::on_every_engine! {
    an_imported_device_is_expected,
    an_import_repeated_changes_nothing_and_a_corrected_one_is_taken,
    a_device_on_anothers_list_is_refused,
    a_device_that_was_claimed_is_not_changed_by_an_import,
    devices_are_listed_for_one_owner_in_order_and_page_by_page,
}
