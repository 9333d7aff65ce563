//! A private key that the authority made, out of the envelope in its answer (RFC 9483 §4.1.6).

use ca_core::path::Purpose;
use client_kit::{KeySigners, MadeKey};
use cms_messages::enveloped::Envelope;

use crate::client::{CmpClient, Means};

/// Opens an `EnvelopedData`, DER, and takes the key out; says why it is not accepted.
pub(crate) fn open(client: &CmpClient, enveloped: &[u8]) -> Result<MadeKey, String> {
    let envelope =
        Envelope::from_der(enveloped).ok_or("its private key is not sealed in a way that is known")?;
    let anchors = client.anchors();
    let (opened, anchors) = match &client.means {
        Means::Signature(_) => {
            let key = client
                .agreement
                .as_deref()
                .ok_or("the key that would open its private key is not in a file")?;
            (envelope.open_by_key(key), Some(anchors.as_slice()))
        }
        // RFC 9483 §4.1.6: under a MAC the validation MAY be omitted; the secret authorises who made the key.
        Means::Mac(shared) => (
            envelope.open_by_secret(&shared.secret),
            Some(anchors.as_slice()).filter(|known| !known.is_empty()),
        ),
    };
    let opened = opened.map_err(|error| format!("its private key does not come out: {error}"))?;
    // RFC 9483 §4.1.6: the signer's certificate MUST be validated, and SHOULD have id-kp-cmKGA.
    let signers =
        KeySigners { anchors, purposes: &[Purpose::KeyGenerationAuthority], now: client.clock.now() };
    MadeKey::from_opened(&opened, &signers).map_err(|error| error.to_string())
}
