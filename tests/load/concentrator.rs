//! `concentrator`: a nested message with the requests of thousands of meters, answered one by one. Ends with 1 when one was not.
//!
//! `cargo run --release -p e2e --bin concentrator`

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use e2e::concentrator::{Concentrator, answers};
use e2e::messages::{make_message_signer, serving_cmp};
use e2e::peer::{curl, path, to_der};
use e2e::rehearsal::Rehearsal;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::Generate as _;

#[derive(Debug, Parser)]
#[command(about = "Brings the requests of thousands of meters in one nested CMP message")]
struct Arguments {
    /// How many meters
    #[arg(long, default_value_t = 10_000)]
    meters: u32,
}

const LABEL: &str = "meter-factory-ds-s1";

#[expect(clippy::disallowed_methods, reason = "how long a server takes is measured from outside")]
fn main() -> ExitCode {
    let Arguments { meters } = Arguments::parse();
    let mut server = Rehearsal::start(1);
    server.stop();
    make_message_signer(&server);
    server.configure("cmp.toml", |text| serving_cmp(&text, &[LABEL], ""));
    server.serve();
    let place = |file: &str| server.state(&format!("tls/line-station.{file}"));
    let concentrator = Concentrator::new(&to_der(&place("pem")), &place("key"));
    let titles: Vec<String> = (0..meters).map(|number| format!("4D504B02{number:08X}")).collect();
    let batch = concentrator.batch(&titles);
    let file = server.scratch("batch.pki");
    std::fs::write(&file, &batch).expect("a file");
    let url = format!("{}/.well-known/cmp/p/{LABEL}/nested", server.origin());
    let body = format!("@{}", path(&file));
    let began = Instant::now();
    let answer = curl(
        &server,
        &url,
        &["--max-time", "900", "-H", "Content-Type: application/pkixcmp", "--data-binary", &body],
    );
    let took = began.elapsed().as_secs_f64();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answers = answers(&answer.body);
    let in_order =
        answers.iter().zip(&titles).filter(|(one, title)| **one == Ok(format!("CN={title}"))).count();
    let rate = f64::from(meters) / took;
    let limit = limit();
    println!(
        "{meters} requests in {} octets, {} octets of answers; {in_order} certificates in order; {took:.1} s, {rate:.0}/s; \
         bare signatures and verifications of as many on all processors: {limit:.0}/s; ratio {:.2}",
        batch.len(),
        answer.body.len(),
        rate / limit
    );
    if in_order == titles.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How often a second all processors together do what one request takes of bare cryptography: two signatures, certificate and
/// answer, and three verifications, of message, proof and certificate; by the library of this program, which is not the server's.
#[expect(clippy::disallowed_methods, reason = "the limit is measured beside it")]
fn limit() -> f64 {
    const TIMES: u32 = 400;
    let lanes = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                let key = SigningKey::generate();
                for _ in 0..TIMES {
                    let first: Signature = key.sign(b"a certificate");
                    let _second: Signature = key.sign(b"an answer");
                    for _ in 0..3 {
                        key.verifying_key().verify(b"a certificate", &first).expect("it is its own");
                    }
                }
            });
        }
    });
    let done = f64::from(TIMES) * f64::from(u32::try_from(lanes).unwrap_or(1));
    done / began.elapsed().as_secs_f64()
}
