//! Every check finds its fault and nothing else does, on facts that were made up: no file, no network, no clock.

use crate::operator::wire::NodeView;
use std::collections::BTreeSet;

use super::facts::{
    Attempt, Authority, Campaign, Configured, Disk, Facts, Files, Outside, OwnCertificate, Part, PathFact,
    Production, RecordedCrl, Seen, SeenAnswer, SeenCrl, Served, Use, Waiting,
};
use super::*;

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;
const FAR: i64 = NOW + 4_000 * DAY;

fn certificate(part: Part, name: &str) -> OwnCertificate {
    let (not_before, not_after) = (NOW - DAY, FAR);
    OwnCertificate {
        part,
        name: name.to_owned(),
        not_before,
        not_after,
        serial: "01".to_owned(),
        fault: None,
    }
}

fn crl() -> RecordedCrl {
    RecordedCrl {
        name: "one".to_owned(),
        number: 7,
        this_update: NOW - 60,
        next_update: NOW + DAY,
        base: None,
    }
}

fn delta() -> RecordedCrl {
    RecordedCrl { name: "one, delta to 7".to_owned(), number: 8, base: Some(7), ..crl() }
}

fn seen(uri: &str) -> Seen {
    Seen { name: "one".to_owned(), uri: uri.to_owned(), unreachable: None, unfit: None }
}

fn configured() -> Configured {
    let offers = vec![("meter".to_owned(), 30 * DAY)];
    let uris = vec![("crl".to_owned(), "http://pki.example/one.crl".to_owned())];
    let one = Authority { name: "one".to_owned(), issues_until: FAR, path_fault: None, uris, offers };
    Configured {
        sha256: "aa".to_owned(),
        certificates: vec![
            certificate(Part::Root, "root"),
            certificate(Part::Authority, "authority one"),
            certificate(Part::Tls, "tls"),
            certificate(Part::MessageSigner, "signer"),
            certificate(Part::Manufacturer, "maker"),
            certificate(Part::RegistrationAuthority, "station"),
        ],
        authorities: vec![one],
        listeners: vec![("est".to_owned(), "192.0.2.1:443".parse().unwrap())],
        checkpoint_key: some("aa"),
        copied: true,
        recovery_key: true,
        people: vec![1, 2],
        two_people_from: 10,
        most_connections: 1_000,
        ..Configured::default()
    }
}

fn files() -> Files {
    let path = |used_as, mode| PathFact { used_as, path: "place".to_owned(), mode: Some(mode) };
    let disk = |used_as, device| Disk {
        used_as: Some(used_as),
        path: "disk".to_owned(),
        free_octets: 50 << 30,
        octets: 100 << 30,
        free_files: 1_000_000,
        files: 2_000_000,
        device,
    };
    Files {
        paths: vec![
            path(Use::Configuration, 0o644),
            path(Use::KeyDirectory, 0o700),
            path(Use::KeyFile, 0o600),
            path(Use::Passphrase, 0o600),
            path(Use::Pin, 0o400),
            path(Use::TlsKey, 0o600),
            path(Use::Ledger, 0o700),
            path(Use::SignerSocket, 0o600),
            path(Use::SocketDirectory, 0o1777),
        ],
        disks: vec![disk(Use::Ledger, 1), disk(Use::Published, 1), disk(Use::Export, 2)],
        ledger_written_at: Some(NOW),
        export_written_at: Some(NOW),
        exported: Some(100),
        checkpointed: Some(100),
        ledger_format: Some(("3".to_owned(), "3".to_owned())),
    }
}

fn node(name: &str) -> NodeView {
    NodeView {
        name: name.to_owned(),
        token: 1,
        fenced: false,
        left: false,
        seen_ago_ms: 900,
        skew_ms: 12,
        version: "1".to_owned(),
        schema_most: 2,
        configuration: "aa".to_owned(),
        duties: Vec::new(),
    }
}

fn served() -> Served {
    Served {
        version: "1".to_owned(),
        sha256: "aa".to_owned(),
        nodes: vec![node("ca-1"), node("ca-2")],
        clock: (NOW, NOW),
        last_record: Some((100, NOW - 5)),
        last_backup: Some(NOW - DAY),
        open_files: Some(65_536),
        crls: vec![crl()],
        ..Served::default()
    }
}

/// A system at which nothing is to be found.
fn healthy() -> Facts {
    let answer = SeenAnswer {
        seen: seen("http://pki.example/ocsp"),
        this_update: Some(NOW - 1),
        next_update: Some(NOW + DAY),
        responder_ends: Some(NOW + 30 * DAY),
        differs: None,
    };
    let listeners = ["est", "cmp", "status"].map(|name| (name.to_owned(), None));
    Facts {
        now: NOW,
        version: "1".to_owned(),
        configured: Some(configured()),
        files: files(),
        served: Some(served()),
        outside: Outside {
            crls: vec![
                SeenCrl {
                    seen: seen("http://pki.example/one.crl"),
                    crl: Some(crl()),
                    octets: 500,
                    recorded: 7,
                },
                SeenCrl {
                    seen: seen("http://pki.example/d.crl"),
                    crl: Some(delta()),
                    octets: 500,
                    recorded: 8,
                },
            ],
            certificates: vec![seen("http://pki.example/one.cer")],
            ocsp: vec![answer],
            listeners: listeners.to_vec(),
            dates: vec![("http://pki.example/".to_owned(), 1)],
        },
        signatures: vec![Attempt { by: "the key of checkpoints".to_owned(), fault: None }],
        ..Facts::default()
    }
}

/// What goes wrong, which check tells of it, and how badly.
type Case = (&'static str, Severity, fn(&mut Facts));

fn c(facts: &mut Facts) -> &mut Configured {
    facts.configured.as_mut().unwrap()
}

fn s(facts: &mut Facts) -> &mut Served {
    facts.served.as_mut().unwrap()
}

fn ends(facts: &mut Facts, part: Part, days: i64) {
    let found = c(facts).certificates.iter_mut().find(|one| one.part == part);
    found.unwrap().not_after = NOW + days * DAY;
}

fn mode(facts: &mut Facts, used_as: Use, mode: Option<u32>) {
    facts.files.paths.iter_mut().find(|one| one.used_as == used_as).unwrap().mode = mode;
}

fn disk(facts: &mut Facts, used_as: Use) -> &mut Disk {
    facts.files.disks.iter_mut().find(|one| one.used_as == Some(used_as)).unwrap()
}

fn published(facts: &mut Facts) -> &mut RecordedCrl {
    facts.outside.crls[0].crl.as_mut().unwrap()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn emergency(state: &str, overdue: bool) -> (String, String, String, bool) {
    ("kim".to_owned(), "ca-operations".to_owned(), state.to_owned(), overdue)
}

fn waits(since: i64, until: i64) -> Waiting {
    Waiting { id: "0123456789abcdef0123".to_owned(), since, until }
}

const FAULT: Severity = Severity::Fault;
const WARNING: Severity = Severity::Warning;
const NOTICE: Severity = Severity::Notice;

const CONFIGURATION: &[Case] = &[
    ("config.drift", WARNING, |f| s(f).sha256 = "bb".to_owned()),
    ("config.profiles-drift", WARNING, |f| s(f).profiles_sha256 = some("bb")),
    ("config.profile-version", WARNING, |f| {
        let (file, since) = ("meter-op-ds.toml".to_owned(), "2031-11-21T00:00:00Z".to_owned());
        s(f).reused_versions.push(("meter-op-ds-s1".to_owned(), 2, file, since));
    }),
    ("config.version", NOTICE, |f| s(f).version = "2".to_owned()),
    ("config.writable", FAULT, |f| mode(f, Use::Configuration, Some(0o664))),
    ("config.software-keys", NOTICE, |f| c(f).software_keys = true),
    ("config.no-door", NOTICE, |f| c(f).offers_without_door.push("meter".to_owned())),
    ("config.no-limit", NOTICE, |f| c(f).without_limit.push("device".to_owned())),
    ("config.open-files", WARNING, |f| s(f).open_files = Some(1_024)),
    ("config.no-status", WARNING, |f| c(f).authorities[0].uris.clear()),
    ("config.loopback", NOTICE, |f| c(f).authorities[0].uris[0].1 = "http://127.0.0.1:80/x".to_owned()),
    ("listener.everywhere", NOTICE, |f| c(f).listeners[0].1 = "0.0.0.0:443".parse().unwrap()),
    ("listener.everywhere", NOTICE, |f| c(f).listeners[0].1 = "[::]:443".parse().unwrap()),
    ("listener.loopback", NOTICE, |f| c(f).listeners[0].1 = "[::1]:443".parse().unwrap()),
    ("people.four-eyes", WARNING, |f| c(f).people = vec![1]),
    ("people.four-eyes", WARNING, |f| {
        c(f).people = Vec::new();
        c(f).two_people_from = 0;
        c(f).approved_by_two.push("gateway".to_owned());
    }),
];

const CERTIFICATES: &[Case] = &[
    ("cert.root-expiry", NOTICE, |f| ends(f, Part::Root, 730)),
    ("cert.root-expiry", WARNING, |f| ends(f, Part::Root, 365)),
    ("cert.root-expiry", FAULT, |f| ends(f, Part::Root, -1)),
    ("cert.authority-expiry", WARNING, |f| ends(f, Part::Authority, 180)),
    ("cert.authority-expiry", NOTICE, |f| ends(f, Part::Authority, 365)),
    ("cert.window", WARNING, |f| c(f).authorities[0].issues_until = NOW + 60 * DAY),
    ("cert.window", FAULT, |f| c(f).authorities[0].issues_until = NOW - 1),
    ("cert.no-room", FAULT, |f| c(f).authorities[0].offers[0].1 = 5_000 * DAY),
    ("cert.tls-expiry", NOTICE, |f| ends(f, Part::Tls, 30)),
    ("cert.tls-expiry", WARNING, |f| ends(f, Part::Tls, 7)),
    ("cert.tls-expiry", FAULT, |f| ends(f, Part::Tls, -1)),
    ("cert.message-signer-expiry", FAULT, |f| ends(f, Part::MessageSigner, -1)),
    ("cert.responder-expiry", WARNING, |f| f.outside.ocsp[0].responder_ends = Some(NOW + DAY)),
    ("cert.responder-expiry", FAULT, |f| f.outside.ocsp[0].responder_ends = Some(NOW - 1)),
    ("cert.manufacturer-expiry", WARNING, |f| ends(f, Part::Manufacturer, -1)),
    ("cert.registration-expiry", WARNING, |f| ends(f, Part::RegistrationAuthority, -1)),
    ("cert.not-yet-valid", FAULT, |f| c(f).certificates[2].not_before = NOW + 1),
    ("cert.path", FAULT, |f| c(f).authorities[0].path_fault = some("not signed")),
    ("cert.mismatch", FAULT, |f| c(f).certificates[2].fault = some("another key")),
    ("cert.revoked", FAULT, |f| s(f).not_good.push(("tls".to_owned(), "revoked".to_owned()))),
    ("root.crl-end", NOTICE, |f| s(f).roots.push(("it ends".to_owned(), 180))),
    ("root.crl-end", WARNING, |f| s(f).roots.push(("it ends".to_owned(), 30))),
    ("root.crl-end", FAULT, |f| s(f).roots.push(("it ended".to_owned(), -1))),
];

const KEYS: &[Case] = &[
    ("keys.signature", FAULT, |f| f.signatures[0].fault = some("no answer")),
    ("keys.signature", NOTICE, |f| f.signatures.clear()),
    ("keys.away", FAULT, |f| s(f).unwell.push(("signer".to_owned(), true, "away".to_owned()))),
    ("keys.away", WARNING, |f| s(f).unwell.push(("signer".to_owned(), false, "one is away".to_owned()))),
    ("keys.failures", NOTICE, |f| s(f).metrics.push(("pki_token_failures_total".to_owned(), 1.0))),
    ("keys.mode", FAULT, |f| mode(f, Use::KeyFile, Some(0o640))),
    ("keys.mode", FAULT, |f| mode(f, Use::KeyDirectory, Some(0o755))),
    ("keys.mode", FAULT, |f| mode(f, Use::KeyDirectory, None)),
    ("keys.passphrase-mode", FAULT, |f| mode(f, Use::Passphrase, Some(0o644))),
    ("keys.pin-mode", FAULT, |f| mode(f, Use::Pin, Some(0o604))),
    ("keys.tls-mode", FAULT, |f| mode(f, Use::TlsKey, Some(0o640))),
    ("keys.signer-socket", FAULT, |f| mode(f, Use::SignerSocket, None)),
];

const FILES: &[Case] = &[
    ("disk.ledger", NOTICE, |f| disk(f, Use::Ledger).free_octets = 9 << 30),
    ("disk.ledger", WARNING, |f| disk(f, Use::Ledger).free_octets = 4 << 30),
    ("disk.ledger", FAULT, |f| disk(f, Use::Ledger).free_octets = 1 << 20),
    ("disk.published", WARNING, |f| disk(f, Use::Published).free_octets = 4 << 30),
    ("disk.export", WARNING, |f| disk(f, Use::Export).free_octets = 4 << 30),
    ("disk.files", WARNING, |f| disk(f, Use::Export).free_files = 9_999),
    ("disk.files", FAULT, |f| disk(f, Use::Export).free_files = 99),
    ("disk.together", NOTICE, |f| disk(f, Use::Export).device = 1),
    ("files.directories", FAULT, |f| mode(f, Use::SocketDirectory, Some(0o777))),
    ("files.missing", FAULT, |f| mode(f, Use::Ledger, None)),
    ("clock.files", WARNING, |f| f.files.ledger_written_at = Some(NOW + 60)),
    ("clock.trail", FAULT, |f| s(f).last_record = Some((100, NOW + 60))),
    ("clock.server", WARNING, |f| s(f).clock = (NOW + 6, NOW)),
    ("clock.others", WARNING, |f| f.outside.dates[0].1 = -61),
    ("clock.steps", WARNING, |f| s(f).metrics.push(("pki_clock_steps_total".to_owned(), 1.0))),
];

const OUTSIDE: &[Case] = &[
    ("listener.est", FAULT, |f| f.outside.listeners[0].1 = some("refused")),
    ("listener.cmp", FAULT, |f| f.outside.listeners[1].1 = some("refused")),
    ("listener.status", FAULT, |f| f.outside.listeners[2].1 = some("refused")),
    ("crl.unreachable", FAULT, |f| f.outside.certificates_and_crl_unreachable()),
    ("crl.unfit", FAULT, |f| f.outside.crls[1].seen.unfit = some("no signature")),
    ("crl.late", FAULT, |f| published(f).next_update = NOW - 1),
    ("crl.record-late", FAULT, |f| s(f).crls[0].next_update = NOW - 1),
    ("crl.ageing", WARNING, |f| published(f).this_update = NOW - 4 * DAY),
    ("crl.future", FAULT, |f| published(f).this_update = NOW + 60),
    ("crl.behind", FAULT, |f| f.outside.crls[0].recorded = 8),
    ("crl.ahead", FAULT, |f| f.outside.crls[0].recorded = 6),
    ("crl.delta", WARNING, |f| f.outside.crls[1].crl.as_mut().unwrap().base = Some(8)),
    ("crl.long", NOTICE, |f| f.outside.crls[0].octets = 2 << 20),
    ("ca.unreachable", FAULT, |f| f.outside.certificates[0].unreachable = some("404")),
    ("ca.unfit", FAULT, |f| f.outside.certificates[0].unfit = some("another")),
    ("ocsp.unreachable", FAULT, |f| f.outside.ocsp[0].seen.unreachable = some("404")),
    ("ocsp.unfit", FAULT, |f| f.outside.ocsp[0].seen.unfit = some("not delegated")),
    ("ocsp.late", FAULT, |f| f.outside.ocsp[0].next_update = Some(NOW - 1)),
    ("ocsp.future", FAULT, |f| f.outside.ocsp[0].this_update = Some(NOW + 60)),
    ("ocsp.differs", FAULT, |f| f.outside.ocsp[0].differs = some("it is good, and the answer says Revoked")),
];

const LEDGER: &[Case] = &[
    ("server.unanswered", FAULT, |f| s(f).unanswered.push(("health".to_owned(), "late".to_owned()))),
    ("server.unwell", WARNING, |f| s(f).unwell.push(("push".to_owned(), false, "late".to_owned()))),
    ("server.unwell", FAULT, |f| s(f).unwell.push(("ledger".to_owned(), true, "full".to_owned()))),
    ("server.panics", FAULT, |f| s(f).metrics.push(("pki_panics_total".to_owned(), 1.0))),
    ("store.recovery", FAULT, |f| s(f).recovery = Some(("then".to_owned(), "old".to_owned()))),
    ("node.gone", WARNING, |f| s(f).nodes[1].fenced = true),
    ("node.differs", WARNING, |f| s(f).nodes[1].version = "2".to_owned()),
    ("node.differs", WARNING, |f| s(f).nodes[1].configuration = "bb".to_owned()),
    ("node.clock", WARNING, |f| s(f).nodes[1].skew_ms = -5_001),
    ("store.format", FAULT, |f| f.files.ledger_format = Some(("4".to_owned(), "3".to_owned()))),
    ("audit.no-checkpoint", WARNING, |f| c(f).checkpoint_key = None),
    ("audit.no-copy", WARNING, |f| c(f).copied = false),
    ("audit.checkpoint", FAULT, |f| s(f).broken_checkpoint = some("another key")),
    ("audit.tail", FAULT, |f| s(f).broken_tail = some("a gap")),
    ("audit.copy-behind", WARNING, |f| {
        f.files.checkpointed = Some(5_200);
        s(f).last_record = Some((5_200, NOW));
    }),
    ("audit.copy-ahead", FAULT, |f| f.files.exported = Some(101)),
    ("audit.checkpoint-age", WARNING, |f| {
        f.files.checkpointed = Some(99);
        s(f).last_record = Some((100, NOW - 60));
    }),
    ("audit.differs", WARNING, |f| {
        s(f).metrics.push(("pki_reconciliation_differences_total".to_owned(), 2.0));
    }),
    ("backup.no-key", WARNING, |f| c(f).recovery_key = false),
    ("backup.age", WARNING, |f| s(f).last_backup = None),
    ("backup.age", WARNING, |f| s(f).last_backup = Some(NOW - 8 * DAY)),
];

const WORK: &[Case] = &[
    ("intents.uncertain", WARNING, |f| s(f).uncertain.push("01".to_owned())),
    ("intents.open", WARNING, |f| s(f).pending.push(("01".to_owned(), NOW - 601))),
    ("requests.old", WARNING, |f| s(f).requests.push(waits(NOW - DAY - 1, FAR))),
    ("requests.ending", WARNING, |f| s(f).requests.push(waits(NOW, NOW + 7_199))),
    ("orders.ending", WARNING, |f| s(f).orders.push(waits(NOW, NOW + 7_199))),
    ("orders.unfinished", FAULT, |f| s(f).orders_running.push(waits(NOW - 3_601, FAR))),
    ("campaigns.stuck", WARNING, |f| s(f).campaigns.push(Campaign { stuck: 1, ..campaign("running") })),
    ("campaigns.paused", NOTICE, |f| s(f).campaigns.push(campaign("paused"))),
    ("campaigns.late", WARNING, |f| {
        s(f).campaigns.push(Campaign { expected_at: Some(NOW - 1), ..campaign("running") });
    }),
    ("schedule.overdue", FAULT, |f| s(f).scheduled.push(("01".to_owned(), NOW - 301))),
    ("production.ending", WARNING, |f| {
        s(f).production.push(Production { id: "p".to_owned(), ordered: 2, complete: 1, until: NOW + 60 });
    }),
    ("trust.blocked", NOTICE, |f| s(f).blocked.push("maker".to_owned())),
    ("trust.unblock", NOTICE, |f| s(f).unblock_asked.push("maker".to_owned())),
    ("people.break-glass", WARNING, |f| s(f).emergencies.push(emergency("open", false))),
    ("people.break-glass", WARNING, |f| s(f).emergencies.push(emergency("to be reviewed by …", false))),
    ("people.break-glass", FAULT, |f| s(f).emergencies.push(emergency("to be reviewed by …", true))),
];

fn campaign(state: &str) -> Campaign {
    Campaign { name: "swap".to_owned(), state: state.to_owned(), stuck: 0, expected_at: None }
}

impl Outside {
    /// A CRL that does not come has nothing to say besides.
    fn certificates_and_crl_unreachable(&mut self) {
        let crl = &mut self.crls[1];
        crl.seen.unreachable = some("404");
        crl.crl = None;
    }
}

fn cases() -> impl Iterator<Item = &'static Case> {
    [CONFIGURATION, CERTIFICATES, KEYS, FILES, OUTSIDE, LEDGER, WORK].into_iter().flatten()
}

/// What is told that is not in order.
fn told(facts: &Facts) -> Vec<(&'static str, Severity)> {
    let report = examine(facts, &Choice::default());
    let unwell = report.findings.iter().filter(|line| line.severity != Severity::Ok);
    unwell.map(|line| (line.id, line.severity)).collect()
}

#[test]
fn a_healthy_system_is_in_order_and_every_check_was_made() {
    let report = examine(&healthy(), &Choice::default());
    assert_eq!(told(&healthy()), []);
    assert_eq!((report.worst, report.ok), (Severity::Ok, checks().count()));
}

#[test]
fn each_fault_is_told_by_its_check_and_by_no_other() {
    for (id, severity, spoil) in cases() {
        let mut facts = healthy();
        spoil(&mut facts);
        let id = format!("doctor.{id}");
        assert_eq!(told(&facts), [(id.as_str(), *severity)]);
    }
}

#[test]
fn there_is_a_fault_for_every_check_and_none_is_worse_than_it_says() {
    let alone = ["doctor.config.faulty", "doctor.server.nobody"];
    let found: BTreeSet<String> = cases().map(|(id, ..)| format!("doctor.{id}")).collect();
    for check in checks().filter(|check| !alone.contains(&check.id)) {
        assert!(found.contains(check.id), "{}", check.id);
    }
    for (id, severity, _) in cases() {
        let check = checks().find(|check| check.id == format!("doctor.{id}")).unwrap();
        assert!(*severity <= check.worst, "{id}");
        let worst = cases().filter(|(other, ..)| other == id).map(|(_, severity, _)| *severity).max();
        let by_rule = ["cert.authority-expiry", "disk.published", "disk.export"].contains(id);
        assert!(by_rule || worst == Some(check.worst), "{id} is never as bad as it says");
    }
}

#[test]
fn names_are_distinct_and_there_are_more_than_forty() {
    let names: BTreeSet<&str> = checks().map(|check| check.id).collect();
    assert_eq!(names.len(), checks().count());
    assert!(names.len() >= 40, "{}", names.len());
    let is_plain = |id: &str| id.chars().all(|c| c.is_ascii_lowercase() || c == '.' || c == '-');
    assert!(names.iter().all(|id| id.starts_with("doctor.") && is_plain(id)), "{names:?}");
}

#[test]
fn every_finding_says_what_to_do() {
    for (id, _, spoil) in cases() {
        let mut facts = healthy();
        spoil(&mut facts);
        let report = examine(&facts, &Choice::default());
        let unwell = report.findings.iter().filter(|line| line.severity != Severity::Ok);
        assert!(unwell.clone().all(|line| !line.next.is_empty() && !line.says.is_empty()), "{id}");
    }
}

#[test]
fn while_nobody_serves_that_is_told_once_and_what_the_server_knows_is_not_checked() {
    let report = examine(&Facts { served: None, ..healthy() }, &Choice::default());
    let faults: Vec<_> = report.findings.iter().filter(|line| line.severity == FAULT).collect();
    assert_eq!(faults.iter().map(|line| line.id).collect::<Vec<_>>(), ["doctor.server.nobody"]);
    let waiting = report.findings.iter().find(|line| line.id == "doctor.requests.old").unwrap();
    assert_eq!(waiting.severity, Severity::NotChecked);
    assert!(waiting.says.contains("nobody serves"), "{}", waiting.says);
    let of_files = report.findings.iter().find(|line| line.id == "doctor.disk.ledger").unwrap();
    assert_eq!(of_files.severity, Severity::Ok, "files are looked at all the same");
}

#[test]
fn of_a_faulty_configuration_each_fault_is_told_and_the_server_is_asked_all_the_same() {
    let faults = vec!["meter-pki.toml:1: one".to_owned(), "meter-pki.toml:2: two".to_owned()];
    let mut facts = Facts { configured: None, faults, ..healthy() };
    s(&mut facts).uncertain.push("01".to_owned());
    let told = told(&facts);
    assert_eq!(told.iter().filter(|one| **one == ("doctor.config.faulty", FAULT)).count(), 2);
    assert!(told.contains(&("doctor.intents.uncertain", WARNING)), "{told:?}");
    assert!(told.contains(&("doctor.cert.tls-expiry", Severity::NotChecked)), "{told:?}");
}

#[test]
fn only_and_skip_take_whole_words_of_names() {
    let choice = |only: &[&str], skip: &[&str]| {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Choice { only: list(only), skip: list(skip) }
    };
    assert!(choice(&["crl"], &[]).takes("doctor.crl.late"));
    assert!(choice(&["doctor.crl"], &[]).takes("doctor.crl.late"));
    assert!(!choice(&["cr"], &[]).takes("doctor.crl.late"), "not the beginning of a word");
    assert!(!choice(&["crl"], &["crl.late"]).takes("doctor.crl.late"));
    assert!(choice(&[], &["crl.late"]).takes("doctor.crl.long"));
    assert_eq!(choice(&["crl", "clr"], &[]).unknown(), Some(&"clr".to_owned()));
    assert_eq!(choice(&["crl"], &["disk.ledger"]).unknown(), None);
}

/// docs/operate/doctor.md has a row for each check, with its worst severity and its sentence, in the order of reports.
#[test]
fn the_table_in_the_documents_is_that_of_the_code() {
    let chapter = include_str!("../../../../docs/operate/doctor.md");
    let rows: Vec<&str> = chapter.lines().filter(|line| line.starts_with("| `doctor.")).collect();
    let row = |check: &Check| {
        format!("| `{}` | {} | {} |", check.id, check.worst.word().to_lowercase(), check.means)
    };
    assert_eq!(rows, checks().map(row).collect::<Vec<_>>());
}

/// docs/operate/doctor.schema.json names the members and words of the report, and no others.
#[test]
fn the_schema_in_the_documents_is_that_of_the_report() {
    let schema = include_str!("../../../../docs/operate/doctor.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let mut facts = healthy();
    s(&mut facts).uncertain.push("01".to_owned());
    let report = serde_json::to_value(examine(&facts, &Choice::default())).unwrap();
    let members =
        |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(members(&schema["properties"]), members(&report));
    let line = &schema["properties"]["findings"]["items"];
    assert_eq!(members(&line["properties"]), members(&report["findings"][0]));
    let all = [Severity::Ok, Severity::NotChecked, NOTICE, WARNING, FAULT];
    assert_eq!(schema["$defs"]["severity"]["enum"], serde_json::to_value(all).unwrap());
    for object in [&schema, line] {
        assert_eq!(object["additionalProperties"], false);
        let required: BTreeSet<String> = serde_json::from_value(object["required"].clone()).unwrap();
        assert_eq!(required, members(&object["properties"]));
    }
}
