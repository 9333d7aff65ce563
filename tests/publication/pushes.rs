//! Pushes to a folder of another web server.

use e2e::patience::eventually;
use e2e::rehearsal::Rehearsal;

use super::{AUTHORITY, fetch, number, uri};

#[test]
fn a_pushed_folder_follows_what_is_published() {
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    let folder = rehearsal.scratch("www");
    std::fs::create_dir(&folder).unwrap();
    let target = format!("\n[[status.push]]\ndirectory = {:?}\n", folder.display().to_string());
    rehearsal.configure("pushing.toml", |text| text + &target);
    rehearsal.serve();
    let uri = uri(&rehearsal, "crl");
    let pushed = folder.join("crl").join(uri.rsplit('/').next().unwrap());
    let holds_what_is_served = || {
        let served = fetch(&rehearsal, &uri, &[]);
        std::fs::read(&pushed).is_ok_and(|octets| octets == served.body).then_some(served)
    };
    let before = eventually("the CRL is pushed", holds_what_is_served);
    drop(rehearsal.operator_json(&["crl", "publish", AUTHORITY]));
    let after = eventually("the next CRL is pushed", || {
        holds_what_is_served().filter(|after| after.body != before.body)
    });
    assert!(number(&rehearsal, &after) > number(&rehearsal, &before));
    let index = fetch(&rehearsal, &format!("{}/index.txt", rehearsal.status()), &[]).text();
    for path in index.lines().filter_map(|line| line.split('\t').next()) {
        eventually(path, || folder.join(path.trim_start_matches('/')).is_file().then_some(()));
    }
}
