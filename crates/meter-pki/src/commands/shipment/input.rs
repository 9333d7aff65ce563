//! The devices that a manifest is made of, out of a file of any length: read once for faults and order, once more for content.
//!
//! Kept in memory are 24 octets a device: its system title and its place in the file.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use ca_core::record::DeliveredDevice;
use ca_core::system_title::SystemTitle;

use super::table::DeviceRow;
use crate::exit::{Exit, Failure};
use crate::operator::wire::deliveries::DeliveredDeviceText;

/// How many faulty places of a file are told one by one.
const TOLD: usize = 20;
/// The most octets of a line.
const MAX_LINE_OCTETS: u64 = 1 << 20;

/// Where a device stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    title: SystemTitle,
    octet: u64,
    line: u64,
}

/// A file of devices, in the order of their system titles.
pub(super) struct DeviceFile {
    content: Content,
    places: Vec<Place>,
}

enum Content {
    /// With the number of the line that was read last.
    Lines(BufReader<File>, u64),
    Table(Box<csv::Reader<File>>, csv::StringRecord),
}

impl DeviceFile {
    /// Reads the whole file; every fault in it is told, and a device that is there twice is one.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let unreadable = |error: &dyn std::fmt::Display| {
            Failure::new(Exit::Usage, "shipment.devices", format!("{}: {error}", path.display()))
        };
        let file = File::open(path).map_err(|error| unreadable(&error))?;
        let is_table = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let content = if is_table {
            let mut reader = csv::Reader::from_reader(file);
            let heading = reader.headers().map_err(|error| unreadable(&error))?.clone();
            Content::Table(Box::new(reader), heading)
        } else {
            Content::Lines(BufReader::new(file), 0)
        };
        let mut devices = Self { content, places: Vec::new() };
        let mut faults = Faults::default();
        while let Some((place, read)) = devices.next().map_err(|error| unreadable(&error))? {
            match read {
                Ok(device) => devices.places.push(Place { title: device.title, ..place }),
                Err(fault) => faults.add(place.line, &fault),
            }
        }
        devices.places.sort_unstable();
        for (one, other) in devices.places.iter().zip(devices.places.iter().skip(1)) {
            if one.title == other.title {
                faults.add(other.line, &format!("{} stands on line {} already", one.title, one.line));
            }
        }
        faults.none().map_err(|told| unreadable(&told))?;
        Ok(devices)
    }

    /// Gives every device, in the order of their system titles.
    pub(super) fn each(
        mut self,
        mut take: impl FnMut(&DeliveredDevice) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let changed = |line| {
            let message = format!("the file of devices was changed while it was read (line {line})");
            Failure::new(Exit::Conflict, "shipment.devices", message)
        };
        for place in core::mem::take(&mut self.places) {
            self.go_to(place).map_err(|_| changed(place.line))?;
            match self.next() {
                Ok(Some((_, Ok(device)))) if device.title == place.title => take(&device)?,
                Ok(_) | Err(_) => return Err(changed(place.line)),
            }
        }
        Ok(())
    }

    fn go_to(&mut self, place: Place) -> Result<(), InputError> {
        match &mut self.content {
            Content::Lines(reader, _) => {
                let here = reader.stream_position()?;
                // What is in the buffer stays in it: a file that is in order is read from end to end.
                let step = i64::try_from(place.octet).ok().zip(i64::try_from(here).ok());
                match step {
                    Some((to, here)) => reader.seek_relative(to.saturating_sub(here))?,
                    None => drop(reader.seek(SeekFrom::Start(place.octet))?),
                }
            }
            Content::Table(reader, _) => {
                let mut position = csv::Position::new();
                position.set_byte(place.octet).set_line(place.line);
                reader.seek(position)?;
            }
        }
        Ok(())
    }

    /// Reads the next device, or what is wrong with it.
    fn next(&mut self) -> Next {
        match &mut self.content {
            Content::Lines(reader, line) => next_line(reader, line),
            Content::Table(reader, heading) => next_row(reader, heading),
        }
    }
}

/// A device with its place, or what is wrong there; nothing where the file ends.
type Next = Result<Option<(Place, Result<DeliveredDevice, String>)>, InputError>;

const NOWHERE: SystemTitle = SystemTitle::new([0; 8]);

fn next_line(reader: &mut BufReader<File>, number: &mut u64) -> Next {
    let mut line = String::new();
    loop {
        let octet = reader.stream_position()?;
        line.clear();
        if reader.by_ref().take(MAX_LINE_OCTETS).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        *number += 1;
        if line.trim().is_empty() {
            continue;
        }
        let device = serde_json::from_str::<DeliveredDeviceText>(&line).map_err(|error| error.to_string());
        let place = Place { title: NOWHERE, octet, line: *number };
        let device = device.and_then(|text| DeliveredDevice::try_from(text).map_err(|wrong| wrong.message));
        return Ok(Some((place, device)));
    }
}

fn next_row(reader: &mut csv::Reader<File>, heading: &csv::StringRecord) -> Next {
    let mut row = csv::StringRecord::new();
    if !reader.read_record(&mut row)? {
        return Ok(None);
    }
    let place = row.position().map_or(Place { title: NOWHERE, octet: 0, line: 0 }, |position| Place {
        title: NOWHERE,
        octet: position.byte(),
        line: position.line(),
    });
    let told = |error: csv::Error| {
        if let csv::ErrorKind::Deserialize { err, .. } = error.kind() {
            err.to_string()
        } else {
            error.to_string()
        }
    };
    let device = row.deserialize::<DeviceRow>(Some(heading)).map_err(told);
    Ok(Some((place, device.and_then(DeliveredDevice::try_from))))
}

/// What is wrong in a file, the first places one by one.
#[derive(Default)]
struct Faults {
    told: Vec<String>,
    count: usize,
}

impl Faults {
    fn add(&mut self, line: u64, fault: &str) {
        self.count += 1;
        if self.told.len() < TOLD {
            self.told.push(format!("line {line}: {fault}"));
        }
    }

    fn none(self) -> Result<(), String> {
        if self.count == 0 {
            return Ok(());
        }
        Err(format!("no manifest was made, faulty places: {}\n{}", self.count, self.told.join("\n")))
    }
}

/// Why a file cannot be read on.
#[derive(Debug, thiserror::Error)]
enum InputError {
    #[error(transparent)]
    File(#[from] std::io::Error),
    #[error(transparent)]
    Table(#[from] csv::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        (directory, path)
    }

    fn titles(path: &Path) -> Result<Vec<String>, Failure> {
        let mut titles = Vec::new();
        DeviceFile::open(path)?.each(|device| {
            titles.push(format!("{} {}", device.title, device.model));
            Ok(())
        })?;
        Ok(titles)
    }

    const SORTED: [&str; 3] = ["4D504B0100000001 A", "4D504B0100000002 B", "4D504B0100000003 C"];

    #[test]
    fn devices_come_in_the_order_of_their_system_titles_out_of_both_kinds_of_file() {
        let lines = "{\"system_title\":\"4D504B0100000003\",\"model\":\"C\"}\n\n\
                     {\"system_title\":\"4D504B0100000001\",\"model\":\"A\"}\n\
                     {\"system_title\":\"4D504B0100000002\",\"model\":\"B\"}";
        let (_place, path) = file("devices.jsonl", lines);
        assert_eq!(titles(&path).unwrap(), SORTED);
        let table = "model,system_title\nB,4D504B0100000002\nC,4D504B0100000003\n\"A\",4D504B0100000001\n";
        let (_place, path) = file("devices.csv", table);
        assert_eq!(titles(&path).unwrap(), SORTED);
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let table = "system_title,model\n4D504B0100000001,A\n4D50,B\n4D504B0100000001,C\n";
        let (_place, path) = file("devices.csv", table);
        let failure = titles(&path).unwrap_err();
        assert_eq!(failure.code, "shipment.devices");
        for told in ["faulty places: 2", "line 3: 4D50:", "line 4: 4D504B0100000001 stands on line 2"] {
            assert!(failure.message.contains(told), "{told}: {}", failure.message);
        }
        let (_place, path) = file("devices.jsonl", "\n{\"system_title\":1}\n{\"title\":\"x\"}\n");
        let failure = titles(&path).unwrap_err();
        assert!(failure.message.contains("line 2: ") && failure.message.contains("line 3: "), "{failure}");
    }

    #[test]
    fn a_column_that_nobody_knows_is_refused() {
        let (_place, path) = file("devices.csv", "system_title,colour\n4D504B0100000001,red\n");
        assert!(titles(&path).unwrap_err().message.contains("colour"));
    }
}
