//! A second writer of manifests, which shares only CMS and the tree with the first and writes whatever it is told: what a faulty
//! or dishonest manufacturer would sign. It is also the judge of the first: what it writes honestly is accepted.

use ca_core::audit::tree::{Peaks, leaf_hash};
use ca_core::certificate::Certificate;
use ca_core::ports::Signer;
use ca_core::record::DeliveredDevice;
use cms_messages::KeyWrap;
use cms_messages::enveloped::{KeyName, KeyRecipient, Recipient, seal, to_content_info};
use cms_messages::signed::{Draft, SignerName};
use const_oid::db::rfc5911::ID_DATA;
use der::asn1::{Any, GeneralizedTime, OctetString};
use der::{Decode, Encode, Sequence};
use sha2::{Digest, Sha256};
use shipment::{Header, Shipment};

use crate::ground::{Ground, OwnSigner, Random};

#[derive(Sequence)]
struct WireHeader {
    format: String,
    manufacturer: String,
    recipient: WireAddressee,
    shipment: String,
    order: String,
    made_at: GeneralizedTime,
    devices: u64,
    groups: Vec<WireGroup>,
    chunks: u32,
    chunk_list: OctetString,
    root: OctetString,
    transport_keys: Vec<WireKey>,
}

#[derive(Sequence)]
struct WireAddressee {
    tenant: String,
    certificate: OctetString,
}

#[derive(Sequence)]
struct WireGroup {
    model: String,
    batch: String,
    devices: u64,
}

#[derive(Sequence)]
struct WireKey {
    label: String,
    recipient: OctetString,
    wrapped: OctetString,
}

#[derive(Sequence)]
struct WireEntry {
    records: u32,
    digest: OctetString,
}

fn octets(octets: &[u8]) -> OctetString {
    OctetString::new(octets).unwrap()
}

fn header_der(header: &Header, format: &str) -> Vec<u8> {
    let seconds = u64::try_from(header.made_at.seconds()).unwrap();
    let wire = WireHeader {
        format: format.to_owned(),
        manufacturer: header.manufacturer.to_string(),
        recipient: WireAddressee {
            tenant: header.recipient.tenant.to_string(),
            certificate: octets(&header.recipient.certificate),
        },
        shipment: header.shipment.clone(),
        order: header.order.clone(),
        made_at: GeneralizedTime::from_unix_duration(core::time::Duration::from_secs(seconds)).unwrap(),
        devices: header.devices,
        groups: header
            .groups
            .iter()
            .map(|one| WireGroup { model: one.model.clone(), batch: one.batch.clone(), devices: one.devices })
            .collect(),
        chunks: header.chunks,
        chunk_list: octets(&header.chunk_list),
        root: octets(&header.root),
        transport_keys: header
            .transport_keys
            .iter()
            .map(|key| WireKey {
                label: key.label.clone(),
                recipient: octets(&key.recipient),
                wrapped: octets(&key.wrapped),
            })
            .collect(),
    };
    wire.to_der().unwrap()
}

/// Signs a header with any certificate.
pub(crate) fn sign(
    header: &Header,
    (certificate, above): (&Certificate, &[Certificate]),
    signer: &dyn Signer,
) -> Vec<u8> {
    sign_content(header_der(header, "meter-pki shipment 1"), (certificate, above), signer)
}

fn sign_content(
    content: Vec<u8>,
    (certificate, above): (&Certificate, &[Certificate]),
    signer: &dyn Signer,
) -> Vec<u8> {
    let key = certificate.public_key();
    let draft = Draft::new(key.curve(), ID_DATA, content).unwrap();
    let signature = signer.sign(&key.key_ref(), &draft.to_be_signed().unwrap()).unwrap();
    let others: Vec<&[u8]> = above.iter().map(Certificate::der).collect();
    let signed = draft.signed((certificate, SignerName::KeyIdentifier), &signature, &others).unwrap();
    signed.in_der_order().unwrap().to_content_info().unwrap()
}

/// Signs by any name.
struct AnyName(OwnSigner);

impl Signer for AnyName {
    fn public_key(
        &self,
        _: &ca_core::key_ref::KeyRef,
    ) -> Result<ca_core::public_key::PublicKey, ca_core::ports::SignError> {
        Ok(self.0.0.public())
    }

    fn sign(
        &self,
        _: &ca_core::key_ref::KeyRef,
        message: &[u8],
    ) -> Result<ca_core::signature::EcdsaSignature, ca_core::ports::SignError> {
        self.0.sign(&self.0.0.public().key_ref(), message)
    }

    fn check_at_hand(&self, _: &ca_core::key_ref::KeyRef) -> Result<(), ca_core::ports::SignError> {
        Ok(())
    }
}

/// What is about to be forged.
pub(crate) struct Forgery<'a> {
    ground: &'a Ground,
    /// The header as it should be; what binds it to the chunks is written by [`Self::written`].
    pub(crate) header: Header,
    /// The records of each chunk, DER.
    pub(crate) chunks: Vec<Vec<Vec<u8>>>,
    format: &'static str,
}

impl<'a> Forgery<'a> {
    /// Begins with an honest manifest of these devices.
    pub(crate) fn of(ground: &'a Ground, devices: &[DeliveredDevice]) -> Self {
        let made = ground.made(devices);
        let mut shipment = Shipment::open(made.as_slice()).unwrap();
        let mut chunks = Vec::new();
        while let Some(chunk) = shipment.next_chunk().unwrap() {
            let opened = ground.as_recipient(|recipient| chunk.open(recipient.key)).unwrap();
            chunks.push(opened.records.into_iter().map(|record| record.octets).collect());
        }
        Self { ground, header: shipment.header().clone(), chunks, format: "meter-pki shipment 1" }
    }

    /// Gives it another format.
    pub(crate) fn of_format(mut self, format: &'static str) -> Self {
        self.format = format;
        self
    }

    /// Writes it: the root is that of the records, and `edit` has the last word on the header.
    pub(crate) fn written(mut self, edit: impl FnOnce(&mut Header)) -> Vec<u8> {
        let (list, sealed) = self.bind();
        edit(&mut self.header);
        let signer = OwnSigner(self.ground.key("ship-signer"));
        let content = header_der(&self.header, self.format);
        let signed = sign_content(content, (&self.ground.signer, &self.ground.above), &signer);
        [signed, list, sealed].concat()
    }

    /// Writes it, signed with the key of another profile.
    pub(crate) fn signed_by(mut self, profile: &str) -> Vec<u8> {
        let (list, sealed) = self.bind();
        let signer = AnyName(OwnSigner(self.ground.key(profile)));
        let signed = sign(&self.header, (&self.ground.signer, &self.ground.above), &signer);
        [signed, list, sealed].concat()
    }

    fn bind(&mut self) -> (Vec<u8>, Vec<u8>) {
        let (mut list, mut sealed, mut tree) = (Vec::new(), Vec::new(), Peaks::EMPTY);
        for records in &self.chunks {
            let any: Vec<Any> = records.iter().map(|record| Any::from_der(record).unwrap()).collect();
            let chunk = self.seal(&any.to_der().unwrap());
            let digest = octets(&Sha256::digest(&chunk));
            list.push(WireEntry { records: u32::try_from(records.len()).unwrap(), digest });
            sealed.extend(chunk);
            for record in records {
                drop(tree.append(leaf_hash(record)));
            }
        }
        let list = list.to_der().unwrap();
        self.header.chunk_list = Sha256::digest(&list).into();
        self.header.root = tree.root();
        (list, sealed)
    }

    fn seal(&self, content: &[u8]) -> Vec<u8> {
        let name = KeyName::of(&self.ground.recipient).unwrap();
        let key = self.ground.recipient.public_key();
        let recipient = KeyRecipient { key, name: &name, wrap: KeyWrap::Aes256, ukm: None };
        to_content_info(&seal(&Recipient::Key(recipient), (ID_DATA, content), &Random).unwrap()).unwrap()
    }
}
