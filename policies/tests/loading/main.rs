//! Loading profile files: what is compiled in, what a directory holds, and every fault with file and line.

#[cfg(test)]
mod embedded;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod schema;
