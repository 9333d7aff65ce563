//! The chapter on the audit log, step by step as it stands in `docs/operate/audit.md`; OpenSSL and a program that knows nothing of ours
//! check what comes of it.

use e2e::chapter::{Shell, blocks, steps};
use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use e2e::tool::run;

use crate::act;

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/audit.md");

/// Has the log signed by another key, as the chapter sets it up, in an export that begins anew; puts the public key where auditors have it.
fn sign_by_another_key(rehearsal: &mut Rehearsal, said: &str) {
    let (named, public) = said.split_once('\n').expect("the name of the key, and its public half");
    std::fs::write(rehearsal.state("checkpoint-key.pem"), public).expect("it can be written");
    let key = named.strip_prefix("checkpoint_key = ").expect("a line of the configuration");
    let [setting] = <[&str; 1]>::try_from(blocks(CHAPTER, "toml")).expect("one setting");
    let (setting, _) = setting.split_once("\n[audit.syslog]").expect("what is there if wanted");
    let export = rehearsal.scratch("exported");
    std::fs::create_dir(&export).expect("it must exist");
    let setting = setting.replace("\"…\"", key).replace("/var/log/meter-pki", &path(&export));
    rehearsal.stop();
    rehearsal.configure("meter-pki.toml", |text| {
        let (before, rest) = text.split_once("[audit]\n").expect("it is set up");
        let (_, after) = rest.split_once("\n[[authority]]").expect("authorities come after it");
        format!("{before}{setting}\n[[authority]]{after}")
    });
    rehearsal.serve();
}

#[test]
fn the_chapter_on_the_audit_log_works_as_it_stands() {
    let [key, keep, signature, search, prove] = steps(CHAPTER);
    let mut rehearsal = Rehearsal::start(1);
    let shell = Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs"))
        .with("SERIAL", rehearsal.text("revoked_serial"));
    let said = shell.run(key).ok().out;
    sign_by_another_key(&mut rehearsal, &said);

    // What was kept yesterday.
    let yesterday = "meter-pki audit checkpoint > \"checkpoint-$(date -d yesterday +%F)\"";
    drop(shell.run(yesterday).ok());
    drop(act(&rehearsal).ok());
    let said = shell.run(keep).ok().out;
    assert!(said.contains("continue the"), "{said}");
    drop(shell.run("cp \"checkpoint-$(date +%F)\" checkpoint").ok());
    assert!(shell.run(signature).ok().out.contains("Verified OK"));

    let said = shell.run(search).ok().out;
    assert!(said.contains("certificate-issued") || said.contains("intent-recorded"), "{said}");
    assert!(said.contains("\nnumber:  47\n"), "{said}");

    drop(shell.run(prove).ok());
    let proof = path(&rehearsal.state("certificate.tlog-proof"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/audit/check_proof.py");
    let record = run("python3", [script, &proof, &path(&rehearsal.state("checkpoint-key.pem"))]).ok().out;
    assert!(record.trim().contains(&rehearsal.text("revoked_serial").to_lowercase()), "{record}");
}
