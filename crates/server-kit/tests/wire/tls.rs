//! TLS: who may shake hands, what the routes are told, and that it can be replaced live.

use crate::harness::{Client, PATIENCE, SHORT, Server, get};
use axum::{Router, routing};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CustomExtension, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, SignatureAlgorithm,
};
use rustls::{
    ClientConfig, HandshakeKind, RootCertStore, SignatureScheme, SupportedProtocolVersion,
    client::ResolvesClientCert,
    crypto::{CryptoProvider, aws_lc_rs::sign::any_ecdsa_type},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use server_kit::{
    limits::RawLimits,
    listener::PeerConnection,
    rustls,
    tls::{AnyCertificate, ClientCertificates, Tls, TlsIdentity, TlsUnique, provider},
};
use std::{
    io,
    sync::{Arc, Mutex},
};
use tokio::{
    net::TcpStream,
    sync::{Notify, Semaphore},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A certification authority for one test.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    fn end_entity(&self, name: &str, algorithm: &'static SignatureAlgorithm) -> (Certificate, KeyPair) {
        self.certify(CertificateParams::new(vec![name.to_owned()]).unwrap(), algorithm)
    }

    fn certify(
        &self,
        params: CertificateParams,
        algorithm: &'static SignatureAlgorithm,
    ) -> (Certificate, KeyPair) {
        let key = KeyPair::generate_for(algorithm).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn identity(&self, algorithm: &'static SignatureAlgorithm) -> TlsIdentity {
        let (certificate, key) = self.end_entity("server.test", algorithm);
        TlsIdentity::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap()
    }

    fn server_tls(&self) -> Tls {
        Tls::new(&self.identity(&PKCS_ECDSA_P256_SHA256), &any_certificate()).unwrap()
    }

    /// A client that trusts this authority and shows what `resolver` gives it.
    fn client(
        &self,
        version: &'static SupportedProtocolVersion,
        resolver: Option<Arc<Shows>>,
    ) -> ClientConfig {
        self.client_by(provider(), version, resolver)
    }

    fn client_by(
        &self,
        provider: Arc<CryptoProvider>,
        version: &'static SupportedProtocolVersion,
        resolver: Option<Arc<Shows>>,
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        match resolver {
            Some(resolver) => builder.with_client_cert_resolver(resolver),
            None => builder.with_no_client_auth(),
        }
    }
}

fn any_certificate() -> ClientCertificates {
    ClientCertificates::Asked(Arc::new(AnyCertificate::new()))
}

/// Shows a certificate and signs with a key, whether they belong together or not.
#[derive(Debug)]
struct Shows {
    certified: Arc<CertifiedKey>,
    hints: Mutex<Vec<Vec<u8>>>,
}

impl Shows {
    fn new(certificate: &CertificateDer<'static>, key: &KeyPair) -> Arc<Self> {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let signer = any_ecdsa_type(&key).unwrap();
        let certified = Arc::new(CertifiedKey::new(vec![certificate.clone()], signer));
        Arc::new(Self { certified, hints: Mutex::default() })
    }
}

impl ResolvesClientCert for Shows {
    fn resolve(&self, hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        *self.hints.lock().unwrap() = hints.iter().map(|hint| hint.to_vec()).collect();
        Some(Arc::clone(&self.certified))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Tells the client what the server knows of the connection.
fn mirror() -> Router {
    let mirror = async |peer: PeerConnection| {
        let certificate = peer.end_entity().map(hex).unwrap_or_default();
        let exporter = peer.exporter.map(|octets| hex(&octets)).unwrap_or_default();
        let unique = peer.tls_unique.map(|octets| octets.len()).unwrap_or_default();
        let bits = peer.cipher_bits.unwrap_or_default();
        format!("{:?} {} {certificate} {exporter} {unique} {bits}", peer.tls_version, peer.certificates.len())
    };
    Router::new().route("/", routing::get(mirror))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

async fn connect(server: &Server, config: ClientConfig) -> io::Result<Client<TlsStream<TcpStream>>> {
    let tcp = TcpStream::connect(server.address).await?;
    let name = ServerName::try_from("server.test").unwrap();
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, tcp);
    let stream = tokio::time::timeout(PATIENCE, handshake).await.expect("a handshake in time")?;
    Ok(Client { stream })
}

/// The refusal of a client certificate reaches a TLS 1.3 client only after its own handshake is done.
async fn is_refused(server: &Server, config: ClientConfig) -> bool {
    match connect(server, config).await {
        Err(_) => true,
        Ok(mut client) => {
            let _too_late =
                tokio::io::AsyncWriteExt::write_all(&mut client.stream, get("/").as_bytes()).await;
            client.read_to_end().await.is_empty()
        }
    }
}

#[tokio::test]
async fn a_client_without_certificate_is_served() {
    let authority = Authority::new();
    let server = Server::start_tls(RawLimits::default(), mirror(), authority.server_tls()).await;
    for (version, name) in VERSIONS.into_iter().zip(["Some(Tls12) 0  ", "Some(Tls13) 0  "]) {
        let mut client = connect(&server, authority.client(version, None)).await.unwrap();
        let answer = client.ask("/").await;
        assert!(answer.body.starts_with(name), "{}", answer.body);
    }
}

#[tokio::test]
async fn the_certificate_of_a_client_reaches_the_route_octet_by_octet() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let server = Server::start_tls(RawLimits::default(), mirror(), authority.server_tls()).await;
    for version in VERSIONS {
        for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384] {
            let (certificate, key) = stranger.end_entity("client.test", algorithm);
            let config = authority.client(version, Some(Shows::new(certificate.der(), &key)));
            let answer = connect(&server, config).await.unwrap().ask("/").await;
            let told = answer.body.split(' ').nth(2).unwrap();
            assert_eq!(told, hex(certificate.der()), "{version:?} {algorithm:?}");
        }
    }
}

// RFC 8446 §4.4.3, RFC 5246 §7.4.8: who shows a certificate proves to hold its key.
#[tokio::test]
async fn a_client_without_the_key_of_its_certificate_is_refused() {
    let authority = Authority::new();
    let server = Server::start_tls(RawLimits::default(), mirror(), authority.server_tls()).await;
    let (certificate, _) = authority.end_entity("client.test", &PKCS_ECDSA_P256_SHA256);
    for version in VERSIONS {
        for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384] {
            let other = KeyPair::generate_for(algorithm).unwrap();
            let config = authority.client(version, Some(Shows::new(certificate.der(), &other)));
            assert!(is_refused(&server, config).await, "{version:?} {algorithm:?}");
        }
    }
    server.counts("connections_closed_total{listener=\"test\",reason=\"handshake_failed\"} 4").await;
}

// RFC 8446 §4.2.4: the names that the server would like to see, as they are; another is accepted all the same.
#[tokio::test]
async fn the_names_of_wanted_issuers_reach_the_client() {
    let authority = Authority::new();
    // Names of one RDN: CN=a and CN=b
    let names: Vec<Vec<u8>> =
        [b'a', b'b'].map(|name| vec![48, 12, 49, 10, 48, 8, 6, 3, 85, 4, 3, 12, 1, name]).to_vec();
    let clients = ClientCertificates::Asked(Arc::new(AnyCertificate::with_hints(names.clone())));
    let tls = Tls::new(&authority.identity(&PKCS_ECDSA_P256_SHA256), &clients).unwrap();
    let server = Server::start_tls(RawLimits::default(), mirror(), tls).await;
    let (certificate, key) = authority.end_entity("client.test", &PKCS_ECDSA_P256_SHA256);
    for version in VERSIONS {
        let shows = Shows::new(certificate.der(), &key);
        let mut client = connect(&server, authority.client(version, Some(Arc::clone(&shows)))).await.unwrap();
        assert!(client.ask("/").await.body.contains(&hex(certificate.der())));
        assert_eq!(*shows.hints.lock().unwrap(), names, "{version:?}");
    }
}

// Path validation libraries refuse a critical extension they do not know; here that is for others to judge.
#[tokio::test]
async fn a_critical_extension_unknown_to_tls_does_not_end_the_handshake() {
    let authority = Authority::new();
    let server = Server::start_tls(RawLimits::default(), mirror(), authority.server_tls()).await;
    let mut params = CertificateParams::new(vec!["client.test".to_owned()]).unwrap();
    // certificatePolicies with the one policy 1.2.3.4
    let policies = vec![0x30, 0x07, 0x30, 0x05, 0x06, 0x03, 0x2a, 0x03, 0x04];
    let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 32], policies);
    extension.set_criticality(true);
    params.custom_extensions.push(extension);
    let (certificate, key) = authority.certify(params, &PKCS_ECDSA_P256_SHA256);
    for version in VERSIONS {
        let config = authority.client(version, Some(Shows::new(certificate.der(), &key)));
        let answer = connect(&server, config).await.unwrap().ask("/").await;
        assert!(answer.body.contains(&hex(certificate.der())));
    }
}

#[tokio::test]
async fn what_is_no_certificate_is_refused() {
    let authority = Authority::new();
    let server = Server::start_tls(RawLimits::default(), mirror(), authority.server_tls()).await;
    let key = KeyPair::generate().unwrap();
    for version in VERSIONS {
        let nonsense = CertificateDer::from(vec![0x30, 0x03, 0x02, 0x01, 0x00]);
        let config = authority.client(version, Some(Shows::new(&nonsense, &key)));
        assert!(is_refused(&server, config).await);
    }
}

// RFC 9266 §2: label EXPORTER-Channel-Binding, empty context, 32 octets; the same on both sides.
#[tokio::test]
async fn both_sides_export_the_same_channel_binding() {
    let authority = Authority::new();
    let server = Server::start_tls(RawLimits::default(), mirror(), authority.server_tls()).await;
    let mut seen = Vec::new();
    for version in VERSIONS {
        for _ in 0..2 {
            let mut client = connect(&server, authority.client(version, None)).await.unwrap();
            let own = client.stream.get_ref().1;
            let own = own.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(&[])).unwrap();
            let answer = client.ask("/").await;
            assert_eq!(answer.body.split(' ').nth(3), Some(hex(&own).as_str()));
            seen.push(own);
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 4, "every connection has its own");
}

#[tokio::test]
async fn tls_unique_is_there_on_tls_1_2_where_it_is_wanted() {
    let authority = Authority::new();
    for (wanted, on_tls12) in [(TlsUnique::Computed, "12"), (TlsUnique::Absent, "0")] {
        let tls = authority.server_tls().with_tls_unique(wanted);
        let server = Server::start_tls(RawLimits::default(), mirror(), tls).await;
        for (version, expected) in [(&TLS12, on_tls12), (&TLS13, "0")] {
            let answer = connect(&server, authority.client(version, None)).await.unwrap().ask("/").await;
            assert_eq!(answer.body.split(' ').nth(4), Some(expected), "{wanted:?} {version:?}");
        }
    }
}

#[tokio::test]
async fn the_length_of_the_ciphers_key_is_told_for_every_suite_there_is() {
    let authority = Authority::new();
    let server = Server::start_tls(RawLimits::default(), mirror(), authority.server_tls()).await;
    let mut told = Vec::new();
    for suite in provider().cipher_suites.clone() {
        let version = if suite.tls13().is_some() { &TLS13 } else { &TLS12 };
        let alone = CryptoProvider { cipher_suites: vec![suite], ..provider().as_ref().clone() };
        let client = authority.client_by(Arc::new(alone), version, None);
        // The server has no RSA key.
        let Ok(mut client) = connect(&server, client).await else { continue };
        let answer = client.ask("/").await;
        let bits = if format!("{suite:?}").contains("AES_128") { "128" } else { "256" };
        assert_eq!(answer.body.split(' ').nth(5), Some(bits), "{suite:?}");
        told.push(bits);
    }
    assert_eq!(told.len(), 4, "AES-128 and AES-256 on both versions");
}

/// The first record of a client on OpenSSL.
fn openssl_client_hello() -> Vec<u8> {
    let vectors = include_str!("../vectors/tls-unique.txt");
    let line = vectors.lines().find_map(|line| line.strip_prefix("from_client: ")).unwrap();
    let digits = line.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    let octets: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    let length = usize::from(u16::from_be_bytes([octets[3], octets[4]]));
    octets[..5 + length].to_vec()
}

// RFC 9266 §2, RFC 7627 §5.3: without the extended master secret TLS 1.2 has no channel binding worth the name, and
// the handshake ends in a fatal handshake_failure.
#[tokio::test]
async fn tls_1_2_without_the_extended_master_secret_is_refused() {
    let authority = Authority::new();
    let server = Server::start_tls(RawLimits::default(), mirror(), authority.server_tls()).await;
    let hello = openssl_client_hello();
    // The extension extended_master_secret, 23 and empty, becomes one that nobody knows.
    let extension = hello.windows(6).position(|window| window == [0, 23, 0, 0, 0, 13]).unwrap();
    let mut without = hello.clone();
    without[extension] = 0xfa;
    let mut client = server.connect().await;
    client.send(&without).await;
    let mut alert = [0; 7];
    tokio::io::AsyncReadExt::read_exact(&mut client.stream, &mut alert).await.unwrap();
    assert_eq!(alert, [21, 3, 3, 0, 2, 2, 40]);
    let mut client = server.connect().await;
    client.send(&hello).await;
    let mut start = [0; 1];
    tokio::io::AsyncReadExt::read_exact(&mut client.stream, &mut start).await.unwrap();
    assert_eq!(start, [22], "with it, a ServerHello");
}

#[tokio::test]
async fn no_session_is_resumed() {
    let authority = Authority::new();
    let server = Server::start_tls(RawLimits::default(), mirror(), authority.server_tls()).await;
    for version in VERSIONS {
        let config = authority.client(version, None);
        for _ in 0..3 {
            let mut client = connect(&server, config.clone()).await.unwrap();
            assert_eq!(client.ask("/").await.status(), "200");
            let kind = client.stream.get_ref().1.handshake_kind().unwrap();
            assert!(
                matches!(kind, HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest),
                "{kind:?}"
            );
        }
    }
}

#[tokio::test]
async fn t_06_http_2_is_not_spoken() {
    let authority = Authority::new();
    let server = Server::start_tls(RawLimits::default(), mirror(), authority.server_tls()).await;
    let mut config = authority.client(&TLS13, None);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = connect(&server, config.clone()).await.unwrap();
    assert_eq!(client.stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    config.alpn_protocols = vec![b"h2".to_vec()];
    assert!(is_refused(&server, config).await);
}

// T-06: without TLS too, whoever begins with the preface of HTTP/2 (RFC 9113 §3.4) and its floods is refused.
#[tokio::test]
async fn t_06_http_2_by_prior_knowledge_is_refused() {
    let authority = Authority::new();
    let plain = Server::start(RawLimits::default(), mirror()).await;
    let secured = Server::start_tls(RawLimits::default(), mirror(), authority.server_tls()).await;
    let settings = b"\0\0\0\x04\0\0\0\0\0".repeat(1_000);
    let flood = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &settings].concat();
    let mut client = plain.connect().await;
    client.send(&flood).await;
    assert_refused(&client.read_to_end().await);
    let mut client = connect(&secured, authority.client(&TLS13, None)).await.unwrap();
    client.send(&flood).await;
    assert_refused(&client.read_to_end().await);
}

fn assert_refused(answer: &str) {
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn a_server_key_on_p384_serves_both_versions() {
    let authority = Authority::new();
    let tls = Tls::new(&authority.identity(&PKCS_ECDSA_P384_SHA384), &ClientCertificates::NotAsked).unwrap();
    let server = Server::start_tls(RawLimits::default(), mirror(), tls).await;
    for version in VERSIONS {
        assert_eq!(
            connect(&server, authority.client(version, None)).await.unwrap().ask("/").await.status(),
            "200"
        );
    }
}

#[tokio::test]
async fn settings_are_replaced_under_a_running_listener() {
    let (old, new) = (Authority::new(), Authority::new());
    let tls = old.server_tls();
    let server = Server::start_tls(RawLimits::default(), mirror(), tls.clone()).await;
    let mut before = connect(&server, old.client(&TLS13, None)).await.unwrap();
    assert!(connect(&server, new.client(&TLS13, None)).await.is_err());
    tls.replace(&new.identity(&PKCS_ECDSA_P256_SHA256), &any_certificate()).unwrap();
    assert_eq!(connect(&server, new.client(&TLS13, None)).await.unwrap().ask("/").await.status(), "200");
    assert!(connect(&server, old.client(&TLS13, None)).await.is_err());
    assert_eq!(before.ask("/").await.status(), "200", "open connections go on");
}

// T-04: a handshake that stalls has a deadline of its own, before and after its first octets.
#[tokio::test]
async fn t_04_stalled_handshakes_are_closed() {
    let authority = Authority::new();
    let limits = RawLimits { handshake: SHORT, ..RawLimits::default() };
    let server = Server::start_tls(limits, mirror(), authority.server_tls()).await;
    for start in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let mut client = server.connect().await;
        client.send(start).await;
        assert!(client.is_closed().await);
    }
    server.counts("connections_closed_total{listener=\"test\",reason=\"handshake_timeout\"} 2").await;
}

// T-08: what a client shows is capped before it is read as a certificate, on both versions, and the next client is served.
#[tokio::test]
async fn t_08_a_giant_client_certificate_is_refused() {
    let authority = Authority::new();
    let server = Server::start_tls(RawLimits::default(), mirror(), authority.server_tls()).await;
    for version in VERSIONS {
        let mut params = CertificateParams::new(vec!["giant.test".to_owned()]).unwrap();
        let filler = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 1], vec![0; 1_000_000]);
        params.custom_extensions.push(filler);
        let (giant, key) = authority.certify(params, &PKCS_ECDSA_P256_SHA256);
        assert!(is_refused(&server, authority.client(version, Some(Shows::new(giant.der(), &key)))).await);
        assert_eq!(
            connect(&server, authority.client(version, None)).await.unwrap().ask("/").await.status(),
            "200"
        );
    }
}

// T-02: silence after the handshake is no different from silence before it.
#[tokio::test]
async fn t_02_silence_after_the_handshake_is_closed() {
    let authority = Authority::new();
    let limits = RawLimits { first_octet: SHORT, ..RawLimits::default() };
    let server = Server::start_tls(limits, mirror(), authority.server_tls()).await;
    let mut client = connect(&server, authority.client(&TLS13, None)).await.unwrap();
    assert!(client.is_closed().await);
    server.counts("connections_closed_total{listener=\"test\",reason=\"first_octet_timeout\"} 1").await;
}

// T-05: a flood of half-finished handshakes leaves room for a whole one.
#[tokio::test]
async fn t_05_a_flood_of_stalled_handshakes_does_not_keep_a_good_client_out() {
    let authority = Authority::new();
    let limits = RawLimits { max_handshakes: 10, ..RawLimits::default() };
    let server = Server::start_tls(limits, mirror(), authority.server_tls()).await;
    let mut stalled = Vec::new();
    for turn in 0..60 {
        stalled.push(server.connect().await);
        if turn % 10 == 0 {
            let mut good = connect(&server, authority.client(&TLS13, None)).await.unwrap();
            assert_eq!(good.ask("/").await.status(), "200");
        }
    }
    assert!(stalled[0].is_closed().await);
}

// T-14, K-14: who finds all seats at work is not sent away after nothing, nor served before there is a seat; it waits in the backlog.
#[tokio::test]
async fn t_14_over_tls_who_finds_all_seats_at_work_waits_for_one() {
    let authority = Authority::new();
    let (begun, permits) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let (begins, held) = (Arc::clone(&begun), Arc::clone(&permits));
    let answer = async move || {
        begins.notify_one();
        held.acquire().await.unwrap().forget();
        "held"
    };
    let limits = RawLimits {
        max_connections: 1,
        max_connections_per_address: 1,
        max_handshakes: 1,
        ..RawLimits::default()
    };
    let router = Router::new().route("/", routing::get(answer));
    let server = Server::start_tls(limits, router, authority.server_tls()).await;
    let mut first = connect(&server, authority.client(&TLS13, None)).await.unwrap();
    first.send(get("/")).await;
    begun.notified().await;
    let second = connect(&server, authority.client(&TLS13, None));
    tokio::pin!(second);
    let early = tokio::time::timeout(SHORT, second.as_mut()).await;
    assert!(early.is_err(), "no handshake while there is no seat");
    permits.add_permits(2);
    assert_eq!(first.answer().await.body, "held");
    assert_eq!(second.await.unwrap().ask("/").await.body, "held");
}

#[tokio::test]
async fn plain_http_on_a_tls_port_is_refused() {
    let authority = Authority::new();
    let server = Server::start_tls(RawLimits::default(), mirror(), authority.server_tls()).await;
    let mut client = server.connect().await;
    client.send(get("/")).await;
    assert!(!client.read_to_end().await.contains("HTTP/1.1"));
    server.counts("connections_closed_total{listener=\"test\",reason=\"handshake_failed\"} 1").await;
}

#[tokio::test]
async fn a_connection_without_tls_has_no_certificate_and_no_binding() {
    let server = Server::start(RawLimits::default(), mirror()).await;
    assert_eq!(server.connect().await.ask("/").await.body, "None 0   0 0");
}

// The large answers go through the TLS stream in many records, and the end of the stream is announced.
#[tokio::test]
async fn a_large_answer_over_tls_is_whole() {
    let authority = Authority::new();
    let large = Router::new().route("/", routing::get(async || "a".repeat(3_000_000)));
    let server = Server::start_tls(RawLimits::default(), large, authority.server_tls()).await;
    let mut client = connect(&server, authority.client(&TLS13, None)).await.unwrap();
    client.send("GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await;
    let mut octets = Vec::new();
    // Without close_notify this would be an error.
    tokio::io::AsyncReadExt::read_to_end(&mut client.stream, &mut octets).await.unwrap();
    assert!(octets.len() > 3_000_000);
}
