//! What meter makers deliver, and the maps by which it is read.

use std::io::Cursor;

use ca_core::record::DeliveredDevice;
use deliveries::checks::Checks;
use deliveries::fault::{Fault, Place, ReadError};
use deliveries::map::Map;
use deliveries::reading::{Limits, Reading, Taker};
use deliveries::samples::{self, SAMPLES};

/// Buffers of the decoder and of the parsers take as much as so many short messages, whatever the length of a file; so does an
/// element of XML, which is four octets in the file.
pub(super) const ROOM: u64 = 40;

/// Looks at what is handed over.
#[derive(Default)]
struct Looked {
    devices: u64,
    faults: u64,
}

impl Taker for Looked {
    fn device(&mut self, _place: Place, _number: u64, device: DeliveredDevice) -> Result<(), ReadError> {
        self.devices += 1;
        for secret in &device.secrets {
            assert!(
                secret.octets.len() >= 16 && secret.octets.len() % 8 == 0,
                "it has a length of wrapped keys"
            );
        }
        Ok(())
    }

    fn fault(&mut self, fault: Fault) -> Result<(), ReadError> {
        self.faults += 1;
        let told = fault.value.as_str();
        assert!(told.chars().count() <= 49 && !told.contains(char::is_control));
        assert!(told.matches(|one: char| one.is_ascii_hexdigit()).count() < 48, "no key is shown");
        Ok(())
    }
}

fn read(octets: &[u8], map: &Map) {
    let checks = Checks::default();
    let reading = Reading { map, checks: &checks, beside: None, announced: None, limits: Limits::default() };
    let mut looked = Looked::default();
    match reading.read(Cursor::new(octets), &mut looked) {
        Ok(summary) => {
            assert_eq!((summary.good, summary.total_faults()), (looked.devices, looked.faults));
            assert!(summary.good <= summary.rows);
        }
        Err(error) => assert!(!error.code().is_empty() && !error.to_string().is_empty()),
    }
}

fn sample(name: &str) -> Map {
    Map::parse(samples::named(name).expect("a sample").text).expect("a map")
}

pub(crate) fn map(octets: &[u8]) {
    if let Ok(map) = Map::parse(&String::from_utf8_lossy(octets)) {
        assert!(!map.name().is_empty());
        read(b"system_title,serial_number\n454C560000F42400,1\n", &map);
    }
}

pub(crate) fn csv(octets: &[u8]) {
    read(octets, &sample("plain-csv"));
}

pub(crate) fn xml(octets: &[u8]) {
    read(octets, &sample("delivery-note-xml"));
}

pub(crate) fn json(octets: &[u8]) {
    let text = samples::named("manifest-lines").expect("a sample").text;
    let text = text.replace(
        "[json_lines]",
        "[json]\nrows = \"/delivery/devices\"\n[head]\nn = { path = \"/delivery/count\" }",
    );
    read(octets, &Map::parse(&format!("{text}\n[checks]\nannounced = \"n\"\n")).expect("a map"));
}

pub(crate) fn lines(octets: &[u8]) {
    read(octets, &sample("manifest-lines"));
}

pub(crate) fn sheet(octets: &[u8]) {
    read(octets, &sample("device-sheet"));
}

pub(crate) fn draft(octets: &[u8]) {
    if let Ok(text) = deliveries::draft::propose(Cursor::new(octets)) {
        Map::parse(&text).unwrap_or_else(|error| panic!("a draft is a map: {error}\n{text}"));
    }
}

pub(crate) fn maps() -> Vec<Vec<u8>> {
    SAMPLES.iter().map(|sample| sample.text.as_bytes().to_vec()).collect()
}

pub(crate) fn csvs() -> Vec<Vec<u8>> {
    let heading = "system_title,serial_number,model,firmware,batch,certificate_signature,certificate_agreement,\
                   certificate_tls,kek,guek,gbek,gak,wrapped_by\n";
    let wrapped = "A5".repeat(24);
    let row = format!("454C560000F42400,1,\"MX \"\"3\"\"\",2.4,B1,,,,,{wrapped},,,tk\n");
    vec![format!("{heading}{row}").into_bytes(), format!("{heading}{row}{row}\n\n\"").into_bytes()]
}

pub(crate) fn xmls() -> Vec<Vec<u8>> {
    let declared = "<DeliveryNote><Header><DeviceCount>1</DeviceCount></Header><Devices><Device>\
                    <SystemTitle>454C560000F42400</SystemTitle><Type><![CDATA[a&b]]>&lt;&#65;</Type></Device>\
                    </Devices></DeliveryNote>";
    vec![
        include_bytes!("../../vectors/deliveries/pretty.xml").to_vec(),
        include_bytes!("../../vectors/deliveries/note.xml").to_vec(),
        declared.as_bytes().to_vec(),
    ]
}

pub(crate) fn jsons() -> Vec<Vec<u8>> {
    vec![include_bytes!("../../vectors/deliveries/array.json").to_vec()]
}

pub(crate) fn line_files() -> Vec<Vec<u8>> {
    vec![include_bytes!("../../vectors/deliveries/lines.jsonl").to_vec()]
}

pub(crate) fn sheets() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../../vectors/deliveries/sheet.xlsx").to_vec(),
        include_bytes!("../../vectors/deliveries/numbers.xlsx").to_vec(),
    ]
}

pub(crate) fn all() -> Vec<Vec<u8>> {
    [csvs(), xmls(), jsons(), line_files(), sheets()].concat()
}
