//! The reader of its own, beside the one of ca-core and the one of x509-cert.

use ca_core::record::CertificateStatus;
use ca_core::suite::Curve;
use der::{Decode, Encode};
use status_server::crl_reader::{ReadCrl, ReadCrlError};
use x509_cert::certificate::Rfc5280;
use x509_cert::crl::CertificateList;

use crate::world::{Authority, NOW, World, der, revoked, serial};

/// Gives one octet at a time, as a slow link does.
struct Slow<'a>(&'a [u8]);

impl std::io::Read for Slow<'_> {
    fn read(&mut self, octets: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.len().min(octets.len()).min(1);
        let (given, rest) = self.0.split_at(count);
        octets[..count].copy_from_slice(given);
        self.0 = rest;
        Ok(count)
    }
}

/// A serial number and the entry that has it.
type Listed = (Vec<u8>, Vec<u8>);

fn listed(world: &World, octets: impl std::io::Read) -> (ReadCrl, Vec<Listed>) {
    let mut entries = Vec::new();
    let key = world.issuer.certificate().public_key();
    let read = ReadCrl::read(octets, key, |entry| entries.push((entry.serial.to_vec(), entry.der.to_vec())))
        .unwrap();
    (read, entries)
}

#[test]
fn reads_what_others_read_on_both_curves_and_at_any_pace() {
    for curve in [Curve::P256, Curve::P384] {
        let world = World::at(curve, NOW);
        for number in 1..=50 {
            world.put(number, revoked(NOW));
        }
        world.put(99, CertificateStatus::Good);
        let crl = world.crl();
        let (read, entries) = listed(&world, Slow(&der(&crl)));
        assert_eq!((read.number, read.entries), (crl.number, crl.entries));
        assert_eq!((read.this_update, read.next_update), (crl.this_update, crl.next_update));
        assert_eq!((read.issuer.as_slice(), read.base().unwrap()), (world.issuer.name().der(), None));
        let other = CertificateList::<Rfc5280>::from_der(&der(&crl)).unwrap().tbs_cert_list;
        let others: Vec<_> =
            other.revoked_certificates.unwrap().iter().map(|one| one.to_der().unwrap()).collect();
        assert_eq!(entries.iter().map(|(_, der)| der.clone()).collect::<Vec<_>>(), others);
        assert_eq!(entries[0].0, serial(1).octets());
        assert_eq!((read.extensions, read.octets), (other.crl_extensions.unwrap(), crl.der.length()));
        assert_eq!(listed(&world, crl.der.reader()).1, entries);
    }
}

#[test]
fn an_octet_less_more_or_other_is_found() {
    let world = World::new();
    world.put(1, revoked(NOW));
    let crl = der(&world.crl());
    let key = world.issuer.certificate().public_key();
    let read = |octets: &[u8]| ReadCrl::read(octets, key, |_| {});
    for length in 0..crl.len() {
        assert!(read(&crl[..length]).is_err(), "{length}");
    }
    assert!(read(&[crl.as_slice(), &[0]].concat()).is_err());
    for at in 0..crl.len() {
        for bit in 0..8 {
            let mut other = crl.clone();
            other[at] ^= 1 << bit;
            assert!(read(&other).is_err(), "octet {at}, bit {bit}");
        }
    }
    let stranger = Authority::root(Curve::P256, NOW).issuer();
    let error = ReadCrl::read(crl.as_slice(), stranger.certificate().public_key(), |_| {}).unwrap_err();
    assert!(matches!(error, ReadCrlError::Signature), "{error}");
}
