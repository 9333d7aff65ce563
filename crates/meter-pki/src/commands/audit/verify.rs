//! `meter-pki audit verify`: the whole trail of a server or of an exported directory, or what came since a kept checkpoint.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::AuditRecord;
use ca_core::audit::AuditTrail;
use ca_core::audit::proof::{ProofRefused, TreeHead, verify_consistency};
use ca_core::audit::tree::TreeHash;
use ca_core::public_key::PublicKey;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::audit::check::{LogFault, TrailCheck};
use crate::audit::export::ExportLine;
use crate::audit::head;
use crate::audit::note::{Checkpoint, public_key};
use crate::cli::ServerArgs;
use crate::cli::audit::AuditVerifyArgs;
use crate::commands::client;
use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::words;
use crate::operator::wire::{CheckpointView, ConsistencyQuery, ConsistencyView};

/// What to do when records do not agree.
pub(super) const STOP: &str = "stop issuing, keep the store and the export as they are, and call the auditor";

/// How many records are asked for at once.
const PER_REQUEST: u32 = 5_000;

/// What a check found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerifiedTrail)]
pub(in crate::commands) struct TrailView {
    records: u64,
    /// SHA-256 of the last record.
    #[schema(value_type = words::Sha256)]
    head: String,
    /// The root of the tree.
    #[schema(value_type = words::Sha256)]
    root: String,
    /// The largest size whose signed checkpoint agrees; none when nothing is signed.
    signed: Option<u64>,
}

/// What a check against a kept checkpoint found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrailSince)]
pub(in crate::commands) struct SinceView {
    origin: String,
    since: u64,
    records: u64,
}

pub(super) async fn run(
    args: &AuditVerifyArgs,
    server: &ServerArgs,
    printer: &Printer,
) -> Result<(), Failure> {
    if let Some(directory) = &args.export {
        let (trail, signed) = check_export(args, directory)?;
        show(&trail, signed, printer);
        return Ok(());
    }
    let client = client(server)?;
    match &args.since {
        Some(file) => check_since(args, file, &client, printer).await,
        None => {
            let (trail, signed) = check_server(args, &client).await?;
            show(&trail, signed, printer);
            Ok(())
        }
    }
}

fn show(trail: &AuditTrail, signed: Option<u64>, printer: &Printer) {
    let TreeHead { size, root } = head(trail.peaks());
    let view = TrailView { records: size, head: hex::encode(trail.head()), root: hex::encode(root), signed };
    printer.result(&view, |view| {
        let signed = match view.signed {
            Some(size) => format!("the checkpoint over {size} records agrees"),
            None => "no checkpoint is signed: a tail that was cut off would not be seen".to_owned(),
        };
        vec![format!("{} records, intact, head {}", view.records, view.head), signed]
    });
}

/// Goes over all records of a server and compares them with the checkpoint that it signs.
async fn check_server(
    args: &AuditVerifyArgs,
    client: &OperatorClient,
) -> Result<(AuditTrail, Option<u64>), Failure> {
    let signed = match client.get::<CheckpointView>("/v1/audit/checkpoint", &()).await {
        Ok(view) => Some(open(&view.note, &key(args, Some(&view.key))?)?.head),
        Err(failure) if failure.code == "audit.no-checkpoint" => None,
        Err(failure) => return Err(failure),
    };
    let size = signed.map(|head| head.size);
    let mut check = TrailCheck::new(signed);
    let mut after = 0_u64;
    loop {
        let records = client.audit_records(after, PER_REQUEST).await?;
        if records.is_empty() {
            return Ok((check.finish().map_err(|fault| broken(&fault))?, size));
        }
        for der in &records {
            check.next(der).map_err(|fault| broken(&fault))?;
            after = after.saturating_add(1);
        }
    }
}

/// Has a server prove that its log continues what a kept checkpoint tells of.
async fn check_since(
    args: &AuditVerifyArgs,
    file: &Path,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let view: CheckpointView = client.get("/v1/audit/checkpoint", &()).await?;
    let key = key(args, Some(&view.key))?;
    let (earlier, later) = (open(&read(file)?, &key)?, open(&view.note, &key)?);
    if earlier.origin != later.origin {
        let message =
            format!("the checkpoint is one of {}, the server keeps {}", earlier.origin, later.origin);
        return Err(Failure::new(Exit::Usage, "audit.other-log", message));
    }
    let proof = if earlier.head.size > later.head.size {
        Vec::new()
    } else {
        let query = ConsistencyQuery { earlier: earlier.head.size, later: later.head.size };
        let view: ConsistencyView = client.get("/v1/audit/consistency", &query).await?;
        hashes(&view.hashes)?
    };
    verify_consistency(&earlier.head, &later.head, &proof).map_err(|refused| {
        broken(&match refused {
            ProofRefused::Shrunk { earlier, later } => LogFault::CutOff { records: later, size: earlier }.to_string(),
            ProofRefused::OtherRoot if earlier.head.size == later.head.size => format!(
                "two different heads over the same {} audit records are signed: somebody is shown another log",
                earlier.head.size
            ),
            ProofRefused::OtherRoot | ProofRefused::WrongLength | ProofRefused::OutsideTree { .. } => format!(
                "the log does not continue the {} audit records that the checkpoint tells of: {refused}",
                earlier.head.size
            ),
        })
    })?;
    let view = SinceView { origin: later.origin, since: earlier.head.size, records: later.head.size };
    printer.result(&view, |view| {
        vec![format!("{} records continue the {} of the checkpoint", view.records, view.since)]
    });
    Ok(())
}

/// Goes over an exported directory: all records, all checkpoints, and the certificates beside their records.
fn check_export(args: &AuditVerifyArgs, directory: &Path) -> Result<(AuditTrail, Option<u64>), Failure> {
    let shown = std::fs::read_to_string(directory.join("checkpoint-key.pem")).ok();
    let notes = read(&directory.join("checkpoints"))?;
    let notes: Vec<&str> = notes.split_inclusive("\n\n").collect();
    // A note has an empty line within, and one behind it.
    let notes: Vec<String> = notes.chunks(2).map(<[&str]>::concat).collect();
    let kept = args.since.as_deref().map(read).transpose()?;
    let mut signed = Vec::new();
    for note in notes.iter().map(|note| note.trim_end_matches('\n')).chain(kept.as_deref()) {
        signed.push(open(note, &key(args, shown.as_deref())?)?.head);
    }
    if let Some(size) = two_heads(&signed) {
        let message = format!("two different heads over the same {size} audit records are signed");
        return Err(broken(&message));
    }
    let size = signed.iter().map(|head| head.size).max();
    let mut check = TrailCheck::new(signed);
    let file = directory.join("records");
    let lines = File::open(&file).map_err(|error| unreadable(&file, &error))?;
    for (number, line) in BufReader::new(lines).lines().enumerate() {
        let line = line.map_err(|error| unreadable(&file, &error))?;
        let malformed = || broken(&format!("line {} of {} is not one of ours", number + 1, file.display()));
        let line = ExportLine::parse(&line).ok_or_else(malformed)?;
        check.next(&line.der).map_err(|fault| broken(&fault))?;
        check_line(&line)?;
    }
    Ok((check.finish().map_err(|fault| broken(&fault))?, size))
}

/// The number in front is the record's, and the certificate is the one that the record tells of.
fn check_line(line: &ExportLine) -> Result<(), Failure> {
    let Ok(record) = AuditRecord::from_der(&line.der) else { return Ok(()) };
    if record.sequence != line.sequence {
        return Err(broken(&format!(
            "the line of audit record {} is numbered {}",
            record.sequence, line.sequence
        )));
    }
    let issued = record.event.act.brings_certificate();
    let told = match &line.certificate {
        Some(certificate) => issued && Sha256::digest(certificate).as_slice() == record.event.digest,
        None => !issued,
    };
    if told {
        return Ok(());
    }
    Err(broken(&format!(
        "the certificate beside audit record {} is not the one that was issued",
        line.sequence
    )))
}

fn two_heads(heads: &[TreeHead]) -> Option<u64> {
    let mut sorted = heads.to_vec();
    sorted.sort_by_key(|head| (head.size, head.root));
    sorted.dedup();
    sorted.windows(2).find_map(|pair| match pair {
        [one, other] if one.size == other.size => Some(one.size),
        _ => None,
    })
}

fn open(note: &str, key: &PublicKey) -> Result<Checkpoint, Failure> {
    let note = if note.ends_with('\n') { note.to_owned() } else { format!("{note}\n") };
    Checkpoint::open(&note, key).map_err(|error| {
        Failure::new(Exit::Integrity, "audit.checkpoint", error)
            .then("take the public key from where you trust it, with --key; if it is the right one, call the auditor")
    })
}

fn key(args: &AuditVerifyArgs, shown: Option<&str>) -> Result<PublicKey, Failure> {
    let pem = match (&args.key, shown) {
        (Some(file), _) => read(file)?,
        (None, Some(shown)) => shown.to_owned(),
        (None, None) => {
            let message = "there is no public key to verify checkpoints with";
            return Err(Failure::new(Exit::Usage, "audit.key", message).then("name one with --key"));
        }
    };
    public_key(&pem).map_err(|error| Failure::new(Exit::Usage, "audit.key", error))
}

fn hashes(texts: &[String]) -> Result<Vec<TreeHash>, Failure> {
    let hash = |text: &String| STANDARD.decode(text).ok()?.try_into().ok();
    let malformed =
        || Failure::new(Exit::Failed, "operator.malformed", "a hash of the proof has another length");
    texts.iter().map(hash).collect::<Option<_>>().ok_or_else(malformed)
}

fn broken(fault: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Integrity, "audit.broken", fault).then(STOP)
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Usage, "file.unreadable", format!("{}: {error}", file.display()))
}
