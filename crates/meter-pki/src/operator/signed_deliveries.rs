//! What a delivery is read by: a manifest, which the server believes because its manufacturer signed it and not because somebody
//! says that he checked it; or a map, which is named by its digest.
//!
//! The records of a manifest come part by part, each part with the signed header and a proof that they stand in it (ADR 48).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::record::{DeliveredDevice, Delivery, DeliverySource};
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};
use shipment::{Expected, HeaderRefused, ProofRefused, ShareProof, SignedHeader};

use super::fleet_acts::digest;
use super::wire::deliveries::{DeliveryText, ShareText};
use crate::compose::System;
use crate::config::ShipmentTrust;
use crate::exit::{Exit, Failure};

/// What a delivery is read by, and what its audit record says of it.
pub(super) struct Basis {
    pub(super) digest: Option<[u8; 32]>,
    pub(super) words: String,
}

/// Judges what a delivery that is to be opened is read by.
pub(super) fn basis(
    system: &System,
    text: &DeliveryText,
    (owner, manufacturer, source): (&TenantId, &TenantId, DeliverySource),
) -> Result<Basis, Failure> {
    match (source, &text.header, &text.map) {
        (DeliverySource::Manifest, Some(header), None) => {
            let (octets, signed) = read_header(header)?;
            judge(system, &signed, (manufacturer, system.clock.now()))?;
            agrees(&signed, text, owner)?;
            let signer = signed.signer();
            let words = format!(
                "; header {}, signed by {}, certificate {} by {}",
                hex::encode(octets),
                signer.subject(),
                signer.serial(),
                signer.issuer()
            );
            Ok(Basis { digest: Some(octets), words })
        }
        (DeliverySource::Mapped, None, Some(map)) => {
            let map = digest("delivery.malformed", map)?;
            Ok(Basis { digest: Some(map), words: format!("; by the map {}", hex::encode(map)) })
        }
        (DeliverySource::Mapped, None, None) => Ok(Basis { digest: None, words: String::new() }),
        (DeliverySource::Manifest, _, _) => Err(unfit("a manifest comes with its signed header")),
        (DeliverySource::Mapped, Some(_), _) => Err(unfit("only a manifest has a signed header")),
    }
}

/// The devices of a share of a manifest, proven.
pub(super) fn devices(
    system: &System,
    delivery: &Delivery,
    share: &ShareText,
) -> Result<Vec<DeliveredDevice>, Failure> {
    let (octets, signed) = read_header(&share.header)?;
    if delivery.basis != Some(octets) {
        let message = "the records come with another header than the delivery was opened with";
        return Err(Failure::new(Exit::Integrity, "delivery.differs", message));
    }
    // Who was believed when the delivery was opened is believed until it is closed.
    judge(system, &signed, (&delivery.manufacturer, delivery.opened.at))?;
    let hash = |text: &String| digest("shipment.not-proof", text);
    let proof = ShareProof {
        first: share.first,
        before: share.before.iter().map(hash).collect::<Result<_, _>>()?,
        consistency: share.consistency.iter().map(hash).collect::<Result<_, _>>()?,
    };
    let record = |text: &String| STANDARD.decode(text).map_err(|_| not_base64("a record"));
    let records: Vec<Vec<u8>> = share.records.iter().map(record).collect::<Result<_, _>>()?;
    signed.verify_share(&records, &proof).map_err(|refused| unproven(&refused))
}

fn read_header(text: &str) -> Result<([u8; 32], SignedHeader), Failure> {
    let octets = STANDARD.decode(text).map_err(|_| not_base64("a header"))?;
    let digest = Sha256::digest(&octets).into();
    Ok((digest, SignedHeader::from_der(octets).map_err(|refused| not_believed(&refused))?))
}

/// Decides whether a header's signer speaks for a manufacturer, by the configuration.
fn judge(
    system: &System,
    signed: &SignedHeader,
    (manufacturer, now): (&TenantId, UnixTime),
) -> Result<(), Failure> {
    let none = ShipmentTrust::default();
    let trust = system.shipment_trust.get(manufacturer).unwrap_or(&none);
    let organization = trust.organization.as_deref();
    let expected = Expected { manufacturer, anchors: &trust.anchors, organization, now };
    signed.judge(&expected).map_err(|refused| not_believed(&refused))
}

/// What is said of a manifest beside its header must be what the header says.
fn agrees(signed: &SignedHeader, text: &DeliveryText, owner: &TenantId) -> Result<(), Failure> {
    let header = signed.header();
    if header.recipient.tenant != *owner {
        let message = format!("the manifest is for {}", header.recipient.tenant);
        return Err(Failure::new(Exit::Refused, "shipment.other-recipient", message)
            .then("compare `meter-pki shipment show` with what was agreed, and ask the manufacturer"));
    }
    if header.devices != text.announced || header.shipment != text.batch {
        let message = format!(
            "the manufacturer signed {} devices as {}, and {} as {} were announced",
            header.devices, header.shipment, text.announced, text.batch
        );
        return Err(Failure::new(Exit::Integrity, "shipment.count", message));
    }
    Ok(())
}

fn not_base64(what: &str) -> Failure {
    Failure::new(Exit::Usage, "delivery.malformed", format!("{what} is not in base64"))
}

fn unfit(message: &str) -> Failure {
    Failure::new(Exit::Usage, "delivery.form", message)
}

fn not_believed(refused: &HeaderRefused) -> Failure {
    let exit = match refused {
        HeaderRefused::OtherManufacturer { .. }
        | HeaderRefused::Path(_)
        | HeaderRefused::Usage { .. }
        | HeaderRefused::OtherOrganization { .. } => Exit::Refused,
        HeaderRefused::NotSigned
        | HeaderRefused::Certificates
        | HeaderRefused::Signature(_)
        | HeaderRefused::Content(_)
        | HeaderRefused::Otherwise
        | HeaderRefused::Superfluous => Exit::Integrity,
    };
    Failure::new(exit, refused.code(), format!("the server does not believe the manifest: {refused}")).then(
        "name the manufacturer's root in shipment_anchor_files of [[manufacturer]], if it is the right one",
    )
}

fn unproven(refused: &ProofRefused) -> Failure {
    Failure::new(Exit::Integrity, refused.code(), refused)
        .then("fetch the file again and compare its SHA-256 with what the manufacturer tells")
}
