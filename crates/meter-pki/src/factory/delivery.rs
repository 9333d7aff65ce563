//! What a delivery says of the devices of an order: one JSON object a line, in the form that manifests and imports take.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use status_server::aside::Aside;
use utoipa::ToSchema;

use crate::exit::{Exit, Failure};
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::deliveries::DeliveredDeviceText;
use crate::operator::wire::production::{ProducedPage, ProducedQueryText, ProducedView, ProductionView};
use crate::operator::wire::words::{self, SystemTitle};

/// How many titles are looked at in one call.
const PAGE: u32 = 500;

/// How many incomplete devices are named.
const NAMED: usize = 1_000;

/// What an order came to.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = OrderReconciliation)]
pub(crate) struct Reconciliation {
    pub(crate) order: ProductionView,
    /// Devices whose certificates are all good: what is delivered.
    pub(crate) deliverable: u64,
    /// Devices that have a place and lack a good certificate, the first thousand.
    #[schema(value_type = Vec<SystemTitle>)]
    pub(crate) incomplete: Vec<String>,
    /// Devices that were scrapped and not made again, the first thousand.
    #[schema(value_type = Vec<SystemTitle>)]
    pub(crate) scrapped: Vec<String>,
    /// How many devices of those ordered are not deliverable.
    pub(crate) missing: u64,
    /// What was written.
    pub(crate) delivery: Option<WrittenDelivery>,
}

/// A file that was written.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct WrittenDelivery {
    pub(crate) file: String,
    pub(crate) devices: u64,
    #[schema(value_type = words::Sha256)]
    pub(crate) sha256: String,
}

/// The numbers on the plates, by system title.
pub(crate) type SerialNumbers = BTreeMap<String, String>;

/// Reads the numbers on the plates.
pub(crate) fn serial_numbers(file: &Path) -> Result<SerialNumbers, Failure> {
    #[derive(Deserialize)]
    struct Row {
        system_title: String,
        serial_number: String,
    }
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "serial-numbers.faulty", format!("{}: {error}", file.display()))
    };
    let mut numbers = BTreeMap::new();
    let mut reader = csv::Reader::from_path(file).map_err(|error| failed(&error))?;
    for row in reader.deserialize::<Row>() {
        let row = row.map_err(|error| failed(&error))?;
        if row.serial_number.len() > 64 || row.serial_number.chars().any(char::is_control) {
            return Err(failed(&format!("{}: a number has at most 64 printable octets", row.system_title)));
        }
        if numbers.insert(row.system_title.clone(), row.serial_number).is_some() {
            return Err(failed(&format!("{} stands there twice", row.system_title)));
        }
    }
    Ok(numbers)
}

/// Goes through the devices of an order page by page, counts, and writes those that are deliverable.
pub(crate) async fn reconcile(
    client: &OperatorClient,
    order: ProductionView,
    delivery: Option<(&Path, &SerialNumbers)>,
) -> Result<Reconciliation, Failure> {
    let path = format!("/v1/production/{}/devices", escaped(&order.id));
    let mut sheet = delivery.map(|(file, numbers)| Sheet::begin(file, numbers)).transpose()?;
    let mut told = Reconciliation {
        order,
        deliverable: 0,
        incomplete: vec![],
        scrapped: vec![],
        missing: 0,
        delivery: None,
    };
    let mut after = None;
    loop {
        let query = ProducedQueryText { after: after.take(), limit: PAGE };
        let page: ProducedPage = client.get(&path, &query).await?;
        for device in &page.devices {
            if device.complete {
                told.deliverable += 1;
                if let Some(sheet) = &mut sheet {
                    sheet.write(&told.order, device)?;
                }
            } else if device.certificates.is_empty() {
                name(&mut told.scrapped, device);
            } else {
                name(&mut told.incomplete, device);
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    told.missing = told.order.ordered.saturating_sub(told.deliverable);
    told.delivery = sheet.map(Sheet::finish).transpose()?;
    Ok(told)
}

fn name(names: &mut Vec<String>, device: &ProducedView) {
    if names.len() < NAMED {
        names.push(device.system_title.clone());
    }
}

/// A delivery that is being written.
struct Sheet<'a> {
    file: PathBuf,
    aside: Aside,
    out: BufWriter<File>,
    hash: Sha256,
    numbers: &'a SerialNumbers,
    devices: u64,
}

impl<'a> Sheet<'a> {
    fn begin(file: &Path, numbers: &'a SerialNumbers) -> Result<Self, Failure> {
        let mut aside = Aside::begin(file).map_err(|error| unwritable(file, &error))?;
        let out = aside.file().try_clone().map_err(|error| unwritable(file, &error))?;
        Ok(Self {
            file: file.to_path_buf(),
            aside,
            out: BufWriter::new(out),
            hash: Sha256::new(),
            numbers,
            devices: 0,
        })
    }

    fn write(&mut self, order: &ProductionView, device: &ProducedView) -> Result<(), Failure> {
        let text = DeliveredDeviceText {
            system_title: device.system_title.clone(),
            serial_number: self.numbers.get(&device.system_title).cloned().unwrap_or_default(),
            model: order.model.clone(),
            firmware: order.firmware.clone(),
            batch: order.batch.clone(),
            region: None,
            concentrator: None,
            certificates: device.certificates.iter().filter_map(|one| one.certificate.clone()).collect(),
            // A line that only certifies knows none.
            secrets: Vec::new(),
        };
        let mut line =
            serde_json::to_vec(&text).map_err(|error| unwritable(&self.file, &io::Error::other(error)))?;
        line.push(b'\n');
        self.hash.update(&line);
        self.devices += 1;
        self.out.write_all(&line).map_err(|error| unwritable(&self.file, &error))
    }

    fn finish(mut self) -> Result<WrittenDelivery, Failure> {
        self.out.flush().map_err(|error| unwritable(&self.file, &error))?;
        self.aside.put().map_err(|error| unwritable(&self.file, &error))?;
        Ok(WrittenDelivery {
            file: self.file.display().to_string(),
            devices: self.devices,
            sha256: hex::encode(self.hash.finalize()),
        })
    }
}

fn unwritable(file: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, "delivery.unwritable", format!("{}: {error}", file.display()))
}
