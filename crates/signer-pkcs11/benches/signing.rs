//! Signatures per second through the signer beside the module's own, in one run; and how long a token is missed after each fault.
//!
//! `cargo bench -p signer-pkcs11 --bench signing > docs/evidence/token-DATE.md` makes the document; `-- SECONDS` changes how long each figure is measured. SoftHSM2 has to be
//! installed (`tests/run tools`). Not the isolated signer: nothing here leaves the process.

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench that cannot go on says why and ends"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a bench measures time, and tells itself by the environment where its tokens are"
)]

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ca_core::ports::Signer;
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use cryptoki::context::Pkcs11;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass};
use pkcs11_faults::{Deed, Plan};
use signer_pkcs11::{Pin, TokenOptions, TokenSigner, TokenState, TokenUri};
use zeroize::Zeroizing;

/// Says in the second run where the tokens are.
const DIRECTORY: &str = "SIGNER_PKCS11_BENCH_DIRECTORY";
const PIN: &str = "user-1234";
const REQUESTERS: usize = 64;
const SESSIONS: usize = 8;
const ROUNDS: usize = 5;
const DEVICE_ERROR: u64 = 0x30;
/// How long a token takes over a signature that has a processor of its own, in microseconds.
const TOKEN_TAKES: u64 = 2_000;

fn main() {
    let module = module();
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(2);
        report(&module, Path::new(&directory), Duration::from_secs(seconds));
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("tokens")).unwrap();
    let configuration = directory.path().join("softhsm2.conf");
    let tokens = directory.path().join("tokens");
    std::fs::write(&configuration, format!("directories.tokendir = {}\n", tokens.display())).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(std::env::args().skip(1))
        .env(DIRECTORY, directory.path())
        .env("SOFTHSM2_CONF", &configuration)
        .env(pkcs11_faults::MODULE, &module)
        .env(pkcs11_faults::PLAN, directory.path().join("plan"))
        .status();
    assert!(status.unwrap().success());
}

fn module() -> PathBuf {
    ["/usr/lib/softhsm", "/usr/lib/x86_64-linux-gnu/softhsm", "/usr/lib64/pkcs11", "/usr/local/lib/softhsm"]
        .map(|folder| Path::new(folder).join("libsofthsm2.so"))
        .into_iter()
        .find(|path| path.is_file())
        .expect("SoftHSM2 is not installed: run tests/run tools")
}

fn report(module: &Path, directory: &Path, length: Duration) {
    // Before the module is loaded, which sees no token that another program makes later.
    make_token("speed");
    make_token("faults");
    println!("# Tokens: speed, and recovery after faults\n");
    println!(
        "Made by `cargo bench -p signer-pkcs11 --bench signing`. SoftHSM2, {SESSIONS} sessions, on {} processors.\n",
        processors()
    );
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    println!(
        "The load of the machine was {} at the start. Above the number of processors the rates count for little, since more \
         threads get more of it.\n",
        load.split(' ').next().unwrap()
    );
    println!("## Signatures per second\n");
    println!(
        "{SESSIONS} threads with a session each that do nothing but C_SignInit and C_Sign, beside {REQUESTERS} requesters \
         through the signer; {ROUNDS} rounds of {} s each in turns, medians.\n",
        length.as_secs()
    );
    println!(
        "Processor time is what one signature takes of this process: unlike the rates, it does not depend on what else the \
         machine does.\n"
    );
    println!(
        "SoftHSM2 computes on the same processors as the signer, which verifies each signature: its processor time bounds what both can do together. \
         A token has a processor of its own: the last rows are of SoftHSM2 behind a module that lets {} ms pass in each C_Sign.\n",
        TOKEN_TAKES / 1_000
    );
    println!(
        "| token | curve | module alone | through the signer | of it | processor time alone | through the signer | a verification |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for curve in [Curve::P256, Curve::P384] {
        speed((module, "SoftHSM2"), curve, length);
    }
    let slow = pkcs11_faults::file_of_module().unwrap();
    let plan = directory.join("plan");
    Plan::new().always("C_Sign", Deed::Late(TOKEN_TAKES)).write(&plan).unwrap();
    for curve in [Curve::P256, Curve::P384] {
        speed((&slow, "with a processor of its own"), curve, length);
    }
    println!("\n## Recovery\n");
    println!(
        "From the moment the fault is over to the first signature, and how many requests were refused or left unknown.\n"
    );
    println!("| fault | recovered after | refused | unknown |\n|---|---|---|---|");
    recoveries(directory);
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

fn make_token(label: &str) {
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", label, "--so-pin", "so-1234", "--pin", PIN])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

fn pin() -> Pin {
    Pin::new(&Zeroizing::new(PIN.to_owned())).unwrap()
}

fn uri(module: &Path, token: &str) -> TokenUri {
    TokenUri::parse(&format!("pkcs11:token={token}?module-path={}", module.display())).unwrap()
}

fn speed((module, token): (&Path, &str), curve: Curve, length: Duration) {
    let options = TokenOptions { sessions: NonZeroUsize::new(SESSIONS).unwrap(), ..TokenOptions::default() };
    let signer = TokenSigner::open_with(&uri(module, "speed"), pin(), options).unwrap();
    let key = signer.generate(curve, &format!("{token}, {curve}")).unwrap();
    let (mut alone, mut through) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(raw(module, &key, length));
        let (signer, key) = (&signer, &key);
        through.push(count(REQUESTERS, length, || {
            move || {
                signer.sign(&key.key_ref(), b"to be signed").unwrap();
            }
        }));
    }
    let (alone, through) = (Rate::median(alone), Rate::median(through));
    println!(
        "| {token} | {curve} | {:.0} | {:.0} | {:.2} | {:.0} µs | {:.0} µs | {:.0} µs |",
        alone.per_second,
        through.per_second,
        through.per_second / alone.per_second,
        alone.processor * 1e6,
        through.processor * 1e6,
        verification(&signer, &key, length).processor * 1e6
    );
}

/// What the signer does beside: each signature is verified before it is used.
fn verification(signer: &TokenSigner, key: &PublicKey, length: Duration) -> Rate {
    let signature = signer.sign(&key.key_ref(), b"to be signed").unwrap();
    count(processors(), length, || || key.verify(b"to be signed", &signature).unwrap())
}

/// The module by itself. The signer has logged this process in.
fn raw(module: &Path, key: &PublicKey, length: Duration) -> Rate {
    let module = Pkcs11::new(module).unwrap();
    let slots = module.get_slots_with_initialized_token().unwrap();
    let slot =
        slots.into_iter().find(|slot| module.get_token_info(*slot).unwrap().label() == "speed").unwrap();
    let hash = vec![0x5A; key.curve().field_octets()];
    count(SESSIONS, length, || {
        let session = module.open_ro_session(slot).unwrap();
        let wanted =
            [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(key.key_ref().octets().to_vec())];
        let handle = session.find_objects(&wanted).unwrap()[0];
        let hash = hash.clone();
        move || {
            session.sign(&Mechanism::Ecdsa, handle, &hash).unwrap();
        }
    })
}

/// How often per second so many threads do something.
fn count<W: FnMut() + Send>(threads: usize, length: Duration, worker: impl Fn() -> W) -> Rate {
    let (running, done) = (AtomicBool::new(true), AtomicU64::new(0));
    let workers: Vec<W> = (0..threads).map(|_| worker()).collect();
    let (start, processor) = (Instant::now(), processor_seconds());
    std::thread::scope(|scope| {
        for mut work in workers {
            let (running, done) = (&running, &done);
            scope.spawn(move || {
                while running.load(Ordering::Relaxed) {
                    work();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while start.elapsed() < length {
            std::thread::park_timeout(length.saturating_sub(start.elapsed()));
        }
        running.store(false, Ordering::Relaxed);
    });
    let done = f64::from(u32::try_from(done.into_inner()).unwrap());
    Rate {
        per_second: done / start.elapsed().as_secs_f64(),
        processor: (processor_seconds() - processor) / done,
    }
}

/// What was measured in one round.
struct Rate {
    per_second: f64,
    /// Seconds of processor time for one signature.
    processor: f64,
}

impl Rate {
    fn median(rounds: Vec<Self>) -> Self {
        let median = |mut figures: Vec<f64>| {
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        Self {
            per_second: median(rounds.iter().map(|round| round.per_second).collect()),
            processor: median(rounds.iter().map(|round| round.processor).collect()),
        }
    }
}

/// The processor time of this process until now: user and system, in the hundredths of a second that Linux counts.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: Vec<f64> =
        fields.split_whitespace().skip(11).take(2).map(|field| field.parse().unwrap()).collect();
    (ticks[0] + ticks[1]) / 100.0
}

fn recoveries(directory: &Path) {
    let plan = directory.join("plan");
    let module = pkcs11_faults::file_of_module().unwrap();
    Plan::new().write(&plan).unwrap();
    let options = TokenOptions { longest_call: Duration::from_secs(2), ..TokenOptions::default() };
    let signer = TokenSigner::attend(&uri(&module, "faults"), pin(), options).unwrap();
    let key = signer.generate(Curve::P256, "k").unwrap();
    for (fault, faulty) in [
        ("login lost", Plan::new().once("C_SignInit", Deed::Logout)),
        ("module started anew", Plan::new().once("C_SignInit", Deed::Restart)),
        (
            "slots renumbered, module started anew",
            Plan::new().renumbered(9).once("C_SignInit", Deed::Restart),
        ),
        ("device error once, while signing", Plan::new().once("C_Sign", Deed::AnswerAfter(DEVICE_ERROR))),
        ("C_Sign hangs, given up after 2 s", Plan::new().once("C_Sign", Deed::Hang)),
        ("unplugged, plugged in again at once", Plan::new().gone("faults")),
    ] {
        let restored = if faulty == Plan::new().gone("faults") { Plan::new() } else { faulty.clone() };
        faulty.write(&plan).unwrap();
        let (mut refused, mut unknown) = (0_u32, 0_u32);
        let mut over = Instant::now();
        loop {
            match signer.sign(&key.key_ref(), b"to be signed") {
                Ok(_) => break,
                Err(ca_core::ports::SignError::OutcomeUnknown { .. }) => unknown += 1,
                Err(_) => refused += 1,
            }
            if refused + unknown == 1 {
                // What is over by itself stays as it is.
                if restored == Plan::new() {
                    restored.write(&plan).unwrap();
                }
                over = Instant::now();
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        println!("| {fault} | {:.3} s | {refused} | {unknown} |", over.elapsed().as_secs_f64());
        Plan::new().write(&plan).unwrap();
        while signer.state() != TokenState::Serving {
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}
