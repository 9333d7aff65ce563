//! Deliveries read into memory, as tests look at them.

use std::io::Cursor;
use std::path::Path;

use ca_core::record::DeliveredDevice;
use deliveries::checks::Checks;
use deliveries::fault::{Fault, FaultKind, Place, ReadError};
use deliveries::map::Map;
use deliveries::reading::{Limits, Reading, Summary, Taker};

/// All that came out of a file.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) devices: Vec<DeliveredDevice>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) summary: Summary,
}

impl Gathered {
    /// Place, kind and column of each fault.
    pub(crate) fn told(&self) -> Vec<(Place, FaultKind, String)> {
        self.faults.iter().map(|fault| (fault.place, fault.kind, fault.column.clone())).collect()
    }
}

impl Taker for Gathered {
    fn device(&mut self, _place: Place, _number: u64, device: DeliveredDevice) -> Result<(), ReadError> {
        self.devices.push(device);
        Ok(())
    }

    fn fault(&mut self, fault: Fault) -> Result<(), ReadError> {
        self.faults.push(fault);
        Ok(())
    }
}

pub(crate) fn limits() -> Limits {
    Limits::default()
}

pub(crate) fn with_rows(rows: u64) -> Limits {
    Limits { rows, ..limits() }
}

pub(crate) fn read(octets: &[u8], map: &Map) -> Result<Gathered, ReadError> {
    read_beside(octets, map, &Checks::default(), None)
}

pub(crate) fn read_within(octets: &[u8], map: &Map, limits: &Limits) -> Result<Gathered, ReadError> {
    let checks = Checks::default();
    let reading = Reading { map, checks: &checks, beside: None, announced: None, limits: *limits };
    gather(octets, &reading)
}

pub(crate) fn read_beside(
    octets: &[u8],
    map: &Map,
    checks: &Checks,
    beside: Option<&Path>,
) -> Result<Gathered, ReadError> {
    gather(octets, &Reading { map, checks, beside, announced: None, limits: limits() })
}

fn gather(octets: &[u8], reading: &Reading<'_>) -> Result<Gathered, ReadError> {
    let mut gathered = Gathered::default();
    gathered.summary = reading.read(Cursor::new(octets), &mut gathered)?;
    Ok(gathered)
}
