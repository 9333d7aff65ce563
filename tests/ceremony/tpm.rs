//! The chapter on the TPM, step by step as it stands in `docs/operate/tpm.md`: the key of a sub-CA is made in a simulated one,
//! signs its request there, and is certified by the ceremony.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::chapter::steps;
use e2e::patience::eventually;
use e2e::tool::{finish, openssl};

use crate::{CHAPTER, exchange_key, make_room, run_block};

/// Ends what the chapter has started and not ended: the simulator, where it did not come so far, the bus and the resource manager.
struct Started(PathBuf);

impl Drop for Started {
    fn drop(&mut self) {
        for file in ["abrmd.pid", "bus.pid", "pid"] {
            if let Ok(number) = fs::read_to_string(self.0.join(file)) {
                // It may have ended in order already.
                drop(e2e::tool::run("kill", ["-KILL", number.trim()]));
            }
        }
    }
}

/// Has the resource manager of the chapter serve the token, with what root has to say, and wherever it is installed.
fn manage(room: &Path, block: &str) {
    let around = "PATH=$PATH:/usr/sbin\ntpm2-abrmd() { command tpm2-abrmd \"$@\" --allow-root; }";
    run_block(room, &format!("{around}\n{block}"), "");
    let look = ". tpm/environment\nexport TPM2_PKCS11_TCTI=tabrmd:bus_type=session DBUS_SESSION_BUS_ADDRESS=\"unix:path=$PWD/tpm/bus\"\n\
        pkcs11-tool --module \"$(sed 's/.*module-path=//; s/&.*//' tpm/uri)\" --list-token-slots";
    eventually("the token is seen through the resource manager", || {
        let said = finish(Command::new("bash").args(["-c", look]).current_dir(room));
        said.out.contains("gateway").then_some(())
    });
}

#[test]
fn the_chapter_on_the_tpm_works_as_it_stands() {
    let room = make_room();
    let place = |name: &str| room.path().join(name);
    let [start, token, request, end, through_manager, _, _] =
        steps(include_str!("../../docs/operate/tpm.md"));
    let ceremony: [&str; 5] = steps(CHAPTER);
    let started = Started(place("tpm"));
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
    manage(room.path(), through_manager);
    run_block(room.path(), end, "");
    drop(started);
}
