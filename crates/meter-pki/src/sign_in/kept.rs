//! The file in which the command line keeps its token: mode 0600, written whole or not at all, refreshed when it has run out.

use std::fs::File;
use std::path::PathBuf;

use ca_core::validity::UnixTime;
use hyper::http::HeaderValue;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::grant::{Granted, SignInPlace};
use crate::exit::{Exit, Failure};
use crate::private_text;

/// How many seconds before its end a token is not sent any more.
const MARGIN: i64 = 10;

/// Where a token is kept.
#[derive(Debug, Clone)]
pub(crate) struct TokenFile {
    path: PathBuf,
    place: SignInPlace,
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptToken {
    issuer: String,
    client_id: String,
    /// Who signed in: `oidc:ISSUER SUBJECT`.
    pub(crate) credential: String,
    /// When the token ends, in seconds since 1970.
    expires_at: i64,
    token: String,
    pub(crate) refresh_token: Option<String>,
}

impl Drop for KeptToken {
    fn drop(&mut self) {
        self.token.zeroize();
        self.refresh_token.zeroize();
    }
}

impl std::fmt::Debug for KeptToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptToken").field("credential", &self.credential).finish_non_exhaustive()
    }
}

impl KeptToken {
    /// Returns when the token ends.
    pub(crate) const fn expires(&self) -> UnixTime {
        UnixTime::from_seconds(self.expires_at)
    }

    fn is_good(&self, now: UnixTime) -> bool {
        now.plus_seconds(MARGIN) < self.expires()
    }
}

/// What is sent to the server: a field that no `Debug` shows.
pub(crate) type Bearer = HeaderValue;

impl TokenFile {
    /// Names a file, and where its token is from.
    pub(crate) const fn new(path: PathBuf, place: SignInPlace) -> Self {
        Self { path, place }
    }

    /// Returns where one signs in.
    pub(crate) const fn place(&self) -> &SignInPlace {
        &self.place
    }

    /// Keeps what was granted to whoever signed in, or in the place of `before`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn keep(&self, granted: &Granted, before: Option<&KeptToken>) -> Result<KeptToken, Failure> {
        let known = || before.map(|kept| kept.credential.clone()).unwrap_or_default();
        let refreshed = || before.and_then(|kept| kept.refresh_token.clone());
        let kept = KeptToken {
            issuer: self.place.issuer().to_owned(),
            client_id: self.place.client_id.clone(),
            credential: granted.credential.as_ref().map_or_else(known, ToString::to_string),
            expires_at: granted.expires.seconds(),
            token: granted.token.to_string(),
            // RFC 6749 §6: the old one goes on where no new one comes.
            refresh_token: granted.refresh.as_ref().map_or_else(refreshed, |token| Some(token.to_string())),
        };
        let text = serde_json::to_string(&kept).map(Zeroizing::new);
        let text = text.map_err(|error| Failure::new(Exit::Failed, "sign-in.file", error))?;
        private_text::replace(&self.path, text.as_bytes()).map_err(|error| self.unusable(&error))?;
        Ok(kept)
    }

    /// Reads what is kept; nothing where nobody signed in.
    ///
    /// # Errors
    /// When others may read the file, or it is none of ours.
    pub(crate) fn read(&self) -> Result<Option<KeptToken>, Failure> {
        if !self.path.exists() {
            return Ok(None);
        }
        let text = private_text::read(&self.path).map_err(|why| self.unusable(&why))?;
        serde_json::from_str(&text).map(Some).map_err(|_| self.unusable(&"it is no token file"))
    }

    /// Takes the file away.
    ///
    /// # Errors
    /// When it cannot be.
    pub(crate) fn forget(&self) -> Result<(), Failure> {
        std::fs::remove_file(&self.path).map_err(|error| self.unusable(&error))
    }

    /// Returns what is sent to the server; gets another token where the one at hand has run out.
    ///
    /// # Errors
    /// When nobody is signed in, or the provider gives no other.
    pub(crate) async fn bearer(&self) -> Result<Bearer, Failure> {
        let kept = self.own()?;
        if kept.is_good(self.place.clock.now()) {
            return self.field(&kept);
        }
        // A provider may end everything when a refresh token comes twice (RFC 9700 §4.14.2): one of us asks at a time.
        let lock = File::open(&self.path).map_err(|error| self.unusable(&error))?;
        tokio::task::block_in_place(|| lock.lock()).map_err(|error| self.unusable(&error))?;
        let kept = self.own()?;
        if kept.is_good(self.place.clock.now()) {
            return self.field(&kept);
        }
        let refresh = kept.refresh_token.as_deref().ok_or_else(|| needed("the token has run out"))?;
        let granted = self.place.refresh(refresh, &kept.credential).await?;
        self.field(&self.keep(&granted, Some(&kept))?)
    }

    fn own(&self) -> Result<KeptToken, Failure> {
        let kept = self.read()?.ok_or_else(|| needed("nobody is signed in"))?;
        if (kept.issuer.as_str(), kept.client_id.as_str()) == (self.place.issuer(), &self.place.client_id) {
            return Ok(kept);
        }
        Err(needed("the token at hand is of another provider or client"))
    }

    fn field(&self, kept: &KeptToken) -> Result<Bearer, Failure> {
        let text = Zeroizing::new(format!("Bearer {}", kept.token));
        let mut field = HeaderValue::from_str(&text).map_err(|_| self.unusable(&"its token is none"))?;
        field.set_sensitive(true);
        Ok(field)
    }

    fn unusable(&self, why: &dyn std::fmt::Display) -> Failure {
        Failure::new(Exit::Usage, "sign-in.file", format!("{}: {why}", self.path.display()))
            .then("take the file away and sign in anew")
    }
}

fn needed(why: &str) -> Failure {
    Failure::new(Exit::Permission, "sign-in.needed", why).then("meter-pki --config FILE people sign-in")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use ca_core::people::Credential;

    use super::super::fixed::fixed_clock;
    use super::super::grant::Wanted;
    use super::super::token::TokenKind;
    use super::*;

    fn place(client_id: &str) -> SignInPlace {
        let client_id = client_id.to_owned();
        let wanted = Wanted {
            client_id,
            scope: None,
            resource: None,
            kind: TokenKind::Access,
            redirect_port: None,
            clock: fixed_clock(),
        };
        SignInPlace::new("https://id.example", None, wanted)
    }

    fn granted(refresh: Option<&str>, is_named: bool) -> Granted {
        let credential = || Credential::oidc("https://id.example", "tim").unwrap();
        Granted {
            token: Zeroizing::new("AAA".to_owned()),
            refresh: refresh.map(|token| Zeroizing::new(token.to_owned())),
            expires: UnixTime::from_seconds(253_402_300_000),
            credential: is_named.then(credential),
        }
    }

    #[tokio::test]
    async fn a_token_is_kept_where_nobody_else_reads_it_and_sent_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let file = TokenFile::new(directory.path().join("token"), place("meter-pki"));
        assert_eq!(file.bearer().await.unwrap_err().code, "sign-in.needed");
        let kept = file.keep(&granted(Some("CCC"), true), None).unwrap();
        assert!(!format!("{kept:?}").contains("AAA"));
        let mode = std::fs::metadata(directory.path().join("token")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let bearer = file.bearer().await.unwrap();
        assert_eq!((bearer.as_bytes(), format!("{bearer:?}").contains("AAA")), (&b"Bearer AAA"[..], false));
        // What a refreshed token does not tell stays as it was.
        let after = file.keep(&granted(None, false), Some(&kept)).unwrap();
        assert_eq!(after.credential, "oidc:https://id.example tim");
        assert_eq!(after.refresh_token.as_deref(), Some("CCC"));
        let other = TokenFile::new(directory.path().join("token"), place("other"));
        assert_eq!(other.bearer().await.unwrap_err().code, "sign-in.needed");
        std::fs::set_permissions(directory.path().join("token"), std::fs::Permissions::from_mode(0o644))
            .unwrap();
        assert_eq!(file.bearer().await.unwrap_err().code, "sign-in.file");
        file.forget().unwrap();
        assert!(file.read().unwrap().is_none());
    }
}
