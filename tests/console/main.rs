//! The operator's console in a real browser: what pages and forms look like to axe, do without a mouse or a script, and show of what
//! somebody hostile wrote; and what pages of other sites come to.

mod csrf;
mod forms;
mod hostile;
mod journeys;
mod keyboard;
mod lists;
mod live;
mod look;
mod pages;
mod pictures;
mod process;
mod work;
