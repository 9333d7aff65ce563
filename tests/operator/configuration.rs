//! `config check`, and what `serve` makes of a configuration that is not sound.

use e2e::rehearsal::Rehearsal;

/// Makes a configuration out of the one that was written, and checks it; returns the faults that are told.
fn faults(rehearsal: &mut Rehearsal, changes: &[(&str, &str)]) -> Vec<String> {
    rehearsal.configure("faulty.toml", |text| {
        changes.iter().fold(text, |text, (from, to)| {
            assert!(text.contains(from), "{from} stands in the configuration");
            text.replacen(from, to, 1)
        })
    });
    let said = rehearsal.operator(&["config", "check"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{}", said.all());
    let (served, log) = rehearsal.serve_to_its_end();
    assert_eq!((served, &log), (Some(2), &said.err), "serve ends with the same words");
    let text = said.err.trim_end().trim_end_matches(" (config.faulty)");
    let (first, rest) = text.split_once('\n').expect("several lines");
    let faults: Vec<String> = rest.lines().map(str::to_owned).collect();
    assert_eq!(first, format!("meter-pki: faults in the configuration: {}", faults.len()));
    faults
}

/// Asserts that each fault is told once, with its line, in the order of the file.
#[track_caller]
fn assert_told(rehearsal: &Rehearsal, faults: &[String], expected: &[(&str, &str)]) {
    let text = std::fs::read_to_string(rehearsal.state("faulty.toml")).expect("the configuration");
    assert_eq!(faults.len(), expected.len(), "{}", faults.join("\n"));
    for (fault, (mark, sentence)) in faults.iter().zip(expected) {
        let line =
            text.lines().position(|line| line.contains(mark)).expect("the mark stands in the file") + 1;
        let place = format!("{}:{line}:", rehearsal.state("faulty.toml").display());
        assert!(fault.starts_with(&place), "{fault} does not begin with {place}");
        assert!(fault.contains(sentence), "{fault} does not say: {sentence}");
    }
}

#[test]
fn a_sound_configuration_is_called_sound() {
    let said = Rehearsal::start(1).operator(&["config", "check"]).ok();
    assert_eq!(
        said.out,
        "sound; authorities: 7, labels: 12, manufacturers: 1, registration authorities: 2\n"
    );
}

#[test]
fn i_02_i_15_every_fault_of_form_is_told_with_its_line() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    let changes = [
        ("engine = \"fjall\"", "engine = \"fjall\"\ncolour = \"red\""),
        ("default_label = \"meter-op-ds-s1\"\n", ""),
        ("[status]\nlisten = \"127.0.0.1", "[status]\nlisten = \"nowhere"),
        ("grace_minutes = 60", "grace_minutes = \"long\""),
        ("passphrase_file = \"passphrase\"", "passphrase_file = \"passphrase\"\nlog_octets = 1"),
        ("[operator]\n", "[operator]\nbreak_glass_hours = 4294967296\n"),
    ];
    let faults = faults(&mut rehearsal, &changes);
    assert_told(
        &rehearsal,
        &faults,
        &[
            ("colour = ", "unknown field `colour`"),
            ("log_octets = ", "unknown field `log_octets`"),
            ("break_glass_hours = ", "invalid value: integer `4294967296`, expected u8"),
            ("[est]", "missing field `default_label`"),
            ("listen = \"nowhere", "invalid socket address"),
            ("grace_minutes = \"long\"", "invalid type: string \"long\""),
        ],
    );
}

#[test]
fn every_fault_of_meaning_is_told_with_the_line_of_its_table() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    let changes = [
        ("engine = \"fjall\"", "engine = \"paper\""),
        ("directory = \"store\"", "directory = \"absent\""),
        ("passphrase_file = \"passphrase\"", "passphrase_file = \"absent\""),
        (
            "socket = \"operator.sock\"",
            "socket = \"operator.sock\"\nkey_file = \"tls/server.key\"\nbreak_glass_hours = 25\npeople = \"three\"",
        ),
        ("certificate_file = \"tls/server.pem\"", "certificate_file = \"tls/absent.pem\""),
        ("default_label = \"meter-op-ds-s1\"", "default_label = \"nothing\""),
        (
            "message_certificate_file = \"tls/cmp-signer.cer\"",
            "message_certificate_file = \"tls/absent.cer\"\nmessage_key_file = \"tls/absent.key\"",
        ),
        ("directory = \"published\"", "directory = \"absent\""),
        ("tenant = \"maker\"", "tenant = \"Maker!\""),
        ("crl_profile = \"crl-online\"", "crl_profile = \"crl-paper\""),
        (
            "certificate_file = \"authorities/maker-infra-s1.cer\"",
            "certificate_file = \"authorities/absent.cer\"",
        ),
        ("path_files = [\"authorities/dso-root-s1.cer\"]", "path_files = [\"authorities/dso-root-s2.cer\"]"),
        ("manufacturers = [\"maker\"]", "manufacturers = [\"makers\"]"),
        ("\"one-time-token\"", "\"back\""),
        ("grace_minutes = 60", "grace_minutes = 60\nbase64_line = 7"),
        ("profile = \"meter-op-ka-s1\"", "profile = \"meter-op-kb-s1\""),
        ("name = \"dso-infra-s1\"", "name = \"dso-operational-s1\""),
        ("label = \"meter-op-tls-s2\"", "label = \"meter-op-ds-s2\""),
        ("title_prefix = \"4D504B\"", "title_prefix = \"XY\""),
    ];
    let faults = faults(&mut rehearsal, &changes);
    let told: Vec<&str> = faults.iter().map(|fault| sentence(fault)).collect();
    let absent = |file: &str| rehearsal.state(file).display().to_string();
    let expected = [
        "store.engine: the engines are fjall, sled and postgres".to_owned(),
        format!("store.directory: there is no directory {}", absent("absent")),
        format!("keys.passphrase_file: there is no file {}", absent("absent")),
        "operator.certificate_file, key_file: are given both, or none".to_owned(),
        "operator.break_glass_hours: is 1 to 24".to_owned(),
        "operator.people: is one or two".to_owned(),
        format!("est.certificate_file: cannot read {}: No such file or directory (os error 2)", absent("tls/absent.pem")),
        "est.default_label: no offer has the label nothing".to_owned(),
        format!("cmp.message_certificate_file: cannot read {}: No such file or directory (os error 2)", absent("tls/absent.cer")),
        format!("cmp.message_key_file: cannot read {}: No such file or directory (os error 2)", absent("tls/absent.key")),
        "cmp: message_key_file and message_passphrase_file go together".to_owned(),
        "cmp.labels: no offer has the label meter-op-tls-s2".to_owned(),
        format!("status.directory: there is no directory {}", absent("absent")),
        "authority maker-factory-s1: a tenant is named by 1 to 32 of the characters a-z, 0-9 and -".to_owned(),
        "authority maker-factory-s1: there is no crl_profile crl-paper".to_owned(),
        format!(
            "authority maker-infra-s1: cannot read {}: No such file or directory (os error 2)",
            absent("authorities/absent.cer")
        ),
        "authority dso-operational-s1: path_files do not lead from the certificate to a self-signed root".to_owned(),
        "authority dso-operational-s1: there is no manufacturer makers".to_owned(),
        "authority dso-operational-s1: offer meter-op-ds-s1: there is no door back".to_owned(),
        "authority dso-operational-s1: offer meter-op-ds-s1: a line of base64 has a multiple of 4 characters, at most \
         76, or 0 for one line; not 7"
            .to_owned(),
        "authority dso-operational-s1: there is no profile meter-op-kb-s1".to_owned(),
        "authority dso-operational-s1: another one has this name".to_owned(),
        "offer meter-op-tls-s2: the label meter-op-ds-s2 is given twice".to_owned(),
        "registration_authority line-1-s1: title_prefix is up to 8 octets in hexadecimal".to_owned(),
    ];
    assert_eq!(told, expected);
    assert_lines_lead_to_tables(&rehearsal, &faults);
}

/// Returns what follows `file:line: `.
fn sentence(fault: &str) -> &str {
    fault.splitn(3, ':').nth(2).expect("file, line, sentence").trim_start()
}

fn assert_lines_lead_to_tables(rehearsal: &Rehearsal, faults: &[String]) {
    let text = std::fs::read_to_string(rehearsal.state("faulty.toml")).expect("the configuration");
    let lines: Vec<&str> = text.lines().collect();
    for fault in faults {
        let number: usize = fault.split(':').nth(1).expect("a line").parse().expect("a number");
        let (head, what) = (lines[number - 1], sentence(fault));
        let table = if what.starts_with("offer ") || what.contains(": offer ") || what.contains("no profile")
        {
            "[[authority.offer]]".to_owned()
        } else {
            let noun = what.split([':', '.', ' ']).next().expect("a noun");
            if noun.contains("authority") { format!("[[{noun}]]") } else { format!("[{noun}]") }
        };
        assert_eq!(head, table, "{fault}");
    }
}

#[test]
fn a_configuration_that_is_not_there_is_told_apart_from_one_that_is_faulty() {
    let said = Rehearsal::not_begun().operator(&["config", "check"]);
    assert_eq!(said.code, Some(2), "{}", said.all());
    assert!(said.err.contains("cannot read the configuration"), "{}", said.err);
    assert!(said.err.contains("No such file or directory"), "{}", said.err);
}

#[test]
fn a_certificate_and_a_key_that_do_not_belong_together_are_found_before_anything_is_served() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    let mismatch = [("key_file = \"tls/server.key\"", "key_file = \"tls/line-station.key\"")];
    let faults = faults(&mut rehearsal, &mismatch);
    assert_eq!(faults.len(), 1);
    assert!(sentence(&faults[0]).starts_with("est.certificate_file, key_file: "), "{}", faults[0]);
}

// Case E-27: whoever can write the configuration or start the program cannot bring in another way to authenticate.
#[test]
fn e_27_no_argument_no_door_and_no_key_brings_in_an_authenticator() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    for argument in ["--test-authenticator", "--insecure", "--no-auth"] {
        let said = rehearsal.operator(&["serve", argument]);
        assert_eq!(said.code, Some(2), "{}", said.all());
    }
    let told = faults(&mut rehearsal, &[("\"one-time-token\"", "\"mock\"")]);
    assert!(told.iter().any(|fault| fault.contains("there is no door mock")), "{told:?}");
    let keys = ["authenticator = \"mock\"", "accept_any_client = true", "test_mode = true", "secret = \"x\""];
    let changed = format!("[est]\n{}", keys.join("\n"));
    let told = faults(&mut rehearsal, &[("[est]", changed.as_str())]);
    for key in ["authenticator", "accept_any_client", "test_mode", "secret"] {
        assert!(told.iter().any(|fault| fault.contains(&format!("unknown field `{key}`"))), "{told:?}");
    }
}

#[test]
fn faults_of_the_audit_table_are_told_and_a_key_of_an_authority_signs_no_checkpoint() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    let written = std::fs::read_to_string(rehearsal.state("meter-pki.toml")).unwrap();
    let value = |name: &str| {
        let line = written.lines().find(|line| line.starts_with(name)).expect("the line stands there");
        line.split('"').nth(1).unwrap().to_owned()
    };
    let own = value("checkpoint_key");
    let others = value("responder_key");
    let changes = [
        (own.as_str(), others.as_str()),
        (
            "export_directory = \"audit\"",
            "export_directory = \"nowhere\"\nrecords_behind = 0\nsyslog = { tcp = \"host\" }",
        ),
    ];
    let told = faults(&mut rehearsal, &changes);
    for (fault, sentence) in
        told.iter().zip(["checkpoints need one of their own", "there is no directory", "host and port"])
    {
        assert!(fault.contains("audit.") && fault.contains(sentence), "{fault}");
    }
}

#[test]
fn what_an_offer_says_of_repetitions_and_an_authority_of_its_grace_time_is_checked() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    let changes = [
        ("crl_profile = \"crl-online\"", "crl_profile = \"crl-online\"\nuncertain_grace_seconds = 0"),
        ("grace_minutes = 60", "grace_minutes = 60\nafter_window = \"perhaps\"\nrepeat_window_hours = 721"),
    ];
    let told = faults(&mut rehearsal, &changes);
    let told: Vec<&str> = told.iter().map(|fault| sentence(fault)).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].ends_with("uncertain_grace_seconds is 1 to 604800, a week"), "{told:?}");
    assert!(told[1].ends_with("after_window is new, return-existing or refuse"), "{told:?}");
}
