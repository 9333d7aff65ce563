//! Every kind of source gives the same files, and an archive that means harm gives faults.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

const NAMES: [&str; 3] = ["A4D504B0100000001.der", "D4D504B0100000001.csr", "T4D504B0100000001.pem"];

fn all(path: &Path) -> Vec<Next> {
    let mut source = Source::open(path, None).unwrap();
    let mut found = Vec::new();
    loop {
        match source.next().unwrap() {
            Next::End => return found,
            Next::Ignored => {}
            next @ (Next::Request(_) | Next::Fault(_)) => found.push(next),
        }
    }
}

fn codes(path: &Path) -> Vec<String> {
    let code = |next| match next {
        Next::Fault(fault) => fault.code,
        Next::Request(found) => found.name,
        Next::Ignored | Next::End => "left out".to_owned(),
    };
    all(path).into_iter().map(code).collect()
}

fn tarred(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, octets) in entries {
        let mut header = tar::Header::new_gnu();
        // As somebody writes it who means harm: the safe way refuses such names.
        let field = &mut header.as_old_mut().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(u64::try_from(octets.len()).unwrap());
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *octets).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, octets) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(octets).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn gzipped(octets: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_directory_and_every_archive_of_it_have_the_same_files() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("requests");
    std::fs::create_dir(&directory).unwrap();
    for name in NAMES.iter().chain(&["notes.txt", ".hidden.csr"]) {
        std::fs::write(directory.join(name), name.as_bytes()).unwrap();
    }
    let entries: Vec<_> =
        NAMES.iter().map(|name| (*name, tar::EntryType::Regular, name.as_bytes())).collect();
    let tar = tarred(&entries);
    let files: Vec<_> = NAMES.iter().map(|name| (*name, name.as_bytes())).collect();
    for (name, octets) in [
        ("a.zip", zipped(&files)),
        ("a.tar", tar.clone()),
        ("a.tar.gz", gzipped(&tar)),
        ("a.tgz", gzipped(&tar)),
    ] {
        std::fs::write(place.path().join(name), octets).unwrap();
    }
    let wanted: Vec<Next> = NAMES
        .iter()
        .map(|name| Next::Request(Found { name: (*name).to_owned(), octets: name.as_bytes().to_vec() }))
        .collect();
    for name in ["requests", "a.zip", "a.tar", "a.tar.gz", "a.tgz"] {
        assert_eq!(all(&place.path().join(name)), wanted, "{name}");
    }
}

#[test]
fn names_that_lead_elsewhere_links_and_long_files_are_faults_of_their_own() {
    let place = tempfile::tempdir().unwrap();
    let long = vec![0; usize::try_from(MAX_OCTETS).unwrap() + 1];
    let (file, link) = (tar::EntryType::Regular, tar::EntryType::Symlink);
    let entries: [(&str, tar::EntryType, &[u8]); 6] = [
        ("../D1.csr", file, b"x"),
        ("/etc/D2.csr", file, b"x"),
        ("a\\D3.csr", file, b"x"),
        ("D4.csr", link, b""),
        ("D5.csr", file, &long),
        ("below/D6.csr", file, b"x"),
    ];
    let tar = place.path().join("a.tar");
    std::fs::write(&tar, tarred(&entries)).unwrap();
    let faults = ["file.path", "file.path", "file.path", "file.not-plain", "file.too-long", "D6.csr"];
    assert_eq!(codes(&tar), faults);
    let zip = place.path().join("a.zip");
    let files: Vec<_> = [0, 1, 2, 4, 5].map(|place| (entries[place].0, entries[place].2)).into();
    std::fs::write(&zip, zipped(&files)).unwrap();
    assert_eq!(codes(&zip), ["file.path", "file.path", "file.path", "file.too-long", "D6.csr"]);
    let directory = place.path().join("requests");
    std::fs::create_dir(&directory).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", directory.join("D1.csr")).unwrap();
    std::fs::create_dir(directory.join("D2.csr")).unwrap();
    assert_eq!(codes(&directory), ["file.not-plain", "file.not-plain"]);
}

#[test]
fn an_archive_that_is_none_or_ends_early_is_refused_as_a_whole() {
    let place = tempfile::tempdir().unwrap();
    let whole = zipped(&[("D4D504B0100000001.csr", b"x")]);
    for (name, octets) in
        [("a.zip", whole[..whole.len() / 2].to_vec()), ("b.zip", Vec::new()), ("c.txt", vec![1])]
    {
        let path = place.path().join(name);
        std::fs::write(&path, octets).unwrap();
        assert_eq!(Source::open(&path, None).err().unwrap().code, "requests.unreadable", "{name}");
    }
    // A compressed tar of which the end is missing gives what it has and then says so.
    let entries = [("D4D504B0100000001.csr", tar::EntryType::Regular, b"x".as_slice())];
    let packed = gzipped(&tarred(&entries));
    let path = place.path().join("a.tgz");
    std::fs::write(&path, &packed[..packed.len() - 12]).unwrap();
    let mut source = Source::open(&path, None).unwrap();
    let told = loop {
        match source.next() {
            Err(failure) => break failure.code,
            Ok(Next::End) => break "end".to_owned(),
            Ok(_) => {}
        }
    };
    assert_eq!(told, "requests.unreadable");
}

#[test]
fn a_manifest_is_found_in_each_and_in_a_tar_where_it_comes_first() {
    let place = tempfile::tempdir().unwrap();
    let manifest = b"file,system_title,purpose\na.csr,4D504B0100000001,T\n".as_slice();
    let directory = place.path().join("requests");
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join("manifest.csv"), manifest).unwrap();
    let file = tar::EntryType::Regular;
    std::fs::write(place.path().join("a.zip"), zipped(&[("a.csr", b"x"), ("manifest.csv", manifest)]))
        .unwrap();
    let first = tarred(&[("manifest.csv", file, manifest), ("a.csr", file, b"x")]);
    std::fs::write(place.path().join("a.tar"), first).unwrap();
    let late = tarred(&[("a.csr", file, b"x"), ("manifest.csv", file, manifest)]);
    std::fs::write(place.path().join("late.tar"), late).unwrap();
    for name in ["requests", "a.zip", "a.tar"] {
        let source = Source::open(&place.path().join(name), None).unwrap();
        let wish = source.manifest().unwrap().of("a.csr").unwrap();
        assert_eq!(wish.to_string(), "T4D504B0100000001", "{name}");
    }
    let mut source = Source::open(&place.path().join("late.tar"), None).unwrap();
    assert!(matches!(source.next(), Ok(Next::Request(_))));
    assert_eq!(source.next().unwrap_err().code, "manifest.late");
}
