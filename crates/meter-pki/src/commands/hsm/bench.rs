//! `meter-pki hsm bench`: how many signatures a second the module makes by itself, and how many through the signer, in one run.
//!
//! The figures hold for this machine, this token and what else it did meanwhile. Nothing that is signed is used.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ca_core::ports::Signer;
use serde::Serialize;
use signer_pkcs11::RawSigner;
use utoipa::ToSchema;

use super::access;
use super::failure;
use crate::cli::hsm::BenchArgs;
use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::operator::wire::words::{CurveWord, KeyName};

/// What was measured.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmBench)]
pub(in crate::commands) struct BenchView {
    #[schema(value_type = KeyName)]
    key: String,
    #[schema(value_type = CurveWord)]
    curve: String,
    seconds: u64,
    module_alone: FigureView,
    through_the_signer: FigureView,
    /// Of the rates.
    ratio: f64,
}

/// One of the two figures.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmBenchFigure)]
pub(in crate::commands) struct FigureView {
    threads: usize,
    signatures: usize,
    per_second: f64,
    p50_microseconds: u64,
    p99_microseconds: u64,
}

pub(super) fn run(args: &BenchArgs, printer: &Printer) -> Result<(), Failure> {
    let uri = access::uri(&args.uri)?;
    let sessions = NonZeroUsize::new(usize::from(args.sessions)).unwrap_or(NonZeroUsize::MIN);
    let (signer, key) = access::one_key(&uri, sessions)?;
    access::sign_once(&signer, &key.public_key)?;
    let length = Duration::from_secs(args.seconds);
    printer.progress("measuring the module alone");
    let hash = vec![0x5A; key.public_key.curve().field_octets()];
    // As many threads as the token has sessions for, so that none waits for another.
    let mut alone: Vec<RawSigner> = Vec::new();
    for _ in 0..sessions.get() {
        match RawSigner::open(&uri, &key) {
            Ok(one) => alone.push(one),
            Err(error) if alone.is_empty() => return Err(failure::open(&error)),
            Err(_) => break,
        }
    }
    let works: Vec<_> = alone
        .into_iter()
        .map(|one| {
            let hash = &hash;
            move || one.sign(hash).map(drop).map_err(|error| error.to_string())
        })
        .collect();
    let module_alone = measure(works, length)?;
    printer.progress("measuring through the signer");
    let works: Vec<_> = (0..args.requesters)
        .map(|_| {
            let (signer, key) = (&signer, key.public_key.key_ref());
            move || signer.sign(&key, b"meter-pki hsm bench").map(drop).map_err(|error| error.to_string())
        })
        .collect();
    let through_the_signer = measure(works, length)?;
    let view = BenchView {
        key: key.public_key.key_ref().to_string(),
        curve: key.public_key.curve().to_string(),
        seconds: args.seconds,
        ratio: through_the_signer.per_second / module_alone.per_second,
        module_alone,
        through_the_signer,
    };
    printer.result(&view, |view| {
        let figure = |name: &str, one: &FigureView| {
            format!(
                "{name:<19} {:>9.0} a second, p50 {} µs, p99 {} µs, with {} at once",
                one.per_second, one.p50_microseconds, one.p99_microseconds, one.threads
            )
        };
        vec![
            format!("{} on {}, {} s each", view.key, view.curve, view.seconds),
            figure("the module alone", &view.module_alone),
            figure("through the signer", &view.through_the_signer),
            format!("the signer reaches {:.2} of what the module does", view.ratio),
        ]
    });
    Ok(())
}

/// Has each do its work again and again, all at once.
fn measure<W: FnMut() -> Result<(), String> + Send>(
    works: Vec<W>,
    length: Duration,
) -> Result<FigureView, Failure> {
    let (running, taken) = (AtomicBool::new(true), Mutex::new(Vec::new()));
    let failed: Mutex<Option<String>> = Mutex::new(None);
    let threads = works.len();
    let start = now();
    std::thread::scope(|scope| {
        for mut work in works {
            let (running, taken, failed) = (&running, &taken, &failed);
            scope.spawn(move || {
                let mut mine = Vec::new();
                while running.load(Ordering::Relaxed) {
                    let from = now();
                    if let Err(cause) = work() {
                        *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(cause);
                        running.store(false, Ordering::Relaxed);
                    } else {
                        mine.push(from.elapsed());
                    }
                }
                taken.lock().unwrap_or_else(PoisonError::into_inner).extend(mine);
            });
        }
        while running.load(Ordering::Relaxed) && start.elapsed() < length {
            std::thread::park_timeout(length.saturating_sub(start.elapsed()).min(Duration::from_millis(100)));
        }
        running.store(false, Ordering::Relaxed);
    });
    let whole = start.elapsed();
    if let Some(cause) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(Failure::new(Exit::Unavailable, "hsm.not-signed", cause)
            .then("meter-pki hsm doctor URI --login; fewer --requesters or --sessions"));
    }
    Ok(figure(taken.into_inner().unwrap_or_else(PoisonError::into_inner), threads, whole))
}

fn figure(mut taken: Vec<Duration>, threads: usize, whole: Duration) -> FigureView {
    taken.sort_unstable();
    let at = |percent: usize| {
        let place = (taken.len() * percent / 100).min(taken.len().saturating_sub(1));
        taken.get(place).map_or(0, |one| u64::try_from(one.as_micros()).unwrap_or(u64::MAX))
    };
    let signatures = u32::try_from(taken.len()).unwrap_or(u32::MAX);
    FigureView {
        threads,
        signatures: taken.len(),
        per_second: f64::from(signatures) / whole.as_secs_f64(),
        p50_microseconds: at(50),
        p99_microseconds: at(99),
    }
}

#[expect(clippy::disallowed_methods, reason = "what is measured here is time itself")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_times_taken() {
        let taken = (1..=100).rev().map(Duration::from_micros).collect();
        let figure = figure(taken, 4, Duration::from_secs(2));
        assert_eq!((figure.p50_microseconds, figure.p99_microseconds), (51, 100));
        assert!((figure.per_second - 50.0).abs() < 1e-9);
    }

    #[test]
    fn no_signature_at_all_is_no_panic() {
        assert_eq!(figure(Vec::new(), 1, Duration::from_secs(1)).p99_microseconds, 0);
    }
}
