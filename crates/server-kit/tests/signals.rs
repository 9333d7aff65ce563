//! A process that is told to stop drains, and gives up when it is told again.
//!
//! In a test program of its own, because signals go to the whole process.

#![cfg(test)]

use server_kit::shutdown::Shutdown;
use std::{process::Command, time::Duration};

fn send(signal: &str) {
    let process = std::process::id().to_string();
    assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
}

#[tokio::test]
async fn the_first_signal_drains_and_the_second_cuts_it_short() {
    let shutdown = Shutdown::new(Duration::from_secs(3600));
    let listening = shutdown.on_signals().unwrap();
    assert!(!shutdown.is_triggered());
    send("-TERM");
    shutdown.triggered().await;
    send("-INT");
    shutdown.cut_short().await;
    listening.await.unwrap();
}
