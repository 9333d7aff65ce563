//! What is installed: the packages for Debian, made of the programs under test, are put into a private root by dpkg, started as
//! their units say, upgraded, rolled back and removed.

mod chapter;
mod contents;
mod deployment;
mod first_hour;
mod lifecycle;
mod packages;
mod root;
mod running;
mod sandbox;
mod site;
mod unit;
