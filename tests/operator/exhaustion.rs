//! What a server does that runs out of descriptors or is short of memory, and what it never shows to devices: T-13, T-14, T-17.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use e2e::call::{Call, Caller};
use e2e::patience::eventually;
use e2e::peer::{curl, path, try_curl};
use e2e::process::{most_memory, with_all_files};
use e2e::rehearsal::Rehearsal;
use e2e::shift::{self, Device, born, crowd, with_est};
use e2e::slow::{Crowd, KINDS};
use e2e::tool::run;
use tokio::task::JoinSet;

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

/// All that the server may have, be it of its own or of files that it has read, as the system counts it when memory is short.
const MEMORY_KIB: u64 = 256 * 1024;

/// All the address space for data that it may set aside: half as much again, for its allocator does not use all of it (ADR 65).
const SET_ASIDE_KIB: u64 = 384 * 1024;

/// Announces a body of 64 KiB and holds back its last octet, or sends chunk after chunk without an end.
async fn fill(caller: &Caller, device: &Device, number: usize) -> std::io::Result<Call> {
    const CHUNK: usize = 0x1_0000;
    let addresses = u32::from(Ipv4Addr::new(127, 2, 0, 1));
    let from = addresses + u32::try_from(number / 40).expect("few addresses");
    let mut call = caller.from(Ipv4Addr::from(from)).call(Some(device.shown())).await?;
    let head = "POST /.well-known/est/meter-op-tls-s1/simpleenroll HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/pkcs10\r\n";
    if number.is_multiple_of(2) {
        call.send(format!("{head}Content-Length: {CHUNK}\r\n\r\n").as_bytes()).await?;
        call.send(&[b'A'; CHUNK - 1]).await?;
    } else {
        call.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).await?;
        for _ in 0..64 {
            let chunk = [format!("{CHUNK:x}\r\n").as_bytes(), &[b'A'; CHUNK], b"\r\n"].concat();
            call.send(&chunk).await?;
        }
    }
    Ok(call)
}

/// Uploads of the greatest length, more at once than are let in.
fn upload_giants(rehearsal: &Rehearsal) -> Vec<u16> {
    let file = rehearsal.unique("giant.ndjson");
    std::fs::write(&file, vec![b'x'; 16 * 1024 * 1024]).expect("it can be written");
    let shown = e2e::fleet::station(rehearsal).options();
    let body = format!("@{}", path(&file));
    let send = || {
        let mut options =
            vec!["--max-time", "120", "-H", "Content-Type: application/x-ndjson", "--data-binary", &body];
        options.extend(shown.iter().map(String::as_str));
        try_curl(rehearsal, &shift::address(rehearsal, shift::UPLOAD), &options)
            .map_or(0, |answer| answer.status)
    };
    std::thread::scope(|scope| {
        let uploads: Vec<_> = (0..8).map(|_| scope.spawn(send)).collect();
        uploads.into_iter().map(|upload| upload.join().expect("it ends")).collect()
    })
}

// T-14: with 256 MiB, flooded by slow clients, by bodies as long as they may be, by bodies without an end and by uploads, the server
// lives, and tells those whom it cannot serve when to come back; each of them has its certificate in the end.
#[test]
fn t_14_a_flooded_server_lives_in_256_mib_and_tells_whom_it_cannot_serve() {
    let files = with_all_files();
    assert!(files >= 4_096, "the flood needs open files: {files} are allowed");
    let rehearsal = Rehearsal::start_with(1, |text| {
        with_est(
            &text,
            &[("limits", "max_connections_per_address = 200"), ("pool", "workers = 1, queue_jobs = 2")],
        )
    });
    let fleet = born(&rehearsal, 0..KINDS + 120);
    let (of_the_flood, good) = fleet.split_at(KINDS);
    let process = rehearsal.process_number();
    // Beyond that the system gives nothing, and a program that asks for more ends.
    drop(run("prlimit", [format!("--pid={process}"), format!("--data={}", SET_ASIDE_KIB * 1024)]).ok());
    let caller = Caller::new(&rehearsal);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let slow = Arc::new(Crowd::new(&caller, of_the_flood));
    let slow = {
        let _inside = runtime.enter();
        slow.gather(400, Duration::from_secs(1))
    };
    let mut full: JoinSet<_> = JoinSet::new();
    for number in 0..600 {
        let (caller, device) = (caller.clone(), of_the_flood[0].clone());
        full.spawn_on(async move { fill(&caller, &device, number).await }, runtime.handle());
    }
    let (rush, uploads) = std::thread::scope(|scope| {
        let uploads = scope.spawn(|| upload_giants(&rehearsal));
        (crowd(&rehearsal, good, 120), uploads.join().expect("they end"))
    });
    assert_eq!((rush.refused.as_slice(), rush.served.len()), ([].as_slice(), 120), "{}", rush.last_cut);
    assert!(rush.sent_away > 0, "some are told 503 and Retry-After");
    assert!(uploads.iter().all(|status| matches!(status, 0 | 200 | 503)), "{uploads:?}");
    drop((slow, full));
    runtime.shutdown_background();
    let answer = curl::<&str>(&rehearsal, &format!("{}/cacerts", rehearsal.est("meter-op-ds-s1")), &[]);
    assert_eq!((answer.status, rehearsal.process_number()), (200, process), "it lives");
    assert!(most_memory(process) <= MEMORY_KIB, "{} KiB", most_memory(process));
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
