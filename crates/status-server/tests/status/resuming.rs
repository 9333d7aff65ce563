//! curl, wget and python on a link of a few kbit/s: cut off, going on, and never with two lists in one file.

use std::fs;

use ca_core::suite::Curve;
use status_server::repository::crl_path;

use crate::interop::Loopback;

use crate::world::{der, revoked};

/// A server with a list that is read from its file, and the path of the list.
fn with_a_long_list() -> (Loopback, String, Vec<u8>) {
    let server = Loopback::start(Curve::P256);
    for number in 10..4_000 {
        server.world.put(number, revoked(server.now()));
    }
    let crl = server.world.publish();
    assert!(crl.der.length() > 100_000);
    (server, crl_path(&crl.issuer), der(&crl))
}

#[test]
fn curl_goes_on_where_it_was_cut_off() {
    let (server, path, whole) = with_a_long_list();
    let url = server.url(&path);
    for cut in [1, 60_000, whole.len() - 1] {
        fs::write(server.file("part.crl"), &whole[..cut]).unwrap();
        let go_on =
            ["-sS", "--fail", "-C", "-", "-o", "part.crl", "-w", "%{http_code} %{size_download}", &url];
        server.run("curl", &go_on).succeeds().says(&format!("206 {}", whole.len() - cut));
        assert_eq!(fs::read(server.file("part.crl")).unwrap(), whole);
    }
    let verify = ["crl", "-inform", "DER", "-in", "part.crl", "-CAfile", "sub.pem", "-noout"];
    server.run("openssl", &verify).succeeds().says("verify OK");
}

#[test]
fn wget_goes_on_where_it_was_cut_off_and_stops_when_it_has_all() {
    let (server, path, whole) = with_a_long_list();
    let url = server.url(&path);
    fs::write(server.file("part.crl"), &whole[..70_000]).unwrap();
    server.run("wget", &["-c", "-O", "part.crl", &url]).succeeds().says("206 Partial Content");
    assert_eq!(fs::read(server.file("part.crl")).unwrap(), whole);
    server.run("wget", &["-c", "-O", "part.crl", &url]).says("416").says("nothing to do");
    assert_eq!(fs::read(server.file("part.crl")).unwrap(), whole);
    let pem = ["crl", "-inform", "DER", "-in", "part.crl", "-out", "part.pem"];
    server.run("openssl", &pem).succeeds();
    let verify = ["--verify-crl", "--load-ca-certificate=sub.pem", "--infile=part.pem"];
    server.run("certtool", &verify).succeeds().says("Verification output: Verified");
}

#[test]
fn curl_fetches_again_only_what_is_newer() {
    let (server, path, _) = with_a_long_list();
    let url = server.url(&path);
    server.run("curl", &["-sS", "--fail", "-R", "-o", "first.crl", &url]).succeeds();
    let again = ["-sS", "-z", "first.crl", "-o", "second.crl", "-w", "%{http_code}", &url];
    server.run("curl", &again).succeeds().says("304");
}

/// Takes a piece, lets the test publish the next list, and takes the rest a little at a time; then asks again with If-Range.
const SLOW_READER: &str = r#"
import socket, sys, hashlib
host, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
def ask(*fields):
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    link.connect((host, port))
    link.sendall("\r\n".join([f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", *fields, "", ""]).encode())
    return link
link = ask()
read = link.recv(500)
print("begun", flush=True)
sys.stdin.readline()
while piece := link.recv(700):
    read += piece
head, body = read.split(b"\r\n\r\n", 1)
tag = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"etag"))
print(hashlib.sha256(body).hexdigest(), tag.decode().strip('"'))
link = ask("Range: bytes=1000-", "If-Range: " + tag.decode())
print(link.recv(12).decode())
"#;

#[test]
fn a_slow_reader_gets_one_list_whole_though_another_took_its_place() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};
    let (server, path, whole) = with_a_long_list();
    let (host, port) = (server.address().ip().to_string(), server.address().port().to_string());
    let mut reader = Command::new("python3")
        .args(["-c", SLOW_READER, &host, &port, &path])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(reader.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(said.next().as_deref(), Some("begun"));
    server.world.put(5_000, revoked(server.now()));
    let next = server.world.publish();
    assert_ne!(der(&next), whole);
    reader.stdin.take().unwrap().write_all(b"\n").unwrap();
    let digest = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &whole));
    assert_eq!(said.next(), Some(format!("{digest} {digest}")), "the list that was begun, and its tag");
    // Who has the start of a list that is gone gets the whole of the next.
    assert_eq!(said.next().as_deref(), Some("HTTP/1.1 200"));
    assert!(reader.wait().unwrap().success());
}
