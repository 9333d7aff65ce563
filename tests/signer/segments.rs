//! The signer's log in several files: the signer is killed under load while it goes over from one to the next, closed ones are moved
//! to an archive while it signs, and the checker reads what lies here and there as one.

use std::path::PathBuf;

use e2e::patience::eventually;
use e2e::peer::path;
use e2e::process::program;
use e2e::tool::{Said, finish};

use crate::house::{House, Keeping};

const LOG: &str = "signatures.log";

impl House {
    /// The files of the log that lie in a folder, first to last.
    fn segments(&self, folder: &str) -> Vec<PathBuf> {
        let files =
            std::fs::read_dir(self.at(folder)).expect("a folder").map(|one| one.expect("a file").path());
        let mut segments: Vec<PathBuf> =
            files.filter(|file| path(file).contains(LOG) && !path(file).ends_with(".new")).collect();
        segments.sort();
        segments
    }

    /// Moves all files of the log but the last, which can be done at any time.
    fn archive_closed(&self) {
        let mut closed = self.segments("signer");
        closed.pop();
        for file in closed {
            let name = file.file_name().expect("its name").to_owned();
            std::fs::rename(&file, self.at("archive").join(name)).expect("it is moved");
        }
    }

    /// Asks the checker of the ledger, and of the log in these folders.
    fn compare(&self, folders: &[&str], more: &[&str]) -> Said {
        let copy = self.rehearsal.unique("store");
        drop(finish(std::process::Command::new("cp").arg("-r").arg(self.at("store")).arg(&copy)).ok());
        let mut checker = std::process::Command::new(program("ledger-checker"));
        checker.arg("--store").arg(&copy).args(["--grace", "3600"]).args(more);
        checker.arg("--authorities").arg(self.at("authorities")).arg("--published").arg(self.at("published"));
        for folder in folders {
            checker.arg("--signer-log").arg(self.at(folder).join(LOG));
        }
        finish(&mut checker)
    }
}

#[test]
fn the_log_goes_on_in_other_files_through_kills_and_all_of_them_are_one_witness() {
    let mut house = House::prepared(Keeping::Files);
    let file = house.at("signer.toml");
    let text = std::fs::read_to_string(&file).expect("the signer's configuration");
    std::fs::write(&file, format!("log_segment_records = 3\n{text}")).expect("the signer's configuration");
    std::fs::create_dir(house.at("archive")).expect("a directory");
    house.start();
    eventually("the authority says that it is ready", || house.ready().then_some(()));
    house.under_load(|told| {
        // With three signatures in a file, most of what it does is to go over into the next one.
        for _ in 0..5 {
            let served = told.served();
            eventually("another one is served, or all are", || {
                (told.served() > served || told.all_are_served()).then_some(())
            });
            house.kill_signer();
            house.start_signer();
            eventually("the authority says that it is ready", || house.ready().then_some(()));
            house.archive_closed();
        }
    });
    house.rehearsal.stop();
    house.stop_signer();
    house.archive_closed();
    assert!(house.segments("archive").len() > 3, "{:?}", house.segments("archive"));

    let (here, there) = (path(&house.at("signer").join(LOG)), path(&house.at("archive").join(LOG)));
    let said = house.signer_verb(&["log", "verify", &there, &here]).ok();
    assert!(said.out.contains(" records, the last is "), "{}", said.out);
    let said = house.compare(&["signer", "archive"], &[]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{}", said.all());

    // Without the archive, and with one file less in it, both say which records are missing.
    let first = house.segments("signer").remove(0);
    let number: u64 =
        path(&first).rsplit('.').next().and_then(|digits| digits.parse().ok()).expect("a number");
    let missing = format!("records 1 to {}", number - 1);
    let said = house.signer_verb(&["log", "verify", &here]);
    assert_eq!(said.code, Some(9), "{}", said.all());
    assert!(said.err.contains("signer.log-missing") && said.err.contains(&missing), "{}", said.err);
    drop(house.signer_verb(&["log", "verify", &here, "--from", &number.to_string()]).ok());
    let said = house.compare(&["signer"], &[]);
    assert_eq!(said.code, Some(9), "{}", said.all());
    assert!(said.out.contains(&format!("I17: {missing} of the signer's log are missing")), "{}", said.out);
    let said = house.compare(&["signer"], &["--signer-log-from", &number.to_string()]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{}", said.all());
    let lost = house.segments("archive").remove(2);
    std::fs::remove_file(&lost).expect("it goes");
    let said = house.compare(&["signer", "archive"], &[]);
    let from: u64 = path(&lost).rsplit('.').next().and_then(|digits| digits.parse().ok()).expect("a number");
    assert!(said.out.contains(&format!("I17: records {from} to ")), "{}", said.all());
}
