//! How soon the truth shows: over sockets, on connections that are kept, whatever was answered on them before.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ca_core::record::CertificateStatus;
use server_kit::listener::Listener;
use server_kit::shutdown::Shutdown;
use status_server::config::KeepingPolicy;
use status_server::responder::Responder;
use status_server::routes::{StatusServices, router};
use tokio::runtime::Runtime;

use crate::requests::{request_for, statuses};
use crate::world::{NOW, World, revoked, serial, served};

/// A client that keeps its connection.
struct Connection(TcpStream);

impl Connection {
    fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(stream)
    }

    fn by_get(&mut self, request: &[u8]) -> Vec<u8> {
        let text = BASE64_STANDARD.encode(request).replace('/', "%2F").replace('+', "%2B");
        self.send(&format!("GET /ocsp/{text} HTTP/1.1\r\nHost: status\r\n\r\n"), &[])
    }

    fn by_post(&mut self, request: &[u8]) -> Vec<u8> {
        let head = format!(
            "POST /ocsp HTTP/1.1\r\nHost: status\r\nContent-Type: application/ocsp-request\r\nContent-Length: {}\r\n\r\n",
            request.len()
        );
        self.send(&head, request)
    }

    fn send(&mut self, head: &str, body: &[u8]) -> Vec<u8> {
        self.0.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            self.0.read_exact(&mut octet).unwrap();
            answer.push(octet[0]);
        }
        let head = String::from_utf8(answer).unwrap().to_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        body
    }
}

// Two responders on one ledger stand for two nodes, each with answers of its own that it has kept.
#[test]
fn o_14_no_kept_answer_outlives_a_revocation_on_kept_connections_of_any_node() {
    let world = World::new();
    for number in 0..20 {
        world.put(number, CertificateStatus::Good);
    }
    let runtime = Runtime::new().unwrap();
    let shutdown = Shutdown::new(Duration::from_secs(1));
    let identity = world.responder.identities().remove(0);
    let other =
        Responder::new(vec![served(identity, &world.signer)], world.ports(), KeepingPolicy::default());
    let nodes = [Arc::clone(&world.responder), Arc::new(other)].map(|responder| {
        let listener = runtime.block_on(Listener::bind("127.0.0.1:0".parse().unwrap())).unwrap();
        let address = listener.local_addr();
        let routes = router(StatusServices {
            repository: Arc::clone(&world.repository),
            responder,
            clock: world.clock.clone(),
            workers: world.workers.clone(),
        });
        runtime.spawn(listener.serve(routes, shutdown.clone()));
        Connection::to(address)
    });
    let mut nodes = nodes;
    for number in 0..20 {
        let asked = request_for(&world.issuer, &serial(number));
        for node in &mut nodes {
            assert_eq!(statuses(&node.by_get(&asked)), [0x80]);
            assert_eq!(statuses(&node.by_post(&asked)), [0x80]);
        }
        world.put(number, revoked(NOW));
        for node in &mut nodes {
            assert_eq!(statuses(&node.by_get(&asked)), [0xA1]);
            assert_eq!(statuses(&node.by_post(&asked)), [0xA1]);
        }
    }
    shutdown.trigger();
}
