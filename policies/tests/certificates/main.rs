//! Certificates drafted under every embedded profile: held against golden octets, the linter and another program.

#[cfg(test)]
mod damage;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hierarchy;
#[cfg(test)]
mod rules;
