//! The nodes that share the ledger.

use std::collections::BTreeSet;

use super::super::facts::{Facts, Served};
use super::super::{Check, Finding, Judge, Severity};
use super::check;
use crate::operator::wire::NodeView;

/// From how many milliseconds on a clock is told of: it is refused later.
const SKEW_MS: u64 = 5_000;

pub(super) const CHECKS: &[Check] = &[
    check(
        "doctor.node.gone",
        Severity::Warning,
        "no node that shares the ledger is gone without having said so",
        Judge::Served(gone),
    ),
    check(
        "doctor.node.differs",
        Severity::Warning,
        "the nodes have one version, and one configuration",
        Judge::Served(differs),
    ),
    check(
        "doctor.node.clock",
        Severity::Warning,
        "the clocks of the nodes are within five seconds of the database's",
        Judge::Served(clock),
    ),
];

fn alive(served: &Served) -> impl Iterator<Item = &NodeView> {
    served.nodes.iter().filter(|node| !node.fenced)
}

fn gone(_: &Facts, served: &Served) -> Vec<Finding> {
    let gone = served.nodes.iter().filter(|node| node.fenced && !node.left);
    gone.map(|node| {
        let says = format!("node {} is gone: it was seen {} s ago", node.name, node.seen_ago_ms / 1_000);
        Finding::warning(says, "start it, or look at its machine; docs/operate/cluster.md")
    })
    .collect()
}

fn differs(_: &Facts, served: &Served) -> Vec<Finding> {
    let versions: BTreeSet<&str> = alive(served).map(|node| node.version.as_str()).collect();
    let configurations: BTreeSet<&str> = alive(served).map(|node| node.configuration.as_str()).collect();
    let mut found = Vec::new();
    if versions.len() > 1 {
        let versions: Vec<&str> = versions.into_iter().collect();
        let says = format!("the nodes have versions {}", versions.join(" and "));
        found.push(Finding::warning(says, "end the upgrade; docs/operate/cluster.md, section 7"));
    }
    if configurations.len() > 1 {
        found.push(Finding::warning(
            "the nodes do not have alike what they are to have alike",
            "meter-pki store nodes; docs/operate/cluster.md, section 4",
        ));
    }
    found
}

fn clock(_: &Facts, served: &Served) -> Vec<Finding> {
    let wrong = alive(served).filter(|node| node.skew_ms.unsigned_abs() > SKEW_MS);
    wrong
        .map(|node| {
            let says =
                format!("the clock of node {} is {} ms ahead of the database's", node.name, node.skew_ms);
            Finding::warning(says, "set it right: from the limit on what the node writes is refused")
        })
        .collect()
}
