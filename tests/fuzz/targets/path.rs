//! The certificates that a peer shows: its own first, and then others.

use std::sync::LazyLock;

use ca_core::certificate::Certificate;
use ca_core::path::{TrustAnchor, validate_client};
use ca_core::validity::UnixTime;

use super::vectors;
use crate::shape;

/// As many as the front ends take.
pub(crate) const MAX_CERTIFICATES: u64 = 17;

/// The anchor, the octets of the one certificate that may be believed, and a time at which it is valid.
struct Known {
    anchors: [TrustAnchor; 1],
    meter: Vec<u8>,
    now: UnixTime,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let read = |name| Certificate::from_der(&vectors::file(name)).expect("a vector is in order");
    let (root, meter) = (read("path/root.cer"), read("path/meter.cer"));
    let now = meter.validity().not_before();
    Known { anchors: [TrustAnchor::from_certificate(&root)], meter: meter.tbs().to_vec(), now }
});

/// Nobody is believed whose to-be-signed octets the authority never signed.
pub(crate) fn path(octets: &[u8]) {
    let read = |der: &[u8]| Certificate::from_der(der).ok();
    let most = usize::try_from(MAX_CERTIFICATES).expect("it is small");
    let mut shown = shape::elements(octets).into_iter().take(most).filter_map(read);
    let Some(end_entity) = shown.next() else { return };
    drop((end_entity.alternative_names(), end_entity.system_title(), end_entity.authority_key_identifier()));
    let others: Vec<Certificate> = shown.collect();
    if let Ok(path) = validate_client(end_entity, &others, &KNOWN.anchors, KNOWN.now) {
        assert_eq!(path.end_entity().tbs(), KNOWN.meter);
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let [root, sub, meter] = ["root", "sub", "meter"].map(|name| vectors::file(&format!("path/{name}.cer")));
    let shown = [meter.clone(), sub.clone()].concat();
    let known = &KNOWN;
    let all = Certificate::from_der(&sub).expect("a vector is in order");
    let meter_alone = Certificate::from_der(&meter).expect("a vector is in order");
    validate_client(meter_alone, &[all], &known.anchors, known.now).expect("the path of the vectors holds");
    vec![shown, [meter.clone(), sub.clone(), sub, root.clone()].concat(), meter, root]
}
