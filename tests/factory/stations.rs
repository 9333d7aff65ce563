//! Stations: curl over EST and OpenSSL over CMP, both under real TLS, take places in the order that names their registration
//! authority, and none beyond what was ordered.

use e2e::fleet::{Meter, Suite, station};
use e2e::messages::{make_message_signer, serving_cmp};
use e2e::peer::{Answer, enrol, make_key, path, to_pem};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, openssl};

use crate::chapter::CHAPTER;
use crate::ground::{needing_orders, open, order, title};

const LABEL: &str = "meter-factory-ds-s1";

fn set_up() -> Rehearsal {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    make_message_signer(&rehearsal);
    rehearsal.configure("line.toml", |text| serving_cmp(&needing_orders(&text, CHAPTER), &[LABEL], ""));
    rehearsal.serve();
    to_pem(&rehearsal.state("tls/messages.cer"), &rehearsal.state("tls/messages.pem"));
    rehearsal
}

fn over_est(rehearsal: &Rehearsal, title: &str) -> Answer {
    let meter = Meter::new(rehearsal, title, Suite::One);
    enrol(rehearsal, LABEL, &meter.ask().request, &station(rehearsal))
}

/// The station asks for a device by p10cr: the device's key has signed the request.
fn over_cmp(rehearsal: &Rehearsal, title: &str) -> (Said, bool) {
    let (key, request, certificate) =
        (rehearsal.unique("meter.key"), rehearsal.unique("meter.csr"), rehearsal.unique("meter.pem"));
    make_key(&key, "P-256");
    let subject = format!("/CN={title}");
    drop(openssl(["req", "-new", "-key", &path(&key), "-subj", &subject, "-out", &path(&request)]).ok());
    let server = rehearsal.est(LABEL);
    let host = server.trim_start_matches("https://").split('/').next().expect("a host").to_owned();
    let [own, own_key] =
        ["tls/line-station.pem", "tls/line-station.key"].map(|file| path(&rehearsal.state(file)));
    let said = openssl([
        "cmp",
        "-config",
        "",
        "-batch",
        "-cmd",
        "p10cr",
        "-csr",
        &path(&request),
        "-certout",
        &path(&certificate),
        "-server",
        &host,
        "-path",
        &format!("/.well-known/cmp/p/{LABEL}"),
        "-trusted",
        &path(&rehearsal.state("tls/messages.pem")),
        "-tls_used",
        "-tls_trusted",
        &path(&rehearsal.root()),
        "-cert",
        &own,
        "-key",
        &own_key,
        "-extracerts",
        &own,
        "-implicit_confirm",
        "-msg_timeout",
        "30",
    ]);
    (said, certificate.exists())
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(answer.text().contains(&format!("({code})")), "{}", answer.text());
}

#[test]
fn stations_over_est_and_cmp_take_the_places_of_the_order_that_names_them_and_no_more() {
    let rehearsal = set_up();
    // Without an order nothing leaves the line, through whichever door.
    assert_refused(&over_est(&rehearsal, &title(1)), 403, "order.required");
    let (said, there) = over_cmp(&rehearsal, &title(1));
    assert!(!there && said.all().contains("notAuthorized"), "{}", said.all());
    assert!(said.all().contains("order.required"), "{}", said.all());

    let range = format!("{}-{}", title(1), title(9));
    let more = ["--profile", LABEL, "--range", &range, "--station", "line-1-s1"];
    open(&rehearsal, "PO-3", 2, &more);
    assert_eq!(over_est(&rehearsal, &title(1)).status, 200);
    assert_refused(&over_est(&rehearsal, &title(1)), 403, "order.purpose");
    assert_refused(&over_est(&rehearsal, &title(10)), 403, "order.title");
    let (said, there) = over_cmp(&rehearsal, &title(2));
    assert!(there, "{}", said.all());
    // A device that has its certificate gets no second one as a renewal.
    let (said, there) = over_cmp(&rehearsal, &title(1));
    assert!(!there && said.all().contains("order.purpose"), "{}", said.all());
    // No place is left, over either.
    assert_refused(&over_est(&rehearsal, &title(3)), 409, "order.full");
    let (said, there) = over_cmp(&rehearsal, &title(3));
    assert!(!there && said.all().contains("order.full"), "{}", said.all());
    let view = order(&rehearsal, "PO-3");
    assert_eq!((&view["places"], &view["complete"]), (&2.into(), &2.into()));

    // A revoked device keeps its place until it is scrapped.
    let serial = rehearsal.certificates_of(&title(2))[0]["serial"].as_str().expect("a number").to_owned();
    rehearsal.revoke(&serial, "cessationOfOperation");
    assert_refused(&over_est(&rehearsal, &title(3)), 409, "order.full");
    let scrapped = rehearsal.operator_json(&["factory", "scrap", &title(2), "--order", "PO-3"]);
    assert_eq!(scrapped["revoked"].as_array().map(Vec::len), Some(0), "{scrapped}");
    assert_eq!(over_est(&rehearsal, &title(3)).status, 200);

    let taken = rehearsal.operator(&[
        "factory",
        "order",
        "open",
        "PO-4",
        "--tenant",
        "maker",
        "--devices",
        "1",
        "--profile",
        LABEL,
        "--range",
        &range,
        "--station",
        "line-1-s1",
        "--until",
        "2027-11-21T00:00:00Z",
    ]);
    assert_eq!(taken.code, Some(7), "{}", taken.all());
    assert!(taken.err.contains("order.station-taken"), "{}", taken.err);
    let cancelled =
        rehearsal.operator_json(&["factory", "order", "cancel", "PO-3", "--reason", "customer withdrew"]);
    assert_eq!(cancelled["state"], "cancelled");
    assert_refused(&over_est(&rehearsal, &title(4)), 403, "order.required");
}

#[test]
fn an_order_is_opened_only_for_offers_that_need_one_and_for_stations_that_exist() {
    let rehearsal = set_up();
    let open = |more: &[&str]| {
        let fixed = ["factory", "order", "open", "PO-5", "--tenant", "maker", "--devices", "1"];
        rehearsal.operator(&[&fixed, more].concat())
    };
    let range = format!("{}-{}", title(1), title(9));
    let until = ["--until", "2027-11-21T00:00:00Z"];
    let other = open(&[&["--profile", "meter-factory-ds-s2", "--range", &range][..], &until].concat());
    assert!(other.code == Some(4) && other.err.contains("order.not-required"), "{}", other.all());
    let nobody =
        open(&[&["--profile", LABEL, "--range", &range, "--station", "nobody"][..], &until].concat());
    assert!(nobody.code == Some(5) && nobody.err.contains("station.unknown"), "{}", nobody.all());
    let past = open(&["--profile", LABEL, "--range", &range, "--until", "2020-01-01T00:00:00Z"]);
    assert!(past.code == Some(2) && past.err.contains("order.until"), "{}", past.all());
    let twice = open(&[&["--profile", LABEL, "--profile", LABEL, "--range", &range][..], &until].concat());
    assert!(twice.code == Some(2) && twice.err.contains("order.profiles"), "{}", twice.all());
}
