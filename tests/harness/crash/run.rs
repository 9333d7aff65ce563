//! A run: houses, one after the other on each worker, until enough issuers were ended.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::device;
use super::house::House;
use super::kill::{Mix, plan};
use super::random::Random;
use super::report::Tally;
use super::template::Template;

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct Run {
    /// How many issuers are ended.
    pub kills: u64,
    /// How many of them in one house.
    pub kills_a_house: u64,
    /// What everything follows from.
    pub seed: u64,
    /// The engines, taken in turn.
    pub engines: Vec<&'static str>,
    /// Which ends.
    pub mix: Mix,
    /// How many houses at the same time.
    pub workers: u64,
    /// Whether ledgers lie on block devices that lose what was not flushed after each end; needs root.
    pub block_device: bool,
    /// Only this house of the run.
    pub only: Option<u64>,
    /// Where houses are made; those that fail stay there.
    pub grounds: PathBuf,
}

/// What became of a run.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What was done.
    pub tally: Tally,
    /// What is wrong, with what repeats it.
    pub failures: Vec<String>,
}

impl Run {
    /// Plays all houses.
    ///
    /// # Panics
    /// When the machine does not give what a house needs.
    #[must_use]
    pub fn play(&self) -> Outcome {
        fs::create_dir_all(&self.grounds).expect("there is a place for houses");
        let template = Template::found(&self.grounds);
        let device = self.block_device.then(|| device::compile(&self.grounds));
        let outcome = Mutex::new(Outcome::default());
        let next = AtomicU64::new(self.only.unwrap_or(0));
        let end = self.only.map_or(self.kills.div_ceil(self.kills_a_house), |only| only + 1);
        std::thread::scope(|scope| {
            for _ in 0..self.workers {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::SeqCst);
                        if number >= end {
                            return;
                        }
                        self.play_house((&template, device.as_deref()), number, &outcome);
                    }
                });
            }
        });
        outcome.into_inner().expect("no worker panicked")
    }

    fn play_house(
        &self,
        (template, device): (&Template, Option<&Path>),
        number: u64,
        outcome: &Mutex<Outcome>,
    ) {
        let engine = self.engines[usize::try_from(number % self.engines.len() as u64).expect("it is small")];
        let mut random = Random::new(self.seed ^ number.wrapping_mul(0xA076_1D64_78BD_642F));
        let count = self.kills_a_house.min(self.kills - (number * self.kills_a_house).min(self.kills)).max(1);
        let plan = plan(&mut random, self.mix, number, count);
        let directory = self.grounds.join(format!("house-{number}"));
        let seed = random.draw();
        let mut house = match device {
            Some(program) => House::on_device(program, template, &directory, engine, seed),
            None => House::new(template, &directory, engine, seed),
        };
        let mut tally = Tally::default();
        let found = house.play(&plan, &mut tally);
        drop(house);
        let mut outcome = outcome.lock().expect("no worker panicked");
        outcome.tally.add(&tally);
        if found.is_empty() {
            outcome.tally.houses += 1;
            fs::remove_dir_all(&directory).expect("a house can be removed");
        } else {
            let repeat = self.command(Some(number));
            let told = |what: &String| format!("house {number} on {engine}: {what}\n  repeat: {repeat}");
            let told: Vec<String> = found.iter().map(told).collect();
            eprintln!("{}\n  it lies in {}", told.join("\n"), directory.display());
            outcome.failures.extend(told);
        }
    }

    /// Returns the command that repeats the run, or one house of it.
    #[must_use]
    pub fn command(&self, house: Option<u64>) -> String {
        let mut command = format!(
            "cargo xtask crash --kills {} --seed {} --kills-a-house {}",
            self.kills, self.seed, self.kills_a_house
        );
        if let [engine] = self.engines.as_slice() {
            command.push_str(&format!(" --engine {engine}"));
        }
        command.push_str(match self.mix {
            Mix::Everything => "",
            Mix::Kills if self.block_device => "",
            Mix::Kills => " --only kills",
            Mix::PowerCuts => " --only power-cuts",
            Mix::StrictPowerCuts => " --only strict-power-cuts",
            Mix::Faults => " --only faults",
        });
        if self.block_device {
            command.push_str(" --block-device");
        }
        if let Some(house) = house {
            command.push_str(&format!(" --house {house}"));
        }
        command
    }
}

/// A place for houses: in memory where the machine has one, since the shim decides what is durable.
#[must_use]
pub fn grounds() -> PathBuf {
    let name = format!("meter-pki-crash.{}", std::process::id());
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.join(name) } else { std::env::temp_dir().join(name) }
}
