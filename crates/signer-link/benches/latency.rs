//! What a signer in a process of its own costs: the time of a signature beside the same signer in this process, in the same run,
//! with keys in files, on a token of SoftHSM2, and on one that takes time and no processor, as hardware does; how many signatures a
//! sync of the log carries; what of a processor each takes; and how long a signer that was killed is missed.
//!
//! `cargo bench -p signer-link`. The processes are this program again: SoftHSM2 reads its environment once. What of the token's
//! own limit is left stands in the lines that begin with "of the limit".

#![expect(clippy::disallowed_methods, reason = "a bench measures time, and is told where its directory is")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ca_core::key_ref::KeyRef;
use ca_core::octets::{Octets, OctetsError};
use ca_core::ports::{Clock, SignError, Signer};
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
use signer_link::log::{LogPlan, LogReader, SegmentBounds};
use signer_link::server::LinkServer;
use signer_pkcs11::{Pin, RawSigner, TokenKey, TokenOptions, TokenSigner, TokenUri};

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
        "| keys | signer | requesters | signatures/s | p50 µs | p99 µs | syncs/s | signatures per sync | processor µs: requester | signer |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    )?;
    for keys in ["software", "SoftHSM2", HARDWARE] {
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
        "| – | sync of 200 octets, the log's disk alone | 1 | {:.0} | – | – | – | – | – | – |",
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
    if keys == HARDWARE {
        let (signer, key) = open("software", folder)?;
        return Ok((Arc::new(Hardware { signer, free: Mutex::new(AT_ONCE), freed: Condvar::new() }), key));
    }
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
    let (signer, key) = open_token(folder)?;
    Ok((Arc::new(signer), key))
}

/// Opens the key of the bench on its token; makes it where there is none.
fn open_token(folder: &Path) -> Result<(TokenSigner, KeyRef), Failed> {
    let uri = token()?;
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
    Ok((signer, key))
}

fn token() -> Result<TokenUri, Failed> {
    let module = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
    ];
    let module =
        module.into_iter().find(|path| Path::new(path).exists()).ok_or("SoftHSM2 is not installed")?;
    Ok(TokenUri::parse(&format!("pkcs11:token=bench?module-path={module}"))?)
}

/// The token's own limit: so many sessions that do nothing but `C_SignInit` and `C_Sign`, and none of our code beside them. Returns
/// signatures a second, and microseconds of a processor for one.
fn raw(key: &TokenKey, sessions: usize) -> Result<(f64, f64), Failed> {
    let before = labour(std::process::id())?;
    let began = Instant::now();
    let counts: Vec<u32> = thread::scope(|scope| {
        let one = || {
            let session = RawSigner::open(&token()?, key)?;
            let mut count = 0;
            while began.elapsed() < TIME {
                session.sign(&[0x5A; 32])?;
                count += 1;
            }
            Ok::<_, Failed>(count)
        };
        let signing: Vec<_> = (0..sessions).map(|_| scope.spawn(one)).collect();
        let told =
            signing.into_iter().map(|one| one.join().map_err(|_| Failed::from("a session panicked"))?);
        told.collect::<Result<_, Failed>>()
    })?;
    let count = f64::from(counts.iter().sum::<u32>());
    let spent = labour(std::process::id())?.saturating_sub(before).as_secs_f64();
    Ok((count / began.elapsed().as_secs_f64(), spent * 1_000_000.0 / count))
}

/// A token as a network HSM is: eight signatures at once, each of which takes ten milliseconds and nothing of our processor. What it
/// signs with is a key in a file.
const HARDWARE: &str = "played, 8 at once, 10 ms each";
const AT_ONCE: usize = 8;
const TAKES: Duration = Duration::from_millis(10);

struct Hardware {
    signer: Arc<dyn Signer>,
    free: Mutex<usize>,
    freed: Condvar,
}

impl Hardware {
    fn take(&self) {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_while(free, |free| *free == 0);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
        thread::sleep(TAKES);
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.freed.notify_one();
    }
}

impl Signer for Hardware {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        self.signer.public_key(key)
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        self.take();
        self.signer.sign(key, message)
    }

    fn check_at_hand(&self, key: &KeyRef) -> Result<(), SignError> {
        self.signer.check_at_hand(key)
    }
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
    let segment = SegmentBounds { records: u64::MAX, octets: u64::MAX };
    let log = LogPlan { path: folder.join("signatures.log"), segment };
    let desk = GuardedDesk::open(means, vec![charter], log, Box::new(|_| ()))?;
    let desk = Arc::new(desk);
    let server = LinkServer::bind(&folder.join("signer.sock"), &BTreeSet::new(), folder)?;
    let serving = server.serve(desk.clone())?;
    writeln!(io::stdout(), "serving")?;
    // Each line that comes asks how often it has synced so far.
    for line in io::stdin().lines() {
        line?;
        writeln!(io::stdout(), "{}", desk.syncs())?;
    }
    serving.stop();
    without.stop();
    Ok(())
}

/// The signer's process.
struct Served {
    child: Child,
    asks: ChildStdin,
    says: BufReader<ChildStdout>,
}

impl Served {
    fn start(keys: &str, folder: &Path) -> Result<Self, Failed> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", keys])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let asks = child.stdin.take().ok_or("its ear")?;
        let says = BufReader::new(child.stdout.take().ok_or("its words")?);
        let mut served = Self { child, asks, says };
        if served.line()? == "serving" { Ok(served) } else { Err("the signer does not serve".into()) }
    }

    fn line(&mut self) -> Result<String, Failed> {
        let mut line = String::new();
        self.says.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    fn syncs(&mut self) -> Result<u32, Failed> {
        writeln!(self.asks)?;
        Ok(self.line()?.parse()?)
    }
}

/// Processor time of a process so far.
fn labour(process: u32) -> Result<Duration, Failed> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // proc(5): the name, in parentheses, is the second field; user and system time are the 14th and 15th, in hundredths of a second.
    let (_, fields) = text.rsplit_once(')').ok_or("proc(5)")?;
    let times = fields.split_ascii_whitespace().skip(11).take(2);
    let ticks = times.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(10 * ticks))
}

/// Measures the signer here, and the same in a process of its own.
fn measure(keys: &str, folder: &Path) -> Result<(), Failed> {
    let (here, key, on_token) = if keys == "SoftHSM2" {
        let (signer, key) = open_token(folder)?;
        let mut found = signer.keys()?.into_iter().filter_map(|object| object.key.ok());
        let on_token = found.find(|one| one.public_key.key_ref() == key);
        let signer: Arc<dyn Signer> = Arc::new(signer);
        (signer, key, on_token)
    } else {
        let (signer, key) = open(keys, folder)?;
        (signer, key, None)
    };
    let mut served = Served::start(keys, folder)?;
    let bounds = LinkBounds { requests: 64, ..LinkBounds::default() };
    let link = |socket| SignerLink::open(&folder.join(socket), bounds);
    let (bare, whole) = (link("bare.sock")?, link("signer.sock")?);
    let mut out = io::stdout();
    for requesters in [1, 8, 64] {
        // A session for each of as many as the signer has.
        let limit = on_token.as_ref().map(|key| raw(key, requesters.min(16))).transpose()?;
        if let Some((rate, each)) = limit {
            let sessions = requesters.min(16);
            writeln!(
                out,
                "| {keys} | the module alone: C_SignInit and C_Sign in {sessions} sessions | {requesters} | {rate:.0} | – | – | – | – | {each:.0} | – |"
            )?;
        }
        let signers: [(&str, &dyn Signer); 3] = [
            ("in this process", &*here),
            ("in a process of its own, which neither looks nor keeps a log", &bare),
            ("in a process of its own", &whole),
        ];
        let mut figures = Vec::new();
        for (name, signer) in signers {
            let figure = figure(signer, &key, requesters, &mut served)?;
            writeln!(out, "| {keys} | {name} | {requesters} | {} |", figure.cells())?;
            figures.push(figure);
        }
        if let [alone, _, kept] = figures.as_slice() {
            let added = |of: fn(&Figure) -> u128| {
                i128::try_from(of(kept)).unwrap_or(0) - i128::try_from(of(alone)).unwrap_or(0)
            };
            writeln!(
                out,
                "| {keys} | of the limit, and added by the process | {requesters} | {:.2} | {:+} | {:+} | – | – | – | – |",
                kept.rate / limit.map_or(alone.rate, |(rate, _)| rate),
                added(|figure| figure.p50),
                added(|figure| figure.p99),
            )?;
        }
    }
    writeln!(
        out,
        "| {keys} | verification of one signature, by one | 1 | {:.0} | – | – | – | – | – | – |",
        verified(&*here, &key)?
    )?;
    // Killed, and started at once, as systemd does.
    let killed = Instant::now();
    served.child.kill()?;
    served.child.wait()?;
    let mut served = Served::start(keys, folder)?;
    while whole.sign(&key, &message()).is_err() {
        thread::sleep(Duration::from_millis(1));
    }
    writeln!(
        out,
        "| {keys} | killed, started anew, and signs again after {:.3} s | 1 | – | – | – | – | – | – | – |",
        killed.elapsed().as_secs_f64()
    )?;
    drop((bare, whole, served.asks));
    served.child.wait()?;
    let began = Instant::now();
    let mut log = LogReader::new(BufReader::new(File::open(folder.join("signatures.log"))?));
    if let Some(fault) = log.by_ref().find_map(Result::err) {
        return Err(fault.into());
    }
    let rate = f64::from(u32::try_from(log.head().records)?) / began.elapsed().as_secs_f64();
    writeln!(
        out,
        "| {keys} | records of the log read and verified at a start | 1 | {rate:.0} | – | – | – | – | – | – |"
    )?;
    Ok(())
}

/// How many signatures one thread verifies in a second, as the signer does after each call.
fn verified(signer: &dyn Signer, key: &KeyRef) -> Result<f64, Failed> {
    let (public, signature, message) = (signer.public_key(key)?, signer.sign(key, &message())?, message());
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < TIME / 4 {
        public.verify(&message, &signature)?;
        count += 1;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

/// What was measured of one signer.
struct Figure {
    rate: f64,
    p50: u128,
    p99: u128,
    syncs: f64,
    per_sync: f64,
    /// Microseconds of a processor for one signature.
    requester: f64,
    signer: f64,
}

impl Figure {
    fn cells(&self) -> String {
        let Self { rate, p50, p99, syncs, per_sync, requester, signer } = self;
        let log = if *syncs > 0.0 { format!("{syncs:.0} | {per_sync:.1}") } else { "– | –".to_owned() };
        format!("{rate:.0} | {p50} | {p99} | {log} | {requester:.0} | {signer:.0}")
    }
}

fn figure(
    signer: &dyn Signer,
    key: &KeyRef,
    requesters: usize,
    served: &mut Served,
) -> Result<Figure, Failed> {
    let message = message();
    let before = (served.syncs()?, labour(std::process::id())?, labour(served.child.id())?);
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
    let after = (served.syncs()?, labour(std::process::id())?, labour(served.child.id())?);
    let mut times = times;
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).map_or(0, Duration::as_micros);
    let count = f64::from(u32::try_from(times.len())?);
    let syncs = f64::from(after.0 - before.0);
    let each = |spent: Duration| spent.as_secs_f64() * 1_000_000.0 / count;
    Ok(Figure {
        rate: count / elapsed,
        p50: at(50),
        p99: at(99),
        syncs: syncs / elapsed,
        per_sync: count / syncs.max(1.0),
        requester: each(after.1.saturating_sub(before.1)),
        signer: each(after.2.saturating_sub(before.2)),
    })
}
