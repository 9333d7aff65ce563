//! What each library takes for each task: medians, both ends, and the ratio to the fastest.

/// The rates of one task by one library, one of each round.
struct Noted {
    task: String,
    library: &'static str,
    rates: Vec<f64>,
}

impl Noted {
    fn median(&self) -> f64 {
        let mut sorted = self.rates.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// All that was measured, in the order in which it first was.
#[derive(Default)]
pub(crate) struct Table(Vec<Noted>);

impl Table {
    pub(crate) fn note(&mut self, task: &str, library: &'static str, rate: f64) {
        match self.0.iter_mut().find(|noted| noted.task == task && noted.library == library) {
            Some(noted) => noted.rates.push(rate),
            None => self.0.push(Noted { task: task.to_owned(), library, rates: vec![rate] }),
        }
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from(
            "| task | library | a second of one thread | µs | to the fastest |\n|---|---|--:|--:|--:|\n",
        );
        let mut tasks: Vec<&str> = Vec::new();
        for noted in &self.0 {
            if !tasks.contains(&noted.task.as_str()) {
                tasks.push(&noted.task);
            }
        }
        for task in tasks {
            let same = || self.0.iter().filter(|noted| noted.task == task);
            let fastest = same().map(Noted::median).fold(0.0, f64::max);
            for noted in same() {
                let (median, end) =
                    (noted.median(), |of: fn(f64, f64) -> f64| noted.rates.iter().copied().reduce(of));
                let [least, most] = [end(f64::min), end(f64::max)].map(Option::unwrap_or_default);
                text.push_str(&format!(
                    "| {task} | {} | {median:.0} [{least:.0} – {most:.0}] | {:.2} | {:.2} |\n",
                    noted.library,
                    1e6 / median,
                    median / fastest
                ));
            }
        }
        text
    }
}
