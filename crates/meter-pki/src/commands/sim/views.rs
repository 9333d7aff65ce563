//! What runs of the simulator came to, as `--json` prints it: the simulator says what it counted, this says how it is written.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use simulator::{CallTally, Report, Stuck};
use utoipa::ToSchema;

use crate::operator::wire::words::SystemTitle;

/// What came of a run.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SimulatorRun)]
pub(in crate::commands) struct RunView {
    /// Meters of the fleet.
    meters: usize,
    /// Those that have all three certificates of their owner now.
    through: usize,
    /// Those of them that had them before.
    through_before: usize,
    /// Certificates that came in this run.
    certificates: u64,
    /// How often was asked.
    tries: u64,
    /// Messages that were lost on purpose.
    lost: u64,
    /// Meters that started anew on purpose.
    restarts: u64,
    /// Wrong requests that the server refused, as it has to.
    wrong_refused: u64,
    /// Meters that are not through, by why.
    stuck_by_reason: BTreeMap<String, u64>,
    /// The first of them by name.
    stuck: Vec<StuckView>,
    /// What a server must never do, and did.
    defects: Vec<String>,
    /// How long the run took, in seconds.
    seconds: f64,
    /// Milliseconds from a meter's wish for a certificate to the certificate: half are faster, and all but one in a hundred.
    p50_ms: f64,
    /// See `p50_ms`.
    p99_ms: f64,
}

/// A meter that is not through.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SimulatorStuck)]
pub(in crate::commands) struct StuckView {
    #[schema(value_type = SystemTitle)]
    system_title: String,
    /// For which certificate.
    purpose: &'static str,
    /// Why.
    why: String,
}

impl From<&Report> for RunView {
    fn from(report: &Report) -> Self {
        let Report {
            meters,
            through,
            through_before,
            certificates,
            tries,
            lost,
            restarts,
            wrong_refused,
            stuck_by_reason,
            stuck,
            defects,
            seconds,
            p50_ms,
            p99_ms,
        } = report.clone();
        let one = |Stuck { system_title, purpose, why }| StuckView { system_title, purpose, why };
        let stuck = stuck.into_iter().map(one).collect();
        Self {
            meters,
            through,
            through_before,
            certificates,
            tries,
            lost,
            restarts,
            wrong_refused,
            stuck_by_reason,
            stuck,
            defects,
            seconds,
            p50_ms,
            p99_ms,
        }
    }
}

/// How many calls, and what befell them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallTally)]
pub(in crate::commands) struct CallTallyView {
    /// Calls that were made.
    calls: u64,
    /// Calls or answers that were lost on purpose.
    lost: u64,
    /// Meters that started anew on purpose.
    restarts: u64,
    /// Answers that were brought wrongly on purpose.
    wrong: u64,
    /// Calls that were not made, since their time was over.
    late: u64,
    /// Calls for meters that are not of this fleet.
    foreign: u64,
}

/// Writes a tally as a [`CallTallyView`].
pub(super) fn tally<S: Serializer>(tally: &CallTally, serializer: S) -> Result<S::Ok, S::Error> {
    let CallTally { calls, lost, restarts, wrong, late, foreign } = *tally;
    CallTallyView { calls, lost, restarts, wrong, late, foreign }.serialize(serializer)
}
