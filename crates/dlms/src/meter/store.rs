//! The certificates in a simulated meter: its own, one for each purpose; those of clients and authorities; its anchors.

use std::collections::BTreeMap;

use ca_core::certificate::Certificate;
use ca_core::system_title::SystemTitle;

use crate::axdr::Data;
use crate::security_setup::{
    CertificateEntity, CertificateEntry, CertificateIdentification, CertificateType, MeterKey,
    certificates_to_data, is_authority, key_of,
};

#[derive(Debug)]
pub(super) struct CertificateStore {
    title: SystemTitle,
    anchors: Vec<Certificate>,
    own: BTreeMap<MeterKey, Certificate>,
    others: Vec<Certificate>,
}

impl CertificateStore {
    pub(super) const fn new(title: SystemTitle, anchors: Vec<Certificate>) -> Self {
        Self { title, anchors, own: BTreeMap::new(), others: Vec::new() }
    }

    pub(super) fn trust(&mut self, anchors: impl IntoIterator<Item = Certificate>) {
        self.anchors.extend(anchors);
    }

    pub(super) fn own(&self, key: MeterKey) -> Option<&Certificate> {
        self.own.get(&key)
    }

    /// Reads a certificate and verifies its signature by an anchor or an authority that is held (Green Book 9.2.6.6: what
    /// is imported is verified, and discarded when that fails). Its times are not looked at: there is no clock here.
    pub(super) fn verified(&self, der: &[u8]) -> Option<Certificate> {
        let certificate = Certificate::from_der(der).ok()?;
        let authorities = self.anchors.iter().chain(self.others.iter().filter(|other| is_authority(other)));
        let is_by = |authority: &Certificate| {
            authority.subject() == certificate.issuer()
                && authority.public_key().curve() == certificate.signature().curve()
                && authority.public_key().verify(certificate.tbs(), certificate.signature()).is_ok()
        };
        authorities.into_iter().any(is_by).then_some(certificate)
    }

    /// Which of the meter's own keys a certificate is for; nothing for those of others.
    pub(super) fn own_key_of(&self, certificate: &Certificate) -> Option<MeterKey> {
        let own = certificate.system_title() == Some(self.title) && !is_authority(certificate);
        own.then(|| key_of(certificate)).flatten()
    }

    pub(super) fn keep_own(&mut self, key: MeterKey, certificate: Certificate) {
        drop(self.own.insert(key, certificate));
    }

    /// Keeps a certificate of another one, in the place of the one with the same subject and purpose.
    pub(super) fn keep_of_others(&mut self, certificate: Certificate) {
        let same = |other: &Certificate| {
            other.subject() == certificate.subject()
                && key_of(other) == key_of(&certificate)
                && is_authority(other) == is_authority(&certificate)
        };
        self.others.retain(|other| !same(other));
        self.others.push(certificate);
    }

    pub(super) fn find(&self, identification: &CertificateIdentification) -> Option<&Certificate> {
        let meant = |certificate: &&Certificate| self.is_meant(identification, certificate);
        self.own.values().chain(&self.others).chain(&self.anchors).find(meant)
    }

    /// Removes a certificate, if it is there and no anchor; tells whose key goes with it.
    pub(super) fn remove(&mut self, identification: &CertificateIdentification) -> Option<Option<MeterKey>> {
        let own = self.own.iter().find(|(_, own)| self.is_meant(identification, own)).map(|(key, _)| *key);
        if let Some(key) = own {
            drop(self.own.remove(&key));
            return Some(Some(key));
        }
        let at = self.others.iter().position(|other| self.is_meant(identification, other))?;
        drop(self.others.remove(at));
        Some(None)
    }

    fn is_meant(&self, identification: &CertificateIdentification, certificate: &Certificate) -> bool {
        match identification {
            CertificateIdentification::ByEntity { entity, kind, title } => {
                certificate.system_title() == Some(*title) && self.kind_of(certificate) == (*entity, *kind)
            }
            CertificateIdentification::BySerial { serial, issuer } => {
                certificate.serial() == serial && certificate.issuer().der() == issuer.as_slice()
            }
        }
    }

    fn kind_of(&self, certificate: &Certificate) -> (CertificateEntity, CertificateType) {
        let kind = key_of(certificate).map_or(CertificateType::Other, CertificateType::Of);
        let entity = match (is_authority(certificate), certificate.system_title()) {
            (true, _) => CertificateEntity::Authority,
            (false, Some(title)) if title == self.title => CertificateEntity::Server,
            (false, Some(_)) => CertificateEntity::Client,
            (false, None) => CertificateEntity::Other,
        };
        (entity, kind)
    }

    /// The value of attribute 6.
    pub(super) fn listed(&self) -> Data {
        let entry = |certificate: &Certificate| {
            let (entity, kind) = self.kind_of(certificate);
            CertificateEntry {
                entity,
                kind,
                serial: certificate.serial().octets().to_vec(),
                issuer: certificate.issuer().der().to_vec(),
                subject: certificate.subject().der().to_vec(),
                alternative_name: Vec::new(),
            }
        };
        let all = self.own.values().chain(&self.others).chain(&self.anchors);
        certificates_to_data(&all.map(entry).collect::<Vec<_>>())
    }
}
