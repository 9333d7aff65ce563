//! Field technicians: the chapter as it stands, and who is refused what on a visit. OpenSSL asks OCSP.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use e2e::chapter::{blocks, steps};
use e2e::clock::WallClock;
use e2e::operators::{let_in, run_as};
use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use e2e::tool::openssl;
use serde_json::Value;

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/technicians.md");

const AUTHORITY: &str = "dso-maintenance-s1";

/// What OCSP says of a certificate of the unit's authority.
fn ocsp(rehearsal: &Rehearsal, serial: &str) -> String {
    let view = rehearsal.operator_json(&["cert", "show", serial, "--issuer", AUTHORITY]);
    let file = rehearsal.unique("unit.pem");
    std::fs::write(&file, view["pem"].as_str().expect("a certificate")).expect("it can be written");
    let (root, issuer) = (path(&rehearsal.authority("dso-root-s1")), path(&rehearsal.authority(AUTHORITY)));
    let (url, certificate) = (format!("{}/ocsp", rehearsal.status()), path(&file));
    let whom = ["ocsp", "-url", &url, "-CAfile", &root, "-verify_other", &issuer, "-issuer", &issuer];
    let said = openssl(whom.iter().chain(&["-cert", &certificate])).ok();
    assert!(said.err.contains("Response verify OK"), "{}", said.all());
    let line = said.out.lines().find_map(|line| line.strip_prefix(&format!("{certificate}: ")));
    line.expect("a status").to_owned()
}

/// The certificates of the visit: serial number, status and reason of each.
fn certificates(rehearsal: &Rehearsal) -> Vec<[String; 3]> {
    let view = rehearsal.operator_json(&["visit", "show", "V-2026-117"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = view["certificates"].as_array().expect("a list");
    all.iter().map(|one| [text(&one["serial"]), text(&one["status"]), text(&one["reason"])]).collect()
}

/// Looks into a bundle that its technician makes.
fn what_is_taken_along(rehearsal: &Rehearsal) {
    let block = "unit=$(mktemp -d)\n\
        meter-pki visit bundle V-2026-117 --out $unit/b >&2\n\
        openssl cms -verify -inform DER -in $unit/b -CAfile dso-root.pem -purpose any 2> $unit/said";
    let content: Value = serde_json::from_str(&run_as(rehearsal, 1004, block).ok().out).expect("a bundle");
    let visit = rehearsal.operator_json(&["visit", "show", "V-2026-117"]);
    assert_eq!(content["visit"]["digest"], visit["digest"]);
    assert_eq!(content["visit"]["plan"]["meters"][0], "4D504B0100000000");
    let until = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    assert!(until(&content["expires_at"]) <= until(&visit["plan"]["until"]), "{content}");
    let counts = ["certificates", "crls", "revoked_units"].map(|of| content[of].as_array().map(Vec::len));
    // Four authorities and two roots; the CRL of the one that certified the meter; nothing is revoked yet.
    assert_eq!(counts, [Some(6), Some(1), Some(0)], "{content}");
}

/// Asks for a certificate of a unit, which makes a key of its own.
fn asks(unit: &str, profile: &str) -> String {
    format!(
        "unit=$(mktemp -d)\n\
         openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout $unit/key -subj /CN={unit} -out $unit/csr\n\
         meter-pki visit certificate V-2026-117 --profile {profile} --request $unit/csr --out $unit/pem"
    )
}

/// Runs a block that must end with this reason code.
#[track_caller]
fn refused(rehearsal: &Rehearsal, user: u32, block: &str, code: &str) {
    let said = run_as(rehearsal, user, block);
    assert!(!said.success && said.err.contains(&format!("({code})")), "{code}: {}", said.all());
}

/// Hands in what the block signs, and then what is wrong with it in one way or another.
fn what_is_brought_back(rehearsal: &Rehearsal, again: &str) {
    let handed_in = run_as(rehearsal, 1004, again).ok();
    assert!(
        handed_in.out.contains("2 entries for 1 meters") && handed_in.out.contains("; 0 faults"),
        "{}",
        handed_in.out
    );
    // Another meter, and a line that was changed after the next one was written.
    let wrong = again.replace("exchanged the battery", "looked at it").replacen(
        "4D504B0100000000 read",
        "4D504B0100000001 read",
        1,
    );
    let told = run_as(rehearsal, 1004, &wrong);
    assert_eq!((told.code, told.out.contains("receipts.meter")), (Some(3), true), "{}", told.all());
    let changed =
        again.replace("openssl cms -sign", "sed -i 's/read the/sold the/' \"$unit/log\"; openssl cms -sign");
    let told = run_as(rehearsal, 1004, &changed);
    assert_eq!((told.code, told.out.contains("line 3: ")), (Some(3), true), "{}", told.all());
    assert!(told.out.contains("receipts.chain"), "{}", told.all());
    // The unit signs with a key of its own making.
    let forged = again.replace("-signer \"$unit/unit.pem\"", "-signer \"$unit/own.pem\"").replace(
        "openssl cms -sign",
        "openssl req -x509 -new -key \"$unit/unit.key\" -subj /CN=4D504B4800000001 -days 1 -out \"$unit/own.pem\"; openssl cms -sign",
    );
    refused(rehearsal, 1004, &forged, "receipts.signer");
}

/// What a timer on the unit comes to: the first certificate, nothing before half of its time, and then another with another key. OpenSSL
/// says that key and certificate in the file belong together.
fn what_a_timer_does(rehearsal: &Rehearsal, clock: &WallClock, renew: &str) {
    let issued = certificates(rehearsal).len();
    let file = "\nstat -c %a \"$TMPDIR/unit.pem\"\ncd \"$TMPDIR\"\n\
        [ \"$(openssl x509 -in unit.pem -pubkey -noout)\" = \"$(openssl pkey -in unit.pem -pubout)\" ]";
    let first = run_as(rehearsal, 1004, &format!("{renew}{file}")).ok();
    assert!(
        first.out.contains("of CN=4D504B4800000001") && first.out.trim_end().ends_with("600"),
        "{}",
        first.out
    );
    let early = run_as(rehearsal, 1004, renew).ok();
    assert!(early.out.contains("nothing to do: renewal is due at"), "{}", early.out);
    assert_eq!(certificates(rehearsal).len(), issued + 1);
    // Seven hours later by the clock of the unit; the certificate was good for twelve.
    clock.set_by(7 * 3_600);
    let [library, seconds] = ["clock.so", "clock-is-set-by"].map(|name| path(&rehearsal.scratch(name)));
    let later = format!("export LD_PRELOAD={library} CLOCK_SHIM_SECONDS={seconds}\n{renew}{file}");
    drop(run_as(rehearsal, 1004, &later).ok());
    clock.set_by(-7 * 3_600);
    let all = certificates(rehearsal);
    let [.., [before, revoked, why], [after, good, _]] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(
        (all.len(), revoked.as_str(), why.as_str(), good.as_str()),
        (issued + 2, "revoked", "superseded", "good")
    );
    assert_eq!([ocsp(rehearsal, before), ocsp(rehearsal, after)], ["revoked", "good"]);
}

#[test]
fn the_chapter_on_technicians_works_as_it_stands() {
    let [people, open, approve, first, bundle, again, renew, end, _] = steps(CHAPTER);
    assert_eq!(blocks(CHAPTER, "toml").len(), 2);
    let mut rehearsal = Rehearsal::start_with(1, |text| format!("{text}\n[visits]\napprovals = \"two\"\n"));
    // The server's clock is right: this is the unit's.
    let clock = WallClock::new(&mut rehearsal);
    let_in(&rehearsal);
    drop(run_as(&rehearsal, 0, people).ok());
    // Whoever goes has the root; nobody else but the server looks into its directories.
    let root = rehearsal.state("dso-root.pem");
    std::fs::copy(rehearsal.authority("dso-root-s1"), &root).expect("a root");
    std::fs::set_permissions(&root, Permissions::from_mode(0o644)).expect("ours");
    let other = "meter-pki people add tom --name Tom --role technician --tenant dso --credential uid:1005";
    drop(run_as(&rehearsal, 0, other).ok());
    let listed = run_as(&rehearsal, 1001, open).ok();
    let words: Vec<&str> = listed.out.split_whitespace().collect();
    assert!(words.windows(4).any(|row| row == ["V-2026-117", "waiting", "0/2", "tim"]), "{}", listed.out);

    refused(&rehearsal, 1004, first, "visit.unapproved");
    refused(&rehearsal, 1004, bundle, "visit.unapproved");
    drop(run_as(&rehearsal, 1002, approve).ok());
    refused(&rehearsal, 1002, approve, "visit.same-person");
    refused(&rehearsal, 1004, approve, "people.role");
    refused(&rehearsal, 1004, first, "visit.unapproved");
    drop(run_as(&rehearsal, 1003, approve).ok());
    refused(&rehearsal, 1005, first, "visit.technician");
    refused(&rehearsal, 0, first, "visit.technician");
    refused(&rehearsal, 1005, bundle, "visit.technician");
    refused(&rehearsal, 1004, &asks("4D504B4800000002", "hhu-op-ds-s1"), "visit.unit");
    refused(&rehearsal, 1004, &asks("4D504B4800000001", "meter-op-ds-s1"), "authn.door");
    // Who issues everything else does not issue this.
    let other_way = asks("4D504B4800000001", "hhu-op-ds-s1")
        .replace("visit certificate V-2026-117", &format!("cert issue --issuer {AUTHORITY}"))
        .replace("--request ", "");
    refused(&rehearsal, 0, &other_way, "visit.required");
    assert_eq!(certificates(&rehearsal), [] as [[String; 3]; 0], "nothing was half done");

    let issued = run_as(&rehearsal, 1004, first).ok();
    assert!(issued.out.contains("under-way") && issued.out.contains("of 4D504B4800000001"), "{}", issued.out);
    let all = certificates(&rehearsal);
    let [[one, status, _]] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((status.as_str(), ocsp(&rehearsal, one).as_str()), ("good", "good"));
    let history = rehearsal.operator_json(&["cert", "history", one, "--issuer", AUTHORITY]);
    assert_eq!(history["request"]["visit"], "V-2026-117", "{history}");

    let bundled = run_as(&rehearsal, 1004, bundle).ok();
    assert!(bundled.err.contains("CMS Verification successful"), "{}", bundled.all());
    what_is_taken_along(&rehearsal);

    what_is_brought_back(&rehearsal, again);

    let all = certificates(&rehearsal);
    let Some(([two, after, _], before)) = all.split_last() else { panic!("{all:?}") };
    let superseded =
        |[_, status, why]: &[String; 3]| (status.as_str(), why.as_str()) == ("revoked", "superseded");
    assert!(before.len() == 4 && before.iter().all(superseded), "{all:?}");
    assert_eq!(
        (after.as_str(), ocsp(&rehearsal, one), ocsp(&rehearsal, two)),
        ("good", "revoked".to_owned(), "good".to_owned())
    );

    what_a_timer_does(&rehearsal, &clock, renew);
    let last = certificates(&rehearsal).pop().expect("the last one");

    let ended = run_as(&rehearsal, 1001, end).ok();
    assert!(ended.out.contains("(cessationOfOperation)"), "{}", ended.out);
    assert_eq!([ocsp(&rehearsal, one), ocsp(&rehearsal, two), ocsp(&rehearsal, &last[0])], ["revoked"; 3]);
    refused(&rehearsal, 1004, again, "visit.ended");
    let audited = rehearsal.audit_after(0);
    for (act, count) in [
        ("visit-opened", 1),
        ("visit-approved", 2),
        ("visit-bundled", 2),
        ("receipts-checked", 3),
        ("visit-ended", 1),
    ] {
        assert_eq!(audited.iter().filter(|one| one["act"] == act).count(), count, "{act}");
    }
    assert!(rehearsal.audited() > 0);
}
