//! Enrolment over EST: by meters on connections of their own, and by a factory line that keeps its connections. Who enrols is said
//! in `est_scenes`, where in `est_ground`.

use ca_core::suite::SecuritySuite;
use ca_store::EngineKind;
use tokio::runtime::Runtime;

use crate::est_ground::Grounds;
use crate::est_scenes::{LineStation, Meters};
use crate::measure::measure;
use crate::stage::Stage;
use crate::yardsticks::Yardsticks;

/// Measures all rows about EST.
pub(crate) fn rows(stage: &Stage<'_>, runtime: &Runtime, yardsticks: &mut Yardsticks) -> anyhow::Result<()> {
    for suite in SecuritySuite::ALL {
        let new = format!("EST, {}, a new connection each", suite.curve());
        let kept = format!("EST, {}, kept connections", suite.curve());
        if !stage.wants(&new) && !stage.wants(&kept) {
            continue;
        }
        let house = stage.house(&format!("est-{suite}"), suite, EngineKind::Fjall)?;
        let grounds = runtime.block_on(Grounds::open(house, runtime))?;
        if stage.wants(&new) {
            stage.keep(measure(&new, &mut Meters::new(&grounds)?, stage.pace(), yardsticks)?);
        }
        if stage.wants(&kept) {
            stage.keep(measure(&kept, &mut LineStation::new(&grounds)?, stage.pace(), yardsticks)?);
        }
        runtime.block_on(grounds.close())?;
    }
    Ok(())
}
