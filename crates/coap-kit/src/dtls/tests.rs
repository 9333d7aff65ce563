//! OpenSSL's client against the gate, in memory.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

use openssl::pkey::PKey;
use openssl::ssl::{
    ErrorCode, Ssl, SslContextBuilder, SslMethod, SslOptions, SslStream, SslVerifyMode, SslVersion,
};
use openssl::x509::X509;

use super::*;

const MTU: u32 = 600;

fn peer() -> SocketAddr {
    ([192, 0, 2, 7], 40_000).into()
}

/// Certificate and key, PEM.
fn identity(name: &str, algorithm: &'static rcgen::SignatureAlgorithm) -> (String, String) {
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn gate() -> Gate {
    gate_of(&rcgen::PKCS_ECDSA_P256_SHA256)
}

fn gate_of(algorithm: &'static rcgen::SignatureAlgorithm) -> Gate {
    let (certificate, key) = identity("est.example", algorithm);
    Gate::new(&DtlsIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap(), MTU).unwrap()
}

#[derive(Debug, Default)]
struct Line {
    to_client: VecDeque<Vec<u8>>,
    to_server: Vec<Vec<u8>>,
}

impl Read for Line {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let datagram = self.to_client.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        room[..datagram.len()].copy_from_slice(&datagram);
        Ok(datagram.len())
    }
}

impl Write for Line {
    fn write(&mut self, datagram: &[u8]) -> io::Result<usize> {
        self.to_server.push(datagram.to_vec());
        Ok(datagram.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Client(SslStream<Line>);

impl Client {
    fn new(suites: &str, groups: &str, shown: Option<&(String, String)>) -> Self {
        let mut context = SslContextBuilder::new(SslMethod::dtls_client()).unwrap();
        context.set_cipher_list(&format!("{suites}:@SECLEVEL=0")).unwrap();
        context.set_groups_list(groups).unwrap();
        context.set_verify(SslVerifyMode::NONE);
        context.set_options(SslOptions::NO_QUERY_MTU);
        if let Some((certificate, key)) = shown {
            context.set_certificate(&X509::from_pem(certificate.as_bytes()).unwrap()).unwrap();
            context.set_private_key(&PKey::private_key_from_pem(key.as_bytes()).unwrap()).unwrap();
        }
        let mut ssl = Ssl::new(&context.build()).unwrap();
        ssl.set_mtu(MTU).unwrap();
        ssl.set_connect_state();
        Self(SslStream::new(ssl, Line::default()).unwrap())
    }

    /// Takes what the server said and returns what the client says next, and whether it is done.
    fn hears(&mut self, said: Vec<Vec<u8>>) -> (Vec<Vec<u8>>, bool) {
        self.0.get_mut().to_client.extend(said);
        let done = match self.0.connect() {
            Ok(()) => true,
            Err(error) if error.code() == ErrorCode::WANT_READ => false,
            Err(error) => panic!("{error}"),
        };
        (std::mem::take(&mut self.0.get_mut().to_server), done)
    }
}

/// The whole handshake; returns both ends and the longest datagram.
fn shake_hands(gate: &Gate, mut client: Client) -> (Session, Client, usize) {
    let (first, _) = client.hears(Vec::new());
    let Verdict::Answered(verify) = gate.knock(peer(), &first[0]) else { panic!("a HelloVerifyRequest") };
    let (second, _) = client.hears(verify);
    let Verdict::Admitted(mut session) = gate.knock(peer(), &second[0]) else { panic!("it is let in") };
    let mut longest = 0;
    loop {
        let flight = session.take();
        longest = flight.iter().map(Vec::len).chain([longest]).max().unwrap();
        let (said, done) = client.hears(flight);
        longest = said.iter().map(Vec::len).chain([longest]).max().unwrap();
        if done {
            return (*session, client, longest);
        }
        for datagram in said {
            session.put(datagram);
        }
        let _either = session.progress().unwrap();
    }
}

// RFC 9148 §3: the suite and the curve that every EST-coaps server has; and the others of this one.
#[test]
fn speaks_the_mandatory_suite_and_both_curves() {
    for (suite, name) in [
        ("ECDHE-ECDSA-AES128-CCM8", "ECDHE-ECDSA-AES128-CCM8"),
        ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ] {
        for (curve, algorithm) in
            [("P-256", &rcgen::PKCS_ECDSA_P256_SHA256), ("P-384", &rcgen::PKCS_ECDSA_P384_SHA384)]
        {
            let (session, _, _) = shake_hands(&gate_of(algorithm), Client::new(suite, curve, None));
            assert!(session.ssl().is_init_finished());
            assert_eq!(session.ssl().current_cipher().unwrap().name(), name);
            assert_eq!(session.ssl().version_str(), "DTLSv1.2");
        }
    }
}

// RFC 9148 §3, RFC 5929 §3: what both ends compute is the client's first Finished message.
#[test]
fn knows_the_certificates_of_the_client_and_tls_unique() {
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384] {
        let shown = identity("4D504B0000000001", algorithm);
        let client = Client::new("ECDHE-ECDSA-AES128-CCM8", "P-256:P-384", Some(&shown));
        let (session, client, _) = shake_hands(&gate(), client);
        let seen = session.shown().unwrap();
        assert_eq!(seen.certificates, [X509::from_pem(shown.0.as_bytes()).unwrap().to_der().unwrap()]);
        let mut finished = [0; 12];
        assert_eq!(client.0.ssl().finished(&mut finished), 12);
        assert_eq!(seen.tls_unique, Some(finished));
    }
}

// RFC 9148 §9.1, RFC 7627.
#[test]
fn without_the_extended_master_secret_there_is_no_tls_unique() {
    /// `SSL_OP_NO_EXTENDED_MASTER_SECRET`, which the crate does not name.
    const NO_EXTENDED_MASTER_SECRET: u64 = 1;
    let mut context = SslContextBuilder::new(SslMethod::dtls_client()).unwrap();
    context.set_cipher_list("ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0").unwrap();
    context.set_options(SslOptions::NO_QUERY_MTU | SslOptions::from_bits_retain(NO_EXTENDED_MASTER_SECRET));
    let mut ssl = Ssl::new(&context.build()).unwrap();
    ssl.set_mtu(MTU).unwrap();
    ssl.set_connect_state();
    let client = Client(SslStream::new(ssl, Line::default()).unwrap());
    let (session, client, _) = shake_hands(&gate(), client);
    assert_eq!(client.0.ssl().extms_support(), Some(false));
    assert_eq!(session.shown().unwrap().tls_unique, None);
}

#[test]
fn a_client_without_a_certificate_is_let_through_to_be_told_why_not() {
    let (session, _, _) = shake_hands(&gate(), Client::new("ECDHE-ECDSA-AES128-CCM8", "P-256", None));
    assert_eq!(session.shown().unwrap().certificates, Vec::<Vec<u8>>::new());
}

// RFC 6347 §4.2.3: no datagram of the handshake is longer than it may be; certificates come in fragments.
#[test]
fn the_handshake_is_cut_to_the_size_of_datagrams() {
    let shown = identity("4D504B0000000001", &rcgen::PKCS_ECDSA_P384_SHA384);
    let (_, _, longest) =
        shake_hands(&gate(), Client::new("ECDHE-ECDSA-AES128-CCM8", "P-256:P-384", Some(&shown)));
    assert!(longest <= usize::try_from(MTU).unwrap(), "{longest}");
}

// RFC 6347 §4.2.1: nothing is kept, so that the gate that admits need not be in the state in which it asked.
#[test]
fn an_address_without_the_cookie_is_not_let_in() {
    let (gate, another) = (gate(), gate());
    let mut client = Client::new("ECDHE-ECDSA-AES128-CCM8", "P-256", None);
    let (first, _) = client.hears(Vec::new());
    let Verdict::Answered(verify) = gate.knock(peer(), &first[0]) else { panic!("a HelloVerifyRequest") };
    let sent: usize = verify.iter().map(Vec::len).sum();
    assert!(sent < first[0].len(), "what is sent to a forged address, {sent} octets, is less than what came");
    let (second, _) = client.hears(verify);
    let forged: SocketAddr = ([192, 0, 2, 8], 40_000).into();
    assert!(matches!(gate.knock(forged, &second[0]), Verdict::Ignored), "another address");
    assert!(matches!(another.knock(peer(), &second[0]), Verdict::Ignored), "another secret");
    assert!(matches!(gate.knock(peer(), &second[0]), Verdict::Admitted(_)));
}

#[test]
fn what_is_no_hello_is_not_answered() {
    let gate = gate();
    let (first, _) = Client::new("ECDHE-ECDSA-AES128-CCM8", "P-256", None).hears(Vec::new());
    let hello = &first[0];
    for length in 0..hello.len() {
        assert!(matches!(gate.knock(peer(), &hello[..length]), Verdict::Ignored), "{length} octets");
    }
    for place in 0..hello.len() {
        for value in [0x00, 0x7F, 0x80, 0xFF] {
            let mut changed = hello.clone();
            changed[place] = value;
            assert!(!matches!(gate.knock(peer(), &changed), Verdict::Admitted(_)), "octet {place}");
        }
    }
    assert!(matches!(gate.knock(peer(), b"GET / HTTP/1.1\r\n\r\n"), Verdict::Ignored));
}

#[test]
fn refuses_dtls_1_0_and_suites_without_ecdsa() {
    let gate = gate();
    let mut context = SslContextBuilder::new(SslMethod::dtls_client()).unwrap();
    context.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    context.set_min_proto_version(Some(SslVersion::DTLS1)).unwrap();
    context.set_max_proto_version(Some(SslVersion::DTLS1)).unwrap();
    let old = Client(SslStream::new(Ssl::new(&context.build()).unwrap(), Line::default()).unwrap());
    let rsa = Client::new("ECDHE-RSA-AES128-GCM-SHA256", "P-256", None);
    for mut client in [old, rsa] {
        let (first, _) = client.hears(Vec::new());
        let Verdict::Answered(verify) = gate.knock(peer(), &first[0]) else { panic!("a HelloVerifyRequest") };
        let (second, _) = client.hears(verify);
        assert!(matches!(gate.knock(peer(), &second[0]), Verdict::Ignored));
    }
}

#[test]
fn records_go_both_ways_and_a_farewell_is_told() {
    let (mut session, mut client, _) =
        shake_hands(&gate(), Client::new("ECDHE-ECDSA-AES128-CCM8", "P-256", None));
    client.0.ssl_write(b"ping").unwrap();
    for datagram in std::mem::take(&mut client.0.get_mut().to_server) {
        session.put(datagram);
    }
    assert_eq!(session.progress().unwrap(), Progress::Heard(b"ping".to_vec()));
    session.say(b"pong").unwrap();
    session.close();
    client.0.get_mut().to_client.extend(session.take());
    let mut room = [0; 16];
    assert_eq!(client.0.ssl_read(&mut room).unwrap(), 4);
    assert_eq!(client.0.ssl_read(&mut room).unwrap_err().code(), ErrorCode::ZERO_RETURN);
}
