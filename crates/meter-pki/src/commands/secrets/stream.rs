//! Many devices, from file to file: read in pieces, worked through, kept, one piece after the other. A line is done as a whole or not at all.
//!
//! What is in memory is one piece, however long the file is. What is refused is told with its line and code, and the rest goes on.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use serde::Serialize;
use signer_pkcs11::RewrapError;
use utoipa::ToSchema;

use super::aside::{Aside, Begun, Note, refused_name};
use super::failure;
use super::input::Input;
use super::line::{LONGEST_LINE, Line, LineFault};
use crate::cli::secrets::RunArgs;
use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};

/// What became of a line.
pub(super) enum Outcome {
    /// The line to be written, and how many secrets are in it.
    Made {
        line: String,
        secrets: usize,
    },
    Refused(LineFault),
}

/// What a run is told when it ends.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecretsRun)]
pub(in crate::commands) struct RunView {
    lines: u64,
    devices: u64,
    secrets: u64,
    refused: u64,
    file: String,
    /// Absent where nothing was refused.
    refused_file: Option<String>,
    /// How many of each reason code this process refused: all, unless the run was taken up.
    reasons: BTreeMap<&'static str, u64>,
}

/// Works through a file. `work` is given the lines of a piece that can be read, and answers each; that the token fails ends the run, which the
/// same command takes up.
pub(super) fn run(
    args: &RunArgs,
    command: &str,
    printer: &Printer,
    mut work: impl FnMut(&[Line<'_>]) -> Result<Vec<Outcome>, RewrapError>,
) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new(Exit::NotFound, "secrets.input", format!("{}: {error}", args.input.display()))
    };
    let mut input = File::open(&args.input).map_err(unreadable)?;
    let mut reasons = BTreeMap::new();
    let note = match Aside::open(&args.out, command, &mut input)? {
        Begun::Done(note) => note,
        Begun::Going(mut aside) => {
            if aside.note.lines > 0 {
                printer.progress(&format!("{} lines are done, and are kept", aside.note.lines));
            }
            let mut input = Input::new(input, aside.read_before());
            loop {
                let piece = input.piece().map_err(unreadable)?;
                if piece.is_empty() {
                    break;
                }
                let (made, refused) = take(&piece, args.suite, (&mut aside.note, &mut reasons), &mut work)?;
                aside.keep(input.read_so_far(), made.as_bytes(), &refused)?;
                printer.progress(&format!("{} lines are done", aside.note.lines));
            }
            aside.finish()?
        }
    };
    tell(&args.out, &note, reasons, printer)
}

/// Works through a piece: the lines that were made, and what is told of the others.
fn take(
    piece: &[Option<Vec<u8>>],
    suite: Option<u8>,
    (note, reasons): (&mut Note, &mut BTreeMap<&'static str, u64>),
    work: &mut impl FnMut(&[Line<'_>]) -> Result<Vec<Outcome>, RewrapError>,
) -> Result<(String, Vec<u8>), Failure> {
    let mut faults: Vec<Option<LineFault>> = Vec::new();
    let mut lines = Vec::new();
    for octets in piece {
        match read(octets.as_deref(), suite) {
            Ok(line) => {
                lines.push(line);
                faults.push(None);
            }
            Err(fault) => faults.push(Some(fault)),
        }
    }
    let outcomes = work(&lines).map_err(|error| failure::interrupted(&error, note.lines))?;
    let mut outcomes = outcomes.into_iter();
    let (mut made, mut refused) = (String::new(), Vec::new());
    for fault in faults {
        note.lines += 1;
        let outcome = fault.map(Outcome::Refused).or_else(|| outcomes.next());
        match outcome.unwrap_or_else(|| Outcome::Refused(LineFault::new("line.lost", "it was not looked at")))
        {
            Outcome::Made { line, secrets } => {
                made.push_str(&line);
                made.push('\n');
                note.devices += 1;
                note.secrets += u64::try_from(secrets).unwrap_or_default();
            }
            Outcome::Refused(fault) => {
                *reasons.entry(fault.code).or_default() += 1;
                note.refused += 1;
                refused.extend(refusal(note.lines, &fault));
            }
        }
    }
    Ok((made, refused))
}

fn read(octets: Option<&[u8]>, suite: Option<u8>) -> Result<Line<'_>, LineFault> {
    let octets = octets.ok_or_else(|| {
        LineFault::new("line.too-long", format!("a line has at most {LONGEST_LINE} octets"))
    })?;
    let text =
        std::str::from_utf8(octets).map_err(|_| LineFault::new("line.unreadable", "it is not in UTF-8"))?;
    Line::read(text, suite)
}

/// The line about a line that was refused.
fn refusal(line: u64, fault: &LineFault) -> Vec<u8> {
    #[derive(Serialize)]
    struct Refusal<'a> {
        line: u64,
        #[serde(flatten)]
        fault: &'a LineFault,
    }
    let mut octets = serde_json::to_vec(&Refusal { line, fault }).unwrap_or_default();
    octets.push(b'\n');
    octets
}

/// Tells how it went. Some of many refused is exit code 3.
fn tell(
    out: &Path,
    note: &Note,
    reasons: BTreeMap<&'static str, u64>,
    printer: &Printer,
) -> Result<(), Failure> {
    let refused_file = (note.refused > 0).then(|| refused_name(out).display().to_string());
    let view = RunView {
        lines: note.lines,
        devices: note.devices,
        secrets: note.secrets,
        refused: note.refused,
        file: out.display().to_string(),
        refused_file: refused_file.clone(),
        reasons,
    };
    printer.result(&view, |view| {
        let mut lines = vec![format!(
            "{} of {} lines are in {}, with {} secrets; {} were refused",
            view.devices, view.lines, view.file, view.secrets, view.refused
        )];
        lines.extend(view.reasons.iter().map(|(code, count)| format!("  {code}: {count}")));
        lines
    });
    let Some(refused_file) = refused_file else { return Ok(()) };
    let message = format!("{} of {} lines were refused", note.refused, note.lines);
    Err(Failure::new(Exit::Partial, "secrets.refused", message)
        .then(format!("{refused_file} says of each which and why; ask who made them, and give the answer in a file of its own")))
}
