//! What a signer in a process of its own costs: the time of a signature beside the same signer in this process, in the same run,
//! with keys in files and on a token of SoftHSM2, and how often the disk of its log syncs.
//!
//! `cargo bench -p signer-link`. The processes are this program again: SoftHSM2 reads its environment once.

#![expect(clippy::disallowed_methods, reason = "a bench measures time, and is told where its directory is")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ca_core::key_ref::KeyRef;
use ca_core::octets::{Octets, OctetsError};
use ca_core::ports::{Clock, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use ca_core::to_be_signed::ToBeSigned;
use ca_core::validity::UnixTime;
use signer_file::{FileSigner, Iterations, KeyDirectory, Passphrase};
use signer_link::charter::{KeyCharter, Purpose, Rates};
use signer_link::client::{LinkBounds, SignerLink};
use signer_link::denial::Denial;
use signer_link::desk::{Asker, SignerState, SigningDesk};
use signer_link::guarded::{GuardedDesk, Means};
use signer_link::log::LogReader;
use signer_link::server::LinkServer;
use signer_pkcs11::{Pin, TokenOptions, TokenSigner, TokenUri};

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// How long each figure is measured.
const TIME: Duration = Duration::from_secs(4);

/// A message of CMP, as the key of messages signs it: of the length of a short certificate.
fn message() -> Vec<u8> {
    let header = [&[0x30, 0x82, 0x01, 0x40, 0x02, 0x01, 0x02][..], &[0x00; 0x13D]].concat();
    [&[0x30, 0x82, 0x01, 0x44][..], &header].concat()
}

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|one| one != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["measure", keys, folder] => measure(keys, Path::new(folder)),
        ["serve", keys, folder] => serve(keys, Path::new(folder)),
        _ => all(),
    }
}

/// Runs every measurement in a process of its own.
fn all() -> Result<(), Failed> {
    // On the disk of the build, not in memory: the log is synced.
    let ground = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "| keys | signer | requesters | signatures/s | p50 µs | p99 µs |\n|---|---|--:|--:|--:|--:|"
    )?;
    for keys in ["software", "SoftHSM2"] {
        let folder = ground.path().join(keys);
        fs::create_dir(&folder)?;
        let tokens = folder.join("tokens");
        fs::create_dir(&tokens)?;
        let configuration = folder.join("softhsm2.conf");
        fs::write(
            &configuration,
            format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display()),
        )?;
        if keys == "SoftHSM2" {
            let arguments =
                ["--init-token", "--free", "--label", "bench", "--so-pin", "so-1234", "--pin", "user-1234"];
            let made = Command::new("softhsm2-util")
                .args(arguments)
                .env("SOFTHSM2_CONF", &configuration)
                .output()?;
            if !made.status.success() {
                return Err(String::from_utf8_lossy(&made.stderr).into());
            }
        }
        let mut again = Command::new(std::env::current_exe()?);
        again.args(["measure", keys]).arg(&folder).env("SOFTHSM2_CONF", &configuration);
        if !again.status()?.success() {
            return Err("a measurement failed".into());
        }
    }
    writeln!(
        out,
        "| – | sync of 200 octets, the log's disk alone | 1 | {:.0} | – | – |",
        syncs(ground.path())?
    )?;
    Ok(())
}

/// How often a file is appended to and synced in a second, by one who waits for each.
fn syncs(folder: &Path) -> io::Result<f64> {
    let mut file = File::create(folder.join("synced"))?;
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < TIME {
        file.write_all(&[7; 200])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

/// Opens the key of the bench; makes it where there is none.
fn open(keys: &str, folder: &Path) -> Result<(Arc<dyn Signer>, KeyRef), Failed> {
    if keys == "software" {
        let passphrase = Passphrase::new(b"a passphrase of a bench".to_vec().into()).ok_or("a passphrase")?;
        let at = folder.join("keys");
        let directory = if at.exists() { KeyDirectory::open(&at)? } else { KeyDirectory::create(&at)? };
        let directory = directory.with_iterations(Iterations::LEAST);
        if directory.key_refs()?.is_empty() {
            directory.generate(Curve::P256, &passphrase)?;
        }
        let signer = FileSigner::unlock(&directory, &passphrase)?;
        let key = signer.public_keys().first().ok_or("a key")?.key_ref();
        return Ok((Arc::new(signer), key));
    }
    let module = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
    ];
    let module =
        module.into_iter().find(|path| Path::new(path).exists()).ok_or("SoftHSM2 is not installed")?;
    let uri = TokenUri::parse(&format!("pkcs11:token=bench?module-path={module}"))?;
    let pin = Pin::new(&String::from("user-1234").into()).ok_or("a PIN")?;
    let options = TokenOptions { sessions: NonZeroUsize::new(16).ok_or("16")?, ..TokenOptions::default() };
    let signer = TokenSigner::open_with(&uri, pin, options)?;
    let kept = folder.join("key");
    let key = if kept.exists() {
        KeyRef::parse(&fs::read_to_string(&kept)?).ok_or("a name")?
    } else {
        let key = signer.generate(Curve::P256, "bench")?.key_ref();
        fs::write(&kept, key.to_string())?;
        key
    };
    Ok((Arc::new(signer), key))
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        UnixTime::from_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}

/// A desk that signs whatever it gets: what the link costs by itself.
struct Bare {
    signer: Arc<dyn Signer>,
    key: PublicKey,
}

impl SigningDesk for Bare {
    fn keys(&self) -> Vec<PublicKey> {
        vec![self.key.clone()]
    }

    fn state(&self) -> SignerState {
        SignerState::default()
    }

    fn sign(&self, _: Asker, key: &KeyRef, octets: Octets) -> Result<EcdsaSignature, Denial> {
        let unread = |error: OctetsError| Denial::unavailable("octets", error, 1);
        let tbs = ToBeSigned::read(self.key.curve(), octets).map_err(unread)?;
        Ok(self.signer.sign_read(key, &tbs)?)
    }
}

/// The signer's process: it serves until its standard input ends.
fn serve(keys: &str, folder: &Path) -> Result<(), Failed> {
    let (signer, key) = open(keys, folder)?;
    let public_key = signer.public_key(&key)?;
    let bare = Arc::new(Bare { signer: Arc::clone(&signer), key: public_key });
    let without = LinkServer::bind(&folder.join("bare.sock"), &BTreeSet::new(), folder)?.serve(bare)?;
    let charter = KeyCharter { key, purpose: Purpose::Messages, rates: Rates::default() };
    let means = Means { signer, clock: Arc::new(SystemClock), tokens: Arc::new(Vec::new) };
    let desk = GuardedDesk::open(means, vec![charter], &folder.join("signatures.log"), Box::new(|_| ()))?;
    let server = LinkServer::bind(&folder.join("signer.sock"), &BTreeSet::new(), folder)?;
    let serving = server.serve(Arc::new(desk))?;
    writeln!(io::stdout(), "serving")?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    serving.stop();
    without.stop();
    Ok(())
}

/// Measures the signer here, and the same in a process of its own.
fn measure(keys: &str, folder: &Path) -> Result<(), Failed> {
    let (here, key) = open(keys, folder)?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(["serve", keys])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let said = BufReader::new(child.stdout.take().ok_or("its words")?).lines().next();
    if said.transpose()?.as_deref() != Some("serving") {
        return Err("the signer does not serve".into());
    }
    let bounds = LinkBounds { requests: 64, ..LinkBounds::default() };
    let link = |socket| SignerLink::open(&folder.join(socket), bounds);
    let (bare, whole) = (link("bare.sock")?, link("signer.sock")?);
    for requesters in [1, 8, 64] {
        let signers: [(&str, &dyn Signer); 3] = [
            ("in this process", &*here),
            ("in a process of its own, which neither looks nor keeps a log", &bare),
            ("in a process of its own", &whole),
        ];
        for (name, signer) in signers {
            let line = figure(signer, &key, requesters)?;
            writeln!(io::stdout(), "| {keys} | {name} | {requesters} | {line} |")?;
        }
    }
    drop((bare, whole));
    drop(child.stdin.take());
    child.wait()?;
    let began = Instant::now();
    let mut log = LogReader::new(BufReader::new(File::open(folder.join("signatures.log"))?));
    if let Some(fault) = log.by_ref().find_map(Result::err) {
        return Err(fault.into());
    }
    let rate = f64::from(u32::try_from(log.head().records)?) / began.elapsed().as_secs_f64();
    writeln!(
        io::stdout(),
        "| {keys} | records of the log read and verified at a start | 1 | {rate:.0} | – | – |"
    )?;
    Ok(())
}

fn figure(signer: &dyn Signer, key: &KeyRef, requesters: usize) -> Result<String, Failed> {
    let message = message();
    let began = Instant::now();
    let times: Vec<Duration> = thread::scope(|scope| {
        let one = || {
            let mut times = Vec::new();
            while began.elapsed() < TIME {
                let asked = Instant::now();
                signer.sign(key, &message)?;
                times.push(asked.elapsed());
            }
            Ok::<_, Failed>(times)
        };
        let asking: Vec<_> = (0..requesters).map(|_| scope.spawn(one)).collect();
        let told =
            asking.into_iter().map(|one| one.join().map_err(|_| Failed::from("a requester panicked"))?);
        told.collect::<Result<Vec<_>, Failed>>()
    })?
    .concat();
    let elapsed = began.elapsed().as_secs_f64();
    let mut times = times;
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).map_or(0, Duration::as_micros);
    let count = u32::try_from(times.len())?;
    Ok(format!("{:.0} | {} | {}", f64::from(count) / elapsed, at(50), at(99)))
}
