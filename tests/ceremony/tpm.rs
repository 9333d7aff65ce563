//! The chapter on the TPM, step by step as it stands in `docs/operate/tpm.md`: the key of a sub-CA is made in a simulated one,
//! signs its request there, and is certified by the ceremony.

use std::fs;
use std::path::PathBuf;

use e2e::chapter::steps;
use e2e::tool::openssl;

use crate::{CHAPTER, exchange_key, make_room, run_block};

/// Ends the simulator where the chapter did not come so far.
struct Simulator(PathBuf);

impl Drop for Simulator {
    fn drop(&mut self) {
        if let Ok(number) = fs::read_to_string(&self.0) {
            // It may have ended in order already.
            drop(e2e::tool::run("kill", ["-KILL", number.trim()]));
        }
    }
}

#[test]
fn the_chapter_on_the_tpm_works_as_it_stands() {
    let room = make_room();
    let place = |name: &str| room.path().join(name);
    let [start, token, request, end] = steps(include_str!("../../docs/operate/tpm.md"));
    let ceremony: [&str; 5] = steps(CHAPTER);
    let simulator = Simulator(place("tpm/pid"));
    let key = exchange_key(&run_block(room.path(), ceremony[0], ""));
    for block in [start, token, request, ceremony[2], ceremony[3], ceremony[4]] {
        run_block(room.path(), block, &key);
    }

    let pem = |der: PathBuf| {
        let out = der.with_extension("pem");
        e2e::peer::to_pem(&der, &out);
        out.to_string_lossy().into_owned()
    };
    let incoming = fs::read_dir(place("incoming")).expect("it is there");
    let files: Vec<String> = incoming
        .map(|entry| entry.expect("a file").path())
        .filter(|file| file.extension().is_some_and(|ending| ending == "cer"))
        .map(pem)
        .collect();
    assert_eq!(files.len(), 2, "{files:?}");
    let subject = |file: &str| openssl(["x509", "-in", file, "-noout", "-subject"]).ok().out;
    let (sub, root): (Vec<_>, Vec<_>) = files.iter().partition(|file| subject(file).contains("Gateway CA"));
    let said = openssl(["verify", "-x509_strict", "-CAfile", root[0], sub[0]]).ok();
    assert!(said.out.trim().ends_with("OK"), "{}", said.all());
    run_block(room.path(), end, "");
    drop(simulator);
}
