//! `meter-pki shipment create`

use std::io::BufWriter;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::certificate::Certificate;
use ca_core::ports::Clock as _;
use shipment::{CreateError, Draft, Plan, Sender, TransportKey};
use signer_file::SystemEntropy;

use super::aside::Aside;
use super::input::DeviceFile;
use super::table::TransportKeyText;
use super::tenant;
use super::views::HeaderView;
use crate::cli::shipment::CreateArgs;
use crate::commands::credential::file::{CredentialFile, certificates, read};
use crate::commands::credential::keys::{KeyPlace, OwnKey};
use crate::commands::printer::Printer;
use crate::compose::SystemClock;
use crate::exit::{Exit, Failure};

pub(super) fn create(args: &CreateArgs, printer: &Printer) -> Result<(), Failure> {
    printer.result(&make(args)?, HeaderView::lines);
    Ok(())
}

/// Makes a manifest and returns what its header says.
pub(in crate::commands) fn make(args: &CreateArgs) -> Result<HeaderView, Failure> {
    if args.out.symlink_metadata().is_ok() {
        let message = format!("{} exists, and a manifest is written over nothing", args.out.display());
        return Err(Failure::new(Exit::Conflict, "file.exists", message).then("name another file"));
    }
    let credential = CredentialFile::read(&args.signer)?;
    let above = above(&credential)?;
    let key = credential.certificate.public_key().key_ref();
    let OwnKey { signer, .. } = KeyPlace::open(args.token.as_deref())?.find(key, credential.key)?;
    let recipient = recipient(&args.recipient)?;
    let devices = DeviceFile::open(&args.devices)?;
    let (out, spool) = (Aside::create(&args.out, "new")?, Aside::create(&args.out, "spool")?);
    let mut draft = Draft::begin(plan(args)?, &recipient, (spool.file(), &SystemEntropy))
        .map_err(|error| not_made(&error))?;
    devices.each(|device| draft.add(device).map_err(|error| not_made(&error)))?;
    let sender = Sender { certificate: &credential.certificate, above: &above, signer: &*signer };
    let signed = draft.finish(&sender, &mut BufWriter::new(out.file())).map_err(|error| not_made(&error))?;
    out.name(&args.out)?;
    Ok(HeaderView::of(&signed))
}

/// The certificates above the signer's, without the root, which the recipient has.
fn above(credential: &CredentialFile) -> Result<Vec<Certificate>, Failure> {
    let read = |der: &Vec<u8>| {
        Certificate::from_der(der).map_err(|error| Failure::new(Exit::Usage, "credential.faulty", error))
    };
    let all: Vec<Certificate> = credential.certificates.iter().skip(1).map(read).collect::<Result<_, _>>()?;
    Ok(all.into_iter().filter(|one| one.subject() != one.issuer()).collect())
}

fn recipient(file: &Path) -> Result<Certificate, Failure> {
    let faulty = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "shipment.recipient", format!("{}: {error}", file.display()))
    };
    let all = certificates(&read(file)?).map_err(|error| faulty(&error))?;
    let first = all.first().ok_or_else(|| faulty(&"there is no certificate in it"))?;
    Certificate::from_der(first).map_err(|error| faulty(&error))
}

fn plan(args: &CreateArgs) -> Result<Plan, Failure> {
    Ok(Plan {
        manufacturer: tenant(&args.manufacturer)?,
        tenant: tenant(&args.tenant)?,
        shipment: args.shipment.clone(),
        order: args.order.clone(),
        made_at: SystemClock.now(),
        transport_keys: args.transport_keys.as_deref().map(transport_keys).transpose()?.unwrap_or_default(),
    })
}

fn transport_keys(file: &Path) -> Result<Vec<TransportKey>, Failure> {
    let faulty = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "shipment.transport-keys", format!("{}: {error}", file.display()))
    };
    let texts: Vec<TransportKeyText> =
        serde_json::from_slice(&read(file)?).map_err(|error| faulty(&error))?;
    let key = |text: TransportKeyText| {
        let recipient = hex::decode(&text.recipient).ok().and_then(|octets| octets.try_into().ok());
        let recipient =
            recipient.ok_or_else(|| faulty(&format!("the recipient of {} is no SHA-256", text.label)))?;
        let wrapped = STANDARD
            .decode(&text.wrapped)
            .map_err(|_| faulty(&format!("the key {} is not in base64", text.label)))?;
        Ok(TransportKey { label: text.label, recipient, wrapped })
    };
    texts.into_iter().map(key).collect()
}

fn not_made(error: &CreateError) -> Failure {
    let (exit, next) = match error {
        CreateError::Recipient { .. } => {
            (Exit::Refused, "ask the operator for its certificate for manifests")
        }
        CreateError::Signer { .. } => (Exit::Refused, "have one issued by the profile ship-signer"),
        CreateError::Expired { .. } => {
            (Exit::Refused, "have it renewed, or ask for the one that followed it")
        }
        CreateError::Record { .. }
        | CreateError::RepeatedTitle { .. }
        | CreateError::Order { .. }
        | CreateError::Empty
        | CreateError::Groups
        | CreateError::Chunks
        | CreateError::TooLong { .. } => (Exit::Usage, "mend the file of devices; no manifest was made"),
        CreateError::Header(_) => (Exit::Failed, "no manifest was made; look at the signer and its key"),
        CreateError::Seal(_)
        | CreateError::Randomness(_)
        | CreateError::Encoding(_)
        | CreateError::Unwritable(_) => (Exit::Failed, "no manifest was made; look at the disk"),
    };
    Failure::new(exit, error.code(), error).then(next)
}
