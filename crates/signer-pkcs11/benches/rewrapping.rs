//! Secrets wrapped anew per second, beside the token's own `C_UnwrapKey`, `C_WrapKey` and `C_DestroyObject` in the same run; and what stays in memory.
//!
//! `cargo bench -p signer-pkcs11 --bench rewrapping > docs/evidence/secrets-DATE.md` makes the document; `-- SECONDS` changes how long each figure is
//! measured. SoftHSM2 has to be installed (`tests/run tools`). Not the reading and writing of files: those are the program's.

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
use std::time::{Duration, Instant};

use ca_core::record::{SecretKind, WrappedSecret};
use cryptoki::context::Pkcs11;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use signer_pkcs11::{Door, Pin, SecretVault, TokenUri, make_storage_key};
use zeroize::Zeroizing;

/// Says in the second run where the tokens are.
const DIRECTORY: &str = "SIGNER_PKCS11_BENCH_DIRECTORY";
const PIN: &str = "user-1234";
const ROUNDS: usize = 5;
/// How many secrets are handed over at once.
const PIECE: usize = 200;

fn main() {
    let module = module();
    if std::env::var_os(DIRECTORY).is_some() {
        let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(2);
        report(&module, Duration::from_secs(seconds));
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let tokens = directory.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let configuration = directory.path().join("softhsm2.conf");
    std::fs::write(&configuration, format!("directories.tokendir = {}\n", tokens.display())).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(std::env::args().skip(1))
        .env(DIRECTORY, directory.path())
        .env("SOFTHSM2_CONF", &configuration)
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

fn report(module: &Path, length: Duration) {
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "speed", "--so-pin", "so-1234", "--pin", PIN])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let uri = TokenUri::parse(&format!("pkcs11:token=speed?module-path={}", module.display())).unwrap();
    let pin = Pin::new(&Zeroizing::new(PIN.to_owned())).unwrap();
    let door = Door { uri: &uri, pin: &pin, officer_pin: None };
    for label in ["from", "to"] {
        make_storage_key(door, label).unwrap();
    }
    println!("# Secrets wrapped anew: speed\n");
    let built = if cfg!(debug_assertions) { "without optimisation" } else { "with optimisation" };
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    println!(
        "Made by `cargo bench -p signer-pkcs11 --bench rewrapping`, built {built}. SoftHSM2, on {} processors; the load of the machine was {} at \
         the start, which the rates are to be read with. The two columns were measured in turns, {ROUNDS} rounds of {} s each; medians.\n",
        std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        load.split(' ').next().unwrap(),
        length.as_secs()
    );
    println!(
        "*The token alone* is C_UnwrapKey, C_WrapKey twice (its length is asked for first) and C_DestroyObject, and nothing else, in as many \
         sessions. A password is proven unchanged besides, which is as many calls again and two hashes.\n"
    );
    println!(
        "| secret | sessions | the token alone, per second | through the vault | of it | left in memory, a secret, by the token alone | through the vault |"
    );
    println!("|---|---|---|---|---|---|---|");
    for sessions in [1, 4] {
        for (name, kind) in
            [("key of 16 octets", SecretKind::Guek), ("password of 16 octets", SecretKind::Lls)]
        {
            row(module, door, (name, kind), (sessions, length));
        }
    }
}

fn row(
    module: &Path,
    door: Door<'_>,
    (name, kind): (&str, SecretKind),
    (sessions, length): (usize, Duration),
) {
    let vault = SecretVault::open_with(door, NonZeroUsize::new(sessions).unwrap()).unwrap();
    let mut raws: Vec<Raw> = (0..sessions).map(|_| Raw::open(module, kind)).collect();
    let list = vec![raws[0].secret(); PIECE];
    let (mut alone, mut through) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(measured(length, || {
            std::thread::scope(|scope| {
                for raw in &mut raws {
                    scope.spawn(move || (0..PIECE / sessions).for_each(|_| raw.rewrap()));
                }
            });
            PIECE / sessions * sessions
        }));
        through.push(measured(length, || {
            let answers = vault.rewrap_all(&list, "to");
            assert!(answers.iter().all(Result::is_ok));
            answers.len()
        }));
    }
    let [alone, through] = [alone, through].map(Figure::median);
    println!(
        "| {name} | {sessions} | {:.0} | {:.0} | {:.2} | {:.0} octets | {:.0} octets |",
        alone.per_second,
        through.per_second,
        through.per_second / alone.per_second,
        alone.left,
        through.left
    );
}

/// A session that wraps one secret anew, and looks at nothing.
struct Raw {
    session: Session,
    kind: SecretKind,
    template: Vec<Attribute>,
    from: ObjectHandle,
    to: ObjectHandle,
    blob: Vec<u8>,
}

impl Raw {
    /// Opens it beside the vault, which has logged this process in, and makes a secret.
    fn open(module: &Path, kind: SecretKind) -> Self {
        let module = Pkcs11::new(module).unwrap();
        let slots = module.get_slots_with_initialized_token().unwrap();
        let slot =
            slots.into_iter().find(|slot| module.get_token_info(*slot).unwrap().label() == "speed").unwrap();
        let session = module.open_ro_session(slot).unwrap();
        let key = |label: &str| {
            let wanted =
                [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Label(label.as_bytes().to_vec())];
            session.find_objects(&wanted).unwrap()[0]
        };
        let (from, to) = (key("from"), key("to"));
        let key_type = if is_password(kind) { KeyType::GENERIC_SECRET } else { KeyType::AES };
        let made =
            [Attribute::Token(false), Attribute::Extractable(true), Attribute::ValueLen(16_u64.into())];
        let secret = session.generate_key(&Mechanism::AesKeyGen, &made).unwrap();
        let blob = session.wrap_key(&mechanism(kind), from, secret).unwrap();
        let template = vec![
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(key_type),
            Attribute::Token(false),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(true),
        ];
        Self { session, kind, template, from, to, blob }
    }

    fn secret(&self) -> WrappedSecret {
        WrappedSecret { kind: self.kind, wrapped_by: "from".to_owned(), octets: self.blob.clone() }
    }

    fn rewrap(&self) {
        let mechanism = mechanism(self.kind);
        let secret = self.session.unwrap_key(&mechanism, self.from, &self.blob, &self.template).unwrap();
        self.session.wrap_key(&mechanism, self.to, secret).unwrap();
        self.session.destroy_object(secret).unwrap();
    }
}

const fn is_password(kind: SecretKind) -> bool {
    matches!(kind, SecretKind::Hls | SecretKind::Lls)
}

const fn mechanism(kind: SecretKind) -> Mechanism<'static> {
    if is_password(kind) { Mechanism::AesKeyWrapPad } else { Mechanism::AesKeyWrap }
}

/// What was measured in one round.
struct Figure {
    per_second: f64,
    /// Octets of memory that this process had more afterwards, for each secret.
    left: f64,
}

impl Figure {
    fn median(rounds: Vec<Self>) -> Self {
        let median = |mut figures: Vec<f64>| {
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        Self {
            per_second: median(rounds.iter().map(|round| round.per_second).collect()),
            left: median(rounds.iter().map(|round| round.left).collect()),
        }
    }
}

fn measured(length: Duration, mut work: impl FnMut() -> usize) -> Figure {
    let (start, before) = (Instant::now(), resident());
    let mut done = 0;
    while start.elapsed() < length {
        done += work();
    }
    let elapsed = start.elapsed().as_secs_f64();
    let done = f64::from(u32::try_from(done).unwrap());
    Figure { per_second: done / elapsed, left: (resident() - before) / done }
}

/// Octets of memory that this process has.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kibibytes: u32 = line.trim().trim_end_matches(" kB").parse().unwrap();
    f64::from(kibibytes) * 1024.0
}
