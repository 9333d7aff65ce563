//! What a manifest of very many devices takes: time, memory and octets of making and checking it, beside hashing and AES-CBC of
//! the same octets in the same run.
//!
//! `cargo bench -p shipment -- [DEVICES] [DIRECTORY]` prints a report. Devices are generated, each with a wrapped secret and
//! without certificates: what reading certificates takes is not the manifest's. Not a test: it fails only when something was
//! not done.

#![expect(clippy::print_stdout, reason = "the report is the output")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on says why and ends")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]
#![expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "figures for people")]

#[path = "../tests/manifest/ground.rs"]
#[expect(dead_code, clippy::expect_used, reason = "the ground of the tests has more than is needed here")]
mod ground;
#[path = "../../../policies/tests/certificates/hierarchy.rs"]
#[expect(
    dead_code,
    clippy::indexing_slicing,
    reason = "the rehearsal PKI of the profiles, as the tests have it"
)]
mod hierarchy;

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use ca_core::record::{DeliveredDevice, SecretKind, WrappedSecret};
use sha2::{Digest, Sha256};
use shipment::{Draft, Sender, check};

use ground::{Ground, OwnSigner, Random, bare};

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let devices: u32 = arguments.next().map_or(1_000_000, |text| text.parse().unwrap());
    let directory = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let ground = Ground::new("s1");
    let before = resident_kib("VmRSS:");
    println!("{devices} devices; {before} KiB are resident before anything is made");

    forget();
    let mut file = tempfile::tempfile_in(&directory).unwrap();
    let made = timed(|| make(&ground, devices, &file, tempfile::tempfile_in(&directory).unwrap()));
    let octets = file.metadata().unwrap().len();
    told("making", made, octets, before);

    forget();
    file.rewind().unwrap();
    let checked = timed(|| {
        let mut seen = 0;
        ground.as_recipient(|recipient| {
            check(BufReader::new(&file), &ground.expected(), recipient, &mut |_| seen += 1).unwrap()
        });
        assert_eq!(seen, devices);
    });
    told("checking", checked, octets, before);

    forget();
    file.rewind().unwrap();
    let raw = timed(|| hash_and_encrypt(&mut file));
    told("SHA-256 and AES-256-CBC alone", raw, octets, before);
    let ratio = |time: Duration| time.as_secs_f64() / raw.as_secs_f64();
    println!("making takes {:.1} times that, checking {:.1} times", ratio(made), ratio(checked));
}

fn make(ground: &Ground, devices: u32, file: &File, spool: File) {
    let signer = OwnSigner(ground.key("ship-signer"));
    let sender = Sender { certificate: &ground.signer, above: &ground.above, signer: &signer };
    let mut manifest = Draft::begin(ground.plan(), &ground.recipient, (spool, &Random)).unwrap();
    for number in 0..devices {
        let wrapped = number.to_be_bytes().repeat(6);
        let secret = WrappedSecret { kind: SecretKind::Kek, wrapped_by: "tk-1".to_owned(), octets: wrapped };
        let device =
            DeliveredDevice { secrets: vec![secret], batch: format!("B{}", number / 10_000), ..bare(number) };
        manifest.add(&device).unwrap();
    }
    manifest.finish(&sender, &mut BufWriter::new(file)).unwrap();
}

/// What nobody can do without: every octet through the hash and through the cipher, once.
fn hash_and_encrypt(file: &mut File) {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        let count = file.read(&mut buffer).unwrap();
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else { break };
        hash.update(read);
        let cipher = cbc::Encryptor::<Aes256>::new_from_slices(&[7; 32], &[9; 16]).unwrap();
        std::hint::black_box(cipher.encrypt_padded_vec::<Pkcs7>(read));
    }
    std::hint::black_box(hash.finalize());
}

fn timed<T>(run: impl FnOnce() -> T) -> Duration {
    let begin = Instant::now();
    std::hint::black_box(run());
    begin.elapsed()
}

fn told(what: &str, time: Duration, octets: u64, before: u64) {
    let mebioctets = octets as f64 / f64::from(1 << 20);
    let peak = resident_kib("VmHWM:").saturating_sub(before);
    println!(
        "{what}: {:.2} s for {mebioctets:.1} MiB, {:.1} MiB/s, at most {peak} KiB more resident",
        time.as_secs_f64(),
        mebioctets / time.as_secs_f64()
    );
}

/// Lets the peak be what this process has now (`proc_pid_status(5)`).
fn forget() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn resident_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
