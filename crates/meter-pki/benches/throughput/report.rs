//! How figures are told: tables for people, JSON for programs. Judges nothing.

use std::io::{Write, stderr, stdout};

use serde_json::{Value, json};

use crate::machine::Machine;
use crate::measure::{Comparison, Limit, Row, Term};
use crate::options::{Form, Options};
use crate::speed::Spread;
use crate::yardsticks::Yardsticks;

/// Says how it is called.
pub(crate) fn complain(usage: &str) -> std::io::Result<()> {
    writeln!(stderr(), "{usage}")
}

/// Prints everything.
pub(crate) fn print(
    options: &Options,
    machine: &Machine,
    rows: &[Row],
    yardsticks: &Yardsticks,
) -> anyhow::Result<()> {
    let text = match options.form {
        Form::Json => serde_json::to_string_pretty(&object(options, machine, rows, yardsticks))?,
        Form::Table => text(options, machine, rows, yardsticks),
    };
    Ok(writeln!(stdout(), "{text}")?)
}

fn text(options: &Options, machine: &Machine, rows: &[Row], yardsticks: &Yardsticks) -> String {
    let mut text = String::from(
        "\nThe median of all rounds, and in brackets the least and the most. The limits are what this machine\nallowed at the same time; processor time is that of all threads, clients included.\n\n",
    );
    let heads = [
        "what",
        "per second",
        "",
        "limit",
        "ratio",
        "",
        "processor µs",
        "",
        "least",
        "ratio",
        "p50 ms",
        "p99 ms",
    ];
    let lines = rows.iter().map(|row| {
        let (speed, processor) = (&row.per_second, &row.processor);
        let mut line = vec![row.name.clone()];
        line.extend(columns(&speed.measured, grouped));
        line.push(grouped(speed.limit.median));
        line.extend(columns(&speed.ratio, hundredths));
        line.extend(columns(&processor.measured, grouped));
        line.extend([grouped(processor.limit.median), hundredths(processor.ratio.median)]);
        line.extend(row.waits.iter().flatten().map(|wait| hundredths(wait.median)));
        line
    });
    text.push_str(&table(&heads, lines));
    text.push_str("\nWhat the machine does at best, measured beside the rows above\n\n");
    let lines = yardsticks.noted().into_iter().map(|(name, speed, processor)| {
        let mut line = vec![name.to_owned()];
        line.extend(columns(&speed, grouped));
        line.extend(columns(&processor, grouped));
        line
    });
    text.push_str(&table(&["what", "per second", "", "processor µs", ""], lines));
    text.push_str("\nHow the limits are made: the slowest of what goes side by side\n\n");
    for row in rows {
        text.push_str(&format!("{}:\n    {}\n", row.name, formula(&row.made_of)));
    }
    text.push_str(&format!("\n{}", closing(options, machine)));
    text
}

fn closing(options: &Options, machine: &Machine) -> String {
    let smoke =
        if options.is_smoke() { "\nA quick run: shows that everything runs, not how fast." } else { "" };
    format!(
        "processors   {}\nsystem       {}\nfile system  {}\nload         {} before, {} after\nbegan        {}\n\
         commit       {}\nbuild        {}\nClients and servers share this process and its processors; responders of others have processes of their own, whose\n\
         processor time is not counted.{smoke}",
        machine.processors,
        machine.system,
        machine.file_system,
        machine.load_before,
        machine.load_after,
        machine.began,
        machine.commit,
        machine.build,
    )
}

fn columns(spread: &Spread, write: impl Fn(f64) -> String) -> [String; 2] {
    [write(spread.median), format!("[{} – {}]", write(spread.least), write(spread.most))]
}

/// `1 ÷ (1/38,210 sign + 2/13,100 verify)`, one for each lane, and what the slowest lane spends its time on.
fn formula(limit: &Limit) -> String {
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

fn object(options: &Options, machine: &Machine, rows: &[Row], yardsticks: &Yardsticks) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "name": row.name,
                "per_second": comparison(&row.per_second),
                "processor_microseconds": comparison(&row.processor),
                "waits_milliseconds": row.waits.map(|[half, most]| json!({ "p50": spread(&half), "p99": spread(&most) })),
                "limit": formula(&row.made_of),
            })
        })
        .collect();
    let limits: Vec<Value> = yardsticks
        .noted()
        .into_iter()
        .map(|(name, speed, processor)| {
            json!({
                "name": name,
                "per_second": spread(&speed),
                "processor_microseconds": spread(&processor),
            })
        })
        .collect();
    json!({
        "quick": options.is_smoke(),
        "rows": rows,
        "limits": limits,
        "machine": {
            "processors": machine.processors,
            "system": machine.system,
            "file_system": machine.file_system,
            "load_before": machine.load_before,
            "load_after": machine.load_after,
        },
        "began": machine.began,
        "commit": machine.commit,
        "build": machine.build,
    })
}

fn comparison(comparison: &Comparison) -> Value {
    json!({
        "measured": spread(&comparison.measured),
        "limit": spread(&comparison.limit),
        "ratio": spread(&comparison.ratio),
    })
}

fn spread(spread: &Spread) -> Value {
    json!({ "median": spread.median, "least": spread.least, "most": spread.most })
}
