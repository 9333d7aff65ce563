//! CA certificates that a server gave, told apart by whether they lead to an anchor that the client was given (RFC 7030 §4.1.3).

use ca_core::certificate::Certificate;
use ca_core::path::{TrustAnchor, validate_authority};
use ca_core::validity::UnixTime;

/// CA certificates, each DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaCertificates {
    /// Those to build paths with: the anchors themselves, and what leads to one.
    pub validated: Vec<Vec<u8>>,
    /// Those that lead to none of the anchors, or cannot be read.
    pub others: Vec<Vec<u8>>,
}

impl CaCertificates {
    /// Validates what was received by the roots that are trusted, DER, at a time.
    #[must_use]
    pub fn validate(received: Vec<Vec<u8>>, roots: &[Vec<u8>], now: UnixTime) -> Self {
        let read = |der: &Vec<u8>| Certificate::from_der(der).ok();
        let anchors: Vec<TrustAnchor> =
            roots.iter().filter_map(read).map(|root| TrustAnchor::from_certificate(&root)).collect();
        let known: Vec<Certificate> = received.iter().filter_map(read).collect();
        // RFC 7030 §4.1.3: all but the anchors are validated before paths are built with them.
        let leads = |der: &Vec<u8>| {
            read(der).is_some_and(|one| {
                let others: Vec<Certificate> = known.iter().filter(|other| **other != one).cloned().collect();
                validate_authority(&one, &others, &anchors, now).is_ok()
            })
        };
        let (validated, others) = received.iter().cloned().partition(|der| roots.contains(der) || leads(der));
        Self { validated, others }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &[u8] = include_bytes!("../../../tests/vectors/path/root.cer");
    const SUB: &[u8] = include_bytes!("../../../tests/vectors/path/sub.cer");
    const METER: &[u8] = include_bytes!("../../../tests/vectors/path/meter.cer");

    // RFC 7030 §4.1.3: what no anchor vouches for is not used, whoever gave it.
    #[test]
    fn what_leads_to_no_anchor_is_told_apart() {
        let now = Certificate::from_der(METER).unwrap().validity().not_before();
        let mut forged = SUB.to_vec();
        *forged.last_mut().unwrap() ^= 1;
        let received: Vec<Vec<u8>> =
            [ROOT, SUB, METER, &forged, b"no certificate"].map(<[u8]>::to_vec).to_vec();
        let all = CaCertificates::validate(received.clone(), &[ROOT.to_vec()], now);
        assert_eq!(all.validated, [ROOT, SUB]);
        assert_eq!(all.others, received[2..]);
        let strangers = CaCertificates::validate(vec![ROOT.to_vec(), SUB.to_vec()], &[], now);
        assert!(strangers.validated.is_empty() && strangers.others.len() == 2);
        let later = UnixTime::from_seconds(now.seconds() + 40 * 366 * 86_400);
        let late = CaCertificates::validate(vec![ROOT.to_vec(), SUB.to_vec()], &[ROOT.to_vec()], later);
        assert_eq!((late.validated, late.others), (vec![ROOT.to_vec()], vec![SUB.to_vec()]));
    }
}
