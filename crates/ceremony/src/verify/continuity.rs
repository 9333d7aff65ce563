//! From one ceremony to the next: the file names the manifest of the ceremony before, roots keep their certificates, and the
//! CRLs of a root go on where they ended (RFC 5280 §5.2.3).

use super::crls;
use super::findings::Findings;
use super::intact::IntactBundle;
use crate::bundle::{Bundle, CEREMONY};
use crate::file::CeremonyFile;
use crate::file::root::{RootName, RootPlan};
use crate::record::{Content, CrlStatement, Record};
use crate::words::Fingerprint;

/// Holds a bundle against the one before it. What a rehearsal signed goes on from nothing.
pub(super) fn check((bundle, rehearsal): (&Bundle, bool), previous: &IntactBundle, findings: &mut Findings) {
    // What cannot be read was found before.
    let Some(file) = bundle.file(CEREMONY).and_then(|octets| CeremonyFile::parse(octets).ok()) else {
        return;
    };
    let found = previous.manifest();
    match file.previous() {
        Some(named) if named == found => {}
        Some(named) => findings.note(
            Some(CEREMONY),
            format!("it names the previous ceremony {named}, and the previous bundle is {found}"),
        ),
        None => findings.note(Some(CEREMONY), "it names no previous ceremony"),
    }
    if previous.is_rehearsal() {
        findings.note(None, "the previous bundle is that of a rehearsal");
    }
    if previous.file().held() > file.held() {
        findings.note(
            Some(CEREMONY),
            format!("the previous ceremony was held later, for {}", previous.file().held()),
        );
    }
    for root in file.roots() {
        certificate(root, previous, findings);
        if let Some(before) = previous.last_crl(&root.name) {
            if rehearsal {
                let number = before.number;
                findings.remark(format!(
                    "the CRLs of the root {} are not held against {number} of the previous ceremony: this is a rehearsal",
                    root.name
                ));
                continue;
            }
            crl(bundle, &root.name, &before, findings);
        }
    }
}

fn certificate(root: &RootPlan, previous: &IntactBundle, findings: &mut Findings) {
    let name = &root.name;
    let before = previous.root(name).map(|der| Fingerprint::of(&der));
    match (before, root.certificate) {
        (Some(before), Some(now)) if before != now => {
            let what = format!(
                "the root {name} had the certificate {before} in the previous ceremony, and has {now}"
            );
            findings.note(Some(CEREMONY), what);
        }
        (Some(_), None) => {
            findings.note(
                Some(CEREMONY),
                format!("the root {name} is founded, and the previous ceremony had one of this name"),
            );
        }
        (None, Some(_)) => findings.remark(format!("the root {name} is not in the previous bundle")),
        (Some(_), Some(_)) | (None, None) => {}
    }
}

/// The CRL from before that the ceremony took in, or else the first that it signed, follows the last of the ceremony before.
fn crl(bundle: &Bundle, root: &RootName, before: &CrlStatement, findings: &mut Findings) {
    let input = format!("inputs/{root}.crl");
    let taken_in = bundle.file(&input).and_then(|octets| crls::read(octets).ok());
    let (name, now, least) = match taken_in {
        Some(now) => (input, now, before.number),
        None => match first_signed(bundle, root) {
            Some((name, now)) => (name, now, before.number.saturating_add(1)),
            None => return,
        },
    };
    if now.number < least {
        let what =
            format!("its number {} does not follow {} of the previous ceremony", now.number, before.number);
        findings.note(Some(&name), what);
    }
    if now.number == before.number && now != *before {
        findings.note(
            Some(&name),
            "it has the number of the last CRL of the previous ceremony, and says something else",
        );
    }
    if let Some(gone) = before.entries.iter().find(|entry| !now.entries.contains(entry)) {
        let what =
            format!("{} stood on the last CRL of the previous ceremony, and not on this one", gone.serial);
        findings.note(Some(&name), what);
    }
    if least == before.number && now.number > least {
        findings.remark(format!("the root {root} signed CRLs between the previous ceremony and this one"));
    }
}

fn first_signed(bundle: &Bundle, root: &RootName) -> Option<(String, CrlStatement)> {
    let records = bundle.files().filter(|(name, _)| name.starts_with("records/"));
    let records = records.filter_map(|(_, octets)| Record::read(octets).ok());
    let statements = records.filter(|record| record.root == *root).filter_map(|record| {
        let name = record.object_name();
        match record.content {
            Content::Crl(statement) => Some((name, statement)),
            Content::Certificate(_) | Content::Response { .. } => None,
        }
    });
    statements.min_by_key(|(_, statement)| statement.number)
}
