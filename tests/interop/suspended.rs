//! Devices that their owner suspended or retired: refused over CMP by `openssl cmp`, and through a registration authority over EST and
//! uploads by curl, each with its reason code and its audit record; and answered when they are back.

use e2e::fleet::{Credential, Meter, Suite};
use e2e::peer::{Shown, make_key, make_request, path};
use e2e::rehearsal::Rehearsal;
use e2e::shift::{Request, line, upload_as};

use crate::cmp::{Client, DELIVERED, rehearsal_with, signing};

/// What the configuration says of the owner's own registration authority, and that it is let in.
fn with_registration_authority(configuration: &str) -> String {
    let doors = "doors = [\"factory-certificate\"";
    assert!(configuration.contains(doors), "operational offers of the rehearsal");
    let text = configuration.replace(doors, "doors = [\"registration-authority\", \"factory-certificate\"");
    format!(
        "{text}\n[[registration_authority]]\nname = \"head-end-1\"\ntenant = \"dso\"\ncommon_name = \"Head-end 1\"\n\
         anchor_files = [\"authorities/dso-infra-s1.cer\"]\n\
         profiles = [\"meter-op-ds-s1\", \"meter-op-ka-s1\", \"meter-op-tls-s1\"]\ntitle_prefix = \"4D504B\"\n"
    )
}

/// Has the owner's infrastructure CA certify the registration authority.
fn registration_authority(rehearsal: &Rehearsal) -> Shown {
    let (key, request, out) =
        (rehearsal.unique("ra.key"), rehearsal.unique("ra.csr"), rehearsal.unique("ra.pem"));
    make_key(&key, "P-256");
    let der = make_request(&key, "/C=DE/O=Example Grid/CN=Head-end 1", "sha256", &[]);
    std::fs::write(&request, der).expect("it can be written");
    let (request, file) = (path(&request), path(&out));
    let fixed = ["cert", "issue", "--issuer", "dso-infra-s1", "--profile", "ra-station-s1"];
    drop(rehearsal.operator(&[&fixed[..], &[&request, "--out", &file]].concat()).ok());
    Shown::Certificate { certificates: out, key }
}

fn change(rehearsal: &Rehearsal, act: &str) {
    let why = ["--tenant", "dso", "--reason", "reported stolen"];
    drop(rehearsal.operator(&[&["device", act, DELIVERED], &why[..]].concat()).ok());
}

/// Everybody who can ask for the device asks, is refused with this code, and each refusal is on record once.
#[track_caller]
fn nobody_gets_anything(rehearsal: &Rehearsal, (factory, shown): (&Credential, &Shown), code: &str) {
    let before = rehearsal.audited();
    let client = Client::at(rehearsal, "meter-op-tls", Suite::One);
    for command in ["ir", "cr", "p10cr"] {
        let mut arguments = signing(factory, DELIVERED);
        if command == "p10cr" {
            let file = rehearsal.unique("p10.csr");
            let (key, pem) = (rehearsal.unique("p10.key"), rehearsal.unique("p10.pem"));
            make_key(&key, "P-256");
            std::fs::write(&file, make_request(&key, &format!("/CN={DELIVERED}"), "sha256", &[]))
                .expect("it can be written");
            let to_pem = ["req", "-inform", "DER", "-in", &path(&file), "-out", &path(&pem)];
            drop(e2e::tool::openssl(to_pem).ok());
            arguments.extend(["-csr".to_owned(), path(&pem)]);
        }
        let (said, got) = client.try_enrol(command, &arguments);
        assert!(
            said.all().contains("notAuthorized") && said.all().contains(code),
            "{command}: {}",
            said.all()
        );
        assert!(!got.certificate.exists());
    }
    let meter = Meter::new(rehearsal, DELIVERED, Suite::One);
    let answer = meter.try_enrol("meter-op-tls", shown);
    assert!(answer.status == 403 && answer.text().contains(code), "{}", answer.text());
    let lines: String = ["meter-op-tls-s1", "meter-op-ds-s1"]
        .into_iter()
        .map(|label| line(label, label, "first", &Request::new(DELIVERED).csr))
        .collect();
    for answer in upload_as(rehearsal, shown, &lines) {
        assert!(answer["certificate"].is_null() && answer.to_string().contains(code), "{answer}");
    }
    let records = rehearsal.audit_after(before);
    let refusals: Vec<_> = records.iter().filter(|record| record["act"] == "request-refused").collect();
    assert_eq!(refusals.len(), 6, "three by CMP, one by EST, two lines: {records:?}");
    assert!(refusals.iter().all(|record| record["reason"] == code), "{refusals:?}");
}

#[test]
fn a_device_out_of_service_gets_nothing_over_cmp_or_through_a_registration_authority_until_it_is_back() {
    let rehearsal = rehearsal_with("", |text| with_registration_authority(&text));
    let shown = registration_authority(&rehearsal);
    let meter = Meter::new(&rehearsal, DELIVERED, Suite::One);
    let factory = meter.manufacture();
    meter.deliver();

    change(&rehearsal, "suspend");
    nobody_gets_anything(&rehearsal, (&factory, &shown), "device.suspended");
    change(&rehearsal, "resume");
    let client = Client::at(&rehearsal, "meter-op-tls", Suite::One);
    let (said, got) = client.try_enrol("ir", &signing(&factory, DELIVERED));
    assert!(got.certificate.exists(), "{}", said.all());
    drop(meter.enrol("meter-op-ka", &shown));
    let lines = line("one", "meter-op-ds-s1", "first", &Request::new(DELIVERED).csr);
    let answers = upload_as(&rehearsal, &shown, &lines);
    assert!(answers.iter().all(|answer| answer["certificate"].is_string()), "{answers:?}");

    change(&rehearsal, "retire");
    nobody_gets_anything(&rehearsal, (&factory, &shown), "device.retired");
}
