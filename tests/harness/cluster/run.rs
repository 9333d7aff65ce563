//! A run: houses one after the other, until enough faults came.

use std::fs;
use std::path::PathBuf;

use super::fault::plan;
use super::house::House;
use super::report::Tally;
use crate::crash::random::Random;

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct Run {
    /// How many faults come at least.
    pub faults: u64,
    /// How many of them in one house.
    pub faults_a_house: u64,
    /// What everything follows from.
    pub seed: u64,
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
    /// Plays all houses, and ends with the first that fails.
    ///
    /// # Panics
    /// When the machine does not give what a house needs.
    #[must_use]
    pub fn play(&self) -> Outcome {
        fs::create_dir_all(&self.grounds).expect("there is a place for houses");
        let mut outcome = Outcome::default();
        let first = self.only.unwrap_or(0);
        let end = self.only.map_or(self.faults.div_ceil(self.faults_a_house), |only| only + 1);
        for number in first..end {
            self.play_house(number, &mut outcome);
        }
        outcome
    }

    fn play_house(&self, number: u64, outcome: &mut Outcome) {
        let mut random = Random::new(self.seed ^ number.wrapping_mul(0xA076_1D64_78BD_642F));
        let left = self.faults.saturating_sub(number * self.faults_a_house);
        let plan = plan(&mut random, self.faults_a_house.min(left).max(1));
        let directory = self.grounds.join(format!("cluster-{number}"));
        let mut house = House::new(&directory, random.draw());
        let found = house.play(&plan, &mut outcome.tally);
        drop(house);
        if found.is_empty() {
            eprintln!("house {number}: all is well, after {} faults", outcome.tally.total());
            fs::remove_dir_all(&directory).expect("a house can be removed");
            return;
        }
        let repeat = self.command(Some(number));
        let told = |what: &String| format!("house {number}: {what}\n  repeat: {repeat}");
        let told: Vec<String> = found.iter().map(told).collect();
        eprintln!("{}\n  it lies in {}", told.join("\n"), directory.display());
        outcome.failures.extend(told);
    }

    /// Returns the command that repeats the run, or one house of it.
    #[must_use]
    pub fn command(&self, house: Option<u64>) -> String {
        let mut command = format!(
            "cargo xtask crash --cluster --kills {} --seed {} --kills-a-house {}",
            self.faults, self.seed, self.faults_a_house
        );
        if let Some(house) = house {
            command.push_str(&format!(" --house {house}"));
        }
        command
    }
}
