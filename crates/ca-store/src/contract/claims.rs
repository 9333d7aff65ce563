//! Claims: how a device passes from its manufacturer to its owner, once.

use ca_core::audit::Act;
use ca_core::ports::{Ledger, Registry};
use ca_core::profile::Hierarchy;
use ca_core::record::{Device, DeviceState, IntentConflict, Settlement, SlotUse};

use super::ground::{
    Ground, IntentWords, LedgerTold, LedgerWords, NOW, event, expected, id, intent, issued, tenant, title,
};

const DEVICE: u8 = 4;
const KEY: u8 = 0x0F;
const OTHER_KEY: u8 = 0x0E;

fn device(store: &crate::Store) -> Device {
    store.device(&title(DEVICE)).unwrap().unwrap()
}

fn only_a_device_on_the_owners_list_is_claimed(ground: &Ground) {
    let store = ground.open();
    let claim = |number| intent(number).with_claim(DEVICE, KEY);
    assert_eq!(store.record(claim(1)), Err(IntentConflict::DeviceNotExpected));
    let elsewhere = ca_core::record::ExpectedDevice { tenant: tenant("dso-2"), ..expected(DEVICE) };
    store.import_devices(vec![elsewhere], event(Act::DevicesImported)).unwrap();
    assert_eq!(store.record(claim(1)), Err(IntentConflict::DeviceNotExpected));
}

fn the_first_claim_is_written_down_and_audited(ground: &Ground) {
    let store = ground.open();
    store.expect_device(DEVICE);
    assert_eq!(device(&store).state, DeviceState::Expected);
    store.record(intent(1).with_claim(DEVICE, KEY)).unwrap();
    let claimed = device(&store);
    assert_eq!((claimed.state, claimed.claimed_by), (DeviceState::Claimed, Some([KEY; 32])));
    store.record(intent(2).with_claim(DEVICE, KEY)).unwrap();
    let trail = store.trail();
    let claims: Vec<_> = trail.iter().filter(|record| record.event.act == Act::DeviceClaimed).collect();
    assert_eq!(claims.len(), 1);
    let told = &claims[0].event;
    assert_eq!((told.time, &told.tenant, told.actor.as_str()), (NOW, &tenant("dso"), "ra:line-1"));
    assert_eq!((told.issuer, told.serial.clone()), (Some(id(1).issuer), Some(id(1).serial)));
    assert_eq!((told.detail.as_str(), told.digest.as_slice()), ("4D504B0000000004", [KEY; 32].as_slice()));
}

fn a_second_key_does_not_claim_the_device(ground: &Ground) {
    let store = ground.open();
    store.expect_device(DEVICE);
    store.record(intent(1).with_claim(DEVICE, KEY)).unwrap();
    // The key spoke, whatever became of its intent.
    store.settle(1, Settlement::Aborted);
    let other = store.record(intent(2).with_claim(DEVICE, OTHER_KEY));
    assert_eq!(other, Err(IntentConflict::DeviceClaimedByOther));
    assert_eq!(device(&store).claimed_by, Some([KEY; 32]));
}

fn the_first_operational_certificate_supersedes_the_factory_ones(ground: &Ground) {
    let store = ground.open();
    store.expect_device(DEVICE);
    let issued_at = NOW.plus_seconds(5);
    store.record(intent(1).for_slot(DEVICE, SlotUse::First).with_claim(DEVICE, KEY)).unwrap();
    store.begin(1);
    store.record_issued(vec![issued(&id(1), issued_at)]).unwrap();
    let now = device(&store);
    assert_eq!((now.state, now.factory_superseded_at), (DeviceState::Operational, Some(issued_at)));
    // A later one does not move the time.
    store.issue(intent(2).for_slot(DEVICE, SlotUse::Rotation).at(NOW.plus_seconds(50)));
    assert_eq!(device(&store).factory_superseded_at, Some(issued_at));
    let told: Vec<_> =
        store.trail().into_iter().filter(|record| record.event.act == Act::FactorySuperseded).collect();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].event.time, told[0].event.serial.clone()), (issued_at, Some(id(1).serial)));
}

fn the_factory_key_opens_the_door_until_the_grace_time_is_over(ground: &Ground) {
    let store = ground.open();
    store.expect_device(DEVICE);
    store.issue(intent(1).with_claim(DEVICE, KEY));
    let later = |number, seconds| intent(number).with_claim(DEVICE, KEY).at(NOW.plus_seconds(seconds));
    assert_eq!(store.record(later(2, 99)), Ok(()));
    assert_eq!(store.record(later(3, 100)), Err(IntentConflict::FactorySuperseded { since: NOW }));
    let other = intent(3).with_claim(DEVICE, OTHER_KEY).at(NOW.plus_seconds(100));
    assert_eq!(store.record(other), Err(IntentConflict::DeviceClaimedByOther));
    assert_eq!(device(&store).state, DeviceState::Operational);
}

fn an_operational_certificate_without_a_claim_supersedes_too(ground: &Ground) {
    let store = ground.open();
    store.expect_device(DEVICE);
    store.issue(intent(1).for_slot(DEVICE, SlotUse::First));
    let now = device(&store);
    assert_eq!((now.state, now.claimed_by), (DeviceState::Operational, None));
    assert_eq!(now.factory_superseded_at, Some(NOW));
    let late = intent(2).with_claim(DEVICE, KEY).at(NOW.plus_seconds(100));
    assert_eq!(store.record(late), Err(IntentConflict::FactorySuperseded { since: NOW }));
    // Within the grace time the factory key may still claim, and the device stays in operation.
    store.record(intent(3).with_claim(DEVICE, KEY)).unwrap();
    let now = device(&store);
    assert_eq!((now.state, now.claimed_by), (DeviceState::Operational, Some([KEY; 32])));
}

fn certificates_of_other_hierarchies_and_owners_supersede_nothing(ground: &Ground) {
    let store = ground.open();
    store.expect_device(DEVICE);
    let mut factory = intent(1).for_slot(DEVICE, SlotUse::First);
    let mut foreign = intent(2).for_slot(DEVICE, SlotUse::First);
    if let (Some((one, _)), Some((two, _))) = (&mut factory.conditions.slot, &mut foreign.conditions.slot) {
        one.hierarchy = Hierarchy::Factory;
        two.tenant = tenant("dso-2");
    }
    store.issue(factory);
    store.issue(foreign);
    assert_eq!(device(&store).state, DeviceState::Expected);
}

super::on_every_engine! {
    only_a_device_on_the_owners_list_is_claimed,
    the_first_claim_is_written_down_and_audited,
    a_second_key_does_not_claim_the_device,
    the_first_operational_certificate_supersedes_the_factory_ones,
    the_factory_key_opens_the_door_until_the_grace_time_is_over,
    an_operational_certificate_without_a_claim_supersedes_too,
    certificates_of_other_hierarchies_and_owners_supersede_nothing,
}
