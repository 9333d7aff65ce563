//! `meter-pki shipment`: manifests of delivered devices, made by a manufacturer and taken in by a distribution system operator.
//!
//! All but `import` ask nobody: files in, files out.

mod aside;
pub(super) mod create;
pub(super) mod import;
mod input;
mod recipient;
pub(super) mod views;
mod table;

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::Path;

use ca_core::certificate::Certificate;
use ca_core::path::TrustAnchor;
use ca_core::ports::Clock as _;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use shipment::{DeviceProof, Expected, ExtractError, ProofRefused, ReadError, Shipment, check, extract};

use self::aside::Aside;
use self::recipient::OwnRecipient;
use self::views::{CheckedView, HeaderView, RecordView};
use super::credential::file::read;
use super::credential::roots;
use super::printer::Printer;
use crate::cli::ServerArgs;
use crate::cli::shipment::{CreateArgs, ExtractArgs, ImportArgs, RecipientArgs, ShipmentCommand, SignerArgs};
use crate::compose::SystemClock;
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::deliveries::TotalsView;
use crate::quickstart::Outcome;
use crate::time_text;

/// As `shipment create`, for a caller who shows nothing of it.
///
/// # Errors
/// [`Failure`]; no manifest was made.
pub(super) fn make_manifest(args: &CreateArgs) -> Result<(), Failure> {
    create::make(args).map(drop)
}

/// As `shipment import`, for a caller who shows what it came to in his own words.
///
/// # Errors
/// [`Failure`]; devices that were refused are counted, and make it none.
pub(super) fn take_in_manifest<'a>(
    args: &'a ImportArgs,
    client: &'a OperatorClient,
) -> Outcome<'a, TotalsView> {
    Box::pin(async move { Ok(import::take_in(args, client, &Printer::new(true)).await?.totals) })
}

pub(super) async fn run(
    verb: &ShipmentCommand,
    server: &ServerArgs,
    printer: &Printer,
) -> Result<(), Failure> {
    match verb {
        ShipmentCommand::Create(args) => create::create(args, printer),
        ShipmentCommand::Show { file } => show(file, printer),
        ShipmentCommand::Check { file, signer, recipient } => check_file(file, signer, recipient, printer),
        ShipmentCommand::Extract(args) => extract_record(args, printer),
        ShipmentCommand::VerifyRecord { file, signer } => verify_record(file, signer, printer),
        ShipmentCommand::Import(args) => import::import(args, &super::client(server)?, printer).await,
    }
}

fn show(file: &Path, printer: &Printer) -> Result<(), Failure> {
    let shipment = Shipment::open(open(file)?).map_err(|error| refused(&error))?;
    printer.result(&HeaderView::of(shipment.signed()), HeaderView::lines);
    Ok(())
}

fn check_file(
    file: &Path,
    signer: &SignerArgs,
    recipient: &RecipientArgs,
    printer: &Printer,
) -> Result<(), Failure> {
    let (signer, recipient) = (ExpectedSigner::read(signer)?, OwnRecipient::read(recipient)?);
    let checked = check(open(file)?, &signer.expected(), &recipient.recipient(None), &mut |_| {});
    printer
        .result(&CheckedView::of(&checked.map_err(|error| recipient.refused(&error))?), CheckedView::lines);
    Ok(())
}

fn extract_record(args: &ExtractArgs, printer: &Printer) -> Result<(), Failure> {
    let title = SystemTitle::parse(&args.system_title)
        .map_err(|error| Failure::new(Exit::Usage, "shipment.title", error))?;
    let (signer, recipient) = (ExpectedSigner::read(&args.signer)?, OwnRecipient::read(&args.recipient)?);
    let by = (&signer.expected(), &recipient.recipient(None));
    let proof = extract(open(&args.file)?, title, by).map_err(|error| match error {
        ExtractError::Read(error) => recipient.refused(&error),
        ExtractError::NotThere { .. } => Failure::new(Exit::NotFound, error.code(), error),
        ExtractError::NoPath => Failure::new(Exit::Failed, error.code(), error),
    })?;
    let octets = proof.to_der().map_err(|error| Failure::new(Exit::Failed, "shipment.proof", error))?;
    let out = Aside::create(&args.out, "new")?;
    let written = out.file().write_all(&octets);
    written.map_err(|error| Failure::new(Exit::Conflict, "file.unwritable", error))?;
    out.name(&args.out)?;
    // What was written is what is shown.
    let device = proof.verify(&signer.expected()).map_err(|error| unproven(&error))?;
    printer.result(&RecordView::of(&proof, &device), RecordView::lines);
    Ok(())
}

fn verify_record(file: &Path, signer: &SignerArgs, printer: &Printer) -> Result<(), Failure> {
    let signer = ExpectedSigner::read(signer)?;
    let proof = DeviceProof::from_der(&read(file)?).map_err(|error| unproven(&error))?;
    let device = proof.verify(&signer.expected()).map_err(|error| unproven(&error))?;
    printer.result(&RecordView::of(&proof, &device), RecordView::lines);
    Ok(())
}

fn open(file: &Path) -> Result<BufReader<File>, Failure> {
    let unreadable = |error| {
        let message = format!("cannot read {}: {error}", file.display());
        Failure::new(Exit::Usage, "file.unreadable", message)
    };
    File::open(file).map(BufReader::new).map_err(unreadable)
}

/// Whose a manifest should be, read.
struct ExpectedSigner {
    manufacturer: TenantId,
    anchors: Vec<TrustAnchor>,
    organization: Option<String>,
    now: UnixTime,
}

impl ExpectedSigner {
    fn read(args: &SignerArgs) -> Result<Self, Failure> {
        let anchor = |der: Vec<u8>| {
            Certificate::from_der(&der)
                .map(|certificate| TrustAnchor::from_certificate(&certificate))
                .map_err(|error| Failure::new(Exit::Usage, "trust.faulty", error))
        };
        let now = match &args.at {
            Some(text) => {
                time_text::parse(text).map_err(|error| Failure::new(Exit::Usage, "shipment.time", error))?
            }
            None => SystemClock.now(),
        };
        Ok(Self {
            manufacturer: tenant(&args.manufacturer)?,
            anchors: roots(&args.anchor)?.into_iter().map(anchor).collect::<Result<_, _>>()?,
            organization: args.organization.clone(),
            now,
        })
    }

    fn expected(&self) -> Expected<'_> {
        Expected {
            manufacturer: &self.manufacturer,
            anchors: &self.anchors,
            organization: self.organization.as_deref(),
            now: self.now,
        }
    }
}

fn tenant(text: &str) -> Result<TenantId, Failure> {
    TenantId::parse(text)
        .map_err(|error| Failure::new(Exit::Usage, "shipment.tenant", format!("{text}: {error}")))
}

/// A manifest that is not taken.
fn refused(error: &ReadError) -> Failure {
    let code = error.code();
    let exit = exit_of(code);
    let next = if exit == Exit::Refused {
        "compare `meter-pki shipment show` with what was agreed, and ask the manufacturer"
    } else {
        "fetch the file again and compare its SHA-256 with what the manufacturer tells; take nothing of it"
    };
    Failure::new(exit, code, error).then(next)
}

fn unproven(error: &ProofRefused) -> Failure {
    let code = error.code();
    Failure::new(exit_of(code), code, error).then("have the record extracted again from its manifest")
}

fn exit_of(code: &str) -> Exit {
    match code {
        "shipment.unreadable" => Exit::Usage,
        "shipment.other-manufacturer"
        | "shipment.other-recipient"
        | "shipment.not-opened"
        | "shipment.format"
        | "shipment.signer-path"
        | "shipment.signer-expired"
        | "shipment.signer-usage" => Exit::Refused,
        _ => Exit::Integrity,
    }
}
