//! What the cryptographic libraries in the tree take for the same tasks, on one thread, in turns: aws-lc-rs, `RustCrypto`, and the
//! system's OpenSSL by `openssl speed` where it is installed. ADR 64 says which task uses which, and why.
//!
//! `cargo bench -p meter-pki --bench backends -- [--rounds N] [--milliseconds N]` prints a table of Markdown. Rates are by the
//! processor time of the thread, so that other work on the machine is in them least. Not a test: it fails only when something was not done.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is the output")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on says why and ends")]

#[path = "backends/aws_lc.rs"]
mod aws_lc;
#[path = "backends/openssl.rs"]
mod openssl;
#[path = "backends/rust_crypto.rs"]
mod rust_crypto;
#[path = "backends/table.rs"]
mod table;

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use table::Table;

/// As long as the to-be-signed part of a meter's certificate, about, in octets.
const MESSAGE: usize = 400;

/// As long as what a CRL is hashed by, a piece at a time, in octets.
const PIECE: usize = 16_384;

/// A thing to do, by one library.
struct Task {
    name: String,
    library: &'static str,
    act: Box<dyn FnMut()>,
}

impl Task {
    fn new(name: impl Into<String>, library: &'static str, act: impl FnMut() + 'static) -> Self {
        Self { name: name.into(), library, act: Box::new(act) }
    }

    /// Does it for so long, and returns how often in a second of processor time.
    fn rate(&mut self, slice: Duration) -> f64 {
        let (began, mut times) = (used(), 0_u32);
        loop {
            // The clock takes as long as hashing some hundred octets.
            for _ in 0..16 {
                (self.act)();
            }
            times += 16;
            let elapsed = used().saturating_sub(began);
            if elapsed >= slice {
                return f64::from(times) / elapsed.as_secs_f64();
            }
        }
    }
}

/// The processor time that this thread has used.
fn used() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let after = |name: &str, usual: u32| {
        let mut found = arguments.iter().skip_while(|argument| *argument != name).skip(1);
        found.next().map_or(usual, |number| number.parse().unwrap())
    };
    let (rounds, milliseconds) = (after("--rounds", 9), after("--milliseconds", 100));
    let mut tasks = aws_lc::tasks();
    tasks.extend(rust_crypto::tasks());
    let mut table = Table::default();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for task in &mut tasks {
            let rate = task.rate(Duration::from_millis(u64::from(milliseconds)));
            table.note(&task.name, task.library, rate);
        }
        match openssl::rates() {
            Ok(rates) => rates.iter().for_each(|(name, rate)| table.note(name, openssl::LIBRARY, *rate)),
            Err(error) => eprintln!("without OpenSSL: {error}"),
        }
    }
    print!("{}", table.markdown());
}
