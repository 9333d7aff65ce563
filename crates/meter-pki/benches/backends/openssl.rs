//! The tasks by the OpenSSL command line, which measures itself by its own processor time. It signs and verifies digests, which
//! spares it a hash of some hundred octets.

use std::io::{Error, Result};
use std::process::Command;

use crate::{MESSAGE, PIECE};

pub(crate) const LIBRARY: &str = "OpenSSL";

/// Returns how often it does each in a second.
pub(crate) fn rates() -> Result<Vec<(String, f64)>> {
    let said = speed(&["ecdsap256", "ecdsap384", "ecdhp256", "ecdhp384"])?;
    let mut rates: Vec<(String, f64)> = said.lines().flat_map(curve).collect();
    for octets in [MESSAGE, PIECE] {
        for (hash, word) in [("SHA-256", "sha256"), ("SHA-384", "sha384")] {
            let said = speed(&["-bytes", &octets.to_string(), "-evp", word])?;
            let rate = said.lines().find_map(|line| hashed(line, octets));
            let rate = rate.ok_or_else(|| Error::other(format!("openssl speed says nothing of {word}")))?;
            rates.push((format!("{hash} of {octets} octets"), rate));
        }
    }
    Ok(rates)
}

fn speed(what: &[&str]) -> Result<String> {
    let output = Command::new("openssl").args(["speed", "-mr", "-seconds", "1"]).args(what).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(said).ok_or_else(|| Error::other("openssl speed failed"))
}

/// `+F4:3:256:51788.7:16808.8`: signatures and verifications a second of P-256; `+F5:3:256:22180.0:0.000045`: agreements.
fn curve(line: &str) -> Vec<(String, f64)> {
    let fields: Vec<&str> = line.split(':').collect();
    let (["+F4" | "+F5", _, bits, first, second], Some(kind)) = (fields.as_slice(), fields.first()) else {
        return Vec::new();
    };
    let rate = |act: &str, text: &str| Some((format!("P-{bits} {act}"), text.parse().ok()?));
    let told = match *kind {
        "+F4" => vec![rate("sign", first), rate("verify", second)],
        _ => vec![rate("agree", first)],
    };
    told.into_iter().flatten().collect()
}

/// `+F:25:sha256:1225865671.64`: octets a second.
fn hashed(line: &str, octets: usize) -> Option<f64> {
    let rate: f64 = line.strip_prefix("+F:")?.rsplit(':').next()?.parse().ok()?;
    Some(rate / f64::from(u32::try_from(octets).ok()?))
}
