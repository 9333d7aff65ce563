//! `meter-pki delivery show-row`: what one row of a delivery becomes, to see whether a map is right.

use ca_core::certificate::Certificate;
use ca_core::record::DeliveredDevice;
use ceremony::words::Fingerprint;
use deliveries::fault::{Fault, Place, ReadError};
use deliveries::reading::Taker;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Opened, unreadable};
use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::operator::wire::words::{Sha256, SystemTitle, TimeText};

/// Waits for one row.
#[derive(Debug)]
struct One {
    wanted: u64,
    device: Option<DeliveredDevice>,
    faults: Vec<Fault>,
}

impl Taker for One {
    fn device(&mut self, place: Place, _number: u64, device: DeliveredDevice) -> Result<(), ReadError> {
        if place.number() == self.wanted {
            self.device = Some(device);
        }
        self.after(place)
    }

    fn fault(&mut self, fault: Fault) -> Result<(), ReadError> {
        let place = fault.place;
        if place != Place::File && place.number() == self.wanted {
            self.faults.push(fault);
            return Ok(());
        }
        self.after(place)
    }
}

impl One {
    /// Stops once the row is past.
    const fn after(&self, place: Place) -> Result<(), ReadError> {
        if place.number() >= self.wanted && !matches!(place, Place::File) {
            Err(ReadError::Stopped)
        } else {
            Ok(())
        }
    }
}

/// A device, without what is secret of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveredDevice)]
pub(in crate::commands) struct DeviceView {
    #[schema(value_type = SystemTitle)]
    system_title: String,
    serial_number: String,
    model: String,
    firmware: String,
    batch: String,
    region: Option<String>,
    concentrator: Option<String>,
    certificates: Vec<CertificateView>,
    secrets: Vec<SecretView>,
}

/// A factory certificate of a device.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveredCertificate)]
pub(in crate::commands) struct CertificateView {
    subject: String,
    issuer: String,
    #[schema(value_type = TimeText)]
    not_after: String,
    #[schema(value_type = Sha256)]
    sha256: Fingerprint,
}

/// A wrapped secret of a device.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveredSecret)]
pub(in crate::commands) struct SecretView {
    kind: &'static str,
    wrapped_by: String,
    octets: usize,
}

pub(super) fn show(opened: &Opened, row: u64, printer: &Printer) -> Result<(), Failure> {
    let mut one = One { wanted: row, device: None, faults: Vec::new() };
    match opened.read_with(&mut one) {
        Ok(_) | Err(ReadError::Stopped) => {}
        Err(error) => return Err(unreadable(&opened.file, &error)),
    }
    if let Some(device) = one.device {
        printer.result(&DeviceView::of(&device), DeviceView::lines);
        return Ok(());
    }
    let Some(first) = one.faults.first() else {
        let message = format!("{}: no row begins at {row}", opened.file.display());
        return Err(Failure::new(Exit::NotFound, "delivery.row", message)
            .then("give the number as faults tell it: lines, rows and devices count from 1, elements of an array from 0"));
    };
    let told: Vec<String> = one.faults.iter().map(ToString::to_string).collect();
    Err(Failure::new(Exit::Failed, first.kind.code(), told.join("\n")))
}

impl DeviceView {
    fn of(device: &DeliveredDevice) -> Self {
        let certificates = device.certificates.iter().filter_map(|der| {
            let certificate = Certificate::from_der(der).ok()?;
            Some(CertificateView {
                subject: certificate.subject().to_string(),
                issuer: certificate.issuer().to_string(),
                not_after: certificate.validity().not_after().to_string(),
                sha256: Fingerprint::of(der),
            })
        });
        let secrets = device.secrets.iter().map(|secret| SecretView {
            kind: secret.kind.name(),
            wrapped_by: secret.wrapped_by.clone(),
            octets: secret.octets.len(),
        });
        Self {
            system_title: device.title.to_string(),
            serial_number: device.serial_number.clone(),
            model: device.model.clone(),
            firmware: device.firmware.clone(),
            batch: device.batch.clone(),
            region: device.region.as_ref().map(ToString::to_string),
            concentrator: device.concentrator.as_ref().map(ToString::to_string),
            certificates: certificates.collect(),
            secrets: secrets.collect(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let none = String::new();
        let mut lines: Vec<String> = [
            ("system title", &self.system_title),
            ("serial number", &self.serial_number),
            ("model", &self.model),
            ("firmware", &self.firmware),
            ("batch", &self.batch),
            ("region", self.region.as_ref().unwrap_or(&none)),
            ("concentrator", self.concentrator.as_ref().unwrap_or(&none)),
        ]
        .into_iter()
        .map(|(name, value)| format!("{name:<14} {value}").trim_end().to_owned())
        .collect();
        lines.extend(self.certificates.iter().map(|one| {
            format!(
                "certificate    {}, by {}, until {}, SHA-256 {}",
                one.subject, one.issuer, one.not_after, one.sha256
            )
        }));
        lines.extend(self.secrets.iter().map(|one| {
            format!("secret         {}, {} octets, wrapped by {}", one.kind, one.octets, one.wrapped_by)
        }));
        lines
    }
}
