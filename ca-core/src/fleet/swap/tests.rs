//! Every stage with every event, and what no sequence of losses, repetitions and re-orderings may lead to.

mod every_event;
mod fixtures;
mod losses;
mod steps;
