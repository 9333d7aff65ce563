//! A server on a free port, and a client that writes octets as it is told and reads what comes.

use axum::Router;
use server_kit::{
    limits::{Limits, RawLimits},
    listener::{Drained, Listener, ListenerWatch},
    metrics::Metrics,
    shutdown::Shutdown,
    tls::Tls,
};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
};

/// No step of a test takes longer than this, or the test has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A limit that a test is going to pass.
pub(crate) const SHORT: Duration = Duration::from_millis(150);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) watch: ListenerWatch,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: Shutdown,
    pub(crate) serving: JoinHandle<Drained>,
}

impl Server {
    pub(crate) async fn start(limits: RawLimits, router: Router) -> Self {
        Self::start_with(limits, router, None).await
    }

    pub(crate) async fn start_tls(limits: RawLimits, router: Router, tls: Tls) -> Self {
        Self::start_with(limits, router, Some(tls)).await
    }

    async fn start_with(limits: RawLimits, router: Router, tls: Option<Tls>) -> Self {
        let metrics = Metrics::new("");
        let mut listener = Listener::bind("127.0.0.1:0".parse().unwrap())
            .await
            .unwrap()
            .named("test")
            .with_limits(Limits::try_from(limits).unwrap())
            .with_metrics(&metrics);
        if let Some(tls) = tls {
            listener = listener.with_tls(tls);
        }
        let shutdown = Shutdown::new(PATIENCE);
        let (address, watch) = (listener.local_addr(), listener.watch());
        let serving = tokio::spawn(listener.serve(router, shutdown.clone()));
        Self { address, watch, metrics, shutdown, serving }
    }

    pub(crate) async fn connect(&self) -> Client<TcpStream> {
        Client { stream: TcpStream::connect(self.address).await.unwrap() }
    }

    /// A client whose system holds little of what it sends: most of it waits until the server reads.
    pub(crate) async fn connect_with_small_buffer(&self) -> Client<TcpStream> {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(16 * 1024).unwrap();
        Client { stream: socket.connect(self.address).await.unwrap() }
    }

    /// Waits until the counter has the value, and lets the other tasks run meanwhile.
    pub(crate) async fn counts(&self, line: &str) {
        let counted = async {
            while !self.metrics.render().lines().any(|found| found == line) {
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(PATIENCE, counted).await.is_err() {
            panic!("no line {line} in\n{}", self.metrics.render());
        }
    }
}

pub(crate) struct Client<S> {
    pub(crate) stream: S,
}

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Client<S> {
    pub(crate) async fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.stream.write_all(octets.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Everything up to the end of the stream. A reset counts as an end.
    pub(crate) async fn read_to_end(&mut self) -> String {
        let mut octets = Vec::new();
        let read = tokio::time::timeout(PATIENCE, self.stream.read_to_end(&mut octets)).await;
        let _reset = read.expect("the server ends the connection").is_err();
        String::from_utf8_lossy(&octets).into_owned()
    }

    /// Whether the stream has ended without another octet.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.read_to_end().await.is_empty()
    }

    /// One answer: its head and as much body as its Content-Length says.
    pub(crate) async fn answer(&mut self) -> Answer {
        let read = async {
            let mut octets = Vec::new();
            while !octets.ends_with(b"\r\n\r\n") {
                octets.push(self.stream.read_u8().await.expect("an answer"));
            }
            let head = String::from_utf8(octets).unwrap();
            let length = field(&head, "Content-Length").map_or(0, |value| value.parse().unwrap());
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).await.unwrap();
            Answer { head, body: String::from_utf8(body).unwrap() }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("an answer in time")
    }

    pub(crate) async fn ask(&mut self, path: &str) -> Answer {
        self.send(get(path)).await;
        self.answer().await
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    /// A field by its name, compared by octet as the strictest clients do.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        field(&self.head, name)
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")
}

pub(crate) fn post(path: &str, fields: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: test\r\n{fields}\r\n{body}")
}
