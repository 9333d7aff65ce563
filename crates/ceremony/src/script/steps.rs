//! What a script says, in which order: people, materials, opening, every act, closing.

use super::text::{Block, Step};
use crate::file::CeremonyFile;
use crate::file::act::{Act, ActKind, CrlPeriod, InputFile, Succession};
use crate::file::root::{KeyPlace, RootPlan};
use crate::people::{Person, Role};
use crate::words::Fingerprint;

/// Numbers the steps.
struct Steps {
    blocks: Vec<Block>,
    last: u32,
}

impl Steps {
    fn heading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading(text.into()));
    }

    fn step(&mut self, what: impl Into<String>, details: Vec<(&'static str, String)>) {
        self.last = self.last.saturating_add(1);
        self.blocks.push(Block::Step(Step { number: self.last, what: what.into(), details }));
    }
}

/// Returns the blocks of a script.
pub(super) fn of(file: &CeremonyFile) -> Vec<Block> {
    let mut steps = Steps { blocks: Vec::new(), last: 0 };
    steps.blocks.push(Block::Paragraph(format!(
        "Held for {}. Every time in what is signed comes from the ceremony file, none from a clock.",
        file.held()
    )));
    steps.blocks.push(Block::Table(&["The ceremony file", ""], identity(file)));
    people(file, &mut steps);
    materials(file, &mut steps);
    opening(file, &mut steps);
    file.acts().iter().for_each(|act| perform(file, act, &mut steps));
    closing(file, &mut steps);
    steps.blocks
}

fn identity(file: &CeremonyFile) -> Vec<Vec<String>> {
    let mut rows =
        vec![row("SHA-256", file.fingerprint().grouped()), row("in words", aloud(file.fingerprint()))];
    if let Some(previous) = file.previous() {
        rows.push(row("manifest of the previous ceremony", previous.grouped()));
    }
    if let Some(quorum) = file.quorum() {
        rows.push(row("quorum", format!("{} of {} share-holders", quorum.threshold, quorum.holders)));
    }
    rows
}

fn row(name: &str, value: String) -> Vec<String> {
    vec![name.to_owned(), value]
}

/// The words of a fingerprint, in groups of four.
fn aloud(fingerprint: &Fingerprint) -> String {
    fingerprint.words().chunks(4).map(|group| group.join(" ")).collect::<Vec<_>>().join(", ")
}

fn people(file: &CeremonyFile, steps: &mut Steps) {
    steps.heading("People");
    let row = |person: &Person| {
        let key = person.fingerprint().grouped();
        vec![person.name.clone(), person.role.to_string(), key, String::new()]
    };
    let rows = file.people().iter().map(row).collect();
    steps.blocks.push(Block::Table(&["Name", "Role", "SHA-256 of the key", "Signature"], rows));
}

fn materials(file: &CeremonyFile, steps: &mut Steps) {
    steps.heading("Materials");
    steps.step("The machine without disk and network, and the medium with the program.", Vec::new());
    steps.step("A medium with the ceremony file and its inputs.", inputs(file.acts()));
    if let Some(previous) = file.previous() {
        let details = vec![("manifest", previous.grouped())];
        steps.step("The bundle of the previous ceremony.", details);
    }
    steps.step(
        "The bundle of the last rehearsal of this very file. If there is none: write down who decided to go on, and why.",
        vec![("manifest or reason", "________________________________________".to_owned())],
    );
    steps.step("The signing keys of operator and witnesses, each on their own medium.", Vec::new());
    if file.quorum().is_some() {
        steps.step("The shares, each with its holder.", Vec::new());
    }
    for root in file.roots() {
        if let KeyPlace::Token(token) = &root.keys {
            let details = vec![("label", token.label.clone()), ("serial number", token.serial.clone())];
            steps.step(format!("The token of the root {}.", root.name), details);
        }
    }
    steps.step("Two empty media for what leaves, a printer, pens, this script for everybody.", Vec::new());
}

fn inputs(acts: &[Act]) -> Vec<(&'static str, String)> {
    let all = acts.iter().flat_map(|act| act.kind.inputs());
    all.map(|input| ("input", format!("{}, SHA-256 {}", input.name, input.sha256.grouped()))).collect()
}

fn opening(file: &CeremonyFile, steps: &mut Steps) {
    steps.heading("Opening");
    let names =
        |role| file.people().with(role).map(|person| person.name.clone()).collect::<Vec<_>>().join(", ");
    steps.step(
        "Everybody says name and role, and shows a document.",
        vec![("witnesses", names(Role::Witness))],
    );
    steps.step(
        format!("{} starts the program on the machine.", names(Role::Operator)),
        vec![("type", command(file))],
    );
    steps.step(
        "The operator reads the words on the screen aloud; everybody compares them with this page.",
        vec![("expected", aloud(file.fingerprint()))],
    );
    steps.step("The program finds no network interface up.", Vec::new());
    steps.step(
        "Everybody looks at a clock of their own; the operator states the time.",
        vec![("the ceremony speaks for", file.held().to_string())],
    );
}

fn command(file: &CeremonyFile) -> String {
    let previous = file.previous().map_or("", |_| " --previous BUNDLE");
    format!("offline-root ceremony run ceremony.toml --dir ROOM --rehearsed BUNDLE{previous}")
}

fn perform(file: &CeremonyFile, act: &Act, steps: &mut Steps) {
    steps.heading(format!("Act {}: {}", act.number, title(&act.kind)));
    let details = details(file, &act.kind);
    steps.step(
        "The operator reads aloud what the program shows; witnesses compare it with this page.",
        details,
    );
    for input in act.kind.inputs() {
        steps.step(format!("The words of {} are compared.", input.name), compared(input));
    }
    let plans = act.kind.roots().into_iter().filter_map(|name| file.root(name));
    for root in plans.filter(|_| !matches!(act.kind, ActKind::Revoke(_) | ActKind::CloseSubCa(_))) {
        unlock(file, root, steps);
    }
    steps.step("Operator and witness confirm; the program signs, verifies, and lints again.", Vec::new());
    steps.step(
        "The witness writes down the last four words that the program shows.",
        vec![("words", "________________________________________".to_owned())],
    );
}

fn compared(input: &InputFile) -> Vec<(&'static str, String)> {
    vec![("SHA-256", input.sha256.grouped()), ("expected", aloud(&input.sha256))]
}

fn unlock(file: &CeremonyFile, root: &RootPlan, steps: &mut Steps) {
    let quorum = file.quorum().map(|quorum| quorum.threshold.to_string()).unwrap_or_default();
    let what = match &root.keys {
        KeyPlace::File => format!("The passphrase of the root {} is typed unseen.", root.name),
        KeyPlace::Shared => {
            format!("{quorum} share-holders type their shares for the root {}, unseen.", root.name)
        }
        KeyPlace::Token(token) => format!(
            "{quorum} share-holders come forward. The token {}, serial number {}, is put in; the program shows how many \
             tries the PIN has left; the PIN is typed unseen.",
            token.label, token.serial
        ),
    };
    steps.step(what, Vec::new());
}

fn title(kind: &ActKind) -> String {
    match kind {
        ActKind::FoundRoot(act) => format!("the root {} is founded", act.root),
        ActKind::SignSubCa(act) => match act.succession {
            Succession::First => format!("the root {} signs a sub-CA", act.root),
            Succession::Renews(_) => format!("the root {} renews a sub-CA", act.root),
            Succession::Rekeys(_) => format!("the root {} certifies a new key of a sub-CA", act.root),
        },
        ActKind::CrossCertificate(act) => format!("the root {} certifies a CA of others", act.root),
        ActKind::LinkCertificates(act) => format!("the roots {} and {} are linked", act.old, act.new),
        ActKind::Crl(act) => format!("the root {} signs a CRL", act.root),
        ActKind::CrlSeries(act) => format!("the root {} signs {} CRLs", act.root, act.periods.len()),
        ActKind::Revoke(act) => format!("the root {} revokes a sub-CA", act.root),
        ActKind::CloseSubCa(act) => format!("a sub-CA of the root {} is closed", act.root),
        ActKind::DestroyKey(act) => format!("a key of the root {} is destroyed", act.root),
    }
}

fn details(file: &CeremonyFile, kind: &ActKind) -> Vec<(&'static str, String)> {
    match kind {
        ActKind::FoundRoot(act) => file.root(&act.root).map(founded).unwrap_or_default(),
        ActKind::SignSubCa(act) => {
            let mut details = vec![("profile", act.profile.to_string())];
            match &act.succession {
                Succession::First => {}
                Succession::Renews(serial) => details.push(("renews", serial.to_string())),
                Succession::Rekeys(serial) => details.push(("follows", serial.to_string())),
            }
            details
        }
        ActKind::CrossCertificate(act) => vec![("profile", act.profile.to_string())],
        ActKind::LinkCertificates(act) => {
            vec![("known", act.old.to_string()), ("its successor", act.new.to_string())]
        }
        ActKind::Crl(act) => vec![("period", period(&act.period))],
        ActKind::CrlSeries(act) => act.periods.iter().map(|times| ("period", period(times))).collect(),
        ActKind::Revoke(act) => {
            let mut details =
                vec![("serial number", act.serial.to_string()), ("reason", act.reason.to_string())];
            details.extend(act.invalidity_date.map(|date| ("not to be trusted since", date.to_string())));
            details
        }
        ActKind::CloseSubCa(act) => vec![("serial number", act.serial.to_string())],
        ActKind::DestroyKey(act) => {
            vec![("key", act.key.name().to_owned()), ("why", act.why.clone())]
        }
    }
}

fn founded(root: &RootPlan) -> Vec<(&'static str, String)> {
    let subject = &root.subject;
    vec![
        ("subject", format!("C={}, O={}, CN={}", subject.country, subject.organization, subject.common_name)),
        ("suite", root.suite.number().to_string()),
        ("profile", root.profile.clone()),
        ("key", root.keys.name().to_owned()),
        ("CRL", root.points.crl.clone().unwrap_or_default()),
        ("certificate", root.points.ca_issuers.clone().unwrap_or_default()),
    ]
}

fn period(period: &CrlPeriod) -> String {
    format!("{} to {}, released on {}", period.this_update, period.next_update, period.release)
}

fn closing(file: &CeremonyFile, steps: &mut Steps) {
    steps.heading("Closing");
    steps.step("The operator and every witness sign the manifest of the bundle.", Vec::new());
    steps.step(
        "The witness writes down the words of the manifest.",
        vec![("words", "________________________________________".to_owned())],
    );
    steps.step("The bundle is written to two media and read back.", Vec::new());
    steps.step(
        "On another machine: the bundle is intact.",
        vec![("type", "meter-pki ceremony verify BUNDLE".to_owned())],
    );
    if file.quorum().is_some() {
        steps.step("Every share-holder has the share again, and seals it.", Vec::new());
    }
    steps.step("Everybody signs this script; incidents are noted on it.", Vec::new());
}
