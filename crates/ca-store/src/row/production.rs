//! The rows of production orders, and of the devices that are made under them.
//!
//! On the list of an order stands each title that it names singly or that has a place in it: under the name of the order and
//! the title, four octets, how often the device was scrapped, the most significant first. A station that works on an open
//! order stands under its tenant and name, with the name of the order.

use ca_core::record::{
    OrderedCertificate, OrderedTitles, ProducedCertificate, ProductionCount, ProductionId, ProductionOrder,
    ProductionState,
};
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use der::asn1::OctetString;
use der::{Enumerated, Sequence};

use super::waiting::{WireMark, WireRefusal};
use super::{Row, WireId, WirePurpose, octets, profile, tenant, time, title};
use crate::keyspace::{Keyspace, device_list_key};

/// ```text
/// ProductionRow ::= SEQUENCE {
///     id            UTF8String,            -- its key again
///     tenant        UTF8String,
///     ordered       INTEGER,
///     certificates  SEQUENCE OF SEQUENCE { purpose Purpose, profile UTF8String },
///     listed        INTEGER,               -- how many titles are on its list; 0 where there are ranges
///     ranges        SEQUENCE OF SEQUENCE { first OCTET STRING, last OCTET STRING },
///     model         UTF8String,
///     firmware      UTF8String,
///     batch         UTF8String,
///     stations      SEQUENCE OF UTF8String,
///     until         Time,
///     opened        Mark,
///     state         ENUMERATED { open(0), closed(1), cancelled(2) },
///     places        INTEGER,
///     complete      INTEGER,
///     underWay      INTEGER,
///     scrapped      INTEGER,
///     customer      [0] UTF8String OPTIONAL,
///     ended         [1] Refusal OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProductionRow {
    pub(crate) order: ProductionOrder,
}

#[derive(Sequence)]
pub(crate) struct WireProduction {
    id: String,
    tenant: String,
    ordered: u64,
    certificates: Vec<WireOrdered>,
    listed: u64,
    ranges: Vec<WireRange>,
    model: String,
    firmware: String,
    batch: String,
    stations: Vec<String>,
    until: i64,
    opened: WireMark,
    state: WireProductionState,
    places: u64,
    complete: u64,
    under_way: u64,
    scrapped: u64,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    customer: Option<String>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    ended: Option<WireRefusal>,
}

#[derive(Sequence)]
struct WireOrdered {
    purpose: WirePurpose,
    profile: String,
}

#[derive(Sequence)]
struct WireRange {
    first: OctetString,
    last: OctetString,
}

#[derive(Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
enum WireProductionState {
    Open = 0,
    Closed = 1,
    Cancelled = 2,
}

impl Row for ProductionRow {
    type Key = ProductionId;
    type Wire = WireProduction;
    const KEYSPACE: Keyspace = Keyspace::ProductionOrders;

    fn key(id: &Self::Key) -> Vec<u8> {
        id.as_str().as_bytes().to_vec()
    }

    fn to_wire(&self) -> der::Result<WireProduction> {
        let order = &self.order;
        let (listed, ranges) = match &order.titles {
            OrderedTitles::Listed { count } => (*count, Vec::new()),
            OrderedTitles::Ranges(ranges) => {
                (0, ranges.iter().map(WireRange::new).collect::<der::Result<_>>()?)
            }
        };
        let ordered = |one: &OrderedCertificate| WireOrdered {
            purpose: one.purpose.into(),
            profile: one.profile.to_string(),
        };
        Ok(WireProduction {
            id: order.id.to_string(),
            tenant: order.tenant.to_string(),
            ordered: order.ordered,
            certificates: order.certificates.iter().map(ordered).collect(),
            listed,
            ranges,
            model: order.model.clone(),
            firmware: order.firmware.clone(),
            batch: order.batch.clone(),
            stations: order.stations.clone(),
            until: order.until.seconds(),
            opened: WireMark::new(&order.opened),
            state: match order.state {
                ProductionState::Open => WireProductionState::Open,
                ProductionState::Closed => WireProductionState::Closed,
                ProductionState::Cancelled => WireProductionState::Cancelled,
            },
            places: order.count.places,
            complete: order.count.complete,
            under_way: order.count.under_way,
            scrapped: order.count.scrapped,
            customer: order.customer.as_ref().map(ToString::to_string),
            ended: order.ended.as_ref().map(WireRefusal::new),
        })
    }

    fn from_wire(wire: WireProduction) -> Option<Self> {
        let titles = match (wire.listed, wire.ranges.is_empty()) {
            (0, false) => {
                OrderedTitles::Ranges(wire.ranges.iter().map(WireRange::range).collect::<Option<_>>()?)
            }
            (count @ 1.., true) => OrderedTitles::Listed { count },
            (0, true) | (1.., false) => return None,
        };
        let ordered = |one: WireOrdered| {
            Some(OrderedCertificate { purpose: one.purpose.into(), profile: profile(&one.profile)? })
        };
        let order = ProductionOrder {
            id: ProductionId::parse(&wire.id).ok()?,
            tenant: tenant(&wire.tenant)?,
            ordered: wire.ordered,
            certificates: wire.certificates.into_iter().map(ordered).collect::<Option<_>>()?,
            titles,
            model: wire.model,
            firmware: wire.firmware,
            batch: wire.batch,
            customer: match &wire.customer {
                Some(name) => Some(tenant(name)?),
                None => None,
            },
            stations: wire.stations,
            until: time(wire.until),
            opened: wire.opened.mark(),
            state: match wire.state {
                WireProductionState::Open => ProductionState::Open,
                WireProductionState::Closed => ProductionState::Closed,
                WireProductionState::Cancelled => ProductionState::Cancelled,
            },
            ended: wire.ended.map(WireRefusal::refusal),
            count: ProductionCount {
                places: wire.places,
                complete: wire.complete,
                under_way: wire.under_way,
                scrapped: wire.scrapped,
            },
        };
        Some(Self { order })
    }
}

impl WireRange {
    fn new((first, last): &(SystemTitle, SystemTitle)) -> der::Result<Self> {
        Ok(Self { first: octets(first.octets())?, last: octets(last.octets())? })
    }

    fn range(&self) -> Option<(SystemTitle, SystemTitle)> {
        Some((title(&self.first)?, title(&self.last)?))
    }
}

/// ```text
/// ProducedRow ::= SEQUENCE {
///     order         UTF8String,
///     certificates  SEQUENCE OF SEQUENCE { purpose Purpose, id Id, issued BOOLEAN } }   -- at least one, one for a purpose
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProducedRow {
    pub(crate) order: ProductionId,
    pub(crate) certificates: Vec<ProducedCertificate>,
}

#[derive(Sequence)]
pub(crate) struct WireProduced {
    order: String,
    certificates: Vec<WireMade>,
}

#[derive(Sequence)]
struct WireMade {
    purpose: WirePurpose,
    id: WireId,
    issued: bool,
}

impl Row for ProducedRow {
    type Key = (TenantId, SystemTitle);
    type Wire = WireProduced;
    const KEYSPACE: Keyspace = Keyspace::ProductionDevices;

    fn key((tenant, title): &Self::Key) -> Vec<u8> {
        device_list_key(tenant, title)
    }

    fn to_wire(&self) -> der::Result<WireProduced> {
        let made = |one: &ProducedCertificate| {
            Ok(WireMade { purpose: one.purpose.into(), id: WireId::new(&one.id)?, issued: one.issued })
        };
        Ok(WireProduced {
            order: self.order.to_string(),
            certificates: self.certificates.iter().map(made).collect::<der::Result<_>>()?,
        })
    }

    fn from_wire(wire: WireProduced) -> Option<Self> {
        let made = |one: &WireMade| {
            Some(ProducedCertificate { purpose: one.purpose.into(), id: one.id.id()?, issued: one.issued })
        };
        let certificates: Vec<_> = wire.certificates.iter().map(made).collect::<Option<_>>()?;
        let order = ProductionId::parse(&wire.order).ok()?;
        (!certificates.is_empty()).then_some(Self { order, certificates })
    }
}
