//! A delivery goes to a server that keeps to the agreed words: whole, in order, once, and over interruptions.

use std::sync::{Arc, Mutex};

use axum::extract::{Path as InPath, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use tempfile::TempDir;
use tokio::net::UnixListener;

use super::import::FIRST_PART;
use super::*;
use crate::cli::delivery::ImportArgs;
use crate::operator::client::OperatorClient;
use crate::operator::wire::deliveries::{
    DeliveryCloseText, DeliveryPartText, DeliveryPartView, DeliveryText, played,
};
use crate::operator::wire::fleet::RefusedDeviceView;
use crate::operator::wire::problem::ProblemView;

/// What the server was told, and how it answers.
#[derive(Default)]
struct Told {
    opened: Vec<DeliveryText>,
    parts: Vec<DeliveryPartText>,
    closed: bool,
    /// The part at which it fails once.
    fails_at: Option<u32>,
    /// The device that it refuses.
    refuses: Option<String>,
}

impl Told {
    fn titles(&self) -> Vec<String> {
        self.parts.iter().flat_map(|part| &part.devices).map(|device| device.system_title.clone()).collect()
    }

    fn next_part(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap() + FIRST_PART
    }
}

type Shared = Arc<Mutex<Told>>;

fn no(status: StatusCode, code: &str, exit: Exit) -> Response {
    let view = ProblemView::new(&Failure::new(exit, code, "no"), status.as_u16());
    (status, Json(view)).into_response()
}

async fn begin(State(told): State<Shared>, Json(text): Json<DeliveryText>) -> Response {
    let mut told = told.lock().unwrap();
    if told.closed {
        return no(StatusCode::CONFLICT, "delivery.repeated", Exit::Conflict);
    }
    told.opened.push(text.clone());
    let received = u64::try_from(told.titles().len()).unwrap();
    Json(played(&text, told.next_part(), (received, 0))).into_response()
}

async fn part(
    State(told): State<Shared>,
    InPath(digest): InPath<String>,
    Json(text): Json<DeliveryPartText>,
) -> Response {
    let mut told = told.lock().unwrap();
    assert_eq!(digest, told.opened.last().unwrap().digest);
    if told.fails_at == Some(text.part) {
        told.fails_at = None;
        return no(StatusCode::SERVICE_UNAVAILABLE, "ledger.unavailable", Exit::Unavailable);
    }
    if text.part != told.next_part() {
        return no(StatusCode::CONFLICT, "delivery.part_order", Exit::Conflict);
    }
    let code = "device.claimed".to_owned();
    let refused: Vec<RefusedDeviceView> = text
        .devices
        .iter()
        .filter(|device| Some(&device.system_title) == told.refuses.as_ref())
        .map(|device| RefusedDeviceView {
            system_title: device.system_title.clone(),
            code: code.clone(),
            message: "no".to_owned(),
        })
        .collect();
    let added = u64::try_from(text.devices.len() - refused.len()).unwrap();
    let view = DeliveryPartView { part: text.part, added, unchanged: 0, refused };
    told.parts.push(text);
    Json(view).into_response()
}

async fn close(State(told): State<Shared>, Json(text): Json<DeliveryCloseText>) -> Response {
    let mut told = told.lock().unwrap();
    let announced = told.opened.last().unwrap().announced;
    let received = u64::try_from(told.titles().len()).unwrap();
    if announced != received && !text.accept_count {
        return no(StatusCode::CONFLICT, "delivery.count", Exit::Conflict);
    }
    told.closed = true;
    let refused = u64::from(told.refuses.is_some());
    let opened = told.opened.last().unwrap();
    Json(played(opened, told.next_part(), (received, refused))).into_response()
}

/// A directory with a socket, at which such a server serves.
struct Place {
    room: TempDir,
    told: Shared,
}

impl Place {
    fn new() -> Self {
        let room = tempfile::tempdir().unwrap();
        let told = Shared::default();
        let router = Router::new()
            .route("/v1/deliveries", post(begin))
            .route("/v1/deliveries/{digest}/parts", post(part))
            .route("/v1/deliveries/{digest}/close", post(close))
            .with_state(Arc::clone(&told));
        let listener = UnixListener::bind(room.path().join("socket")).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { room, told }
    }

    /// Writes a delivery of so many devices, of which those with these numbers are faulty.
    fn write(&self, devices: u32, faulty: &[u32]) {
        let mut text = "system_title,serial_number\n".to_owned();
        for number in 0..devices {
            let title = if faulty.contains(&number) { "faulty".to_owned() } else { title(number) };
            text.push_str(&format!("{title},{number}\n"));
        }
        std::fs::write(self.room.path().join("delivery.csv"), text).unwrap();
        let map = "version = 1\nname = \"two\"\n[csv]\n[device]\nsystem_title = { column = 1 }\nserial_number = { column = 2 }\n";
        std::fs::write(self.room.path().join("map.toml"), map).unwrap();
    }

    fn args(&self) -> ImportArgs {
        let delivery = FileArgs {
            file: self.room.path().join("delivery.csv"),
            map: self.room.path().join("map.toml").display().to_string(),
            factory_ca: None,
        };
        ImportArgs {
            check: CheckArgs { delivery, faults: None, announced: None },
            tenant: "dso".to_owned(),
            manufacturer: "maker".to_owned(),
            batch: None,
            accept_good_rows: false,
            accept_count: false,
        }
    }

    async fn import(&self, args: &ImportArgs) -> Result<(), Failure> {
        let client = OperatorClient::new(&self.room.path().join("socket"));
        import::import(args, &client, &Printer::new(true)).await
    }

    fn titles(&self) -> Vec<String> {
        self.told.lock().unwrap().titles()
    }
}

fn title(number: u32) -> String {
    format!("4D504B01{number:08X}")
}

fn titles(devices: u32, faulty: &[u32]) -> Vec<String> {
    (0..devices).filter(|number| !faulty.contains(number)).map(title).collect()
}

#[tokio::test]
async fn a_delivery_goes_over_in_parts_and_is_closed_once() {
    let place = Place::new();
    place.write(2_500, &[]);
    place.import(&place.args()).await.unwrap();
    {
        let told = place.told.lock().unwrap();
        assert_eq!(told.titles(), titles(2_500, &[]));
        assert_eq!(told.parts.iter().map(|part| part.devices.len()).collect::<Vec<_>>(), [1_000, 1_000, 500]);
        let opened = &told.opened[0];
        assert_eq!(
            (opened.source.as_str(), opened.batch.as_str(), opened.announced),
            ("mapped", "delivery.csv", 2_500)
        );
        assert!(told.closed);
    }
    let again = place.import(&place.args()).await.unwrap_err();
    assert_eq!((again.code.as_str(), again.exit), ("delivery.repeated", Exit::Conflict));
}

#[tokio::test]
async fn an_import_that_was_cut_short_goes_on_where_it_was() {
    let place = Place::new();
    place.write(4_200, &[7, 1_999]);
    place.told.lock().unwrap().fails_at = Some(FIRST_PART + 2);
    let args = ImportArgs { accept_good_rows: true, accept_count: true, ..place.args() };
    let cut = place.import(&args).await.unwrap_err();
    assert_eq!(cut.code, "ledger.unavailable");
    assert_eq!(place.titles().len(), 1_998);
    let left_out = place.import(&args).await.unwrap_err();
    assert_eq!((left_out.code.as_str(), left_out.exit), ("delivery.faulty", Exit::Partial));
    assert_eq!(place.titles(), titles(4_200, &[7, 1_999]));
    assert!(place.told.lock().unwrap().closed);
}

#[tokio::test]
async fn nothing_of_a_delivery_with_faults_is_sent_unless_it_is_asked_for() {
    let place = Place::new();
    place.write(10, &[3]);
    let refused = place.import(&place.args()).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.exit), ("delivery.faulty", Exit::Partial));
    assert!(place.told.lock().unwrap().opened.is_empty());
    let args = ImportArgs { accept_good_rows: true, ..place.args() };
    // The file announces nothing: what it has rows for is what was to come.
    assert_eq!(place.import(&args).await.unwrap_err().code, "delivery.count");
    assert_eq!(place.titles(), titles(10, &[3]));
    let args = ImportArgs { accept_good_rows: true, accept_count: true, ..place.args() };
    assert_eq!(place.import(&args).await.unwrap_err().code, "delivery.faulty");
    assert!(place.told.lock().unwrap().closed);
}

#[tokio::test]
async fn a_whole_part_may_be_faulty() {
    let place = Place::new();
    let faulty: Vec<u32> = (1_000..2_000).collect();
    place.write(2_001, &faulty);
    let args = ImportArgs { accept_good_rows: true, accept_count: true, ..place.args() };
    assert_eq!(place.import(&args).await.unwrap_err().code, "delivery.faulty");
    assert_eq!(place.titles(), titles(2_001, &faulty));
}

#[tokio::test]
async fn what_the_server_refuses_is_told() {
    let place = Place::new();
    place.write(3, &[]);
    place.told.lock().unwrap().refuses = Some(title(1));
    let refused = place.import(&place.args()).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.exit), ("device.refused", Exit::Partial));
}

#[tokio::test]
async fn an_announced_count_goes_with_the_delivery() {
    let place = Place::new();
    place.write(3, &[]);
    let mut args = place.args();
    args.check.announced = Some(4);
    assert_eq!(place.import(&args).await.unwrap_err().code, "delivery.faulty");
    args.check.announced = Some(3);
    place.import(&args).await.unwrap();
    assert_eq!(place.told.lock().unwrap().opened[0].announced, 3);
}

#[test]
fn every_fault_goes_into_the_report_and_none_is_a_formula() {
    let room = tempfile::tempdir().unwrap();
    let file = room.path().join("d.csv");
    let rows: String = (0..30).map(|number| format!("=HYPERLINK(\"{number}\")\n")).collect();
    std::fs::write(&file, format!("system_title\n{}", rows.replace('"', "'"))).unwrap();
    let map = room.path().join("m.toml");
    std::fs::write(&map, "version = 1\nname = \"m\"\n[csv]\n[device]\nsystem_title = { column = 1 }\n")
        .unwrap();
    let report = room.path().join("faults.csv");
    let delivery = FileArgs { file, map: map.display().to_string(), factory_ca: None };
    let onto_itself =
        CheckArgs { delivery: delivery.clone(), faults: Some(delivery.file.clone()), announced: None };
    assert_eq!(check(&onto_itself, &Printer::new(true)).unwrap_err().code, "delivery.report");
    let args = CheckArgs { delivery, faults: Some(report.clone()), announced: None };
    let failure = check(&args, &Printer::new(true)).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.exit), ("delivery.faulty", Exit::Partial));
    let mut reader = csv::Reader::from_path(report).unwrap();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 30);
    assert_eq!(
        records[0].iter().take(5).collect::<Vec<_>>(),
        ["line 2", "2", "A", "system_title", "delivery.title"]
    );
    assert_eq!(&records[29][5], "'=HYPERLINK('29')");
}
