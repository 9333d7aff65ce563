//! Kills in the middle of a publication, by strace, at each call to the operating system that touches the published files.

use std::process::Command;

use e2e::peer::path;
use e2e::process::program;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{finish, openssl};

use super::{AUTHORITY, uri};

/// What a publication asks of the operating system about the published files, other than to read them.
const CALLS: [&str; 7] =
    ["openat", "write", "lseek", "fsync", "?rename,?renameat,?renameat2", "fcntl", "close"];

#[test]
fn l_07_a_kill_at_any_call_of_a_publication_leaves_the_old_or_the_new_list() {
    let mut rehearsal = Rehearsal::start(1);
    let name = uri(&rehearsal, "crl").rsplit('/').next().unwrap().to_owned();
    let configuration = path(&rehearsal.state("meter-pki.toml"));
    rehearsal.stop();
    let folder = rehearsal.state("published");
    let (place, issuer) = (folder.join(&name), path(&rehearsal.authority(AUTHORITY)));
    let published = || {
        let read =
            ["crl", "-inform", "DER", "-noout", "-crlnumber", "-CAfile", &issuer, "-in", &path(&place)];
        let said = openssl(read).ok();
        assert!(said.err.contains("verify OK"), "{}", said.all());
        u64::from_str_radix(said.out.trim().trim_start_matches("crlNumber=0x"), 16).expect("a number")
    };
    let watched = [folder.clone(), place.clone(), folder.join(format!(".{name}.new"))];
    let (mut last, mut killed, mut renewed) = (published(), 0, 0);
    for calls in CALLS {
        // Killed at the first, at the second, …, until there is none left to be killed at.
        for call in 1.. {
            let mut strace = Command::new("strace");
            strace.args(["-f", "-qq", "-o", "/dev/null"]);
            for file in &watched {
                strace.arg("-P").arg(file);
            }
            strace.args(["-e", &format!("inject={calls}:signal=KILL:when={call}")]);
            strace.arg(program("meter-pki")).args(["--config", &configuration, "crl", "resign", AUTHORITY]);
            let ended = finish(&mut strace);
            let number = published();
            assert!(number >= last, "{calls} {call}: {number} after {last}");
            if ended.success {
                last = number;
                break;
            }
            assert_eq!(ended.code, None, "{}", ended.all());
            killed += 1;
            renewed += usize::from(number > last);
            last = number;
        }
    }
    assert!(
        killed >= CALLS.len() && (1..killed).contains(&renewed),
        "{killed} kills, {renewed} after the change"
    );
    rehearsal.serve();
    assert!(published() >= last);
}
