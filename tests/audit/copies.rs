//! Copies that cannot keep up hold back what is new, lack nothing afterwards, and hold back nobody who reads.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;

use e2e::fleet::{Meter, Suite, station};
use e2e::patience::eventually;
use e2e::peer::curl;
use e2e::rehearsal::Rehearsal;

use crate::{act, exported, serving, verify_export};

fn readiness(rehearsal: &Rehearsal) -> u16 {
    curl::<&str>(rehearsal, &format!("{}/readyz", rehearsal.status()), &[]).status
}

/// Serves a rehearsed system with another `[audit]`.
fn with_audit(more: &str) -> Rehearsal {
    Rehearsal::start_with(1, |text| {
        text.replace("export_directory = \"audit\"\n", &format!("export_directory = \"audit\"\n{more}"))
    })
}

#[test]
fn a_01_while_the_export_cannot_be_written_nothing_new_begins_and_afterwards_it_goes_on() {
    let mut rehearsal = serving();
    let (place, away) = (rehearsal.state("audit"), rehearsal.state("audit-away"));
    drop(act(&rehearsal).ok());
    fs::rename(&place, &away).unwrap();
    let refused = eventually("issuance stops", || {
        let said = act(&rehearsal);
        (!said.success).then_some(said)
    });
    assert_eq!(refused.code, Some(8), "{}", refused.all());
    assert!(refused.err.contains("audit export"), "{}", refused.err);
    eventually("the program is not ready", || (readiness(&rehearsal) == 503).then_some(()));
    // A meter is told to come again, and when.
    let meter = Meter::new(&rehearsal, "4D504B01000000A1", Suite::One);
    let answer = meter.try_enrol("meter-factory-tls", &station(&rehearsal));
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.field("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
    assert_eq!(rehearsal.certificates_of(meter.title), [] as [serde_json::Value; 0]);
    // The auditor can still work, and everything is still told.
    drop(rehearsal.operator(&["audit", "verify"]).ok());
    drop(rehearsal.operator(&["audit", "checkpoint"]).ok());
    drop(rehearsal.operator(&["cert", "list"]).ok());
    fs::rename(&away, &place).unwrap();
    eventually("issuance goes on by itself", || act(&rehearsal).success.then_some(()));
    eventually("the program is ready again", || (readiness(&rehearsal) == 200).then_some(()));
    drop(meter.enrol("meter-factory-tls", &station(&rehearsal)));
    rehearsal.stop();
    complete(&rehearsal);
}

/// Asserts that the export holds every record there is.
fn complete(rehearsal: &Rehearsal) {
    drop(verify_export(rehearsal).ok());
    let numbers: Vec<u64> =
        exported(rehearsal).iter().map(|line| line.split_once(' ').unwrap().0.parse().unwrap()).collect();
    assert!(numbers.iter().copied().eq(1..=u64::try_from(numbers.len()).unwrap()));
}

#[test]
fn a_torn_last_line_is_cut_off_and_written_again() {
    let mut rehearsal = serving();
    rehearsal.stop();
    let whole = exported(&rehearsal);
    let text = fs::read_to_string(rehearsal.state("audit/records")).unwrap();
    for left in [text.len() - 1, text.len() - 40] {
        fs::write(rehearsal.state("audit/records"), &text[..left]).unwrap();
        let notes = fs::read_to_string(rehearsal.state("audit/checkpoints")).unwrap();
        fs::write(rehearsal.state("audit/checkpoints"), format!("{notes}rehearsal.example/me")).unwrap();
        rehearsal.serve();
        rehearsal.stop();
        assert_eq!(exported(&rehearsal)[..whole.len()], whole);
        drop(verify_export(&rehearsal).ok());
    }
    complete(&rehearsal);
}

/// The number that a message tells of.
fn number(message: &str) -> u64 {
    let (_, rest) = message.split_once("sequence=\"").unwrap_or_else(|| panic!("{message}"));
    rest.split_once('"').unwrap().0.parse().unwrap()
}

fn received(socket: &UnixDatagram) -> Option<String> {
    let mut octets = [0; 65_536];
    let length = socket.recv(&mut octets).ok()?;
    Some(String::from_utf8(octets[..length].to_vec()).unwrap())
}

#[test]
fn a_02_while_nobody_takes_the_messages_nothing_is_dropped_and_issuance_waits() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    // The queue of a datagram socket takes a few messages and then no more.
    let socket = UnixDatagram::bind(rehearsal.state("log.sock")).unwrap();
    socket.set_nonblocking(true).unwrap();
    rehearsal.configure("edited.toml", |text| {
        text.replace(
            "export_directory = \"audit\"\n",
            "export_directory = \"audit\"\nrecords_behind = 30\n\n[audit.syslog]\nsocket = \"log.sock\"\n",
        )
    });
    rehearsal.serve();
    let refused = eventually("issuance waits", || {
        let said = act(&rehearsal);
        (!said.success).then_some(said)
    });
    assert_eq!(refused.code, Some(8), "{}", refused.all());
    assert!(refused.err.contains("audit syslog"), "{}", refused.err);
    assert_eq!(readiness(&rehearsal), 503);
    let mut numbers = Vec::new();
    eventually("issuance goes on", || {
        numbers.extend(std::iter::from_fn(|| received(&socket)).map(|message| number(&message)));
        act(&rehearsal).success.then_some(())
    });
    let end = rehearsal.audited();
    eventually("every record is received", || {
        numbers.extend(std::iter::from_fn(|| received(&socket)).map(|message| number(&message)));
        (numbers.last() >= Some(&end)).then_some(())
    });
    // A message may come twice, and none is missing.
    numbers.dedup();
    assert!(
        numbers.starts_with(&[1]) && numbers.windows(2).all(|pair| pair[1] <= pair[0] + 1),
        "{numbers:?}"
    );
}

/// Reads messages by their lengths (RFC 6587 §3.4.1) until the number is reached.
fn read_until(stream: &mut BufReader<TcpStream>, last: u64) -> Vec<u64> {
    let mut numbers = Vec::new();
    while numbers.last() < Some(&last) {
        let mut length = Vec::new();
        stream.read_until(b' ', &mut length).unwrap();
        let length: usize = String::from_utf8(length).unwrap().trim_end().parse().unwrap();
        let mut message = vec![0; length];
        stream.read_exact(&mut message).unwrap();
        let message = String::from_utf8(message).unwrap();
        assert!(message.starts_with("<110>1 20") && message.ends_with("\"]"), "{message}");
        assert!(message.contains(" - meter-pki - "), "{message}");
        numbers.push(number(&message));
    }
    numbers
}

#[test]
fn messages_are_sent_again_over_a_new_connection_when_the_one_before_broke() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let rehearsal = with_audit(&format!("\n[audit.syslog]\ntcp = \"{address}\"\n"));
    let mut first = BufReader::new(listener.accept().unwrap().0);
    let end = rehearsal.audited();
    assert!(read_until(&mut first, end).iter().copied().eq(1..=end));
    first.get_mut().flush().unwrap();
    drop(first);
    drop(act(&rehearsal).ok());
    let mut second = BufReader::new(listener.accept().unwrap().0);
    let later = rehearsal.audited();
    let numbers = read_until(&mut second, later);
    // Nothing between what the first connection is known to have taken and the end is left out.
    assert!(numbers[0] <= end + 1 && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
}
