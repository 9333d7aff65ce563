//! The keys of swaps and campaigns.

use ca_core::fleet::Place;
use ca_core::fleet::member::{Member, Phase};
use ca_core::profile::KeyPurpose;
use ca_core::scope::Shard;
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};

use super::time_octets;

/// system title ‖ purpose, the number of the ENUMERATED.
pub(crate) fn swap_key(title: &SystemTitle, purpose: KeyPurpose) -> Vec<u8> {
    let purpose = match purpose {
        KeyPurpose::CertificateSigning => 0,
        KeyPurpose::Signature => 1,
        KeyPurpose::KeyAgreement => 2,
        KeyPurpose::Tls => 3,
    };
    [title.octets().as_slice(), &[purpose]].concat()
}

/// digest of a campaign ‖ system title.
pub(crate) fn member_key(campaign: &[u8; 32], title: &SystemTitle) -> Vec<u8> {
    [campaign.as_slice(), title.octets()].concat()
}

/// Reads the system title that [`member_key`] or [`agenda_key`] wrote at the end.
pub(crate) fn parse_member(key: &[u8]) -> Option<SystemTitle> {
    key.last_chunk().copied().map(SystemTitle::new)
}

/// digest of a campaign ‖ phase.
pub(crate) fn agenda_prefix(campaign: &[u8; 32], phase: Phase) -> Vec<u8> {
    [campaign.as_slice(), &[phase.number()]].concat()
}

/// digest of a campaign ‖ phase ‖ wave and spread, or time ‖ system title.
pub(crate) fn agenda_key(member: &Member) -> Vec<u8> {
    let place = member.place();
    let prefix = agenda_prefix(&member.campaign, member.agenda.phase);
    [prefix.as_slice(), &place.order, place.title.octets()].concat()
}

/// The key behind which the devices after a place stand.
pub(crate) fn after_place(campaign: &[u8; 32], phase: Phase, place: &Place) -> Vec<u8> {
    [agenda_prefix(campaign, phase).as_slice(), &place.order, place.title.octets()].concat()
}

/// Tells whether the key of an agenda lies behind a time.
pub(crate) fn is_later(key: &[u8], until: UnixTime) -> bool {
    key.get(33..41).is_some_and(|order| order > time_octets(until).as_slice())
}

/// digest of a campaign ‖ wave ‖ phase.
pub(crate) fn count_key(campaign: &[u8; 32], wave: u32, phase: Phase) -> Vec<u8> {
    [campaign.as_slice(), &wave.to_be_bytes(), &[phase.number()]].concat()
}

/// Reads wave and phase that [`count_key`] wrote.
pub(crate) fn parse_count(key: &[u8]) -> Option<(u32, Phase)> {
    let (_, rest) = key.split_first_chunk::<32>()?;
    let (wave, rest) = rest.split_first_chunk()?;
    let [phase] = rest else { return None };
    Some((u32::from_be_bytes(*wave), Phase::from_number(*phase)?))
}

/// digest of a campaign ‖ the first 16 octets of the SHA-256 of the name of a concentrator.
pub(crate) fn place_key(campaign: &[u8; 32], concentrator: &Shard) -> Vec<u8> {
    let name: [u8; 32] = Sha256::digest(concentrator.as_str()).into();
    let mut key = campaign.to_vec();
    key.extend(name.iter().take(16));
    key
}

/// system title ‖ digest of a campaign.
pub(crate) fn evidence_key(title: &SystemTitle, campaign: &[u8; 32]) -> Vec<u8> {
    [title.octets().as_slice(), campaign].concat()
}

#[cfg(test)]
mod tests {
    use ca_core::fleet::member::Agenda;

    use super::*;

    fn member(phase: Phase, at: i64, wave: u32, title: u8) -> Member {
        Member {
            campaign: [7; 32],
            title: SystemTitle::new([title; 8]),
            wave,
            spread: 5,
            concentrator: None,
            agenda: Agenda { phase, at: UnixTime::from_seconds(at) },
            trouble: String::new(),
        }
    }

    #[test]
    fn devices_sort_by_wave_before_and_by_time_after_they_are_begun() {
        let waiting = [(0, 9), (1, 1), (2, 0)].map(|(wave, title)| member(Phase::Waiting, 0, wave, title));
        assert!(waiting.iter().map(agenda_key).is_sorted());
        let due = [(1, 9), (2, 1), (2, 2)].map(|(at, title)| member(Phase::Due, at, 0, title));
        assert!(due.iter().map(agenda_key).is_sorted());
        let key = agenda_key(&due[1]);
        assert!(!is_later(&key, UnixTime::from_seconds(2)) && is_later(&key, UnixTime::from_seconds(1)));
        assert_eq!(parse_member(&key), Some(SystemTitle::new([1; 8])));
        assert_eq!(after_place(&[7; 32], Phase::Due, &due[1].place()), key);
    }

    #[test]
    fn counts_read_back_and_no_key_is_longer_than_an_engine_takes() {
        assert_eq!(parse_count(&count_key(&[7; 32], 3, Phase::Stuck)), Some((3, Phase::Stuck)));
        let long = Shard::parse(&"a".repeat(32)).unwrap();
        let keys = [place_key(&[7; 32], &long), agenda_key(&member(Phase::Due, 1, 1, 1))];
        assert!(keys.iter().all(|key| key.len() <= 64));
    }
}
