//! A line holds one group of requests in memory, whatever the length of its batch.

use std::path::Path;
use std::process::Command;

use e2e::process::program;
use e2e::rehearsal::Rehearsal;
use e2e::tool::finish;

use crate::ground::{certificates, open, rehearsal, requests, signature};

/// Runs a command and prints the most memory that it had, in KiB.
const MEASURE: &str = "import resource, subprocess, sys\n\
     code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)\n\
     print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n\
     sys.exit(code)";

fn most_memory(rehearsal: &Rehearsal, requests: &Path, out: &Path) -> u64 {
    let mut command = Command::new("python3");
    command
        .args(["-c", MEASURE])
        .arg(program("meter-pki"))
        .arg("--config")
        .arg(rehearsal.state("edited.toml"));
    command.args(["factory", "issue", "--order", "PO-6", "--requests"]).arg(requests).arg("--out").arg(out);
    finish(&mut command).ok().out.trim().parse().expect("a number of KiB")
}

#[test]
fn ten_times_as_many_requests_take_no_more_memory() {
    let rehearsal = rehearsal();
    let more = signature(5_000);
    open(&rehearsal, "PO-6", 4_400, &more.iter().map(String::as_str).collect::<Vec<_>>());
    let (few, many) = (rehearsal.scratch("few"), rehearsal.scratch("many"));
    let few = most_memory(&rehearsal, &requests(&few, 'D', 1..=400), &rehearsal.scratch("out-few"));
    let out = rehearsal.scratch("out-many");
    let many = most_memory(&rehearsal, &requests(&many, 'D', 401..=4_400), &out);
    assert_eq!(certificates(&out).len(), 4_000);
    // 4,000 requests and certificates come to some 3 MB, beside the text that they travel as.
    assert!(many < few + 4_096, "{few} KiB for 400, {many} KiB for 4,000");
}
