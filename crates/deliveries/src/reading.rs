//! A delivery read from its first row to its last: devices and faults are handed over as they come, and counted.
//!
//! In constant memory but for the system titles that were seen, kept to find those that come again: 12 octets each, in a table
//! with up to 16/7 as many places, of 13 octets each. That is 26 MiB for a million and 208 MiB for ten, and half as much again for the
//! moment in which the table grows.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Read, Seek};
use std::path::Path;

use ca_core::record::DeliveredDevice;

use crate::checks::Checks;
use crate::device::Maker;
use crate::fault::{Fault, FaultKind, Place, ReadError, Shown};
use crate::map::Map;
use crate::row::Row;
use crate::rows::{self, RowTaker};
use crate::source::Heads;

pub use crate::rows::Limits;

/// How a file is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// What stands where.
    pub map: &'a Map,
    /// What certificates are checked against.
    pub checks: &'a Checks,
    /// The directory of the delivery, for maps that name files beside it.
    pub beside: Option<&'a Path>,
    /// How many devices whoever delivers announced elsewhere.
    pub announced: Option<u64>,
    /// Bounds on what the file may take.
    pub limits: Limits,
}

/// Who takes what is read.
pub trait Taker {
    /// Takes a device, with the number of its row among all rows of the file, counted from 0.
    ///
    /// # Errors
    /// [`ReadError::Stopped`] when no more are wanted.
    fn device(&mut self, place: Place, number: u64, device: DeliveredDevice) -> Result<(), ReadError>;

    /// Takes a fault.
    ///
    /// # Errors
    /// [`ReadError::Stopped`] when no more are wanted.
    fn fault(&mut self, fault: Fault) -> Result<(), ReadError>;
}

/// What a file came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many rows there are.
    pub rows: u64,
    /// How many of them are devices without a fault.
    pub good: u64,
    /// How many faults there are, by kind.
    pub faults: BTreeMap<FaultKind, u64>,
    /// How many devices the file announces, if it does.
    pub announced: Option<u64>,
}

impl Summary {
    /// Returns how many faults there are.
    #[must_use]
    pub fn total_faults(&self) -> u64 {
        self.faults.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl Reading<'_> {
    /// Reads a file to its end.
    ///
    /// # Errors
    /// [`ReadError`]: nothing of the file counts then, whatever was handed over.
    pub fn read<F: Read + Seek>(&self, file: F, taker: &mut dyn Taker) -> Result<Summary, ReadError> {
        let mut map = self.map.clone();
        let form = self.map;
        let mut desk = Desk {
            reading: self,
            map: &mut map,
            taker,
            seen: HashMap::new(),
            early: None,
            summary: Summary::default(),
        };
        let heads = rows::read(file, form, &self.limits, &mut desk)?;
        desk.late(&heads)?;
        desk.count(&heads)?;
        Ok(desk.summary)
    }
}

/// Takes rows and hands devices on.
struct Desk<'a> {
    reading: &'a Reading<'a>,
    /// The map, with the columns of this file.
    map: &'a mut Map,
    taker: &'a mut dyn Taker,
    /// Where each title stood first.
    seen: HashMap<[u8; 8], u32>,
    /// The values outside the rows that were known when the first row was read.
    early: Option<BTreeSet<String>>,
    summary: Summary,
}

impl Desk<'_> {
    fn begin(&mut self) -> Result<(), ReadError> {
        self.summary.rows = self.summary.rows.saturating_add(1);
        if self.summary.rows > self.reading.limits.rows {
            let what = format!("the file has more than {} rows", self.reading.limits.rows);
            return Err(ReadError::Limit { place: Place::File, what });
        }
        Ok(())
    }

    fn fault(&mut self, fault: Fault) -> Result<(), ReadError> {
        let count = self.summary.faults.entry(fault.kind).or_default();
        *count = count.saturating_add(1);
        self.taker.fault(fault)
    }

    /// Tells a fault of the row or the file as a whole.
    fn whole(&mut self, place: Place, kind: FaultKind, message: String) -> Result<(), ReadError> {
        let (column, field, value) = (String::new(), String::new(), Shown::nothing());
        self.fault(Fault { place, column, field, kind, value, message })
    }

    /// Tells of values that devices should have and that stand after them.
    fn late(&mut self, heads: &Heads) -> Result<(), ReadError> {
        let Some(early) = self.early.take() else { return Ok(()) };
        for name in heads.keys().filter(|name| !early.contains(*name)) {
            if self.map.uses_head(name) {
                let message = format!(
                    "head {name} stands after the devices that should have it: leave it out of [device]"
                );
                self.whole(Place::File, FaultKind::Missing, message)?;
            }
        }
        Ok(())
    }

    /// Compares the number of rows with what was announced.
    fn count(&mut self, heads: &Heads) -> Result<(), ReadError> {
        let announced = self.map.announced.clone();
        let in_file =
            match announced.map(|name| (heads.get(&name).map(|text| text.trim().parse::<u64>()), name)) {
                None => None,
                Some((Some(Ok(number)), _)) => Some(number),
                Some((Some(Err(_)), name)) => {
                    let message = format!("the announced count, head {name}, is no number");
                    self.whole(Place::File, FaultKind::Count, message)?;
                    None
                }
                Some((None, name)) => {
                    let message = format!(
                        "the file does not announce how many devices there are: head {name} is not there"
                    );
                    self.whole(Place::File, FaultKind::Count, message)?;
                    None
                }
            };
        self.summary.announced = self.reading.announced.or(in_file);
        let rows = self.summary.rows;
        for (number, who) in [(in_file, "the file announces"), (self.reading.announced, "announced were")] {
            if let Some(number) = number.filter(|number| *number != rows) {
                let message = format!("{who} {number} devices, and there are {rows} rows");
                self.whole(Place::File, FaultKind::Count, message)?;
            }
        }
        Ok(())
    }
}

impl RowTaker for Desk<'_> {
    fn heading(&mut self, names: &[String]) -> Result<(), ReadError> {
        self.map.bind(names).map_err(|what| ReadError::Column { what })
    }

    fn row(&mut self, place: Place, row: &Row<'_>, heads: &Heads) -> Result<(), ReadError> {
        self.begin()?;
        self.early.get_or_insert_with(|| heads.keys().cloned().collect());
        let Reading { checks, beside, .. } = *self.reading;
        let maker = Maker { map: self.map, checks, beside };
        let device = match maker.device(place, row, heads) {
            Ok(device) => device,
            Err(faults) => return faults.into_iter().try_for_each(|fault| self.fault(fault)),
        };
        match self.seen.entry(*device.title.octets()) {
            Entry::Vacant(place_of) => {
                place_of.insert(u32::try_from(place.number()).unwrap_or(u32::MAX));
            }
            Entry::Occupied(first) => {
                let message = format!("{} stands {} already", device.title, at(place, *first.get()));
                return self.fault(Fault {
                    place,
                    column: self.map.title.source.place(),
                    field: "system_title".to_owned(),
                    kind: FaultKind::Duplicate,
                    value: Shown::nothing(),
                    message,
                });
            }
        }
        self.summary.good = self.summary.good.saturating_add(1);
        self.taker.device(place, self.summary.rows.saturating_sub(1), device)
    }

    fn odd(&mut self, place: Place, what: String) -> Result<(), ReadError> {
        self.begin()?;
        self.whole(place, FaultKind::Row, what)
    }
}

/// Says where a row of this number stands, as places like `place` are told.
fn at(place: Place, number: u32) -> String {
    match place {
        Place::Line(_) => format!("on line {number}"),
        Place::Row(_) => format!("in row {number}"),
        Place::Nth { .. } => format!("in device {number}"),
        Place::Element(_) => format!("in element {number}"),
        Place::File => "in the file".to_owned(),
    }
}
