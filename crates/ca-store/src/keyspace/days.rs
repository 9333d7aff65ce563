//! The keys of what is counted by days. A day is one of UTC, and is named by the second at which it begins.

use ca_core::key_ref::KeyRef;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;

use super::{device_list_prefix, parse_time, time_octets};

/// The key of the row of `meta` that tells that certificates are counted by days.
pub(crate) const DAYS: &[u8] = b"days";

/// How many seconds a day has.
const DAY: i64 = 86_400;

/// Returns when the day of a time begins.
pub(crate) const fn day_of(time: UnixTime) -> UnixTime {
    UnixTime::from_seconds(time.seconds().div_euclid(DAY).saturating_mul(DAY))
}

/// tenant ‖ 00 ‖ time: what the keys of a tenant's day begin with.
pub(crate) fn day_prefix(tenant: &TenantId, day: UnixTime) -> Vec<u8> {
    let mut key = device_list_prefix(tenant);
    key.extend_from_slice(&time_octets(day));
    key
}

/// tenant ‖ 00 ‖ time ‖ issuer.
pub(crate) fn day_key(tenant: &TenantId, day: UnixTime, issuer: &KeyRef) -> Vec<u8> {
    let mut key = day_prefix(tenant, day);
    key.extend_from_slice(issuer.octets());
    key
}

/// Reads what [`day_key`] wrote.
pub(crate) fn parse_day(key: &[u8]) -> Option<(TenantId, UnixTime, KeyRef)> {
    // The first 00 ends the tenant.
    let end = key.iter().position(|octet| *octet == 0)?;
    let (tenant, rest) = key.split_at_checked(end)?;
    let (_, rest) = rest.split_first()?;
    let (time, issuer) = rest.split_at_checked(8)?;
    let tenant = TenantId::parse(core::str::from_utf8(tenant).ok()?).ok()?;
    Some((tenant, parse_time(time)?, KeyRef::new(issuer.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_before_1970_too() {
        for (time, day) in [(0, 0), (86_399, 0), (86_400, 86_400), (-1, -86_400), (-86_400, -86_400)] {
            assert_eq!(day_of(UnixTime::from_seconds(time)).seconds(), day);
        }
    }

    #[test]
    fn keys_are_short_enough_sort_by_days_and_read_back() {
        let tenant = TenantId::parse(&"t".repeat(32)).unwrap();
        let issuer = KeyRef::new([0; 20]);
        let days = [-86_400, 0, 86_400, 253_402_214_400].map(UnixTime::from_seconds);
        let keys = days.map(|day| day_key(&tenant, day, &issuer));
        assert!(keys.is_sorted() && keys.iter().all(|key| key.len() <= 64));
        for (key, day) in keys.iter().zip(days) {
            assert_eq!(parse_day(key), Some((tenant.clone(), day, issuer)));
        }
        assert_eq!(parse_day(b"dso"), None);
    }
}
