//! The chapter on the signer, step by step as it stands in `docs/operate/signer.md`: its configuration is proposed and installed, its log
//! is verified, moved and held against the ledger.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use e2e::chapter::{Shell, blocks, steps};
use e2e::fleet::{Meter, Suite, station};
use e2e::patience::eventually;
use e2e::peer::path;
use e2e::process::Process;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, run};

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/signer.md");

/// What the quickstart says of its keys.
const KEYS: &str =
    "[keys]\nallow_software_key = true\ndirectory = \"keys\"\npassphrase_file = \"passphrase\"\n";

/// A machine whose directories lie below that of a test.
struct Machine {
    rehearsal: Rehearsal,
    signer: Option<Process>,
}

impl Machine {
    fn new() -> Self {
        let rehearsal = Rehearsal::start(1);
        for place in ["run", "signer", "archive"] {
            std::fs::DirBuilder::new().mode(0o755).create(rehearsal.scratch(place)).expect("a directory");
        }
        Self { rehearsal, signer: None }
    }

    /// What the chapter says, of this machine.
    fn here(&self, text: &str) -> String {
        let state = path(&self.rehearsal.state("")).trim_end_matches('/').to_owned();
        let at = |place: &str| path(&self.rehearsal.scratch(place));
        [
            ("/etc/meter-pki", state),
            ("/run/meter-pki-signer", at("run")),
            ("/var/lib/meter-pki-signer", at("signer")),
            ("/srv/archive/signer", at("archive")),
        ]
        .iter()
        .fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
    }

    /// Types a block where the signer's log is.
    #[track_caller]
    fn run(&self, block: &str, hash: &str) -> Said {
        let shell = Shell::new(&self.rehearsal.scratch("signer"), &self.rehearsal.scratch("programs"));
        shell.has("ledger-checker").with("HASH", hash).run(&self.here(block)).ok()
    }

    /// Starts the signer as its unit does.
    fn start_signer(&mut self) {
        let configuration = path(&self.rehearsal.state("signer.toml"));
        let log = self.rehearsal.unique("signer.log");
        let mut signer = Process::start(&["--config", &configuration, "signer"], log);
        eventually("the signer answers", || {
            assert!(signer.ended().is_none(), "the signer ended: {}", signer.log());
            self.rehearsal.operator_by(&configuration, &["signer", "state"]).success.then_some(())
        });
        self.signer = Some(signer);
    }

    /// Stops both and lays copies of ledger, authorities and published CRLs beside the log.
    fn stop(&mut self) {
        self.rehearsal.stop();
        assert!(self.signer.take().expect("it runs").stop().success());
        for (from, to) in
            [("store", "store-copy"), ("authorities", "authorities"), ("published", "published")]
        {
            let to = self.rehearsal.scratch("signer").join(to);
            drop(run("cp", ["-r", &path(&self.rehearsal.state(from)), &path(&to)]).ok());
        }
    }
}

/// The files of the log that lie in a folder.
fn segments(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).expect("a folder").map(|one| one.expect("a file").path());
    files.filter(|file| path(file).contains("signatures.log")).count()
}

#[test]
fn the_chapter_on_the_signer_works_as_it_stands() {
    let [propose, install, look, compare, archive] = steps(CHAPTER);
    let [linked] = <[&str; 1]>::try_from(blocks(CHAPTER, "toml")).expect("one setting");
    let mut machine = Machine::new();
    drop(machine.run(propose, ""));
    // Who reads the proposal has the log go on in another file with every record: three certificates are three files.
    let proposal = machine.rehearsal.scratch("signer/signer.toml");
    let text = std::fs::read_to_string(&proposal).expect("the proposal");
    std::fs::write(&proposal, format!("log_segment_records = 1\n{text}")).expect("it can be written");
    drop(machine.run(install, ""));
    let linked = machine.here(linked);
    machine.rehearsal.stop();
    machine.rehearsal.configure("meter-pki.toml", |text| text.replace(KEYS, &linked));
    machine.start_signer();
    machine.rehearsal.serve();

    let title = "4D504B01000000D1";
    let meter = Meter::new(&machine.rehearsal, title, Suite::One);
    for row in ["meter-factory-ds", "meter-factory-ka", "meter-factory-tls"] {
        eventually("the authority is ready", || {
            (meter.try_enrol(row, &station(&machine.rehearsal)).status == 200).then_some(())
        });
    }
    let state = machine.rehearsal.operator_by(&path(&proposal), &["signer", "state"]).ok().out;
    let hash = state.trim().rsplit(' ').next().expect("the hash of the last record").to_owned();
    let said = machine.run(look, &hash).out;
    assert!(said.contains(" records, the last is "), "{said}");

    machine.stop();
    assert_eq!(machine.run(compare, "").out, "", "the checker finds nothing");
    let (here, there) = (machine.rehearsal.scratch("signer"), machine.rehearsal.scratch("archive"));
    let all = segments(&here);
    let said = machine.run(archive, "").out;
    assert!(said.contains(" records, the last is "), "{said}");
    assert!(all > 2 && segments(&here) == 1 && segments(&there) == all - 1, "{all}");
}
