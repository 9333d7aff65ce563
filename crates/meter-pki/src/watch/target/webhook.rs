//! A webhook: the notice as JSON, signed as [Standard Webhooks](https://www.standardwebhooks.com) say: HMAC-SHA256 over id, time and
//! body. The id is that of the notice, however often it is sent; the time is that of the attempt, so that an old one can be refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request};
use rustls::ClientConfig;
use zeroize::Zeroizing;

use crate::watch::notice::Notice;
use crate::web::{self, WebPlace};

/// How many octets a secret has.
const SECRET_OCTETS: std::ops::RangeInclusive<usize> = 24..=64;

/// Somebody who listens over HTTP.
#[derive(Debug)]
pub(super) struct Webhook {
    place: WebPlace,
    tls: Option<Arc<ClientConfig>>,
    secret_file: PathBuf,
}

impl Webhook {
    pub(super) fn new(url: &str, secret_file: &Path, roots_file: Option<&Path>) -> Result<Self, String> {
        let tls = roots_file.map(web::trusting).transpose()?.map(Arc::new);
        let place = WebPlace::parse(url).map_err(|error| error.to_string())?;
        drop(secret(secret_file)?);
        Ok(Self { place, tls, secret_file: secret_file.to_owned() })
    }

    pub(super) async fn send(&self, notice: &Notice, now: i64) -> Result<(), String> {
        let body = serde_json::to_vec(notice).map_err(|error| error.to_string())?;
        let signature = signature(&secret(&self.secret_file)?, &notice.id, now, &body);
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.place.target())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &notice.id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", signature)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        let answer =
            web::send(&self.place, self.tls.as_ref(), request).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(format!("it answered {status}")) }
    }
}

/// Reads `whsec_` and base64 of 24 to 64 octets; read anew at each use, so that it can be changed meanwhile.
fn secret(file: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let text = super::secret(file)?;
    let octets = text.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok()).map(Zeroizing::new);
    octets.filter(|octets| SECRET_OCTETS.contains(&octets.len())).ok_or_else(|| {
        format!(
            "{}: a secret is whsec_ and base64 of 24 to 64 octets: (printf whsec_; openssl rand -base64 32)",
            file.display()
        )
    })
}

fn signature(secret: &[u8], id: &str, now: i64, body: &[u8]) -> String {
    let signed = [format!("{id}.{now}.").as_bytes(), body].concat();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), &signed);
    format!("v1,{}", STANDARD.encode(tag))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    // The example of the specification's reference libraries.
    #[test]
    fn it_signs_as_the_example_of_the_specification() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature =
            signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_long_enough_and_nobody_elses() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secret");
        let read = |text: &str, mode| {
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            secret(&file)
        };
        let good = format!("whsec_{}\n", STANDARD.encode([7; 32]));
        assert_eq!(**read(&good, 0o600).unwrap(), [7; 32]);
        assert!(read(&good, 0o640).unwrap_err().contains("chmod 600"));
        for bad in ["", "whsec_", "whsec_!", &STANDARD.encode([7; 32]), "whsec_c2hvcnQ="] {
            let why = read(bad, 0o600).unwrap_err();
            assert!(why.contains("openssl rand"), "{why}");
        }
    }
}
