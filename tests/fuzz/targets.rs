//! What reads octets of strangers: one line for each reader. A new one is a line here and a function beside it.
//!
//! A reader is called with any octets; it panics when it breaks a promise of its own. How it is called, how often and within
//! what bounds is not said here: see [`bounds`](crate::bounds) and the two programs that drive these.

mod cmc;
mod cmp;
mod coap;
mod dlms;
mod deliveries;
mod enrolment;
mod head_ends;
mod ocsp;
mod path;
mod shipment;
mod vectors;

use crate::shape::Shape;

/// A reader.
#[derive(Debug)]
pub(crate) struct Target {
    /// What `cargo xtask fuzz --target` calls it.
    pub(crate) name: &'static str,
    /// Reads octets, and checks what must hold of whatever was read.
    pub(crate) read: fn(&[u8]),
    /// How its input is written, for mutations that keep the form.
    pub(crate) shape: Shape,
    /// Messages that are in order.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// The most octets that reach it in service.
    pub(crate) max_octets: usize,
    /// The most messages in one input, each of which may take what a message takes anyway.
    pub(crate) messages: u64,
}

/// All of them.
pub(crate) const TARGETS: &[Target] = &[
    Target::new("base64", enrolment::base64, Shape::Base64, vectors::requests_as_text, 65_536),
    Target::new("est-body", enrolment::body, Shape::Base64, vectors::requests_as_text, 65_536),
    Target::new("csr", enrolment::request, Shape::Der, vectors::requests, 65_536),
    Target::new("csr-attributes", enrolment::attributes, Shape::Der, enrolment::attribute_seeds, 65_536),
    Target::new("cmc", cmc::message, Shape::Der, cmc::seeds, 65_536),
    Target::new("cmp", cmp::message, Shape::Der, cmp::seeds, 65_536).of_many(cmp::ROOM),
    Target::new("cmp-request", cmp::request, Shape::Der, cmp::request_seeds, 65_536),
    Target::new("cmp-protection", cmp::protection, Shape::Der, cmp::protection_seeds, 4_096),
    Target::new("path", path::path, Shape::Der, path::seeds, 65_536).of_many(path::MAX_CERTIFICATES),
    Target::new("coap", coap::conversation, Shape::Datagrams, coap::seeds, 32_768).of_many(coap::ROOM),
    Target::new("ocsp", ocsp::request, Shape::Der, ocsp::seeds, 4_096),
    Target::new("bulk-line", head_ends::line, Shape::Json, head_ends::lines, 24_577),
    Target::new("dlms", dlms::octets, Shape::Octets, dlms::seeds, 65_536),
    Target::new("dlms-answer", dlms::answer, Shape::Octets, dlms::answers, 65_536),
    Target::new("dlms-tools", head_ends::order, Shape::Json, head_ends::orders, 262_144),
    Target::new("delivery-map", deliveries::map, Shape::Json, deliveries::maps, 16_384)
        .of_many(deliveries::ROOM),
    Target::new("delivery-csv", deliveries::csv, Shape::Json, deliveries::csvs, 16_384)
        .of_many(deliveries::ROOM),
    Target::new("delivery-xml", deliveries::xml, Shape::Json, deliveries::xmls, 16_384)
        .of_many(deliveries::ROOM),
    Target::new("delivery-json", deliveries::json, Shape::Json, deliveries::jsons, 16_384)
        .of_many(deliveries::ROOM),
    Target::new("delivery-lines", deliveries::lines, Shape::Json, deliveries::line_files, 16_384)
        .of_many(deliveries::ROOM),
    Target::new("delivery-sheet", deliveries::sheet, Shape::Json, deliveries::sheets, 16_384)
        .of_many(deliveries::ROOM),
    Target::new("delivery-draft", deliveries::draft, Shape::Json, deliveries::all, 16_384)
        .of_many(deliveries::ROOM),
    Target::new("shipment", shipment::manifest, Shape::Der, shipment::manifests, 65_536)
        .of_many(shipment::HELD_TOGETHER),
    Target::new("shipment-header", shipment::header, Shape::Der, shipment::headers, 16_384),
    Target::new("shipment-record", shipment::record, Shape::Der, shipment::records, 65_536),
    Target::new("shipment-proof", shipment::proof, Shape::Der, shipment::proofs, 65_536)
        .of_many(shipment::IN_A_PROOF),
];

impl Target {
    const fn new(
        name: &'static str,
        read: fn(&[u8]),
        shape: Shape,
        seeds: fn() -> Vec<Vec<u8>>,
        max_octets: usize,
    ) -> Self {
        Self { name, read, shape, seeds, max_octets, messages: 1 }
    }

    const fn of_many(mut self, messages: u64) -> Self {
        self.messages = messages;
        self
    }
}
