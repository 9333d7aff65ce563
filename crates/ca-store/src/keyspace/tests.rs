//! Numbers and names of keyspaces are on disk: each is used once; keys sort as they are searched.

use super::*;

fn id(issuer: u8, serial: &[u8]) -> CertificateId {
    CertificateId { issuer: KeyRef::new([issuer; 20]), serial: SerialNumber::from_octets(serial).unwrap() }
}

#[test]
fn keys_sort_as_certificate_ids_do_and_read_back() {
    let mut ids = [id(2, &[1]), id(1, &[9, 9]), id(1, &[9]), id(1, &[0x7F]), id(1, &[0, 0x80])];
    let mut keys: Vec<Vec<u8>> = ids.iter().map(id_key).collect();
    ids.sort();
    keys.sort();
    assert_eq!(keys.iter().map(|key| parse_id(key).unwrap()).collect::<Vec<_>>(), ids);
}

#[test]
fn times_sort_before_and_after_1970_and_read_back() {
    let times = [i64::MIN, -1, 0, 1, 253_402_300_799, i64::MAX].map(UnixTime::from_seconds);
    assert!(times.map(time_octets).is_sorted());
    assert_eq!(times.map(|time| parse_time(&time_octets(time))), times.map(Some));
    assert_eq!(parse_time(&[0; 7]), None);
}

#[test]
fn scopes_are_told_apart_and_read_back() {
    let issuer = KeyRef::new([1; 20]);
    let shard = Shard::parse("0a").unwrap();
    for scope in [CrlScope::All, CrlScope::Shard(shard.clone())] {
        let key = crl_key(&issuer, &scope, 1_795_219_200);
        assert_eq!(parse_crl(&key), Some(((issuer, scope.clone()), 1_795_219_200)));
        assert_eq!(parse_scope(&scope_key(&issuer, &scope)), Some((issuer, scope.clone())));
        let prefix = changes_prefix(&issuer, &scope);
        let change = change_key(&issuer, &scope, 9);
        assert!(change.starts_with(&prefix) && parse_change(&change) == Some(9));
        let others =
            [CrlScope::Shard(Shard::parse("0").unwrap()), CrlScope::Shard(Shard::parse("0a1").unwrap())];
        assert!(others.iter().all(|other| !change_key(&issuer, other, 9).starts_with(&prefix)));
    }
    let serial = SerialNumber::from_octets(&[0, 0x80, 0, 1]).unwrap();
    let key = shard_revocation_key(&issuer, &shard, &serial);
    assert_eq!(parse_shard_revocation(&key), Some((CertificateId { issuer, serial }, shard)));
}

#[test]
fn octets_and_names_are_each_used_once() {
    let mut tags: Vec<u8> = Keyspace::ALL.map(Keyspace::tag).to_vec();
    tags.dedup();
    assert_eq!(tags, (1..=59).chain(63..=66).chain(68..=70).collect::<Vec<u8>>());
    let names: std::collections::BTreeSet<_> = Keyspace::ALL.map(Keyspace::name).into();
    assert_eq!(names.len(), Keyspace::ALL.len());
}

#[test]
fn a_tenants_list_does_not_contain_another_whose_name_begins_alike() {
    let short = TenantId::parse("dso").unwrap();
    let long = TenantId::parse("dso-2").unwrap();
    let key = device_list_key(&long, &SystemTitle::new([1; 8]));
    assert!(!key.starts_with(&device_list_prefix(&short)));
    assert_eq!(parse_listed_title(&key), Some(SystemTitle::new([1; 8])));
}
