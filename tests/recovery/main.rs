//! Backup, restore and recovery: what an operator does after a loss, and what stops him from making it worse.
//!
//! Each case of backup and restore has a test of its name; the chapter `docs/operate/backup.md` is run as it stands.

mod backups;
mod chapter;
mod copies;
mod cut_short;
mod history;
mod restored;
mod site;
mod token;
