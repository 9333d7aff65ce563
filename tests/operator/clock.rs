//! A wall clock that is set while the server serves: T-20.

use std::time::Duration;

use e2e::call::Caller;
use e2e::clock::WallClock;
use e2e::patience::eventually;
use e2e::peer::curl;
use e2e::rehearsal::Rehearsal;
use e2e::shift::{Device, born};
use serde_json::Value;
use tokio::time::{Instant, timeout};

const HOUR: i64 = 3_600;

/// Head and half of the body of a device's request, and the rest.
fn halves(device: &Device) -> (Vec<u8>, Vec<u8>) {
    let mut first = device.request();
    let rest = first.split_off(first.len() - 100);
    (first, rest)
}

/// The audit record of a step that was seen while the server served; of a clock that goes back the ledger tells as well, as soon as it
/// has something to record.
fn told(rehearsal: &Rehearsal, after: u64) -> Value {
    eventually("the step is on record", || {
        let records = rehearsal.audit_after(after);
        records.into_iter().find(|record| record["actor"] == "process:clock-watch")
    })
}

/// The seconds between the two times that a record names.
fn apart(record: &Value) -> i64 {
    let detail = record["detail"].as_str().expect("a detail");
    let times = detail.strip_prefix("from ").expect("the old time").split_once(" to ").expect("the new time");
    let seconds = |text: &str| {
        let time: der::DateTime = text.parse().expect("RFC 3339");
        i64::try_from(time.unix_duration().as_secs()).expect("not that late")
    };
    seconds(times.1) - seconds(times.0)
}

// T-20: what has begun goes on as if nothing had happened, what stalls is closed when its time is over, neither before nor an hour
// later, and the step is on record with the old and the new time; forwards as well as backwards.
#[tokio::test(flavor = "multi_thread")]
async fn t_20_a_clock_that_jumps_by_an_hour_cuts_no_request_and_keeps_no_stalled_one() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    let clock = WallClock::new(&mut rehearsal);
    rehearsal.serve();
    let devices = born(&rehearsal, 0..2);
    let caller = Caller::new(&rehearsal);
    for (device, set) in devices.iter().zip([HOUR, -HOUR]) {
        let before = rehearsal.audited();
        let mut begun = caller.call(Some(device.shown())).await.expect("a connection");
        let (first, rest) = halves(device);
        begun.send(&first).await.expect("it is open");
        let stalled = caller.call(None).await.expect("a connection");
        let since = Instant::now();
        clock.set_by(set);
        begun.send(&rest).await.expect("a jump closes nothing");
        let answer = begun.answer().await.expect("nor does it cut an answer");
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let next = "GET /.well-known/est/cacerts HTTP/1.1\r\nHost: localhost\r\n\r\n";
        begun.send(next.as_bytes()).await.expect("a kept connection goes on");
        assert_eq!(begun.answer().await.expect("an answer").status, 200);
        let ended = timeout(Duration::from_secs(60), stalled.ended()).await;
        ended.expect("the jump keeps no stalled connection");
        // `first_octet_seconds` is 5.
        assert!(
            since.elapsed() >= Duration::from_secs(4),
            "nor does it close one early: {:?}",
            since.elapsed()
        );
        let step = told(&rehearsal, before);
        assert!((apart(&step) - set).abs() <= 2, "{step}");
    }
    let socket = rehearsal.state("operator.sock").to_string_lossy().into_owned();
    // It is counted once it is on record.
    eventually("both steps are counted", || {
        let metrics = curl(&rehearsal, "http://meter-pki/metrics", &["--unix-socket", &socket]);
        metrics.text().contains("pki_clock_steps_total 2").then_some(())
    });
}
