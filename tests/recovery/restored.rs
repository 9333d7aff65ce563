//! From a backup back into service.

use e2e::patience::eventually;
use e2e::peer::path;
use e2e::tool::{openssl, run};
use serde_json::Value;

use crate::site::{LATE, LATER, Site};

// Case D-01.
#[test]
fn d_01_an_old_backup_starts_in_recovery_and_takes_in_what_the_log_has_and_it_has_not() {
    let mut site = Site::found();
    let backup = site.back_up("one.backup");
    // After the backup: a certificate, a revocation, another token, and what leads to them.
    let late = site.enrol(LATE);
    let late_pem = site.rehearsal.operator_json(&["cert", "show", &late])["pem"].clone();
    let gone = site.enrol(LATER);
    site.rehearsal.revoke(&gone, "keyCompromise");
    site.exported();
    let audited = site.rehearsal.audited();
    site.lose_the_ledger();

    site.begin(&backup);
    site.rehearsal.serve();
    site.assert_in_recovery("restored from the backup of");
    let unknown = site.rehearsal.operator(&["cert", "show", &late]);
    assert_eq!(unknown.code, Some(5), "{}", unknown.all());
    site.rehearsal.stop();

    // Not before the log was taken in.
    let early = site.rehearsal.operator(&["restore", "finish"]);
    assert_eq!(early.code, Some(4), "{}", early.all());
    assert!(early.err.contains("restore.not-reconciled"), "{}", early.err);
    let told = site.rehearsal.operator_json(&["restore", "reconcile"]);
    let missing: Vec<&Value> =
        told["missing"].as_array().expect("a list").iter().map(|one| &one["serial"]).collect();
    assert_eq!(missing, [&late, &gone], "{told}");
    assert_eq!(told["applied"], false);
    let taken = site.rehearsal.operator_json(&["restore", "reconcile", "--apply"]);
    assert_eq!((&taken["certificates"], &taken["revocations"]), (&2.into(), &1.into()), "{taken}");
    let by_hand: Vec<&Value> =
        taken["unrestored"].as_array().expect("a list").iter().map(|one| &one["act"]).collect();
    assert_eq!(by_hand, ["token-issued", "token-issued"], "{taken}");
    let again = site.rehearsal.operator_json(&["restore", "reconcile", "--apply"]);
    assert_eq!(again["records"], 0, "what was taken in is taken in once: {again}");
    let finished = site.rehearsal.operator_json(&["restore", "finish"]);
    assert_eq!(finished["epoch"], 2, "{finished}");

    site.rehearsal.serve();
    assert_eq!(site.readiness(), 200);
    assert_eq!(site.rehearsal.operator_json(&["cert", "show", &late])["pem"], late_pem);
    assert_eq!((site.status_of(&late), site.status_of(&gone)), ("good".into(), "revoked".into()));
    let records = site.rehearsal.audit_after(audited);
    let acts: Vec<&Value> = records.iter().map(|record| &record["act"]).take(2).collect();
    assert_eq!(acts, ["recovery-entered", "recovery-ended"], "{records:?}");
    // A token of before may have been spent after the backup.
    let void = site.try_kept_token();
    assert_eq!((void.status, void.field("Retry-After")), (403, None), "{}", void.text());
    // The place is held by what came from the log, and what is free is given.
    let held = site.try_enrol(LATE);
    assert_eq!(held.status, 409, "{}", held.text());
    drop(site.enrol(LATER));
    let again = site.back_up("two.backup");
    drop(site.with_shares(&["backup", "verify", &path(&again)]).ok());
    site.exported();
    site.rehearsal.stop();
    site.rehearsal.serve();
    assert_eq!(site.readiness(), 200, "log and ledger are one history");
}

#[test]
fn crls_that_were_published_after_the_backup_are_followed_by_higher_numbers() {
    let number = |crl: &Value| crl["number"].as_u64().expect("a number");
    let name = "dso-operational-s1";
    for with_log in [true, false] {
        let mut site = Site::found();
        let backup = site.back_up("one.backup");
        // Nobody was revoked: what the backup has lacks nothing, and is older than what relying parties have.
        let published = number(&site.rehearsal.operator_json(&["crl", "publish", name]));
        site.exported();
        site.lose_the_ledger();
        site.begin(&backup);
        if with_log {
            drop(site.rehearsal.operator(&["restore", "reconcile", "--apply"]).ok());
            drop(site.rehearsal.operator(&["restore", "finish"]).ok());
        } else {
            // A log that is there is taken in, or moved away: it would be another history from now on.
            let refused = site.rehearsal.operator(&["restore", "finish", "--without-log"]);
            assert_eq!(refused.code, Some(4), "{}", refused.all());
            assert!(refused.err.contains("restore.log-is-there"), "{}", refused.err);
            std::fs::rename(site.export(), site.rehearsal.scratch("former-log")).expect("it can be moved");
            std::fs::create_dir(site.export()).expect("an empty one");
            drop(site.rehearsal.operator(&["restore", "finish", "--without-log"]).ok());
            // Nobody knows which numbers are taken: the present in seconds is the next one.
            eventually("the second of the last CRL is over", || {
                let now = run("date", ["+%s"]).ok().out.trim().parse::<u64>().ok()?;
                (now > published).then_some(())
            });
        }
        site.rehearsal.serve();
        let crls = site.rehearsal.operator_json(&["crl", "list"]);
        let crl = crls.as_array().expect("a list").iter().find(|crl| crl["authority"] == name).expect("one");
        assert!(number(crl) > published, "{published} {crl}");
    }
}

#[test]
fn without_a_log_recovery_ends_only_loudly_and_on_record() {
    let mut site = Site::found();
    let backup = site.back_up("one.backup");
    site.lose_the_ledger();
    std::fs::remove_dir_all(site.export()).expect("the log is lost too");
    std::fs::create_dir(site.export()).expect("an empty one");
    site.begin(&backup);
    let refused = site.rehearsal.operator(&["restore", "finish"]);
    assert!(!refused.success && refused.err.contains("--without-log"), "{}", refused.all());
    let said = site.rehearsal.operator(&["restore", "finish", "--without-log"]).ok();
    assert!(said.out.contains("WARNING"), "{}", said.out);
    site.rehearsal.serve();
    let records = site.rehearsal.audit_after(0);
    let ended = records.iter().find(|record| record["act"] == "recovery-ended").expect("it is on record");
    assert_eq!(ended["reason"], "without-log");
    drop(site.enrol(LATE));
}

// Case D-07.
#[test]
fn d_07_a_crl_is_signed_again_from_ledger_and_key_alone() {
    let mut site = Site::found();
    let backup = site.back_up("one.backup");
    let crls = site.rehearsal.operator_json(&["crl", "list"]);
    let name = "dso-operational-s1";
    let before =
        crls.as_array().expect("a list").iter().find(|crl| crl["authority"] == name).expect("one").clone();
    site.exported();
    site.lose_the_ledger();
    site.begin(&backup);
    // Not while nobody knows what else was revoked.
    let early = site.rehearsal.operator(&["crl", "resign", name]);
    assert_eq!(early.code, Some(8), "{}", early.all());
    drop(site.rehearsal.operator(&["restore", "reconcile", "--apply"]).ok());
    drop(site.rehearsal.operator(&["restore", "finish"]).ok());

    let after = site.rehearsal.operator_json(&["crl", "resign", name]);
    assert!(after["number"].as_u64() > before["number"].as_u64(), "{before} {after}");
    assert!(after["this_update"].as_str() < before["next_update"].as_str(), "before the last one expired");
    assert_eq!(after["entries"], before["entries"]);

    // OpenSSL reads the file that was published, and finds it signed by the authority.
    let key = site.authority_key(name);
    let crl = site.rehearsal.state(&format!("published/{key}.crl"));
    let authority = path(&site.rehearsal.authority(name));
    let said =
        openssl(["crl", "-inform", "DER", "-in", &path(&crl), "-CAfile", &authority, "-noout", "-crlnumber"])
            .ok();
    assert!(said.all().contains("verify OK"), "{}", said.all());
    let number = u64::from_str_radix(said.out.trim().rsplit(['=', 'x']).next().expect("a number"), 16);
    assert_eq!(number.ok(), after["number"].as_u64(), "{}", said.out);
}

#[test]
fn a_backup_of_one_engine_is_restored_on_the_other() {
    let mut site = Site::found();
    let backup = site.back_up("one.backup");
    let certificates = site.rehearsal.operator_json(&["cert", "list"]);
    site.exported();
    site.lose_the_ledger();
    site.rehearsal.configure("sled.toml", |text| text.replacen("engine = \"fjall\"", "engine = \"sled\"", 1));
    site.begin(&backup);
    drop(site.rehearsal.operator(&["restore", "reconcile", "--apply"]).ok());
    drop(site.rehearsal.operator(&["restore", "finish"]).ok());
    site.rehearsal.serve();
    assert_eq!(site.rehearsal.operator_json(&["store", "show"])["engine"], "sled");
    assert_eq!(site.rehearsal.operator_json(&["cert", "list"]), certificates);
    drop(site.enrol(LATE));
}
