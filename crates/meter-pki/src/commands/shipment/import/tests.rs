//! A manifest goes to a server that keeps to the agreed words, whole, in order, once, and over interruptions.

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::extract::{Path as InPath, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use ca_core::certificate::Certificate;
use ca_core::record::DeliveredDevice;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use p256::pkcs8::{EncodePrivateKey as _, LineEnding};
use policies::Settings;
use shipment::{Draft, Plan, Sender, ShareProof, SignedHeader};
use signer_file::SystemEntropy;
use tempfile::TempDir;
use tokio::net::UnixListener;

use super::*;
use crate::cli::shipment::{RecipientArgs, SignerArgs};
use crate::commands::credential::file::pem;
use crate::operator::wire::deliveries::{DeliveredDeviceText, played};
use crate::operator::wire::problem::ProblemView;
use hierarchy::{Hierarchy, Key, NOW};

#[path = "../../../../../../policies/tests/certificates/hierarchy.rs"]
#[expect(dead_code, reason = "the rehearsal PKI of the profiles has more than is needed here")]
mod hierarchy;

/// What the server was told, and how it answers.
#[derive(Default)]
struct Told {
    opened: Vec<DeliveryText>,
    parts: Vec<DeliveryPartText>,
    closings: Vec<bool>,
    closed: bool,
    /// The part at which it fails once.
    fails_at: Option<u32>,
    /// The device that it refuses.
    refuses: Option<String>,
    /// How many devices it forgets to count.
    loses: u64,
}

impl Told {
    /// The devices that came, each proven by the header alone.
    fn devices(&self) -> Vec<String> {
        self.parts.iter().flat_map(titles).collect()
    }

    fn next_part(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap()
    }

    fn refused(&self) -> u64 {
        u64::from(self.devices().iter().any(|title| Some(title) == self.refuses.as_ref()))
    }

    fn received(&self) -> u64 {
        u64::try_from(self.devices().len()).unwrap().saturating_sub(self.loses)
    }
}

/// The devices of a part, as the server that plays here proves them: by the header that came with it, and nothing else.
fn titles(part: &DeliveryPartText) -> Vec<String> {
    let share = part.share.as_ref().unwrap();
    let hashes = |texts: &[String]| -> Vec<[u8; 32]> {
        texts.iter().map(|text| hex::decode(text).unwrap().try_into().unwrap()).collect()
    };
    let proof = ShareProof {
        first: share.first,
        before: hashes(&share.before),
        consistency: hashes(&share.consistency),
    };
    let records: Vec<Vec<u8>> = share.records.iter().map(|text| STANDARD.decode(text).unwrap()).collect();
    let header = SignedHeader::from_der(STANDARD.decode(&share.header).unwrap()).unwrap();
    let devices = header.verify_share(&records, &proof).unwrap();
    devices.iter().map(|device| device.title.to_string()).collect()
}

type Shared = Arc<Mutex<Told>>;

fn failure(status: StatusCode, code: &str, exit: Exit) -> Response {
    let view = ProblemView::new(&Failure::new(exit, code, "it said no"), status.as_u16());
    (status, Json(view)).into_response()
}

async fn open_delivery(State(told): State<Shared>, Json(text): Json<DeliveryText>) -> Response {
    let mut told = told.lock().unwrap();
    if told.closed {
        return failure(StatusCode::CONFLICT, "delivery.repeated", Exit::Conflict);
    }
    let view = played(&text, told.next_part(), (told.received(), 0));
    told.opened.push(text);
    Json(view).into_response()
}

async fn take_part(
    State(told): State<Shared>,
    InPath(digest): InPath<String>,
    Json(text): Json<DeliveryPartText>,
) -> Response {
    let mut told = told.lock().unwrap();
    assert_eq!(digest, told.opened[0].digest);
    if told.fails_at == Some(text.part) {
        told.fails_at = None;
        return failure(StatusCode::SERVICE_UNAVAILABLE, "store.unavailable", Exit::Unavailable);
    }
    if text.part != told.next_part() {
        return failure(StatusCode::CONFLICT, "delivery.part_order", Exit::Conflict);
    }
    let titles = titles(&text);
    let refused: Vec<_> = titles
        .iter()
        .filter(|title| Some(*title) == told.refuses.as_ref())
        .map(|title| RefusedDeviceView {
            system_title: title.clone(),
            code: "device.claimed".to_owned(),
            message: "it is claimed".to_owned(),
        })
        .collect();
    let added = u64::try_from(titles.len() - refused.len()).unwrap();
    let view = DeliveryPartView { part: text.part, added, unchanged: 0, refused };
    told.parts.push(text);
    Json(view).into_response()
}

async fn close_delivery(State(told): State<Shared>, Json(text): Json<DeliveryCloseText>) -> Response {
    let mut told = told.lock().unwrap();
    told.closings.push(text.accept_count);
    let announced = told.opened[0].announced;
    let received = told.received();
    if received != announced && !text.accept_count {
        return failure(StatusCode::CONFLICT, "delivery.count", Exit::Conflict);
    }
    told.closed = true;
    let refused = told.refused();
    Json(played(&told.opened[0], told.next_part(), (received, refused))).into_response()
}

/// A manifest on disk, whoever takes it in, and the server.
struct Desk {
    place: TempDir,
    told: Shared,
    args: ImportArgs,
    octets: Vec<u8>,
}

impl Desk {
    fn new(devices: u32) -> Self {
        let (place, hierarchy) = (tempfile::tempdir().unwrap(), Hierarchy::new(&Settings::default()));
        let octets = manifest(&hierarchy, devices);
        let write = |name: &str, octets: &[u8]| -> PathBuf {
            let path = place.path().join(name);
            std::fs::write(&path, octets).unwrap();
            path
        };
        let certificate = hierarchy.signed(&hierarchy.drafted("ship-recipient-s1"));
        let Key::P256(key) = Key::of("ship-recipient-s1", ca_core::suite::Curve::P256) else { panic!() };
        let key = key.to_pkcs8_pem(LineEnding::LF).unwrap();
        let credential = pem("CERTIFICATE", &certificate).unwrap() + &key;
        let args = ImportArgs {
            file: write("delivery.ship", &octets),
            tenant: "dso".to_owned(),
            signer: SignerArgs {
                manufacturer: "maker".to_owned(),
                anchor: write("root.der", hierarchy.path_above("ship-signer-s1").last().unwrap()),
                organization: None,
                at: Some(NOW.to_string()),
            },
            recipient: RecipientArgs {
                recipient: write("recipient.pem", credential.as_bytes()),
                token: None,
            },
            accept_count: false,
        };
        Self { told: Shared::default(), place, args, octets }
    }

    /// Serves at a socket of its own while an import runs.
    fn import(&self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let socket = tempfile::tempdir_in(self.place.path()).unwrap();
            let socket = socket.path().join("operator.sock");
            let listener = UnixListener::bind(&socket).unwrap();
            let routes = Router::new()
                .route("/v1/deliveries", post(open_delivery))
                .route("/v1/deliveries/{digest}/parts", post(take_part))
                .route("/v1/deliveries/{digest}/close", post(close_delivery))
                .with_state(Arc::clone(&self.told));
            let server = tokio::spawn(async move { axum::serve(listener, routes).await });
            let result = import(&self.args, &OperatorClient::new(&socket), &Printer::new(true)).await;
            server.abort();
            result
        })
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }
}

fn title(number: u32) -> SystemTitle {
    let [a, b, c, d] = number.to_be_bytes();
    SystemTitle::new([b'M', b'P', b'K', 1, a, b, c, d])
}

fn manifest(hierarchy: &Hierarchy, devices: u32) -> Vec<u8> {
    let certificate = |id: &str| Certificate::from_der(&hierarchy.signed(&hierarchy.drafted(id))).unwrap();
    let (signer, recipient) = (certificate("ship-signer-s1"), certificate("ship-recipient-s1"));
    let above = hierarchy.path_above("ship-signer-s1");
    let above = [Certificate::from_der(&above[0]).unwrap()];
    let tenant = |name| TenantId::parse(name).unwrap();
    let plan = Plan {
        manufacturer: tenant("maker"),
        tenant: tenant("dso"),
        shipment: "S-1".to_owned(),
        order: String::new(),
        made_at: NOW,
        transport_keys: Vec::new(),
    };
    let spool = Cursor::new(Vec::new());
    let mut draft = Draft::begin(plan, &recipient, (spool, &SystemEntropy)).unwrap();
    for number in 1..=devices {
        let device = DeliveredDevice {
            title: title(number),
            serial_number: number.to_string(),
            model: "M1".to_owned(),
            firmware: String::new(),
            batch: String::new(),
            region: None,
            concentrator: None,
            certificates: Vec::new(),
            secrets: Vec::new(),
        };
        draft.add(&device).unwrap();
    }
    let Key::P256(key) = Key::of("ship-signer-s1", ca_core::suite::Curve::P256) else { panic!() };
    let key = client_kit::FileKey::from_der(key.to_pkcs8_der().unwrap().as_bytes()).unwrap();
    let mut octets = Vec::new();
    draft.finish(&Sender { certificate: &signer, above: &above, signer: &key }, &mut octets).unwrap();
    octets
}

#[test]
fn every_device_arrives_once_in_order_and_the_delivery_is_closed() {
    let desk = Desk::new(2_001);
    desk.import().unwrap();
    let told = desk.told();
    let header = Shipment::open(Cursor::new(&desk.octets)).unwrap();
    let opened = DeliveryText {
        tenant: "dso".to_owned(),
        manufacturer: "maker".to_owned(),
        source: "manifest".to_owned(),
        digest: hex::encode(Sha256::digest(&desk.octets)),
        batch: "S-1".to_owned(),
        announced: 2_001,
        header: Some(STANDARD.encode(header.signed().octets())),
        map: None,
    };
    assert_eq!(told.opened, [opened]);
    let parts: Vec<_> = told.parts.iter().map(|part| (part.part, titles(part).len())).collect();
    assert_eq!(parts, [(0, 1_000), (1, 1_000), (2, 1)]);
    let wanted: Vec<_> = (1..=2_001).map(|number| title(number).to_string()).collect();
    assert_eq!(told.devices(), wanted);
    assert!(told.closed);
}

#[test]
fn an_import_that_was_cut_short_goes_on_where_it_was() {
    let desk = Desk::new(2_001);
    desk.told().fails_at = Some(1);
    let failure = desk.import().unwrap_err();
    assert_eq!((failure.exit, failure.code.as_str()), (Exit::Unavailable, "store.unavailable"));
    assert_eq!(desk.told().parts.len(), 1);
    desk.import().unwrap();
    let told = desk.told();
    let parts: Vec<_> = told.parts.iter().map(|part| part.part).collect();
    assert_eq!((parts, told.closed), (vec![0, 1, 2], true));
}

#[test]
fn a_manifest_is_imported_once() {
    let desk = Desk::new(3);
    desk.import().unwrap();
    let failure = desk.import().unwrap_err();
    assert_eq!((failure.exit, failure.code.as_str()), (Exit::Conflict, "delivery.repeated"));
    assert_eq!(desk.told().parts.len(), 1);
}

/// Makes a manifest or its desk one that cannot be.
type Spoiler = dyn Fn(&mut Desk);

#[test]
fn of_a_manifest_that_is_refused_the_server_hears_nothing() {
    let other_tenant = |desk: &mut Desk| desk.args.tenant = "other-dso".to_owned();
    let other_manufacturer = |desk: &mut Desk| desk.args.signer.manufacturer = "other-maker".to_owned();
    let expired = |desk: &mut Desk| desk.args.signer.at = Some("2031-01-01T00:00:00Z".to_owned());
    let last_octet = |desk: &mut Desk| {
        let mut octets = desk.octets.clone();
        *octets.last_mut().unwrap() ^= 1;
        std::fs::write(&desk.args.file, octets).unwrap();
    };
    let cut = |desk: &mut Desk| {
        let half = &desk.octets[..desk.octets.len() / 2];
        std::fs::write(&desk.args.file, half).unwrap();
    };
    let spoilers: [(&Spoiler, Exit, &str); 5] = [
        (&other_tenant, Exit::Refused, "shipment.other-recipient"),
        (&other_manufacturer, Exit::Refused, "shipment.other-manufacturer"),
        (&expired, Exit::Refused, "shipment.signer-expired"),
        (&last_octet, Exit::Integrity, "shipment.chunk-altered"),
        (&cut, Exit::Integrity, "shipment.truncated"),
    ];
    for (spoil, exit, code) in spoilers {
        let mut desk = Desk::new(1_001);
        spoil(&mut desk);
        let failure = desk.import().unwrap_err();
        assert_eq!((failure.exit, failure.code.as_str()), (exit, code));
        assert!(!failure.next.is_empty());
        assert!(desk.told().opened.is_empty(), "{code}");
    }
}

#[test]
fn a_device_that_the_server_refuses_is_told_and_the_others_are_taken() {
    let desk = Desk::new(3);
    desk.told().refuses = Some(title(2).to_string());
    let failure = desk.import().unwrap_err();
    assert_eq!((failure.exit, failure.code.as_str()), (Exit::Partial, "device.refused"));
    assert!(desk.told().closed);
}

#[test]
fn another_count_than_announced_is_accepted_by_the_operator_alone() {
    let mut desk = Desk::new(3);
    desk.told().loses = 1;
    assert_eq!(desk.import().unwrap_err().code, "delivery.count");
    desk.args.accept_count = true;
    desk.import().unwrap();
    assert_eq!(desk.told().closings, [false, true]);
}

#[test]
fn a_part_is_written_as_the_server_reads_it() {
    let device = DeliveredDeviceText {
        system_title: title(1).to_string(),
        serial_number: String::new(),
        model: "M1".to_owned(),
        firmware: String::new(),
        batch: "B".to_owned(),
        region: None,
        concentrator: Some("DC-1".to_owned()),
        certificates: vec![STANDARD.encode([0x30, 0x00])],
        secrets: Vec::new(),
    };
    let text =
        serde_json::to_value(DeliveryPartText { part: 0, devices: vec![device], share: None }).unwrap();
    let wanted = serde_json::json!({ "part": 0, "devices": [{
        "system_title": "4D504B0100000001", "serial_number": "", "model": "M1", "firmware": "", "batch": "B",
        "concentrator": "DC-1", "certificates": ["MAA="], "secrets": [] }] });
    assert_eq!(text, wanted);
}
