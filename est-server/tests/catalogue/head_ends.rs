//! Head-ends: uploads of many requests, the service that DLMS tools know, and how often who may ask (T-18).

use axum::http::request::Builder;
use axum::http::{Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::certificate::Certificate;
use ca_core::profile::{Approval, ProfileParts};
use ca_core::record::Verdict;
use est_server::config::{DlmsTools, HeadEndParts, UPLOAD_PATH};
use est_server::pacing::{Rate, RateLimits};
use serde_json::{Value, json};
use server_kit::listener::PeerConnection;

use crate::approval::decide;
use crate::csr::Csr;
use crate::octets::{extension, sequence, tlv};
use crate::world::{Answer, DEVICE, OTHER, Setting, World, enrol, secured};

const TOOL: &str = "/api/CertificateGenerator";

fn upload() -> Builder {
    Request::builder().method(Method::POST).uri(UPLOAD_PATH).header("content-type", "application/x-ndjson")
}

fn tool() -> Builder {
    Request::builder().method(Method::POST).uri(TOOL).header("content-type", "application/json")
}

fn with_tool() -> Setting {
    let service =
        DlmsTools { path: TOOL.to_owned(), labels: vec!["hes-tls".to_owned(), "meter-ds".to_owned()] };
    Setting {
        head_ends: HeadEndParts { dlms_tools: Some(service), ..HeadEndParts::default() },
        ..Setting::default()
    }
}

/// The registration authority of the labels "meter-ds" and "hes-tls".
fn station(world: &World) -> PeerConnection {
    secured(vec![world.station("Station 1", 60)])
}

fn item(id: &str, kind: &str, csr: &Csr) -> String {
    line(&json!({"id": id, "label": "meter-ds", "kind": kind, "csr": STANDARD.encode(csr.der())}))
}

fn line(item: &Value) -> String {
    format!("{item}\n")
}

/// subjectAltName with one dNSName.
fn host(name: &str) -> Vec<u8> {
    extension("2.5.29.17", false, &sequence(&[tlv(0x82, name.as_bytes())]))
}

/// A title below the prefix of the station.
fn title(number: usize) -> String {
    format!("4D504B00{number:08X}")
}

fn answers(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.field("content-type"), "application/x-ndjson");
    answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn certificate(answer: &Value) -> Certificate {
    let text = answer["certificate"].as_str().unwrap_or_else(|| panic!("{answer}"));
    Certificate::from_der(&STANDARD.decode(text).unwrap()).unwrap()
}

// E-22: the same upload again gets the same certificates, in the same order.
#[tokio::test]
async fn e_22_an_upload_is_answered_line_by_line_and_again_with_the_same_certificates() {
    let world = World::new();
    let titles: Vec<String> = (1..=150).map(title).collect();
    for title in &titles {
        world.expect(title);
    }
    let text: String = (0..150)
        .map(|place| {
            item(
                &format!("order-{place}"),
                "first",
                &Csr::new(&titles[place], u8::try_from(place + 80).unwrap()),
            )
        })
        .collect();
    let first = answers(&world.send(upload(), station(&world), text.clone()).await);
    assert_eq!(first.len(), 150);
    for (place, answer) in first.iter().enumerate() {
        assert_eq!(answer["line"], place + 1);
        assert_eq!(answer["id"], format!("order-{place}"));
        assert_eq!(certificate(answer).system_title().unwrap().to_string(), titles[place]);
    }
    let rows = world.memory.rows();
    let again = answers(&world.send(upload(), station(&world), text).await);
    assert_eq!((again, world.memory.rows()), (first, rows), "nothing new is issued");
}

#[tokio::test]
async fn one_upload_goes_to_several_authorities_and_answers_in_its_own_order() {
    let world = World::new();
    world.expect(&title(9));
    let server = Csr::new("Head-end 1", 83).with_extensions(&[host("h1.grid.example")]);
    let server =
        line(&json!({"id": "s", "label": "hes-tls", "kind": "again", "csr": STANDARD.encode(server.der())}));
    let meter = |id, number: usize, key| item(id, "again", &Csr::new(&title(number), key));
    let text = [meter("m", 9, 81), server, meter("n", 9, 82)].concat();
    let told = answers(&world.send(upload(), station(&world), text).await);
    let issuers: Vec<String> = told.iter().map(|answer| certificate(answer).issuer().to_string()).collect();
    assert_eq!(issuers[0], issuers[2]);
    assert_ne!(issuers[0], issuers[1]);
}

#[tokio::test]
async fn one_refused_item_touches_no_neighbour_and_leaves_one_record() {
    let world = World::new();
    let good = |id: &str, key| item(id, "first", &Csr::new(if key == 81 { DEVICE } else { OTHER }, key));
    let encoded = |csr: &Csr| STANDARD.encode(csr.der());
    let bad = [
        ("{}\n".to_owned(), Value::Null, "item.malformed"),
        (item("scope", "first", &Csr::new("5858580000000001", 85)), json!("scope"), "ra.scope"),
        (
            line(
                &json!({"id": "l", "label": "meter-ka", "kind": "first", "csr": encoded(&Csr::new(DEVICE, 86))}),
            ),
            json!("l"),
            "item.label",
        ),
        (
            line(
                &json!({"id": "none", "label": "nowhere", "kind": "first", "csr": encoded(&Csr::new(DEVICE, 87))}),
            ),
            json!("none"),
            "item.label",
        ),
        (
            line(&json!({"id": "c", "label": "meter-ds", "kind": "first", "csr": "MAA="})),
            json!("c"),
            "csr.not-der",
        ),
        (item("again", "first", &Csr::new(DEVICE, 88)), json!("again"), "slot.taken"),
    ];
    let text =
        [vec![good("a", 81)], bad.iter().map(|(line, ..)| line.clone()).collect(), vec![good("b", 82)]]
            .concat();
    let before = world.memory.events().len();
    let told = answers(&world.send(upload(), station(&world), text.concat()).await);
    assert_eq!(told.len(), 8);
    certificate(&told[0]);
    certificate(&told[7]);
    for ((_, id, code), answer) in bad.iter().zip(&told[1..7]) {
        assert_eq!((&answer["id"], answer["error"]["code"].as_str()), (id, Some(*code)), "{answer}");
        assert!(
            answer["error"]["sentence"].as_str().unwrap().len() > 10 && answer.get("certificate").is_none()
        );
    }
    let events = world.memory.events();
    let mut reasons: Vec<&str> = events[before..]
        .iter()
        .map(|event| event.reason.as_str())
        .filter(|reason| !reason.is_empty())
        .collect();
    let mut codes = bad.map(|(_, _, code)| code);
    reasons.sort_unstable();
    codes.sort_unstable();
    assert_eq!(reasons, codes, "one record each");
}

// E-04: nobody but a registration authority brings requests for others, and each within its bounds.
#[tokio::test]
async fn e_04_only_a_registration_authority_may_upload() {
    let world = World::with(with_tool());
    let text = item("a", "first", &Csr::new(DEVICE, 81));
    let device = || secured(vec![world.factory(DEVICE, 30)]);
    let stranger = secured(vec![world.station("Station 9", 61)]);
    for request in [upload, tool] {
        world.refuses(request(), crate::world::tls(), text.clone(), (401, "authn.none")).await;
        world.refuses(request(), device(), text.clone(), (403, "authn.not-ra")).await;
        world.refuses(request(), stranger.clone(), text.clone(), (403, "authn.ra-unknown")).await;
    }
    world.token("secret", DEVICE, "meter-op-ds");
    let by_token = crate::world::password(upload(), DEVICE, "secret");
    world.refuses(by_token, crate::world::tls(), text.clone(), (401, "authn.none")).await;
    let get = Request::builder().method(Method::GET).uri(UPLOAD_PATH);
    world.refuses(get, station(&world), "", (405, "operation.method")).await;
    let other =
        Request::builder().method(Method::POST).uri(UPLOAD_PATH).header("content-type", "application/json");
    world.refuses(other, station(&world), text, (415, "body.media-type")).await;
}

#[tokio::test]
async fn an_upload_over_its_limits_is_refused_whole() {
    let head_ends = HeadEndParts { max_lines: 3, max_octets: 2_000, ..HeadEndParts::default() };
    let world = World::with(Setting { head_ends, ..Setting::default() });
    let good = item("a", "first", &Csr::new(DEVICE, 81));
    world.refuses(upload(), station(&world), good.repeat(4), (413, "upload.too-many-lines")).await;
    world.refuses(upload(), station(&world), good.repeat(9), (413, "body.too-large")).await;
    let told = answers(&world.send(upload(), station(&world), format!("\n{good}\r\n\n{good}")).await);
    assert_eq!(told[0]["certificate"], told[1]["certificate"], "the same item twice is one certificate");
    assert!(answers(&world.send(upload(), station(&world), "").await).is_empty());
}

/// As a tool reads it: what stands in quotation marks behind the first bracket.
fn cut_out(answer: &Answer) -> Vec<Certificate> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.field("content-type"), "application/json");
    let (_, behind) = answer.body.split_once('[').unwrap();
    let (list, _) = behind.split_once(']').unwrap();
    let texts = list.split(',').map(|text| text.strip_prefix('"').unwrap().strip_suffix('"').unwrap());
    texts.map(|text| Certificate::from_der(&STANDARD.decode(text).unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn a_dlms_tool_gets_its_certificates_in_either_form_and_as_often_as_it_rotates_keys() {
    let world = World::with(with_tool());
    let csr = |key| STANDARD.encode(Csr::new(DEVICE, key).der());
    let key = |number: u8| crate::pki::key(number).verifying_key().to_sec1_point(false).as_bytes().to_vec();
    let forms = [
        (json!({"Certificates": [{"KeyUsage": 1, "CSR": csr(81)}]}), vec![81]),
        (
            json!({"Certificates": [{"KeyUsage": 1, "ExtendedKeyUsage": 3, "CSR": csr(82)}, {"KeyUsage": 1, "CSR": csr(83)}]}),
            vec![82, 83],
        ),
        (json!({"KeyUsage": 1, "CSR": [csr(84)]}), vec![84]),
    ];
    for (form, keys) in forms {
        let certificates = cut_out(&world.send(tool(), station(&world), form.to_string()).await);
        let certified: Vec<Vec<u8>> =
            certificates.iter().map(|one| one.public_key().point().to_vec()).collect();
        let asked: Vec<Vec<u8>> = keys.into_iter().map(key).collect();
        assert_eq!(certified, asked);
        let again = cut_out(&world.send(tool(), station(&world), form.to_string()).await);
        assert_eq!(certificates, again, "the same request again");
    }
}

#[tokio::test]
async fn a_dlms_tool_is_told_in_one_sentence_which_request_is_refused() {
    let world = World::with(with_tool());
    let csr = |title: &str, key| STANDARD.encode(Csr::new(title, key).der());
    let refused = async |body: Value, expected| {
        world.refuses(tool(), station(&world), body.to_string(), expected).await
    };
    let agreement = json!({"Certificates": [{"KeyUsage": 16, "CSR": csr(DEVICE, 81)}]});
    refused(agreement, (403, "dlms.no-label")).await;
    refused(json!({"Certificates": [{"KeyUsage": 3, "CSR": csr(DEVICE, 81)}]}), (400, "dlms.key-usage"))
        .await;
    refused(json!({"Certificates": 3}), (400, "dlms.malformed")).await;
    let answer = refused(
        json!({"Certificates": [{"KeyUsage": 1, "CSR": csr("5858580000000001", 1)}]}),
        (403, "ra.scope"),
    );
    assert!(answer.await.body.starts_with("certificate 1: "));
}

fn with_approval() -> World {
    let meter_ds = ProfileParts { approval: Approval::One, ..crate::pki::meter_op_ds() };
    World::with(Setting { meter_ds, ..with_tool() })
}

// RFC 7030 §4.2.3, for each item: it waits, is told when to come again, and is answered when it is approved.
#[tokio::test]
async fn an_item_that_needs_approval_waits_and_the_same_upload_gets_its_certificate_later() {
    let world = with_approval();
    let shown = station(&world);
    let before = world.memory.rows();
    let text = item("a", "first", &Csr::new(DEVICE, 81));
    for _ in 0..2 {
        let told = answers(&world.send(upload(), shown.clone(), text.clone()).await);
        assert_eq!(told[0]["error"]["code"], "request.waiting");
        assert_eq!(told[0]["error"]["retry_after"], 600);
        assert_eq!((world.signer.calls(), world.memory.rows()), (0, before));
    }
    decide(&world, "first", Verdict::Approve);
    let told = answers(&world.send(upload(), shown, text).await);
    assert_eq!(certificate(&told[0]).system_title().unwrap().to_string(), DEVICE);
}

// RFC 7030 §4.2.3: a tool has one answer for all, so that all wait for the one that does.
#[tokio::test]
async fn a_dlms_tool_whose_request_needs_approval_is_answered_202_and_later_with_the_certificate() {
    let world = with_approval();
    let shown = station(&world);
    let before = world.memory.rows();
    let body = json!({"Certificates": [{"KeyUsage": 1, "CSR": STANDARD.encode(Csr::new(DEVICE, 81).der())}]});
    for _ in 0..2 {
        let answer = world.send(tool(), shown.clone(), body.to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.field("retry-after")), (202, "600"), "{}", answer.body);
        assert!(answer.body.contains("(request.waiting)"), "{}", answer.body);
        assert_eq!((world.signer.calls(), world.memory.rows()), (0, before));
    }
    decide(&world, "first", Verdict::Approve);
    let certificates = cut_out(&world.send(tool(), shown, body.to_string()).await);
    assert_eq!(certificates[0].system_title().unwrap().to_string(), DEVICE);
}

const SLOW: Rate = Rate { per_second: 1, burst: 3 };
const FREE: Rate = Rate { per_second: 0, burst: 0 };
const ROOMY: RateLimits =
    RateLimits { address: FREE, device: FREE, registration_authority: FREE, tenant: FREE, capacity: 100 };

// T-18: whoever asks too often is told when to come back, leaves one record a minute, and holds up nobody else.
#[tokio::test]
async fn t_18_a_device_that_asks_too_often_is_told_when_to_come_back_and_floods_no_log() {
    let world = World::with(Setting { rates: RateLimits { device: SLOW, ..ROOMY }, ..Setting::default() });
    let shown = || secured(vec![world.factory(DEVICE, 30)]);
    let body = || Csr::new(DEVICE, 40).body();
    for _ in 0..3 {
        assert_eq!(world.send(enrol("simpleenroll"), shown(), body()).await.status, 200);
    }
    let answer = world.refuses(enrol("simpleenroll"), shown(), body(), (429, "limit.client")).await;
    assert_eq!(answer.field("retry-after"), "1");
    let before = world.memory.events().len();
    for wait in 2..50_u32 {
        let answer = world.send(enrol("simpleenroll"), shown(), body()).await;
        assert_eq!((answer.status.as_u16(), answer.field("retry-after")), (429, wait.to_string().as_str()));
    }
    assert_eq!(world.memory.events().len(), before, "48 refusals more, no record");
    let other = secured(vec![world.factory(OTHER, 31)]);
    assert_eq!(world.send(enrol("simpleenroll"), other, Csr::new(OTHER, 41).body()).await.status, 200);
    world.pass(61);
    for _ in 0..3 {
        assert_eq!(world.send(enrol("simpleenroll"), shown(), body()).await.status, 200);
    }
    world.refuses(enrol("simpleenroll"), shown(), body(), (429, "limit.client")).await;
    let last = world.memory.events().pop().unwrap();
    assert!(last.detail.contains("48 refusals before it are not on record"), "{}", last.detail);
}

// T-18: all devices of a noisy factory together have their limit; those of another tenant do not notice.
#[tokio::test]
async fn t_18_a_noisy_factory_does_not_starve_another() {
    let world = World::with(Setting { rates: RateLimits { tenant: SLOW, ..ROOMY }, ..Setting::default() });
    for number in 11..14 {
        let shown = secured(vec![world.factory(&title(number), 30)]);
        let answer = world.send(enrol("simpleenroll"), shown, Csr::new(&title(number), 40).body()).await;
        assert_eq!(answer.status, 403, "nobody expects it; it counts all the same");
    }
    let shown = secured(vec![world.factory(DEVICE, 30)]);
    world.refuses(enrol("simpleenroll"), shown, Csr::new(DEVICE, 40).body(), (429, "limit.tenant")).await;
    // The station belongs to the owner.
    let told =
        answers(&world.send(upload(), station(&world), item("a", "first", &Csr::new(DEVICE, 50))).await);
    certificate(&told[0]);
}

// T-18: what nobody has signed is limited by where it comes from, and good credentials from there are not.
#[tokio::test]
async fn t_18_strangers_are_limited_by_their_address_and_devices_behind_it_are_not() {
    let world = World::with(Setting { rates: RateLimits { address: SLOW, ..ROOMY }, ..Setting::default() });
    for _ in 0..3 {
        world.refuses(enrol("simpleenroll"), crate::world::tls(), "", (401, "authn.none")).await;
    }
    world.refuses(enrol("simpleenroll"), crate::world::tls(), "", (429, "limit.client")).await;
    let before = world.memory.events().len();
    assert_eq!(world.send(enrol("nothing"), crate::world::tls(), "").await.status, 429);
    assert_eq!(world.memory.events().len(), before);
    let shown = secured(vec![world.factory(DEVICE, 30)]);
    assert_eq!(world.send(enrol("simpleenroll"), shown, Csr::new(DEVICE, 40).body()).await.status, 200);
}
