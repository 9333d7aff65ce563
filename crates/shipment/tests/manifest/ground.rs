//! A manufacturer and a distribution system operator with certificates of the embedded profiles, and devices to deliver.

use std::io::Cursor;

use ca_core::certificate::Certificate;
use ca_core::issuance::draft::{DraftInput, draft};
use ca_core::issuer::SignedBy;
use ca_core::key_ref::KeyRef;
use ca_core::path::TrustAnchor;
use ca_core::ports::{Entropy, SignError, Signer, Unavailable};
use ca_core::public_key::PublicKey;
use ca_core::record::{DeliveredDevice, SecretKind, WrappedSecret};
use ca_core::scope::Shard;
use ca_core::serial_number::SerialNumber;
use ca_core::signature::EcdsaSignature;
use ca_core::subject::Subject;
use ca_core::suite::Curve;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use cms_messages::AgreementKey;
use policies::Settings;
use shipment::{
    Checked, CreateError, Draft, Expected, Plan, ReadError, Recipient, Sender, SignedHeader, TransportKey,
    check,
};

use crate::hierarchy::{Drafted, Hierarchy, Key, NOW};

/// What the operating system gives.
pub(crate) struct Random;

impl Entropy for Random {
    fn fill(&self, octets: &mut [u8]) -> Result<(), Unavailable> {
        aws_lc_rs::rand::fill(octets).unwrap();
        Ok(())
    }
}

/// The key of a profile, which signs.
pub(crate) struct OwnSigner(pub(crate) Key);

impl Signer for OwnSigner {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        let public = self.0.public();
        if public.key_ref() == *key { Ok(public) } else { Err(SignError::KeyNotFound { key: *key }) }
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        use p256::ecdsa::signature::Signer as _;
        let curve = self.public_key(key)?.curve();
        let fixed = match &self.0 {
            Key::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Key::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
        };
        Ok(EcdsaSignature::from_fixed(curve, &fixed).unwrap())
    }

    fn check_at_hand(&self, _: &KeyRef) -> Result<(), SignError> {
        Ok(())
    }
}

/// The words of one delivery.
pub(crate) struct Ground {
    pub(crate) hierarchy: Hierarchy,
    pub(crate) suite: &'static str,
    pub(crate) manufacturer: TenantId,
    pub(crate) tenant: TenantId,
    pub(crate) signer: Certificate,
    pub(crate) above: Vec<Certificate>,
    pub(crate) recipient: Certificate,
    pub(crate) anchors: Vec<TrustAnchor>,
}

impl Ground {
    pub(crate) fn new(suite: &'static str) -> Self {
        let hierarchy = Hierarchy::new(&Settings::default());
        let of = |profile: &str| certificate(&hierarchy, &format!("{profile}-{suite}"));
        let (signer, recipient) = (of("ship-signer"), of("ship-recipient"));
        let mut above: Vec<Certificate> = hierarchy
            .path_above(&format!("ship-signer-{suite}"))
            .iter()
            .map(|der| Certificate::from_der(der).unwrap())
            .collect();
        let anchors = vec![TrustAnchor::from_certificate(&above.pop().unwrap())];
        let tenant = |name| TenantId::parse(name).unwrap();
        Self {
            suite,
            manufacturer: tenant("maker"),
            tenant: tenant("dso"),
            signer,
            above,
            recipient,
            anchors,
            hierarchy,
        }
    }

    fn curve(&self) -> Curve {
        self.signer.public_key().curve()
    }

    pub(crate) fn key(&self, profile: &str) -> Key {
        Key::of(&format!("{profile}-{}", self.suite), self.curve())
    }

    pub(crate) fn plan(&self) -> Plan {
        let key = |label: &str| TransportKey {
            label: label.to_owned(),
            recipient: [9; 32],
            wrapped: vec![0xA5; 256],
        };
        Plan {
            manufacturer: self.manufacturer.clone(),
            tenant: self.tenant.clone(),
            shipment: "2026-11-0042".to_owned(),
            order: "PO 4711".to_owned(),
            made_at: NOW,
            transport_keys: vec![key("tk-2"), key("tk-1")],
        }
    }

    pub(crate) fn expected(&self) -> Expected<'_> {
        Expected { manufacturer: &self.manufacturer, anchors: &self.anchors, organization: None, now: NOW }
    }

    /// A device with a factory certificate and a secret.
    pub(crate) fn device(&self, number: u32) -> DeliveredDevice {
        let secret = |kind| WrappedSecret {
            kind,
            wrapped_by: "tk-1".to_owned(),
            octets: number.to_be_bytes().repeat(6),
        };
        DeliveredDevice {
            certificates: vec![self.factory_certificate(title(number))],
            secrets: vec![secret(SecretKind::Kek), secret(SecretKind::Gak)],
            region: Some(Shard::parse("north").unwrap()),
            ..bare(number)
        }
    }

    fn factory_certificate(&self, title: SystemTitle) -> Vec<u8> {
        let id = format!("meter-factory-ds-{}", self.suite);
        let Drafted { profile, issuer, now, .. } = self.hierarchy.drafted(&id);
        let input = DraftInput {
            signed_by: SignedBy::Issuer(issuer.unwrap()),
            profile: &profile,
            subject: &Subject::device(title),
            public_key: &Key::of(&title.to_string(), profile.curve()).public(),
            serial: &SerialNumber::draw(now, [7; 14]).unwrap(),
            validity: profile.validity_at(now, None).unwrap(),
            shard: None,
        };
        let tbs = draft(&input).unwrap();
        self.hierarchy.signed(&Drafted { profile: profile.clone(), issuer, now, tbs })
    }

    pub(crate) fn made(&self, devices: &[DeliveredDevice]) -> Vec<u8> {
        self.try_make(devices).unwrap().1
    }

    pub(crate) fn try_make(
        &self,
        devices: &[DeliveredDevice],
    ) -> Result<(SignedHeader, Vec<u8>), CreateError> {
        let spool = Cursor::new(Vec::new());
        let mut manifest = Draft::begin(self.plan(), &self.recipient, (spool, &Random))?;
        for device in devices {
            manifest.add(device)?;
        }
        let mut octets = Vec::new();
        let signer = OwnSigner(self.key("ship-signer"));
        let sender = Sender { certificate: &self.signer, above: &self.above, signer: &signer };
        let signed = manifest.finish(&sender, &mut octets)?;
        Ok((signed, octets))
    }

    /// Runs with the recipient's key.
    pub(crate) fn as_recipient<T>(&self, run: impl FnOnce(&Recipient<'_>) -> T) -> T {
        with_key(&self.key("ship-recipient"), |key| {
            run(&Recipient { tenant: Some(&self.tenant), certificate: &self.recipient, key })
        })
    }

    pub(crate) fn check(&self, octets: &[u8]) -> Result<Checked, ReadError> {
        self.as_recipient(|recipient| check(octets, &self.expected(), recipient, &mut |_| {}))
    }

    /// Checks, and returns the reason code of the refusal.
    #[track_caller]
    pub(crate) fn refusal(&self, octets: &[u8]) -> &'static str {
        self.check(octets).expect_err("it is refused").code()
    }
}

pub(crate) fn certificate(hierarchy: &Hierarchy, id: &str) -> Certificate {
    Certificate::from_der(&hierarchy.signed(&hierarchy.drafted(id))).unwrap()
}

pub(crate) fn with_key<T>(key: &Key, run: impl FnOnce(&dyn AgreementKey) -> T) -> T {
    match key {
        Key::P256(key) => run(&p256::SecretKey::from(key.as_nonzero_scalar())),
        Key::P384(key) => run(&p384::SecretKey::from(key.as_nonzero_scalar())),
    }
}

pub(crate) fn title(number: u32) -> SystemTitle {
    let [a, b, c, d] = number.to_be_bytes();
    SystemTitle::new([b'M', b'P', b'K', 1, a, b, c, d])
}

/// A device without certificates and secrets.
pub(crate) fn bare(number: u32) -> DeliveredDevice {
    DeliveredDevice {
        title: title(number),
        serial_number: format!("SN-{number:08}"),
        model: "M1".to_owned(),
        firmware: "1.4.2".to_owned(),
        batch: format!("B{}", number / 1_000),
        region: None,
        concentrator: None,
        certificates: Vec::new(),
        secrets: Vec::new(),
    }
}

/// A day of 24 hours.
pub(crate) const DAY: i64 = 86_400;

pub(crate) fn days_later(days: i64) -> UnixTime {
    NOW.plus_seconds(days * DAY)
}
