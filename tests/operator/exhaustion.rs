//! What a server does that runs out of descriptors, and what it never shows to devices: T-13, T-17.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use e2e::patience::eventually;
use e2e::peer::curl;
use e2e::rehearsal::Rehearsal;
use e2e::tool::run;

/// Asks over a connection that was opened before descriptors were short.
fn health(operator: &mut UnixStream) -> String {
    operator.write_all(b"GET /health HTTP/1.1\r\nHost: meter-pki\r\n\r\n").expect("it is open");
    let (mut head, mut octet) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        operator.read_exact(&mut octet).expect("an answer");
        head.extend(octet);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).expect("its length");
    let mut body = vec![0; length.trim().parse().expect("a number")];
    operator.read_exact(&mut body).expect("a body");
    String::from_utf8(body).expect("text")
}

// T-13: the accept loop backs off, health says so, and it recovers.
#[test]
fn t_13_a_server_without_descriptors_says_so_and_recovers() {
    let rehearsal = Rehearsal::start(1);
    let mut operator = UnixStream::connect(rehearsal.state("operator.sock")).expect("the operator's socket");
    let told = "the system gives no more connections";
    assert!(!health(&mut operator).contains(told));
    let process = rehearsal.process_number();
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).expect("a process").count();
    let limit = |soft: usize| {
        drop(run("prlimit", [format!("--pid={process}"), format!("--nofile={soft}:")]).ok());
    };
    limit(open + 8);
    let address =
        rehearsal.text("est").trim_start_matches("https://").split('/').next().expect("a host").to_owned();
    let crowd: Vec<TcpStream> =
        (0..40).map(|_| TcpStream::connect(&address).expect("the kernel takes it")).collect();
    eventually("health tells of it", || health(&mut operator).contains(told).then_some(()));
    drop(crowd);
    limit(1_024);
    eventually("it recovers", || {
        let answer = curl::<&str>(&rehearsal, &format!("{}/cacerts", rehearsal.est("meter-op-ds-s1")), &[]);
        (answer.status == 200 && !health(&mut operator).contains(told)).then_some(())
    });
}

// T-17: what is for operators is on the operator's socket alone.
#[test]
fn t_17_metrics_health_and_the_operators_verbs_are_on_no_listener_of_devices() {
    let rehearsal = Rehearsal::start(1);
    let est = rehearsal.text("est").trim_end_matches("/.well-known/est/").to_owned();
    for base in [est, rehearsal.status()] {
        for path in
            ["/metrics", "/health", "/admin", "/debug", "/debug/pprof", "/v1/certificates", "/certificates"]
        {
            let answer = curl::<&str>(&rehearsal, &format!("{base}{path}"), &[]);
            assert_eq!(answer.status, 404, "{base}{path}: {}", answer.text());
            assert!(!answer.text().contains("pki_"), "{base}{path}");
        }
    }
    let socket = rehearsal.state("operator.sock").to_string_lossy().into_owned();
    let metrics = curl(&rehearsal, "http://meter-pki/metrics", &["--unix-socket", &socket]);
    assert!(metrics.text().contains("pki_"), "the operator sees them");
}
