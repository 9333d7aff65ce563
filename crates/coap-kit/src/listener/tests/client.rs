//! A client over a real socket, of OpenSSL and coap-lite, that can lose and repeat datagrams.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use coap_lite::{CoapOption, MessageClass, MessageType, Packet, RequestType};
use openssl::pkey::PKey;
use openssl::ssl::{ErrorCode, Ssl, SslContextBuilder, SslMethod, SslOptions, SslStream, SslVerifyMode};
use openssl::x509::X509;

/// How long the client listens before it looks at its timers.
const PATIENCE: Duration = Duration::from_millis(100);

/// What happens to datagrams.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    /// Those that are lost on the way to the server, counted from 0.
    pub(super) lost_out: Vec<usize>,
    /// Those that are lost on the way to the client.
    pub(super) lost_in: Vec<usize>,
    /// How often each is sent.
    pub(super) copies: usize,
    /// How long the datagrams were that came to the client, lost or not.
    pub(super) came: Arc<Mutex<Vec<usize>>>,
}

struct Wire {
    socket: UdpSocket,
    line: Line,
    sent: usize,
    received: usize,
}

impl Read for Wire {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.socket.recv(room)?;
            self.received += 1;
            self.line.came.lock().unwrap().push(length);
            if !self.line.lost_in.contains(&(self.received - 1)) {
                return Ok(length);
            }
        }
    }
}

impl Write for Wire {
    fn write(&mut self, datagram: &[u8]) -> io::Result<usize> {
        self.sent += 1;
        if !self.line.lost_out.contains(&(self.sent - 1)) {
            for _ in 0..self.line.copies.max(1) {
                self.socket.send(datagram)?;
            }
        }
        Ok(datagram.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A client with a connection.
pub(super) struct Client {
    stream: SslStream<Wire>,
    next_id: u16,
}

/// Certificate and key, PEM.
pub(super) fn identity(name: &str) -> (String, String) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

impl Client {
    /// Connects with a certificate.
    pub(super) fn known(server: SocketAddr) -> Self {
        Self::begin(server, Some(identity("4D504B0000000001")), Line::default()).unwrap()
    }

    /// Connects, in five seconds at most.
    pub(super) fn begin(server: SocketAddr, shown: Option<(String, String)>, line: Line) -> Option<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        Self::begin_at(socket, server, shown, line)
    }

    pub(super) fn begin_at(
        socket: UdpSocket,
        server: SocketAddr,
        shown: Option<(String, String)>,
        line: Line,
    ) -> Option<Self> {
        let mut context = SslContextBuilder::new(SslMethod::dtls_client()).unwrap();
        context.set_cipher_list("ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0").unwrap();
        context.set_verify(SslVerifyMode::NONE);
        context.set_options(SslOptions::NO_QUERY_MTU);
        if let Some((certificate, key)) = shown {
            context.set_certificate(&X509::from_pem(certificate.as_bytes()).unwrap()).unwrap();
            context.set_private_key(&PKey::private_key_from_pem(key.as_bytes()).unwrap()).unwrap();
        }
        let mut ssl = Ssl::new(&context.build()).unwrap();
        ssl.set_mtu(600).unwrap();
        socket.connect(server).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let wire = Wire { socket, line, sent: 0, received: 0 };
        let mut stream = SslStream::new(ssl, wire).unwrap();
        for _ in 0..50 {
            match stream.connect() {
                Ok(()) => return Some(Self { stream, next_id: 1 }),
                Err(error) if error.code() == ErrorCode::WANT_READ => {}
                Err(error) => panic!("{error}"),
            }
        }
        None
    }

    pub(super) fn send(&mut self, packet: &Packet) {
        self.stream.ssl_write(&packet.to_bytes_unlimited().unwrap()).unwrap();
    }

    /// The next message; none when the server has taken leave.
    pub(super) fn hear(&mut self) -> Option<Packet> {
        for _ in 0..80 {
            if let Some(heard) = self.listen() {
                return heard;
            }
        }
        panic!("the server says nothing: {:?}", self.stream.get_ref().line);
    }

    /// What is heard in a moment: nothing, leave taken, or a message.
    pub(super) fn listen(&mut self) -> Option<Option<Packet>> {
        let mut room = [0; 2_048];
        match self.stream.ssl_read(&mut room) {
            Ok(length) => Some(Some(Packet::from_bytes(&room[..length]).unwrap())),
            Err(error) if error.code() == ErrorCode::WANT_READ => None,
            Err(error) if error.code() == ErrorCode::ZERO_RETURN => Some(None),
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends until an answer comes, as a client does whose messages are lost (RFC 7252 §4.2).
    pub(super) fn insist(&mut self, packet: &Packet) -> Packet {
        for _ in 0..80 {
            self.send(packet);
            if let Some(Some(heard)) = self.listen() {
                return heard;
            }
        }
        panic!("the server does not answer: {:?}", self.stream.get_ref().line);
    }

    pub(super) fn ask(&mut self, packet: &Packet) -> Packet {
        self.send(packet);
        self.hear().unwrap()
    }

    /// A request for a resource, with the next message ID.
    pub(super) fn request(&mut self, resource: &str, payload: &[u8]) -> Packet {
        let mut packet = Packet::new();
        packet.header.set_version(1);
        packet.header.set_type(MessageType::Confirmable);
        packet.header.message_id = self.next_id;
        self.next_id += 1;
        let kind = if payload.is_empty() { RequestType::Get } else { RequestType::Post };
        packet.header.code = MessageClass::Request(kind);
        packet.add_option(CoapOption::UriPath, resource.as_bytes().to_vec());
        if !payload.is_empty() {
            packet.add_option(CoapOption::ContentFormat, vec![0x01, 0x1E]);
        }
        packet.payload = payload.to_vec();
        packet
    }

    pub(super) fn acknowledge(&mut self, id: u16) {
        let mut packet = Packet::new();
        packet.header.set_version(1);
        packet.header.set_type(MessageType::Acknowledgement);
        packet.header.message_id = id;
        packet.header.code = MessageClass::Empty;
        self.send(&packet);
    }

    /// RFC 5929 §3: the Finished message that the client sent.
    pub(super) fn finished(&self) -> [u8; 12] {
        let mut finished = [0; 12];
        assert_eq!(self.stream.ssl().finished(&mut finished), 12);
        finished
    }

    /// Takes leave.
    pub(super) fn close(mut self) {
        drop(self.stream.shutdown());
    }

    /// Gives back the socket of a client that has lost its state, as after a power cut.
    pub(super) fn socket(&self) -> UdpSocket {
        self.stream.get_ref().socket.try_clone().unwrap()
    }
}
