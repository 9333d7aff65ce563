//! A log in several files: what goes over into the next, what is found missing, and a stop at each point in between.

use super::*;

const KEY: [u8; 20] = [1; 20];

fn few(path: &Path) -> LogPlan {
    LogPlan { path: path.to_owned(), segment: SegmentBounds { records: 4, octets: u64::MAX } }
}

fn crl(number: u64, scope: &str) -> Entry {
    let digest = [u8::try_from(number).unwrap(); 32];
    Entry { kind: Kind::Crl, name: number.to_string(), scope: scope.to_owned(), digest, ..entry("") }
}

/// A log in three segments of four signatures each, the last of them full and the fourth begun.
fn three() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signatures.log");
    let (log, _) = open_by(few(&path)).unwrap();
    for number in 0..12 {
        log.append(if number % 3 == 0 { crl(number + 1, "all") } else { entry("01") }).unwrap();
    }
    drop(log);
    (folder, path)
}

fn files(path: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(path.parent().unwrap()).unwrap().map(|one| one.unwrap().path()).collect();
    files.sort();
    files
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn read(logs: &[&Path], from: u64) -> Result<u64, SegmentsFault> {
    let logs: Vec<PathBuf> = logs.iter().map(|one| one.to_path_buf()).collect();
    read_segments(&logs, from, |_, _| ()).map(|head| head.records)
}

#[test]
fn goes_on_in_another_file_named_by_its_first_record_and_all_of_them_are_one_chain() {
    let (_folder, path) = three();
    let names: Vec<String> = files(&path).iter().map(|one| file_name(one)).collect();
    // Four signatures; then two that are carried over, behind the one that says so, and four signatures more.
    let first = ["", ".000000000005", ".000000000012", ".000000000019"];
    assert_eq!(names, first.map(|ending| format!("signatures.log{ending}")));
    assert_eq!(read(&[&path], 1).unwrap(), 21);
    let mut signed = 0;
    let each = |record: &Record, _| signed += u32::from(record.entry.outcome == SIGNED);
    read_segments(&[path], 1, each).unwrap();
    assert_eq!(signed, 12);
}

#[test]
fn goes_on_in_another_file_once_there_are_many_octets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signatures.log");
    let segment = SegmentBounds { records: u64::MAX, octets: 1_000 };
    let (log, _) = open_by(LogPlan { path: path.clone(), segment }).unwrap();
    (0..40).for_each(|_| log.append(entry("01")).unwrap());
    let sizes: Vec<u64> = files(&path).iter().map(|one| fs::metadata(one).unwrap().len()).collect();
    assert!(sizes.len() > 5 && sizes.iter().all(|size| *size < 2_000), "{sizes:?}");
    assert_eq!(read(&[&path], 1).unwrap(), log.head().records);
}

#[test]
fn a_start_reads_the_last_segment_alone_and_remembers_what_all_of_them_say() {
    let (folder, path) = three();
    let (log, mut all) = open_by(few(&path)).unwrap();
    log.append(crl(3, "0a")).unwrap();
    drop(log);
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    for file in files(&path).iter().filter(|file| !file.is_dir()).take(3) {
        fs::rename(file, archive.join(file_name(file))).unwrap();
    }
    let (log, mut told) = open_by(few(&path)).unwrap();
    let (told, mut before) = (told.take(&KeyRef::new(KEY)), all.take(&KeyRef::new(KEY)));
    assert_eq!((before.signed, told.signed, log.head().records), (12, 13, 22));
    before.last.insert((Kind::Crl, "0a".into()), (3, [3; 32]));
    before.signed += 1;
    assert_eq!(told, before);
    // Both places together are the whole log, in whatever order they are named.
    let archived = archive.join("signatures.log");
    for logs in [[&*archived, &*path], [&*path, &*archived]] {
        assert_eq!(read(&logs, 1).unwrap(), 22);
    }
    assert_eq!(read(&[&path], 19).unwrap(), 22);
    let said = read(&[&path], 1).unwrap_err().to_string();
    assert!(said.starts_with("records 1 to 18 are missing"), "{said}");
}

#[test]
fn says_exactly_what_is_missing_and_sees_a_segment_that_was_changed() {
    let (_folder, path) = three();
    let files = files(&path);
    let whole: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    let restore = || files.iter().zip(&whole).for_each(|(file, octets)| fs::write(file, octets).unwrap());

    fs::remove_file(&files[1]).unwrap();
    let said = read(&[&path], 1).unwrap_err().to_string();
    assert!(said.starts_with("records 5 to 11 are missing"), "{said}");
    restore();
    fs::remove_file(&files[2]).unwrap();
    let said = read(&[&path], 5).unwrap_err().to_string();
    assert!(said.starts_with("records 12 to 18 are missing"), "{said}");
    restore();
    fs::remove_file(&files[3]).unwrap();
    let said = read(&[&path], 25).unwrap_err().to_string();
    assert!(said.contains("from record 25 on, and ends with record 18"), "{said}");
    restore();
    // The last record of a segment that is closed is gone, torn or whole.
    let lengths = lengths(&whole[1]);
    let cut = whole[1].len() - lengths.last().unwrap();
    fs::write(&files[1], &whole[1][..=cut]).unwrap();
    let said = read(&[&path], 1).unwrap_err().to_string();
    assert!(said.contains("the last record is torn off"), "{said}");
    fs::write(&files[1], &whole[1][..cut]).unwrap();
    let said = read(&[&path], 1).unwrap_err().to_string();
    assert!(said.starts_with("record 11 is missing"), "{said}");
    restore();
    // Another tells of the same records.
    let (other_folder, other) = log_of(4);
    let said = read(&[&path, &other], 1).unwrap_err().to_string();
    assert!(said.contains("record 1 and those behind it are told in two ways"), "{said}");
    drop(other_folder);
    // A segment under the name of another is read in its place; the signer does not go on with it.
    fs::rename(&files[1], path.with_file_name("signatures.log.000000000099")).unwrap();
    assert_eq!(read(&[&path], 1).unwrap(), 21);
    assert!(matches!(open_by(few(&path)), Err(OpenLogError::Damaged { .. })));
}

/// How many octets each record has.
fn lengths(segment: &[u8]) -> Vec<usize> {
    LogReader::of_segment(segment).map(|record| record.unwrap().to_der().unwrap().len()).collect()
}

#[test]
fn a_copy_that_was_made_while_a_segment_grew_is_no_other_log() {
    let (folder, path) = three();
    let copy = folder.path().join("copy");
    fs::create_dir(&copy).unwrap();
    let octets = fs::read(&path).unwrap();
    fs::write(copy.join("signatures.log"), &octets[..octets.len() / 2]).unwrap();
    assert_eq!(read(&[&copy.join("signatures.log"), &path], 1).unwrap(), 21);
}

#[test]
fn no_octet_of_what_is_carried_over_can_be_changed_or_lost() {
    let (_folder, path) = three();
    let last = files(&path).pop().unwrap();
    let whole = fs::read(&last).unwrap();
    for length in 0..whole.len() {
        fs::write(&last, &whole[..length]).unwrap();
        let opened = open_by(few(&path));
        assert!(matches!(opened, Err(OpenLogError::Damaged { .. })), "{length} of {}", whole.len());
    }
    // What the last record says is seen once there is one behind it.
    for place in 0..whole.len() {
        let mut octets = whole.clone();
        octets[place] ^= 1;
        fs::write(&last, &octets).unwrap();
        let behind = match open_by(few(&path)) {
            Err(OpenLogError::Damaged { .. }) => continue,
            Err(other) => panic!("{other}"),
            Ok((log, _)) => log,
        };
        behind.append(entry("02")).unwrap();
        drop(behind);
        octets = fs::read(&last).unwrap();
        octets[place] ^= 1;
        fs::write(&last, &octets).unwrap();
        read(&[&path], 1).unwrap_err();
    }
}

/// What a kill leaves at each point between "the segment is full" and "the next one is written".
#[test]
fn a_stop_at_any_point_of_going_over_loses_nothing_and_makes_no_second_chain() {
    let (_folder, path) = three();
    let next = files(&path).pop().unwrap();
    let (begun, aside) = (fs::read(&next).unwrap(), path.with_file_name("signatures.log.new"));
    // Before it has its name: any part of it may have been written.
    for length in 0..=begun.len() {
        drop(fs::remove_file(&next));
        fs::write(&aside, &begun[..length]).unwrap();
        let (log, mut told) = open_by(few(&path)).unwrap();
        assert_eq!((log.head().records, told.take(&KeyRef::new(KEY)).signed), (18, 12), "{length}");
        assert!(!aside.exists() && !next.exists());
    }
    // The next signature fills the segment that was full already, and the log goes over then.
    let (log, _) = open_by(few(&path)).unwrap();
    log.append(entry("03")).unwrap();
    drop(log);
    assert_eq!(read(&[&path], 1).unwrap(), 22);
    assert_eq!(file_name(&files(&path).pop().unwrap()), "signatures.log.000000000020");
    // Once it has its name, it is whole, and the log goes on there.
    let (log, mut told) = open_by(few(&path)).unwrap();
    assert_eq!((log.head().records, told.take(&KeyRef::new(KEY)).signed), (22, 13));
    log.append(entry("04")).unwrap();
    drop(log);
    assert_eq!(read(&[&path], 1).unwrap(), 23);
}

#[test]
fn a_record_torn_off_at_the_end_of_a_later_segment_is_cut_off() {
    let (_folder, path) = three();
    let (log, _) = open_by(few(&path)).unwrap();
    log.append(entry("05")).unwrap();
    drop(log);
    let last = files(&path).pop().unwrap();
    let whole = fs::read(&last).unwrap();
    fs::write(&last, &whole[..whole.len() - 1]).unwrap();
    let (log, _) = open_by(few(&path)).unwrap();
    assert_eq!(log.head().records, 21);
    log.append(entry("06")).unwrap();
    assert_eq!(read(&[&path], 1).unwrap(), 22);
}

/// A directory in the place of what is written aside: nothing can be begun there, as on a full disk.
#[test]
fn where_no_other_file_can_be_begun_the_log_goes_on_in_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signatures.log");
    let (log, _) = open_by(few(&path)).unwrap();
    let aside = path.with_file_name("signatures.log.new");
    fs::create_dir(&aside).unwrap();
    (0..10).for_each(|_| log.append(entry("01")).unwrap());
    assert_eq!((read(&[&path], 1).unwrap(), names(&path).unwrap().len()), (10, 10));
    fs::remove_dir(&aside).unwrap();
    (0..1_000).for_each(|_| log.append(entry("01")).unwrap());
    assert_eq!(read(&[&path], 1).unwrap(), log.head().records);
    assert!(files(&path).len() > 1, "there is room again");
}

#[test]
fn a_second_signer_finds_the_log_in_use_whatever_segment_is_written() {
    let (_folder, path) = three();
    let (log, _) = open_by(few(&path)).unwrap();
    for _ in 0..8 {
        log.append(entry("01")).unwrap();
        assert!(matches!(open_by(few(&path)), Err(OpenLogError::InUse { .. })));
    }
}
