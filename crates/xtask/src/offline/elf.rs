//! What a program links and asks of the C library, as `readelf` of binutils tells.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// The C library, and what every C compiler links with it: mathematics, the loader, the unwinder.
const C_LIBRARY: [&str; 5] =
    ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"];

/// Functions of the C library that reach a network, or a process that does.
const NETWORK: &[&str] = &[
    "accept",
    "accept4",
    "bind",
    "connect",
    "getaddrinfo",
    "gethostbyname",
    "gethostbyname_r",
    "getnameinfo",
    "getpeername",
    "getsockname",
    "getsockopt",
    "listen",
    "recv",
    "recvfrom",
    "recvmmsg",
    "recvmsg",
    "res_init",
    "res_query",
    "send",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
    "socket",
    "socketpair",
];

/// Returns what is not as it must be.
pub(super) fn faults(path: &Path, is_static: bool) -> anyhow::Result<Vec<String>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let dynamic = readelf(path, &["--dynamic", "--wide"])?;
    let mut faults = Vec::new();
    for library in needed(&dynamic) {
        if is_static || !C_LIBRARY.contains(&library) {
            faults.push(format!("{name} needs {library}"));
        }
    }
    if is_static {
        if readelf(path, &["--program-headers", "--wide"])?.contains("INTERP") {
            faults.push(format!("{name} needs a loader: it is not static"));
        }
        return Ok(faults);
    }
    let symbols = readelf(path, &["--dyn-syms", "--wide"])?;
    for symbol in imported(&symbols) {
        if NETWORK.contains(&symbol) {
            faults.push(format!("{name} imports {symbol}, which is network code"));
        }
    }
    Ok(faults)
}

fn readelf(path: &Path, options: &[&str]) -> anyhow::Result<String> {
    let said = Command::new("readelf").args(options).arg(path).output();
    let said = said.context("readelf is missing: install binutils")?;
    if !said.status.success() {
        bail!("readelf cannot read {}", path.display());
    }
    Ok(String::from_utf8_lossy(&said.stdout).into_owned())
}

/// The libraries in lines such as `0x…01 (NEEDED)  Shared library: [libc.so.6]`.
fn needed(dynamic: &str) -> impl Iterator<Item = &str> {
    let lines = dynamic.lines().filter(|line| line.contains("(NEEDED)"));
    lines.filter_map(|line| line.split_once('[')?.1.split_once(']').map(|(library, _)| library))
}

/// The names in lines such as `12: 0…0  0 FUNC  GLOBAL DEFAULT  UND write@GLIBC_2.2.5 (3)`.
fn imported(symbols: &str) -> impl Iterator<Item = &str> {
    symbols.lines().filter_map(|line| {
        let mut fields = line.split_whitespace().skip_while(|field| *field != "UND").skip(1);
        fields.next()?.split('@').next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_imports_are_read_from_what_readelf_prints() {
        let dynamic = " 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]\n\
                        0x000000000000000c (INIT)               0x1000\n";
        assert_eq!(needed(dynamic).collect::<Vec<_>>(), ["libc.so.6"]);
        let symbols = "   Num:    Value          Size Type    Bind   Vis      Ndx Name\n\
                       \x20    0: 0000000000000000     0 NOTYPE  LOCAL  DEFAULT  UND \n\
                       \x20    1: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND socket@GLIBC_2.2.5 (2)\n\
                       \x20    2: 0000000000001000    12 FUNC    GLOBAL DEFAULT   14 main\n";
        assert_eq!(imported(symbols).collect::<Vec<_>>(), ["socket"]);
    }
}
