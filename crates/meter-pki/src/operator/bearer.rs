//! Tokens in the Authorization field (RFC 6750 §2.1), on the listener for operators elsewhere alone.
//!
//! What one proves goes with the request in the place of the handshake's certificates, and the token goes no further: no
//! handler, record or log sees it.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use ca_core::people::Credential;
use server_kit::listener::PeerConnection;

use super::listener::Connected;
use crate::sign_in::{SignIn, SignedIn, TokenFault, TokenRefused};

/// Adds the reading of tokens to routes; where no provider is configured, whoever sends one is told so.
pub(crate) fn with_tokens(routes: Router, sign_in: Option<Arc<SignIn>>) -> Router {
    routes.layer(from_fn(move |request: Request, next: Next| read(sign_in.clone(), request, next)))
}

async fn read(sign_in: Option<Arc<SignIn>>, mut request: Request, next: Next) -> Response {
    let Some(peer) = request.extensions().get::<PeerConnection>().cloned() else {
        return next.run(request).await;
    };
    if !request.headers().contains_key(AUTHORIZATION) {
        return next.run(request).await;
    }
    let outcome = if peer.certificates.is_empty() {
        judge(sign_in.as_deref(), request.headers()).await
    } else {
        Err(TokenFault::Both.into())
    };
    while request.headers_mut().remove(AUTHORIZATION).is_some() {}
    let signed_in = SignedIn { address: peer.peer_addr.ip(), outcome };
    drop(request.extensions_mut().insert(Connected::SignedIn(signed_in)));
    next.run(request).await
}

async fn judge(sign_in: Option<&SignIn>, headers: &HeaderMap) -> Result<Credential, TokenRefused> {
    let sign_in = sign_in.ok_or(TokenFault::Off)?;
    sign_in.credential(token(headers)?).await
}

/// Reads the only token. RFC 9110 §11.1: the scheme is told in any case of letters.
fn token(headers: &HeaderMap) -> Result<&str, TokenFault> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else { return Err(TokenFault::Malformed) };
    let (scheme, token) =
        field.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(TokenFault::Malformed)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(TokenFault::Malformed) }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(fields: &[&str]) -> Result<String, TokenFault> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(AUTHORIZATION, HeaderValue::from_str(field).unwrap());
        }
        token(&headers).map(str::to_owned)
    }

    #[test]
    fn one_bearer_token_is_read_and_nothing_else() {
        assert_eq!(read(&["Bearer a.b.c"]).as_deref(), Ok("a.b.c"));
        assert_eq!(read(&["bEARER  a.b.c"]).as_deref(), Ok("a.b.c"));
        for fields in
            [&["Basic YTpi"][..], &["Bearer"], &["DPoP a"], &["Bearer a", "Bearer a"], &["Bearer \u{e9}"]]
        {
            assert_eq!(read(fields), Err(TokenFault::Malformed), "{fields:?}");
        }
    }
}
