//! A utility whose authority, or its signer, has its keys in a TPM 2.0 (swtpm, behind a resource manager, through tpm2-pkcs11): it
//! issues over EST, and goes on after the power of the TPM went, and after its resource manager was started anew.

use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::chapter::{Shell, steps};
use e2e::patience::eventually;
use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{finish, run};

use crate::board::Board;
use crate::house::House;
use crate::load::title;
use crate::tokens::decrypted;

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/tpm.md");

/// `tpm2_ptool import` writes of a key that it may leave the TPM. Nothing takes it out; here it is as of a key that was made there.
const STAYS: &str = "import sqlite3, sys\n\
    store = sqlite3.connect(sys.argv[1])\n\
    old, new = [f'!!int \"354\"\\n  : !!bool \"{value}\"' for value in ('true', 'false')]\n\
    rows = store.execute('select id, attrs from tobjects').fetchall()\n\
    changed = [(attrs.replace(old, new), number) for number, attrs in rows if old in attrs]\n\
    assert changed, 'no key is said to leave'\n\
    store.executemany('update tobjects set attrs = ? where id = ?', changed)\n\
    store.commit()\n";

fn module() -> PathBuf {
    let found = run("sh", ["-c", "find /usr/lib -name 'libtpm2_pkcs11.so*' | sort | head -n 1"]).ok();
    let file = found.out.trim();
    assert!(
        !file.is_empty(),
        "tpm2-pkcs11 is not installed: run tests/run, which installs what the tests need"
    );
    file.into()
}

/// Puts every key of a founded system into a TPM, and takes the files away.
fn bring(rehearsal: &Rehearsal, board: &Board, directory: &Path) {
    board.make_token(&module(), "gateway", "user-1234");
    for file in std::fs::read_dir(rehearsal.state("keys")).expect("the keys") {
        let plain = decrypted(rehearsal, &file.expect("a key").path());
        let name = plain.file_name().expect("its name").to_string_lossy().into_owned();
        let mut tool = Command::new("tpm2_ptool");
        tool.args(["import", "--label", "gateway", "--userpin", "user-1234", "--algorithm", "ecc"]);
        tool.args(["--key-label", &name, "--privkey"]).arg(&plain).arg("--path").arg(directory.join("store"));
        tool.envs(Board::environment(directory)).env("TPM2TOOLS_TCTI", "tabrmd:bus_type=session");
        drop(finish(&mut tool).ok());
    }
    std::fs::remove_dir_all(rehearsal.state("keys")).expect("the files go");
    let store = path(&directory.join("store/tpm2_pkcs11.sqlite3"));
    drop(run("/usr/bin/python3", ["-c", STAYS, &store]).ok());
}

/// A shell where the configuration of the authority is.
fn shell(rehearsal: &Rehearsal) -> Shell {
    Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs"))
}

/// Founds a system with its keys in a TPM; nothing of it runs but the board.
fn with_board(behind_signer: bool) -> (House, Board) {
    let rehearsal = House::founded();
    let [.., propose, _] = steps::<7>(CHAPTER);
    drop(shell(&rehearsal).run(propose).ok());
    let proposal = std::fs::read_to_string(rehearsal.state("signer.toml")).expect("the proposal");
    let directory = rehearsal.scratch("board");
    std::fs::create_dir(&directory).expect("a directory");
    let board = Board::start(&directory);
    bring(&rehearsal, &board, &directory);
    let pin = rehearsal.state("pin");
    std::fs::write(&pin, "user-1234").expect("the PIN");
    drop(run("chmod", ["600", &path(&pin)]).ok());
    let environment = Board::environment(&directory).map(|(name, value)| (name, PathBuf::from(value)));
    let uri = format!("pkcs11:token=gateway?module-path={}&pin-source=file:{}", path(&module()), path(&pin));
    let keys = format!("token_uri = \"{uri}\"");
    let house = if behind_signer {
        House::behind_signer(rehearsal, (&proposal, &keys), environment.to_vec())
    } else {
        let mut rehearsal = rehearsal;
        environment.iter().for_each(|(name, value)| rehearsal.surround(name, value));
        House::with_keys(rehearsal, &keys)
    };
    (house, board)
}

#[test]
fn the_signer_of_the_chapter_on_the_tpm_has_the_keys_and_nobody_else() {
    let [.., serve] = steps::<7>(CHAPTER);
    let (mut house, board) = with_board(true);
    let directory = house.rehearsal.scratch("board");
    let mut shell = shell(&house.rehearsal);
    // The bus is known to whoever started it; the token lies on the board of the test.
    for (name, value) in
        Board::environment(&directory).into_iter().filter(|(name, _)| name.starts_with("DBUS"))
    {
        shell = shell.with(name, value);
    }
    let block = serve.replace("$PWD/tpm/store", &path(&directory.join("store")));
    let mut signer = shell.begin(&block, &house.rehearsal.scratch("by-the-chapter.log"));
    eventually("the signer answers", || {
        assert!(signer.ended().is_none(), "the signer ended: {}", signer.log());
        house.signer_verb(&["state"]).success.then_some(())
    });
    house.rehearsal.serve();
    eventually("the authority says that it is ready", || house.ready().then_some(()));
    assert!(!House::mapped(house.rehearsal.process_number()).contains("tpm2_pkcs11"));
    assert!(House::mapped(signer.number()).contains("tpm2_pkcs11"));
    house.rehearsal.stop();
    assert!(signer.stop().success());
    drop(board);
}

fn outlives_that_the_power_goes(behind_signer: bool) {
    let (mut house, mut board) = with_board(behind_signer);
    house.start();
    let number = house.rehearsal.process_number();
    let signer = behind_signer.then(|| house.signer_number());
    assert_eq!(House::mapped(number).contains("tpm2_pkcs11"), !behind_signer, "who maps the module");
    assert!(signer.is_none_or(|signer| House::mapped(signer).contains("tpm2_pkcs11")));
    eventually("the authority says that it is ready", || house.ready().then_some(()));
    let before = house.rehearsal.audited();
    house.under_load(|told| {
        board.power_off();
        eventually("the authority says that it is not ready", || (!house.ready()).then_some(()));
        let put_off = told.put_off();
        eventually("some are put off", || (told.put_off() > put_off).then_some(()));
        board.power_on();
        eventually("the authority says that it is ready", || house.ready().then_some(()));
    });
    // While nobody asks.
    board.kill_manager();
    board.manage();
    house.rehearsal.expect_devices("dso", &[&title(90)]);
    eventually("the meter is served", || (house.ask(&title(90)).status == 200).then_some(()));
    assert_eq!(house.rehearsal.process_number(), number, "it was not started anew");
    assert_eq!(signer, behind_signer.then(|| house.signer_number()), "neither was its signer");
    let [failed, recovered] =
        ["signer-failed", "signer-recovered"].map(|act| house.recorded(act, before).len());
    assert!(failed >= 1 && failed == recovered, "{failed} {recovered}");
    house.check();
}

#[test]
fn h_01_with_its_keys_in_a_tpm_an_authority_issues_and_outlives_that_the_power_of_the_tpm_goes() {
    outlives_that_the_power_goes(false);
}

#[test]
fn h_01_a_signer_with_its_keys_in_a_tpm_signs_for_an_authority_and_outlives_that_the_power_of_the_tpm_goes() {
    outlives_that_the_power_goes(true);
}
