//! Who sits at the machine: the name that the operating system has for the owner of this process.
//!
//! A name for the audit record, not an authentication. Environment variables, which anybody can set, are not asked.

use std::fs;
use std::os::unix::fs::MetadataExt;

use ca_core::actor::{Actor, Identity};
use ca_core::tenant::TenantId;

/// Returns the operator as an actor for a tenant.
pub(crate) fn actor(tenant: TenantId) -> Actor {
    Actor { tenant, identity: Identity::Operator { name: name() } }
}

/// Returns the name of the process's owner, or `uid-` and its number when it has none.
fn name() -> String {
    let Ok(process) = fs::metadata("/proc/self") else {
        return "unknown".to_owned();
    };
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    account_name(&accounts, process.uid()).unwrap_or_else(|| format!("uid-{}", process.uid()))
}

/// Finds a user number in the format of passwd(5): `name:password:uid:…`.
fn account_name(accounts: &str, uid: u32) -> Option<String> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid) && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_name_of_a_number() {
        let accounts = "root:x:0:0::/root:/bin/sh\n\nanna:x:1000:1000::/:/bin/sh\n";
        assert_eq!(account_name(accounts, 1000).as_deref(), Some("anna"));
        assert_eq!(account_name(accounts, 100), None);
    }
}
