//! Figures as Markdown: the whole of a run for docs/evidence, the rows that most ask for and the targets for the README. Judges
//! nothing.

use super::said::{Range, Row, Said, Target};

/// The limits and rows of the README, in this order. What was not measured is left out.
const BEST: [&str; 2] = ["signatures, P-256, 2 threads", "appends of 4,096 octets with fdatasync"];
const SHORT: [&str; 19] = [
    "chain, P-256, fjall, 1 requester",
    "chain, P-256, fjall, 64 requesters",
    "chain, P-256, fjall, batches of 10000",
    "chain, P-384, fjall, 64 requesters",
    "chain, P-384, fjall, batches of 10000",
    "chain, P-256, sled, 64 requesters",
    "chain, P-256, `openssl ca`, batches of 1000",
    "HTTP, P-256, `cfssl serve`, kept connections",
    "EST, P-256, a new connection each",
    "EST, P-256, kept connections",
    "CMP, P-256, ir confirmed, kept connections",
    "OCSP, P-256, answers given again",
    "OCSP, P-256, answers signed for a nonce",
    "revocations, each until OCSP says so",
    "OCSP, P-256, `openssl ocsp`, signed for each request",
    "OCSP, P-256, `cfssl ocspserve`, given again",
    "CRL, P-256, 1,000,000 entries",
    "starts, meter-pki serve until it is ready",
    "serve, EST, P-256, 64 clients on kept connections",
];

/// Our rows that the README has and that were not measured. Those of others are where others are installed.
pub(super) fn missing(said: &Said) -> Vec<&'static str> {
    let is_ours = |name: &&str| !name.contains('`');
    let was_measured = |name: &str| said.rows.iter().any(|row| row.name == name);
    SHORT.into_iter().filter(is_ours).filter(|name| !was_measured(name)).collect()
}

/// What the README says, between its marks.
pub(super) fn short(said: &Said, day: &str) -> String {
    let mut text = format!(
        "Medians of {}, {} on {}; all rows with their ends: [throughput](docs/evidence/throughput-{}.md).\n\n",
        day, said.machine.processors, said.machine.file_system, day
    );
    let best = BEST.iter().filter_map(|name| said.limits.iter().find(|limit| limit.name == *name));
    let best =
        best.map(|limit| [&limit.name, &grouped(limit.per_second.median), "–", "–", ""].map(str::to_owned));
    let rows = SHORT.iter().filter_map(|name| said.rows.iter().find(|row| row.name == *name));
    let rows = rows.map(|row| {
        let speed = &row.per_second;
        let waits = row.waits_milliseconds.as_ref();
        let waits = waits.map(|waits| format!("{:.2} / {:.2}", waits.p50.median, waits.p99.median));
        let ratio = format!("{:.2}", speed.ratio.median);
        let [measured, limit] = [&speed.measured, &speed.limit].map(|range| grouped(range.median));
        [row.name.clone(), measured, limit, ratio, waits.unwrap_or_default()]
    });
    text.push_str(&table(&["what", "per second", "limit", "ratio", "p50 / p99 ms"], best.chain(rows)));
    text.push('\n');
    text.push_str(&targets(&said.targets));
    text
}

/// All that was said, between the marks of the evidence.
pub(super) fn whole(said: &Said, (command, commit, drawn): (&str, &str, &str)) -> String {
    let machine = &said.machine;
    let octets = machine.program_octets.map(|octets| format!(" of {} octets", grouped(octets)));
    let octets = octets.unwrap_or_default();
    let mut text = format!(
        "`{command}`, commit {commit}, {}{octets}, began {}: {}, {}, {}, load {} before and {} after. Software keys, full durability, clients in the same process. [The same as bars]({drawn}).\n\n",
        machine.program,
        machine.began,
        machine.processors,
        machine.system,
        machine.file_system,
        machine.load[0],
        machine.load[1]
    );
    text.push_str(&rows(&said.rows));
    text.push_str(
        "\nIn brackets the least and the most of the rounds. \"Least\" is the processor time of what cannot be left out, \"stored\" how many certificates the ledger had when rounds began.\n",
    );
    if !said.growth.is_empty() {
        text.push_str("\n## As it grows\n\n");
        text.push_str(&growth(said));
    }
    text.push_str("\n## Targets\n\n");
    text.push_str(&targets(&said.targets));
    text.push_str("\n## What the machine does at best\n\n");
    let limits = said.limits.iter().map(|limit| {
        [limit.name.clone(), ends(&limit.per_second, grouped), ends(&limit.processor_microseconds, grouped)]
    });
    text.push_str(&table(&["what", "per second", "processor µs"], limits));
    text.push_str("\n## How the limits are made\n\n");
    for row in &said.rows {
        text.push_str(&format!("- {}: {}\n", sized(&row.name, row.size), row.limit));
    }
    text.push_str(&in_order(&said.rows));
    text
}

/// What the order of issuance allows by itself; nothing where no row waits in it.
fn in_order(rows: &[Row]) -> String {
    let lines: Vec<[String; 4]> = rows
        .iter()
        .filter_map(|row| {
            let order = row.order.as_ref()?;
            Some([
                sized(&row.name, row.size),
                ends(&order.per_second, grouped),
                ends(&order.ratio, hundredths),
                ends(&order.processor_microseconds, grouped),
            ])
        })
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    format!(
        "\n## What the order of issuance allows\n\nAs many threads verify, wait until an intent is on disk and until a mark is recorded, sign, verify, and wait until a certificate is on disk; one thread records for all. The ratio is the row to that.\n\n{}",
        table(&["row", "per second", "ratio", "processor µs"], lines.into_iter())
    )
}

fn rows(rows: &[Row]) -> String {
    let heads =
        ["row", "stored", "per second", "limit", "ratio", "processor µs", "least", "MiB", "p50 ms", "p99 ms"];
    let lines = rows.iter().map(|row| {
        let (speed, processor) = (&row.per_second, &row.processor_microseconds);
        let median =
            |range: &Option<Range>| range.as_ref().map_or_else(String::new, |range| grouped(range.median));
        let waits = row.waits_milliseconds.as_ref();
        let wait = |wait: Option<&Range>| wait.map_or_else(String::new, |wait| hundredths(wait.median));
        [
            row.name.clone(),
            median(&row.stored),
            ends(&speed.measured, grouped),
            grouped(speed.limit.median),
            ends(&speed.ratio, hundredths),
            grouped(processor.measured.median),
            grouped(processor.limit.median),
            median(&row.peak_mib),
            wait(waits.map(|waits| &waits.p50)),
            wait(waits.map(|waits| &waits.p99)),
        ]
    });
    table(&heads, lines)
}

fn growth(said: &Said) -> String {
    let lines = said.growth.iter().map(|one| {
        [
            one.row.clone(),
            grouped(one.stored),
            ends(&one.processor_microseconds, grouped),
            hundredths(one.ratio),
            hundredths(one.allowed),
            hundredths(one.drift),
            one.grows.clone(),
        ]
    });
    let heads = ["row", "stored", "processor µs", "ratio", "logarithm", "least", "it grows"];
    table(&heads, lines)
        + "\nEach ratio is to the same row with the fewest stored: of what it takes of the processors, of the logarithms of how many are stored, and of the least, which tells how much slower the machine became by itself.\n"
}

fn targets(targets: &[Target]) -> String {
    let lines = targets.iter().map(|one| {
        [
            sized(&one.row, one.size),
            grouped(one.measured),
            one.of.clone(),
            grouped(one.compared),
            hundredths(one.ratio),
            hundredths(one.least),
            if one.reached { "yes" } else { "no" }.to_owned(),
        ]
    });
    table(&["row", "measured", "compared with", "which is", "ratio", "target", "reached"], lines)
}

fn sized(name: &str, size: Option<u32>) -> String {
    size.map_or_else(|| name.to_owned(), |size| format!("{name}, {size} stored"))
}

fn ends(range: &Range, write: fn(f64) -> String) -> String {
    format!("{} [{} – {}]", write(range.median), write(range.least), write(range.most))
}

fn hundredths(ratio: f64) -> String {
    format!("{ratio:.2}")
}

/// Tenths below a hundred, whole numbers with their thousands apart above: as the program's own tables have it.
fn grouped(rate: f64) -> String {
    if rate < 100.0 {
        return format!("{rate:.1}");
    }
    let digits = format!("{rate:.0}");
    let mut text = String::with_capacity(digits.len() + 2);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A table of Markdown: numbers to the right, words to the left.
fn table<const N: usize>(heads: &[&str; N], lines: impl Iterator<Item = [String; N]>) -> String {
    let words = ["what", "row", "compared with", "reached", "it grows"];
    let bars: Vec<&str> = heads.iter().map(|head| if words.contains(head) { "---" } else { "--:" }).collect();
    let mut text = format!("| {} |\n|{}|\n", heads.join(" | "), bars.join("|"));
    for line in lines {
        text.push_str(&format!("| {} |\n", line.join(" | ")));
    }
    text
}
