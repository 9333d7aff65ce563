//! `openssl ca`: a batch of certification requests in one process and one thread, with its index in a text file, of which nothing is
//! synced to the disk.

use std::time::Duration;

use anyhow::ensure;
use ca_core::suite::{Curve, SecuritySuite};

use super::attempt;
use super::ground::{Ground, requests};
use crate::applicants::processors;
use crate::measure::{Limit, Scene, Term};
use crate::stage::Stage;
use crate::yardsticks::Yardsticks;

/// Measures a row of each curve.
pub(super) fn rows(stage: &Stage<'_>, yardsticks: &mut Yardsticks) -> anyhow::Result<()> {
    // A tenth of our batches: so many seconds would pass otherwise that a round is no round any more.
    let length = stage.pace().certificates;
    for suite in SecuritySuite::ALL {
        let curve = suite.curve();
        let name = format!("chain, {curve}, `openssl ca`, batches of {length}");
        let open = || {
            let ground = Ground::found(&stage.directory(&format!("openssl-ca-{curve}")), curve)?;
            Batches::new(ground, suite, length)
        };
        attempt(stage, (&name, "openssl"), yardsticks, open)?;
    }
    Ok(())
}

struct Batches {
    ground: Ground,
    curve: Curve,
    /// The files of a batch.
    files: Vec<String>,
    /// How many certificates there are to be in the end.
    wanted: usize,
}

impl Batches {
    /// The same requests are certified in every batch: it does not mind.
    fn new(ground: Ground, suite: SecuritySuite, length: usize) -> anyhow::Result<Self> {
        let named = |(number, request)| (format!("{number}.csr"), request);
        let named = requests(suite, length)?.into_iter().enumerate().map(named);
        let mut files = Vec::with_capacity(length);
        for (file, request) in named {
            ground.write(&file, &request)?;
            files.push(file);
        }
        ground.configure_ca()?;
        Ok(Self { ground, curve: suite.curve(), files, wanted: 0 })
    }
}

impl Scene for Batches {
    /// How many batches.
    type Work = usize;

    fn step(&self) -> usize {
        self.files.len()
    }

    /// Its index grows in a round, and not from round to round.
    fn prepare(&mut self, count: usize) -> anyhow::Result<usize> {
        self.wanted = count;
        self.ground.empty_index()?;
        Ok(count / self.step())
    }

    fn run(&mut self, batches: usize) -> anyhow::Result<Vec<Duration>> {
        for _ in 0..batches {
            self.ground.openssl_ca(&self.files)?;
        }
        Ok(Vec::new())
    }

    /// As of our batches, but for what it does not do: nothing is synced, and its own signature not verified.
    fn limit(&mut self, yardsticks: &mut Yardsticks) -> anyhow::Result<Limit> {
        let sign = Term::new(1, "sign", yardsticks.signatures(self.curve, processors())?);
        let verify = Term::new(1, "verify", yardsticks.verifications(self.curve, processors())?);
        Ok(Limit::of(vec![vec![sign, verify]]))
    }

    fn check(&mut self) -> anyhow::Result<()> {
        let found = self.ground.indexed()?;
        ensure!(
            found == self.wanted,
            "{} certificates were asked for, and {found} are in the index",
            self.wanted
        );
        Ok(())
    }
}
