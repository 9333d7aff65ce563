//! What is shown of a manifest and of a record.

use ca_core::record::DeliveredDevice;
use ceremony::words::Fingerprint;
use serde::Serialize;
use shipment::{Checked, DeviceProof, SignedHeader};
use utoipa::ToSchema;

use crate::commands::printer::{heading, table};
use crate::operator::wire::deliveries::DeliveredDeviceText;
use crate::operator::wire::words::{Sha256, TimeText};

/// The header of a manifest.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShipmentHeader)]
pub(in crate::commands) struct HeaderView {
    shipment: String,
    order: String,
    manufacturer: String,
    tenant: String,
    /// SHA-256 of the certificate that it is sealed for.
    #[schema(value_type = Sha256)]
    recipient: String,
    #[schema(value_type = TimeText)]
    made_at: String,
    devices: u64,
    groups: Vec<GroupView>,
    chunks: u32,
    /// The root of the tree over the records.
    #[schema(value_type = Sha256)]
    root: String,
    transport_keys: Vec<TransportKeyView>,
    signer: String,
    /// SHA-256 of its certificate.
    #[schema(value_type = Sha256)]
    signer_sha256: String,
}

/// Devices of one model and one batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShipmentGroup)]
pub(in crate::commands) struct GroupView {
    model: String,
    batch: String,
    devices: u64,
}

/// A key with which secrets of the manifest are wrapped.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShipmentTransportKey)]
pub(in crate::commands) struct TransportKeyView {
    label: String,
    /// SHA-256 of the recipient's RSA key.
    #[schema(value_type = Sha256)]
    recipient: String,
}

impl HeaderView {
    pub(super) fn of(signed: &SignedHeader) -> Self {
        let header = signed.header();
        let groups = header.groups.iter().map(|group| GroupView {
            model: group.model.clone(),
            batch: group.batch.clone(),
            devices: group.devices,
        });
        let keys = header
            .transport_keys
            .iter()
            .map(|key| TransportKeyView { label: key.label.clone(), recipient: hex::encode(key.recipient) });
        Self {
            shipment: header.shipment.clone(),
            order: header.order.clone(),
            manufacturer: header.manufacturer.to_string(),
            tenant: header.recipient.tenant.to_string(),
            recipient: hex::encode(header.recipient.certificate),
            made_at: header.made_at.to_string(),
            devices: header.devices,
            groups: groups.collect(),
            chunks: header.chunks,
            root: hex::encode(header.root),
            transport_keys: keys.collect(),
            signer: signed.signer().subject().to_string(),
            signer_sha256: Fingerprint::of(signed.signer().der()).to_string(),
        }
    }

    pub(in crate::commands) fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("shipment:      {}", self.shipment),
            format!("order:         {}", self.order),
            format!("manufacturer:  {}", self.manufacturer),
            format!("for:           {}, certificate {}", self.tenant, self.recipient),
            format!("made at:       {}", self.made_at),
            format!("devices:       {} in {} chunks", self.devices, self.chunks),
            format!("root:          {}", self.root),
            format!("signed by:     {}, certificate {}", self.signer, self.signer_sha256),
        ];
        let keys = self.transport_keys.iter();
        lines.extend(
            keys.map(|key| format!("transport key: {}, for the RSA key {}", key.label, key.recipient)),
        );
        let mut rows = vec![heading(&["MODEL", "BATCH", "DEVICES"])];
        rows.extend(
            self.groups.iter().map(|one| vec![one.model.clone(), one.batch.clone(), one.devices.to_string()]),
        );
        lines.extend(table(&rows));
        lines
    }
}

/// A manifest that is in order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckedShipment)]
pub(in crate::commands) struct CheckedView {
    #[serde(flatten)]
    header: HeaderView,
    certificates: u64,
    secrets: u64,
}

impl CheckedView {
    pub(super) fn of(checked: &Checked) -> Self {
        let Checked { signed, certificates, secrets } = checked;
        Self { header: HeaderView::of(signed), certificates: *certificates, secrets: *secrets }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        vec![format!(
            "{} of {} is in order: {} devices in {} chunks, {} certificates, {} secrets, signed by {}",
            self.header.shipment,
            self.header.manufacturer,
            self.header.devices,
            self.header.chunks,
            self.certificates,
            self.secrets,
            self.header.signer
        )]
    }
}

/// A record that was proven alone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShipmentRecord)]
pub(in crate::commands) struct RecordView {
    shipment: String,
    manufacturer: String,
    tenant: String,
    #[schema(value_type = TimeText)]
    made_at: String,
    /// Its place in the manifest, from 1.
    record: u64,
    devices: u64,
    device: DeliveredDeviceText,
}

impl RecordView {
    pub(super) fn of(proof: &DeviceProof, device: &DeliveredDevice) -> Self {
        let header = proof.header().header();
        Self {
            shipment: header.shipment.clone(),
            manufacturer: header.manufacturer.to_string(),
            tenant: header.recipient.tenant.to_string(),
            made_at: header.made_at.to_string(),
            record: proof.index().saturating_add(1),
            devices: header.devices,
            device: device.into(),
        }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        vec![
            format!(
                "{} delivered {} to {} with {}, made at {}: record {} of {}",
                self.manufacturer,
                self.device.system_title,
                self.tenant,
                self.shipment,
                self.made_at,
                self.record,
                self.devices
            ),
            format!(
                "serial number {:?}, model {:?}, firmware {:?}, batch {:?}, {} certificates, {} secrets",
                self.device.serial_number,
                self.device.model,
                self.device.firmware,
                self.device.batch,
                self.device.certificates.len(),
                self.device.secrets.len()
            ),
        ]
    }
}
