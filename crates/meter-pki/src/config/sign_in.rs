//! `[operator.sign_in]`: the identity provider whose tokens operators come with.

use std::path::PathBuf;

use ca_core::people::Credential;
use rustls::ClientConfig;
use serde::Deserialize;
use url::Url;

use super::checker::{Checker, Stage};
use crate::sign_in::{Expected, TokenKind, algorithm, is_fit};
use crate::web;

/// What is taken where nothing else is said; all others are taken only where they are named.
const USUAL: [&str; 5] = ["ES256", "ES384", "EdDSA", "PS256", "RS256"];

/// `[operator.sign_in]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSignIn {
    /// `issuer`: the provider, exactly as its tokens name it: https, or http on this machine.
    pub issuer: String,
    /// `audience`: for whom tokens have to be: this server's name at the provider; with `token = "id-token"`, the client's id.
    pub audience: String,
    /// `trust_file`: the roots that vouch for the provider, PEM; given for https.
    pub trust_file: Option<PathBuf>,
    /// `token`: `access-token` (RFC 9068), which is usual, or `id-token`.
    pub token: Option<String>,
    /// `clients`: the ids of the clients that get tokens for us; whichever the provider gives them to unless given.
    #[serde(default)]
    pub clients: Vec<String>,
    /// `algorithms`: how tokens may be signed; ES256, ES384, `EdDSA`, PS256 and RS256 unless given.
    pub algorithms: Option<Vec<String>>,
    /// `longest_token_seconds`: for how long a token may be, 60 to 86,400; 3,600 unless given.
    pub longest_token_seconds: Option<u32>,
    /// `acr_values`: one of which `acr` has to be; whichever unless given.
    #[serde(default)]
    pub acr_values: Vec<String>,
    /// `amr_values`: what has all to be in `amr`, such as `otp`.
    #[serde(default)]
    pub amr_values: Vec<String>,
    /// `[operator.sign_in.console]`: how people sign in at the console in a browser; by certificate alone unless given.
    pub console: Option<RawConsoleSignIn>,
}

/// `[operator.sign_in.console]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConsoleSignIn {
    /// `address`: where browsers find this server, such as `https://pki.example:9443`: what the provider sends them back to is this and
    /// `/console/signed-in`.
    pub address: String,
    /// `client_id`: the console's name at the provider, where it is a public client with PKCE.
    pub client_id: String,
    /// `scope`: what is asked for; `openid` unless given.
    pub scope: Option<String>,
    /// `resource`: this server's name at the provider (RFC 8707), where that has to be told.
    pub resource: Option<String>,
}

/// The provider, as it was checked.
#[derive(Debug, Clone)]
pub(crate) struct CheckedSignIn {
    /// What a token has to be.
    pub(crate) expected: Expected,
    /// Whom to trust on the way to the provider; nobody where that goes over http, or nothing is served.
    pub(crate) tls: Option<ClientConfig>,
    /// How people sign in at the console.
    pub(crate) console: Option<RawConsoleSignIn>,
}

impl Checker<'_> {
    /// Whose tokens are taken.
    pub(super) fn sign_in(&mut self, raw: &RawSignIn) -> Option<CheckedSignIn> {
        let what = "operator.sign_in";
        let issuer = raw.issuer.as_str();
        let is_issuer =
            is_fit(issuer) && !issuer.contains('?') && Credential::oidc(issuer, "subject").is_ok();
        let fits = is_issuer.then_some(()).ok_or("is https://HOST[/PATH], or http on this machine");
        self.keep(&format!("{what}.issuer"), fits)?;
        let named = (!raw.audience.is_empty()).then_some(()).ok_or("is not empty");
        self.keep(&format!("{what}.audience"), named)?;
        let kind = raw.token.as_deref().map_or(Some(TokenKind::Access), TokenKind::from_name);
        let kind = self.keep(&format!("{what}.token"), kind.ok_or("is access-token or id-token"))?;
        let names = raw.algorithms.clone().unwrap_or_else(|| USUAL.map(str::to_owned).into());
        let algorithms: Option<Vec<_>> = names.iter().map(|name| algorithm(name)).collect();
        let algorithms = algorithms.filter(|all| !all.is_empty());
        let wanted = "are some of ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384 and RS512";
        let algorithms = self.keep(&format!("{what}.algorithms"), algorithms.ok_or(wanted))?;
        let longest = raw.longest_token_seconds.unwrap_or(3_600);
        let longest = (60..=86_400).contains(&longest).then_some(i64::from(longest));
        let longest = self.keep(&format!("{what}.longest_token_seconds"), longest.ok_or("is 60 to 86400"))?;
        let expected = Expected {
            issuer: issuer.to_owned(),
            audience: raw.audience.clone(),
            kind,
            clients: raw.clients.clone(),
            algorithms,
            longest_seconds: longest,
            acr_values: raw.acr_values.clone(),
            amr_values: raw.amr_values.clone(),
        };
        let console = raw.console.as_ref().map(|console| self.console(console));
        Some(CheckedSignIn { expected, tls: self.trust(raw)?, console: console.flatten() })
    }

    /// Where browsers come back to: cookies go over TLS alone.
    fn console(&mut self, raw: &RawConsoleSignIn) -> Option<RawConsoleSignIn> {
        let what = "operator.sign_in.console";
        let is_origin = Url::parse(&raw.address).is_ok_and(|url| {
            url.scheme() == "https" && url.path() == "/" && url.query().is_none() && is_fit(&raw.address)
        });
        self.keep(&format!("{what}.address"), is_origin.then_some(()).ok_or("is https://HOST[:PORT]"))?;
        let named = (!raw.client_id.is_empty()).then_some(()).ok_or("is not empty");
        self.keep(&format!("{what}.client_id"), named)?;
        Some(raw.clone())
    }

    /// Whom to trust on the way to the provider.
    fn trust(&mut self, raw: &RawSignIn) -> Option<Option<ClientConfig>> {
        let what = "operator.sign_in.trust_file";
        match &raw.trust_file {
            None if raw.issuer.starts_with("https://") => {
                self.keep(what, Err("names the roots that vouch for the identity provider"))
            }
            Some(file) if self.stage == Stage::Service => {
                let file = self.beside(file);
                self.keep(what, web::trusting(&file)).map(Some)
            }
            None | Some(_) => Some(None),
        }
    }
}
