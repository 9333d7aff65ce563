//! How figures are told to people. Judges nothing.

use crate::growth::grown;
use crate::measure::{Limit, Row, Term};
use crate::report::{Report, sized};
use crate::speed::Spread;
use crate::targets;

/// Tables for people: rows, their targets, what the machine does at best, and how the limits are made.
#[must_use]
pub fn text(report: &Report) -> String {
    let Report { rows, limits, .. } = report;
    let mut text = String::from(
        "\nThe median of all rounds, and in brackets the least and the most. The limits are what this machine\nallowed at the same time; processor time and memory are those of the whole process, clients included;\nof \"serve\" the memory is that of the server's process alone.\n\n",
    );
    text.push_str(&measured(rows));
    text.push_str(&as_it_grows(rows));
    text.push_str("\nTargets\n\n");
    text.push_str(&judged(report));
    text.push_str("\nWhat the machine does at best, measured beside the rows above\n\n");
    let lines = limits.iter().map(|noted| {
        let mut line = vec![noted.name.clone()];
        line.extend(columns(&noted.per_second, grouped));
        line.extend(columns(&noted.processor, grouped));
        line
    });
    text.push_str(&table(&["what", "per second", "", "processor µs", ""], lines));
    text.push_str("\nHow the limits are made: the slowest of what goes side by side\n\n");
    for row in rows {
        text.push_str(&format!("{}:\n    {}\n", sized(&row.name, row.size), formula(&row.made_of)));
    }
    text.push_str(&in_order(rows));
    text.push_str(&format!("\n{}", closing(report)));
    text
}

/// The rows.
fn measured(rows: &[Row]) -> String {
    let grow = rows.iter().any(|row| row.size.is_some());
    let mut heads = vec!["what"];
    heads.extend(grow.then_some("stored"));
    heads.extend(["per second", "", "limit", "ratio", "", "processor µs", "", "least", "ratio"]);
    heads.extend(["MiB", "p50 ms", "p99 ms"]);
    let lines = rows.iter().map(|row| {
        let (speed, processor) = (&row.per_second, &row.processor);
        let mut line = vec![row.name.clone()];
        line.extend(grow.then(|| row.stored.map_or_else(String::new, |stored| grouped(stored.median))));
        line.extend(columns(&speed.measured, grouped));
        line.push(grouped(speed.limit.median));
        line.extend(columns(&speed.ratio, hundredths));
        line.extend(columns(&processor.measured, grouped));
        line.extend([grouped(processor.limit.median), hundredths(processor.ratio.median)]);
        line.push(row.peak_mib.map_or_else(String::new, |peak| grouped(peak.median)));
        line.extend(row.waits.iter().flatten().map(|wait| hundredths(wait.median)));
        line
    });
    table(&heads, lines)
}

/// What the order of issuance allows by itself; nothing where no row waits in it.
fn in_order(rows: &[Row]) -> String {
    let lines: Vec<Vec<String>> = rows
        .iter()
        .filter_map(|row| {
            let order = row.order.as_ref()?;
            let mut line = vec![sized(&row.name, row.size)];
            line.extend(columns(&order.per_second, grouped));
            line.extend(columns(&order.ratio, hundredths));
            line.extend(columns(&order.processor, grouped));
            Some(line)
        })
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    format!(
        "\nWhat the order of issuance allows by itself: as many threads verify, wait until an intent is on disk and until a mark is\n\
         recorded, sign, verify, and wait until a certificate is on disk; one thread records for all. The ratio is the row to that\n\n{}",
        table(&["what", "per second", "", "ratio", "", "processor µs", ""], lines.into_iter())
    )
}

/// What rows cost with more and more certificates stored; nothing where all was measured once.
fn as_it_grows(rows: &[Row]) -> String {
    let grown = grown(rows);
    if grown.is_empty() {
        return String::new();
    }
    let heads = ["what", "stored", "processor µs", "", "ratio", "logarithm", "least", "it grows"];
    let lines = grown.iter().map(|one| {
        let mut line = vec![one.row.clone(), grouped(one.stored)];
        line.extend(columns(&one.cost, grouped));
        line.extend([one.ratio, one.allowed, one.drift].map(hundredths));
        line.push(one.growth.words().to_owned());
        line
    });
    format!(
        "\nAs it grows: each ratio is to the same row with the fewest stored; of the logarithms of how many are stored, and of the\n\
         least, which tells how much slower the machine became by itself\n\n{}",
        table(&heads, lines)
    )
}

/// The targets that there are for what was measured.
fn judged(report: &Report) -> String {
    let judged = targets::judge(&report.rows, &report.limits);
    let lines = judged.iter().map(|one| {
        let mark = if one.is_reached() { "reached" } else { "not reached" };
        vec![
            sized(&one.row, one.size),
            grouped(one.measured),
            grouped(one.compared),
            hundredths(one.ratio),
            hundredths(one.least),
            mark.to_owned(),
            one.of.clone(),
        ]
    });
    table(&["what", "measured", "compared with", "ratio", "target", "", "which is"], lines)
}

fn closing(Report { smoke, machine, .. }: &Report) -> String {
    let smoke = if *smoke { "\nA quick run: shows that everything runs, not how fast." } else { "" };
    let octets = machine.program_octets.map(|octets| format!(", {octets} octets")).unwrap_or_default();
    format!(
        "processors   {}\nsystem       {}\nfile system  {}\nload         {} before, {} after\nbegan        {}\n\
         program      {}{octets}\nClients and servers share this process and its processors; programs of others, and meter-pki where it is started, have\n\
         processes of their own, whose processor time is not counted.{smoke}",
        machine.processors,
        machine.system,
        machine.file_system,
        machine.load_before,
        machine.load_after,
        machine.began,
        machine.program,
    )
}

fn columns(spread: &Spread, write: impl Fn(f64) -> String) -> [String; 2] {
    [write(spread.median), format!("[{} – {}]", write(spread.least), write(spread.most))]
}

/// `1 ÷ (1/38,210 sign + 2/13,100 verify)`, one for each lane, and what the slowest lane spends its time on.
pub(crate) fn formula(limit: &Limit) -> String {
    let term = |term: &Term| {
        let shared = if term.shared_by == 1 { String::new() } else { format!("{} × ", term.shared_by) };
        format!("{}/({shared}{} {})", term.times, grouped(term.speed.per_second), term.step)
    };
    let lane = |lane: &Vec<Term>| format!("1 ÷ ({})", lane.iter().map(term).collect::<Vec<_>>().join(" + "));
    let lanes: Vec<String> = limit.lanes.iter().map(lane).collect();
    let slowest = limit.slowest();
    let whole: f64 = slowest.iter().map(Term::seconds).sum();
    let shares: Vec<String> =
        slowest.iter().map(|term| format!("{} {:.0} %", term.step, 100.0 * term.seconds() / whole)).collect();
    format!("{}; of which {}", lanes.join(" | "), shares.join(", "))
}

fn hundredths(ratio: f64) -> String {
    format!("{ratio:.2}")
}

/// Tenths below a hundred, whole numbers with their thousands apart above.
pub(crate) fn grouped(rate: f64) -> String {
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

/// Aligns columns: the first to the left, the others to the right.
fn table(heads: &[&str], lines: impl Iterator<Item = Vec<String>>) -> String {
    let heads = heads.iter().map(|head| (*head).to_owned()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(heads).chain(lines).collect();
    let mut widths: Vec<usize> = Vec::new();
    for line in &lines {
        widths.resize(widths.len().max(line.len()), 0);
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(
                |(place, (cell, width))| {
                    if place == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                },
            )
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}
