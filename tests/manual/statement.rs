//! The practice statement of the quickstart's configuration, beside what OpenSSL reads off its certificates.

use e2e::chapter::{Shell, steps};
use e2e::peer::field;
use e2e::rehearsal::Rehearsal;
use serde_json::Value;

const CHAPTER: &str = include_str!("../../docs/manual/practice-statement.md");

fn section<'a>(statement: &'a Value, number: &str) -> &'a Value {
    let sections = statement["sections"].as_array().expect("sections");
    sections.iter().find(|one| one["number"] == number).unwrap_or_else(|| panic!("no section {number}"))
}

fn facts(statement: &Value, number: &str) -> String {
    let facts = section(statement, number)["facts"].as_array().expect("facts");
    facts.iter().map(|fact| format!("{}\n", fact.as_str().expect("text"))).collect()
}

/// `Nov 21 10:00:00 2036 GMT` as RFC 3339.
fn rfc3339(text: &str) -> String {
    let [month, day, time, year, _] = text.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("{text} is no time");
    };
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let number = months.iter().position(|name| *name == month).expect("a month") + 1;
    format!("{year}-{number:02}-{:02}T{time}Z", day.parse::<u8>().expect("a day"))
}

#[test]
fn the_statement_says_of_each_authority_what_openssl_reads() {
    let rehearsal = Rehearsal::start(1);
    let statement = rehearsal.operator_json(&["config", "statement"]);
    let authorities = section(&statement, "1.3.1")["facts"].as_array().expect("facts");
    let names = rehearsal.operator_json(&["ca", "list"]);
    let names: Vec<&str> = names
        .as_array()
        .expect("authorities")
        .iter()
        .map(|one| one["name"].as_str().expect("a name"))
        .collect();
    assert!(names.len() >= 7, "{names:?}");
    let roots = ["dso-root-s1", "dso-root-s2", "maker-root-s1", "maker-root-s2"];
    for name in names.iter().copied().chain(roots) {
        let pem = rehearsal.authority(name);
        let serial = field(&pem, "-serial");
        let row = authorities.iter().filter_map(Value::as_str).find(|fact| fact.contains(&serial));
        let row = row.unwrap_or_else(|| panic!("{name}: nothing has {serial}"));
        let sha256 = {
            let said = e2e::tool::openssl([
                "x509",
                "-noout",
                "-fingerprint",
                "-sha256",
                "-in",
                &e2e::peer::path(&pem),
            ])
            .ok();
            said.out.trim().rsplit('=').next().expect("a fingerprint").replace(':', "")
        };
        let key = e2e::tool::openssl(["x509", "-noout", "-text", "-in", &e2e::peer::path(&pem)]).ok().out;
        let curve = if key.contains("NIST CURVE: P-256") { "EC, P-256" } else { "EC, P-384" };
        let end = rfc3339(&field(&pem, "-enddate"));
        let end = if end.starts_with("9999") { "never".to_owned() } else { end };
        for fact in [sha256, curve.to_owned(), rfc3339(&field(&pem, "-startdate")), end] {
            assert!(row.contains(&fact), "{name}: {fact} is not in {row}");
        }
        let common_name = field(&pem, "-subject");
        let common_name = common_name.split(',').find_map(|part| part.strip_prefix("CN=")).expect("a name");
        assert!(row.contains(common_name), "{name}: {common_name} is not in {row}");
    }
}

#[test]
fn what_the_configuration_decides_stands_in_its_section() {
    let rehearsal = Rehearsal::start(1);
    let statement = rehearsal.operator_json(&["config", "statement"]);
    for (number, fact) in [
        ("1.3.2", "| `line-1-s1` | `maker` | `Line Station 1` |"),
        ("2.2", "http://"),
        ("3.1.1", "`meter-op-ds-s1`, `meter-op-ds-s2`"),
        ("3.1.1", "CN = the system title: 16 hexadecimal digits in capitals"),
        ("3.2.5", "an expected device by the factory certificate of its manufacturer"),
        ("4.1.2", "CMP on the listener of EST"),
        ("4.9.7", "`dso-operational-s2` | 1 day | 7 days | none | none | yes |"),
        ("1.3.2", "begins with `4D504B`"),
        ("5.2.1", "| `auditor` | look, read-audit"),
        ("5.4.4", "`rehearsal.example/meter-pki`"),
        ("6.2.1", "encrypted files in `keys`"),
        ("6.7", "Unix socket of this machine"),
        ("7.1.3", "1.2.840.10045.4.3.2"),
    ] {
        let said = facts(&statement, number);
        assert!(said.contains(fact), "{number}: {fact} is not in\n{said}");
    }
    assert!(
        section(&statement, "5.1.8")["open"][0]["question"]
            .as_str()
            .expect("a question")
            .contains("recovery key")
    );
}

#[test]
fn open_questions_are_the_same_in_the_document_and_by_themselves_and_no_secret_is_in_it() {
    let rehearsal = Rehearsal::start(1);
    let text = rehearsal.operator(&["config", "statement"]).ok().out;
    let alone = rehearsal.operator(&["config", "statement", "--open"]).ok().out;
    let marked = text.lines().filter(|line| line.starts_with("> To be filled in by ")).count();
    assert!(marked > 80 && marked == alone.lines().count(), "{marked}");
    for line in alone.lines() {
        assert!(text.contains(line), "{line}");
    }
    let passphrase = std::fs::read_to_string(rehearsal.state("passphrase")).expect("the passphrase");
    for secret in [passphrase.trim(), "PRIVATE KEY", "pin-value"] {
        assert!(!secret.is_empty() && !text.contains(secret), "{secret} is in the statement");
    }
    // Nothing of this founding is in a template.
    let template = rehearsal.operator(&["config", "statement", "--template"]).ok().out;
    let serial = field(&rehearsal.authority("dso-operational-s1"), "-serial");
    assert!(text.contains(&serial) && !template.contains(&serial));
    assert!(
        !template.contains("127.0.0.1")
            && !template.contains(&rehearsal.scratch("").to_string_lossy().into_owned())
    );
}

#[test]
fn the_page_of_the_statement_works_as_it_stands() {
    let rehearsal = Rehearsal::start(1);
    let [write] = steps(CHAPTER);
    let open = Shell::new(&rehearsal.state(""), &rehearsal.scratch("bin")).run(write).ok().out;
    let whole = std::fs::read_to_string(rehearsal.state("practice-statement.md")).expect("the statement");
    assert!(whole.contains("1.1 Overview") && whole.contains("dso-operational-s1"), "{whole}");
    assert!(open.contains("policy authority") && open.len() < whole.len(), "{open}");
}
