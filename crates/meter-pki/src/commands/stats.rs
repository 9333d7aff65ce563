//! `meter-pki stats`: counts as tables, and plots into files.

use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::printer::{Printer, heading, table};
use crate::cli::stats::{DayArgs, ExpiryArgs, PlotFiles, StatsCommand};
use crate::exit::Failure;
use crate::new_file::{refuse_existing, write_new};
use crate::operator::client::OperatorClient;
use crate::operator::wire::statistics::{
    CalendarQueryText, CrlSizeQueryText, CrlSizesView, ExpiriesView, ExpiryQueryText, IssuanceQueryText,
    IssuanceView, SigningView, SwapQueryText, SwapsView,
};
use crate::plain_text::plain;

pub(super) async fn run(
    verb: &StatsCommand,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    match verb {
        StatsCommand::Expiries { by, which, files } => {
            let asked = Asked { statistic: "expiries", plot: "expiries", files };
            let query = expiries(which, by);
            asked.tell((&query, &query), (client, printer), expiry_rows).await
        }
        StatsCommand::Calendar { days: DayArgs { from, until }, issuer, tenant, files } => {
            let query = CalendarQueryText {
                from: from.clone(),
                until: until.clone(),
                issuer: issuer.clone(),
                tenant: tenant.clone(),
            };
            let asked = Asked { statistic: "expiries", plot: "expiry-calendar", files };
            asked.tell((&query.clone().by_days(), &query), (client, printer), expiry_rows).await
        }
        StatsCommand::Issuance { by, days: DayArgs { from, until }, issuer, tenant, files } => {
            let query = IssuanceQueryText {
                from: from.clone(),
                until: until.clone(),
                by: Some(by.clone()),
                issuer: issuer.clone(),
                tenant: tenant.clone(),
            };
            let asked = Asked { statistic: "issuance", plot: "issuance", files };
            asked.tell((&query, &query), (client, printer), issuance_rows).await
        }
        StatsCommand::Swaps { tenant, by, files } => {
            let query = SwapQueryText { tenant: tenant.clone(), by: Some(by.clone()) };
            Asked { statistic: "swaps", plot: "swaps", files }
                .tell((&query, &query), (client, printer), swap_rows)
                .await
        }
        StatsCommand::Crls { days: DayArgs { from, until }, authority, shard, files } => {
            let query = CrlSizeQueryText {
                from: from.clone(),
                until: until.clone(),
                authority: authority.clone(),
                shard: shard.clone(),
            };
            Asked { statistic: "crls", plot: "crls", files }
                .tell((&query, &query), (client, printer), crl_rows)
                .await
        }
        StatsCommand::Signing { files } => {
            let asked = Asked { statistic: "signing", plot: "signing", files };
            asked.tell((&(), &()), (client, printer), signing_rows).await
        }
    }
}

fn expiries(which: &ExpiryArgs, by: &str) -> ExpiryQueryText {
    let ExpiryArgs { days: DayArgs { from, until }, series, issuer, tenant } = which.clone();
    ExpiryQueryText { from, until, by: Some(by.to_owned()), series: Some(series), issuer, tenant }
}

/// What is asked for: numbers, and plots of them.
struct Asked<'f> {
    statistic: &'static str,
    plot: &'static str,
    files: &'f PlotFiles,
}

impl Asked<'_> {
    /// Writes the plots, and prints the numbers.
    async fn tell<Q: Serialize, P: Serialize, V: DeserializeOwned + Serialize + ToSchema>(
        &self,
        (query, of_plot): (&Q, &P),
        (client, printer): (&OperatorClient, &Printer),
        rows: fn(&V) -> Vec<Vec<String>>,
    ) -> Result<(), Failure> {
        let PlotFiles { svg, png, csv } = self.files;
        let wanted = [("svg", svg), ("png", png), ("csv", csv)];
        let wanted: Vec<_> =
            wanted.into_iter().filter_map(|(form, file)| Some((form, file.as_ref()?))).collect();
        for (_, file) in &wanted {
            refuse_existing(file)?;
        }
        let view: V = client.get(&format!("/v1/statistics/{}", self.statistic), query).await?;
        for (form, file) in wanted {
            let octets = client.file(&format!("/v1/plots/{}/{form}", self.plot), of_plot).await?;
            write_new(file, &octets)?;
            printer.progress(&format!("{}: {} octets", file.display(), octets.len()));
        }
        printer.result(&view, |view| table(&rows(view)));
        Ok(())
    }
}

fn expiry_rows(view: &ExpiriesView) -> Vec<Vec<String>> {
    let mut rows = vec![heading(&["FROM", "UNTIL", &view.series.to_uppercase(), "GOOD"])];
    for span in view.spans.iter().filter(|span| span.good > 0) {
        let row = |(name, good): (&String, &u64)| {
            vec![span.from.clone(), span.until.clone(), plain(name), good.to_string()]
        };
        rows.extend(span.by.iter().map(row));
    }
    rows.push(vec!["all".to_owned(), String::new(), String::new(), view.good.to_string()]);
    rows.push(vec!["no end".to_owned(), String::new(), String::new(), view.endless.to_string()]);
    rows
}

fn issuance_rows(view: &IssuanceView) -> Vec<Vec<String>> {
    let mut rows = vec![heading(&["FROM", "UNTIL", "ISSUED", "REVOKED"])];
    for span in view.spans.iter().filter(|span| span.issued > 0 || span.revoked > 0) {
        rows.push(vec![
            span.from.clone(),
            span.until.clone(),
            span.issued.to_string(),
            span.revoked.to_string(),
        ]);
    }
    rows.push(vec!["all".to_owned(), String::new(), view.issued.to_string(), view.revoked.to_string()]);
    rows
}

fn swap_rows(view: &SwapsView) -> Vec<Vec<String>> {
    let by = view.by.to_uppercase();
    let mut rows = vec![heading(&[&by, "SWAPPED", "UNDER WAY", "FACTORY", "OUT OF SERVICE", "DEVICES"])];
    rows.extend(view.texts.iter().map(|text| {
        let numbers = [text.swapped, text.under_way, text.factory, text.out_of_service, text.total];
        let name = if text.value.is_empty() { "not known".to_owned() } else { plain(&text.value) };
        [vec![name], numbers.map(|number| number.to_string()).to_vec()].concat()
    }));
    rows
}

fn crl_rows(view: &CrlSizesView) -> Vec<Vec<String>> {
    let mut rows =
        vec![heading(&["AUTHORITY", "SCOPE", "KIND", "NUMBER", "THIS UPDATE", "OCTETS", "ENTRIES"])];
    for line in &view.lines {
        rows.extend(line.sizes.iter().map(|size| {
            vec![
                plain(&line.authority),
                line.shard.clone().unwrap_or_else(|| "all".to_owned()),
                line.kind.clone(),
                size.number.to_string(),
                size.this_update.clone(),
                size.octets.to_string(),
                size.entries.to_string(),
            ]
        }));
    }
    rows
}

fn signing_rows(view: &SigningView) -> Vec<Vec<String>> {
    let mut rows = vec![heading(&["KEY", "AUTHORITY", "SIGNATURES", "MEAN", "WITHIN 100 MS"])];
    rows.extend(view.keys.iter().map(|key| {
        let within: u64 = view
            .at_most_microseconds
            .iter()
            .zip(&key.counts)
            .filter(|(bound, _)| **bound <= 100_000)
            .fold(0, |sum, (_, count)| sum.saturating_add(*count));
        let mean = format!("{} µs", key.mean_microseconds);
        let name = key.authority.as_deref().map(plain).unwrap_or_default();
        vec![key.key.clone(), name, key.signatures.to_string(), mean, within.to_string()]
    }));
    rows
}
