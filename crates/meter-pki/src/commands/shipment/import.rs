//! `meter-pki shipment import`: a manifest is checked as a whole, then given to the serving program part by part.
//!
//! A part is a chunk. The server says which part it wants next, so that an import that was cut short goes on where it was; one
//! that was finished is refused by it.

use std::fs::File;
use std::io::{self, BufReader, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use shipment::{Checked, ReadError, SealedChunk, ShareProofs, Shipment, check_with_proofs};
use utoipa::ToSchema;

use super::recipient::OwnRecipient;
use super::{ExpectedSigner, open, tenant};
use crate::cli::shipment::ImportArgs;
use crate::commands::imported;
use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::deliveries::{
    DeliveryCloseText, DeliveryPartText, DeliveryPartView, DeliveryText, DeliveryView, ShareText, TotalsView,
};
use crate::operator::wire::fleet::RefusedDeviceView;
use crate::operator::wire::words;

/// How many refused devices are told one by one.
const TOLD: usize = 1_000;

/// After how many chunks people are told how far it is.
const TOLD_CHUNKS: u32 = 20;

/// What came of an import.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = ImportedShipment)]
pub(in crate::commands) struct ImportedView {
    shipment: String,
    #[schema(value_type = words::Sha256)]
    digest: String,
    #[serde(flatten)]
    pub(super) totals: TotalsView,
    /// The part from which this run went on; 0 for a whole import.
    from_part: u32,
    /// Refused in this run, the first thousand.
    refusals: Vec<RefusedDeviceView>,
}

pub(super) async fn import(
    args: &ImportArgs,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    told(&take_in(args, client, printer).await?, printer)
}

/// Checks a manifest as a whole and gives it to the serving program; returns what it came to.
pub(super) async fn take_in(
    args: &ImportArgs,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<ImportedView, Failure> {
    let (signer, own) = (ExpectedSigner::read(&args.signer)?, OwnRecipient::read(&args.recipient)?);
    let tenant = tenant(&args.tenant)?;
    let recipient = own.recipient(Some(&tenant));
    let mut file = Hashed::new(open(&args.file)?);
    let checked = check_with_proofs(&mut file, &signer.expected(), &recipient);
    let (checked, proofs) = checked.map_err(|error| own.refused(&error))?;
    let digest = hex::encode(file.digest());
    let header = checked.signed.header();
    let text = DeliveryText {
        tenant: tenant.to_string(),
        manufacturer: header.manufacturer.to_string(),
        source: "manifest".to_owned(),
        digest: digest.clone(),
        batch: header.shipment.clone(),
        announced: header.devices,
        header: Some(STANDARD.encode(checked.signed.octets())),
        map: None,
    };
    let stands: DeliveryView = client.post("/v1/deliveries", &text).await?;
    if stands.closed {
        let message = format!("{} was imported before", header.shipment);
        return Err(Failure::new(Exit::Conflict, "delivery.repeated", message));
    }
    let mut refusals = Vec::new();
    let mut chunks = Again::open(open(&args.file)?, &checked)?;
    while let Some(chunk) = chunks.next()? {
        // Parts are counted from 0, chunks from 1.
        if chunk.number() <= stands.next_part {
            continue;
        }
        let part = part(&chunk, &own, (&checked, &proofs))?;
        let view: DeliveryPartView = client.post(&format!("/v1/deliveries/{digest}/parts"), &part).await?;
        refusals.extend(view.refused);
        refusals.truncate(TOLD);
        if chunk.number() % TOLD_CHUNKS == 0 {
            printer.progress(&format!("{} of {} chunks are taken in", chunk.number(), header.chunks));
        }
    }
    let close = DeliveryCloseText { accept_count: args.accept_count };
    let closed: DeliveryView = client.post(&format!("/v1/deliveries/{digest}/close"), &close).await?;
    let totals = TotalsView::from(&closed);
    let from_part = stands.next_part;
    Ok(ImportedView { shipment: header.shipment.clone(), digest, totals, from_part, refusals })
}

/// Prints what came of it; devices that were refused make it a failure.
fn told(view: &ImportedView, printer: &Printer) -> Result<(), Failure> {
    printer.result(view, |view| imported::lines(&view.shipment, view.totals, &view.refusals));
    if view.totals.refused == 0 {
        return Ok(());
    }
    let message = format!("{} devices of {} were refused", view.totals.refused, view.shipment);
    Err(Failure::new(Exit::Partial, "device.refused", message)
        .then("ask the manufacturer for a manifest with these devices alone, once they are mended"))
}

/// Opens a chunk and puts its proof beside it: the server takes nobody's word for what the manufacturer signed.
fn part(
    chunk: &SealedChunk,
    own: &OwnRecipient,
    (checked, proofs): (&Checked, &ShareProofs),
) -> Result<DeliveryPartText, Failure> {
    let opened = chunk.open(own).map_err(|error| own.refused(&error))?;
    let proof = proofs.of_chunk(opened.number).ok_or_else(|| changed(&"it has other chunks now"))?;
    let share = ShareText {
        header: STANDARD.encode(checked.signed.octets()),
        records: opened.records.iter().map(|record| STANDARD.encode(&record.octets)).collect(),
        first: proof.first,
        before: proof.before.iter().map(hex::encode).collect(),
        consistency: proof.consistency.iter().map(hex::encode).collect(),
    };
    Ok(DeliveryPartText { part: opened.number.saturating_sub(1), devices: Vec::new(), share: Some(share) })
}

/// The chunks of a manifest that was checked, read once more.
struct Again {
    shipment: Shipment<BufReader<File>>,
}

impl Again {
    fn open(file: BufReader<File>, checked: &Checked) -> Result<Self, Failure> {
        let shipment = Shipment::open(file).map_err(|error| changed(&error))?;
        if *shipment.signed() != checked.signed {
            return Err(changed(&"it has another header now"));
        }
        Ok(Self { shipment })
    }

    fn next(&mut self) -> Result<Option<SealedChunk>, Failure> {
        self.shipment.next_chunk().map_err(|error: ReadError| changed(&error))
    }
}

/// The header names every chunk by its digest: what is read the second time is what was checked the first time.
fn changed(error: &dyn std::fmt::Display) -> Failure {
    let message = format!("the manifest was changed while it was read: {error}");
    Failure::new(Exit::Integrity, "shipment.changed", message)
        .then("find out who writes to the file; then run the same command again, which goes on where it was")
}

/// A file and the digest of what was read of it.
struct Hashed {
    from: BufReader<File>,
    hash: Sha256,
}

impl Hashed {
    fn new(from: BufReader<File>) -> Self {
        Self { from, hash: Sha256::new() }
    }

    fn digest(self) -> [u8; 32] {
        self.hash.finalize().into()
    }
}

impl Read for Hashed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        self.hash.update(into.get(..count).unwrap_or_default());
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
