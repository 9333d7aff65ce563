//! Tokens, and what they prove.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, encode};
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_795_255_200;
const ISSUER: &str = "https://id.example";

/// A provider with a key on P-256 and one on Ed25519.
struct Provider {
    key: EncodingKey,
    other: EncodingKey,
    point: Vec<u8>,
    keys: Keys,
}

fn provider() -> Provider {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let other = Ed25519KeyPair::generate().unwrap();
    let point = key.public_key().as_ref().to_vec();
    let text = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
    let set = json!({"keys": [
        {"kty": "EC", "crv": "P-256", "kid": "one", "alg": "ES256", "use": "sig", "x": text(&point[1..33]), "y": text(&point[33..])},
        {"kty": "OKP", "crv": "Ed25519", "kid": "two", "x": text(other.public_key().as_ref())},
        {"kty": "oct", "kid": "secret", "k": text(b"a secret that everybody can read")},
        {"kty": "EC", "crv": "P-256", "kid": "enc", "use": "enc", "x": text(&point[1..33]), "y": text(&point[33..])},
        {"kty": "of tomorrow", "kid": "three"},
        "no key",
    ]});
    Provider {
        key: EncodingKey::from_ec_der(key.to_pkcs8v1().unwrap().as_ref()),
        other: EncodingKey::from_ed_der(other.to_pkcs8v1().unwrap().as_ref()),
        point,
        keys: Keys::parse(set.to_string().as_bytes()).unwrap(),
    }
}

fn expected() -> Expected {
    Expected {
        issuer: ISSUER.to_owned(),
        audience: "https://pki.example".to_owned(),
        kind: TokenKind::Access,
        clients: vec!["meter-pki".to_owned()],
        algorithms: vec![Algorithm::ES256, Algorithm::EdDSA],
        longest_seconds: 3_600,
        acr_values: Vec::new(),
        amr_values: Vec::new(),
    }
}

/// An access token's claims, with these in the place of others; null takes one out.
fn claims(changed: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "sub": "tim", "aud": "https://pki.example", "client_id": "meter-pki",
        "iat": NOW, "exp": NOW + 3_600, "jti": "1",
    });
    for (name, value) in changed.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn header(algorithm: Algorithm, kid: Option<&str>, typ: &str) -> Header {
    Header { typ: Some(typ.to_owned()), kid: kid.map(str::to_owned), ..Header::new(algorithm) }
}

fn signed(provider: &Provider, changed: Value) -> String {
    encode(&header(Algorithm::ES256, Some("one"), "at+jwt"), &claims(changed), &provider.key).unwrap()
}

fn judge_at(provider: &Provider, text: &str, expected: &Expected, now: i64) -> Result<Judged, TokenRefused> {
    Unjudged::read(text, expected)?.judge(&provider.keys, expected, UnixTime::from_seconds(now))
}

fn fault(provider: &Provider, text: &str) -> &'static str {
    judge_at(provider, text, &expected(), NOW).map_or_else(|refused| refused.fault.code(), |_| "taken")
}

#[test]
fn a_token_proves_issuer_and_subject_and_nothing_else() {
    let provider = provider();
    let token = signed(&provider, json!({"roles": ["administrator"], "email": "ada@id.example"}));
    let judged = judge_at(&provider, &token, &expected(), NOW).unwrap();
    assert_eq!(judged.credential.to_string(), "oidc:https://id.example tim");
    assert_eq!(judged.expires, UnixTime::from_seconds(NOW + 3_600));
    let several = signed(&provider, json!({"aud": ["https://other.example", "https://pki.example"]}));
    assert_eq!(fault(&provider, &several), "taken");
    let by_the_other = header(Algorithm::EdDSA, Some("two"), "application/AT+JWT");
    let by_the_other = encode(&by_the_other, &claims(json!({})), &provider.other).unwrap();
    assert_eq!(fault(&provider, &by_the_other), "taken");
}

#[test]
fn what_is_wrong_with_a_claim_has_a_code_of_its_own() {
    let provider = provider();
    for (changed, code) in [
        (json!({"iss": "https://id.example/"}), "people.token-issuer"),
        (json!({"iss": null}), "people.token-issuer"),
        (json!({"sub": null}), "people.token-claim"),
        (json!({"sub": "a b"}), "people.token-claim"),
        (json!({"sub": "t\u{ef}m"}), "people.token-claim"),
        (json!({"sub": "a".repeat(256)}), "people.token-claim"),
        (json!({"sub": 7}), "people.token-claim"),
        (json!({"aud": null}), "people.token-claim"),
        (json!({"aud": "meter-pki"}), "people.token-audience"),
        (json!({"aud": []}), "people.token-audience"),
        (json!({"client_id": "other"}), "people.token-client"),
        (json!({"client_id": null}), "people.token-claim"),
        (json!({"exp": null}), "people.token-claim"),
        (json!({"exp": "tomorrow"}), "people.token-claim"),
        (json!({"iat": null}), "people.token-claim"),
        (json!({"iat": NOW + 31}), "people.token-not-yet-valid"),
        (json!({"nbf": NOW + 31}), "people.token-not-yet-valid"),
        (json!({"exp": NOW + 3_601}), "people.token-long-lived"),
        (json!({"exp": i64::MAX, "iat": i64::MIN}), "people.token-long-lived"),
        (json!({"iat": NOW - 100, "exp": NOW - 30}), "people.token-expired"),
        (json!({"events": {}}), "people.token-kind"),
        (json!({"iat": NOW + 30, "exp": NOW + 60}), "taken"),
        (json!({"iat": NOW - 100, "exp": NOW - 29}), "taken"),
    ] {
        assert_eq!(fault(&provider, &signed(&provider, changed.clone())), code, "{changed}");
    }
}

// RFC 8725 §2.1, §3.1.
#[test]
fn unsigned_tokens_and_those_signed_with_what_everybody_knows_are_refused() {
    let provider = provider();
    let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let body = text(&claims(json!({})));
    for alg in ["none", "None", "", "HS256", "ES512", "RS256"] {
        let head = text(&json!({"alg": alg, "kid": "one", "typ": "at+jwt"}));
        assert_eq!(fault(&provider, &format!("{head}.{body}.")), "people.token-algorithm", "{alg}");
    }
    let by_point = header(Algorithm::HS256, Some("one"), "at+jwt");
    let by_point = encode(&by_point, &claims(json!({})), &EncodingKey::from_secret(&provider.point).unwrap());
    assert_eq!(fault(&provider, &by_point.unwrap()), "people.token-algorithm");
    // Even where somebody took HS256, a shared secret that a provider publishes is no key.
    let by_secret = header(Algorithm::HS256, Some("secret"), "at+jwt");
    let secret = EncodingKey::from_secret(b"a secret that everybody can read").unwrap();
    let by_secret = encode(&by_secret, &claims(json!({})), &secret).unwrap();
    let taken = Expected { algorithms: vec![Algorithm::HS256], ..expected() };
    let refused = judge_at(&provider, &by_secret, &taken, NOW).unwrap_err();
    assert_eq!(refused.fault, TokenFault::Key);
}

#[test]
fn keys_are_found_by_their_name_and_each_for_its_own_algorithm() {
    let provider = provider();
    let with =
        |kid| encode(&header(Algorithm::ES256, kid, "at+jwt"), &claims(json!({})), &provider.key).unwrap();
    assert_eq!(fault(&provider, &with(Some("one"))), "taken");
    // The only one for ES256 that signs.
    assert_eq!(fault(&provider, &with(None)), "taken");
    for kid in ["two", "three", "enc", "of nobody", ""] {
        assert_eq!(fault(&provider, &with(Some(kid))), "people.token-key", "{kid}");
    }
    let stolen = Header {
        jku: Some("https://evil.example/keys".to_owned()),
        ..header(Algorithm::ES256, Some("evil"), "at+jwt")
    };
    let stolen = encode(&stolen, &claims(json!({})), &provider.key).unwrap();
    assert_eq!(fault(&provider, &stolen), "people.token-key");
}

#[test]
fn what_was_changed_is_refused_and_whose_it_is_is_not_believed() {
    let provider = provider();
    let token = signed(&provider, json!({}));
    let parts: Vec<&str> = token.split('.').collect();
    let other = URL_SAFE_NO_PAD.encode(claims(json!({"sub": "ada"})).to_string());
    let changed = format!("{}.{other}.{}", parts[0], parts[2]);
    let refused = judge_at(&provider, &changed, &expected(), NOW).unwrap_err();
    assert_eq!(refused, TokenRefused::from(TokenFault::Signature));
    for text in ["", "a", "a.b", &format!("{token}.x"), &format!("{}.{}.", parts[0], "!"), &"a".repeat(8_193)]
    {
        assert_eq!(fault(&provider, text), "people.token-malformed", "{text}");
    }
    // RFC 7515 §4.1.11: what has to be understood is not.
    let critical =
        Header { crit: Some(vec!["exp".to_owned()]), ..header(Algorithm::ES256, Some("one"), "at+jwt") };
    let critical = encode(&critical, &claims(json!({})), &provider.key);
    assert!(critical.is_err() || fault(&provider, &critical.unwrap()) == "people.token-malformed");
}

#[test]
fn a_person_is_told_his_own_refusals_apart() {
    let provider = provider();
    let late = judge_at(&provider, &signed(&provider, json!({})), &expected(), NOW + 4_000).unwrap_err();
    assert_eq!(late.of.unwrap().to_string(), "oidc:https://id.example tim");
    assert_eq!(late.fault.code(), "people.token-expired");
}

#[test]
fn an_id_token_is_no_access_token_and_the_other_way_round() {
    let provider = provider();
    let id = json!({"aud": "meter-pki", "client_id": null, "azp": "meter-pki", "nonce": "n"});
    let signed_as = |typ: &str, changed: &Value| {
        encode(&header(Algorithm::ES256, Some("one"), typ), &claims(changed.clone()), &provider.key).unwrap()
    };
    assert_eq!(fault(&provider, &signed_as("JWT", &json!({}))), "people.token-kind");
    let taken =
        Expected { kind: TokenKind::Id, audience: "meter-pki".to_owned(), clients: Vec::new(), ..expected() };
    let of = |typ: &str, changed: &Value| {
        judge_at(&provider, &signed_as(typ, changed), &taken, NOW)
            .map_or_else(|refused| refused.fault.code(), |_| "taken")
    };
    assert_eq!(of("JWT", &id), "taken");
    assert_eq!(of("at+jwt", &id), "people.token-kind");
    assert_eq!(of("logout+jwt", &id), "people.token-kind");
    assert_eq!(of("JWT", &json!({"aud": "other", "azp": "meter-pki"})), "people.token-audience");
    assert_eq!(of("JWT", &json!({"aud": ["meter-pki", "other"], "azp": "other"})), "people.token-client");
    assert_eq!(of("JWT", &json!({"aud": ["meter-pki", "other"]})), "people.token-client");
    assert_eq!(of("JWT", &json!({"aud": ["meter-pki", "other"], "azp": "meter-pki"})), "taken");
}

#[test]
fn where_a_second_factor_is_asked_for_the_token_has_to_say_so() {
    let provider = provider();
    let strict =
        Expected { acr_values: vec!["mfa".to_owned()], amr_values: vec!["otp".to_owned()], ..expected() };
    let of = |changed: Value| {
        judge_at(&provider, &signed(&provider, changed), &strict, NOW)
            .map_or_else(|refused| refused.fault.code(), |_| "taken")
    };
    assert_eq!(of(json!({"acr": "mfa", "amr": ["pwd", "otp"]})), "taken");
    for changed in [
        json!({}),
        json!({"acr": "mfa"}),
        json!({"acr": "mfa", "amr": ["pwd"]}),
        json!({"acr": "pwd", "amr": ["otp"]}),
    ] {
        assert_eq!(of(changed.clone()), "people.token-authentication", "{changed}");
    }
}

#[test]
fn only_algorithms_with_a_public_key_can_be_configured() {
    assert!(
        ["HS256", "HS384", "HS512", "none", "ES512", "es256"].iter().all(|name| algorithm(name).is_none())
    );
    for name in ["ES256", "ES384", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"] {
        assert_eq!(algorithm(name).map(|algorithm| format!("{algorithm:?}")).as_deref(), Some(name));
    }
}
