//! The book as mdBook makes it of docs/.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use e2e::tool::{mdbook, run};

use crate::{files, read, sources};

/// Pages that mdBook makes beside the chapters: all of them as one, for paper; and what a web server shows for what is not there.
const MADE: [&str; 3] = ["print.html", "toc.html", "404.html"];

/// A page: what in it can be pointed at, and what it points to, each with the element that does.
struct Page {
    places: BTreeSet<String>,
    links: Vec<(String, String)>,
}

impl Page {
    fn read(text: &str) -> Self {
        let mut page = Self { places: BTreeSet::new(), links: Vec::new() };
        // mdBook escapes what is not markup: each `<` begins an element.
        for element in text.split('<').skip(1) {
            let element = element.split('>').next().unwrap_or_default();
            let name = element.split_whitespace().next().unwrap_or_default();
            let of = |attribute: &str| {
                let (_, rest) = element.split_once(&format!(" {attribute}=\""))?;
                rest.split('"').next().map(|value| value.replace("&amp;", "&"))
            };
            page.places.extend(of("id"));
            page.links.extend(["href", "src"].into_iter().filter_map(of).map(|link| (name.to_owned(), link)));
        }
        page
    }
}

/// A path without `..` in it.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part @ (Component::Normal(_) | Component::RootDir | Component::Prefix(_)) => plain.push(part),
        }
        plain
    })
}

/// What is wrong with a link of a page, if anything is.
fn fault(pages: &BTreeMap<PathBuf, Page>, page: &Path, (element, link): &(String, String)) -> Option<String> {
    let elsewhere = link.starts_with("//")
        || link.split_once(':').is_some_and(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphabetic()));
    if elsewhere {
        return (element != "a")
            .then(|| format!("{}: {element} comes from elsewhere: {link}", page.display()));
    }
    let (path, place) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => page.to_owned(),
        path => plain(&page.parent().expect("a folder").join(path)),
    };
    let there = pages.get(&target).map_or_else(
        || target.exists() && place.is_empty(),
        |page| place.is_empty() || page.places.contains(place),
    );
    (!there).then(|| format!("{}: {link} leads nowhere", page.display()))
}

#[test]
fn the_book_is_made_and_every_link_in_it_leads_somewhere_and_nothing_comes_from_elsewhere() {
    let folder = tempfile::tempdir().expect("a private directory");
    let out = folder.path().canonicalize().expect("it is there").join("book");
    let (sources, to) = (sources().join("docs"), out.to_string_lossy().into_owned());
    let said =
        run(mdbook().to_str().expect("a path"), ["build", &sources.to_string_lossy(), "--dest-dir", &to]);
    assert!(said.success && !said.all().contains("WARN") && !said.all().contains("ERROR"), "{}", said.all());

    let mut pages = BTreeMap::new();
    let mut folders = vec![out.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "html") {
                let text = std::fs::read_to_string(&path).expect("a page");
                pages.insert(path, Page::read(&text));
            }
        }
    }
    let is_chapter = |page: &Path| !MADE.iter().any(|made| page.ends_with(made));
    let chapters = pages.iter().filter(|(path, _)| is_chapter(path));
    let faults: BTreeSet<String> = chapters
        .flat_map(|(path, page)| page.links.iter().filter_map(|link| fault(&pages, path, link)))
        .collect();
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.into_iter().collect::<Vec<_>>().join("\n")
    );
    assert!(pages.len() > 150, "{} pages", pages.len());
}

#[test]
fn every_chapter_is_in_the_book_once() {
    let summary = read("docs/SUMMARY.md");
    for path in files("docs", ".md").iter().filter(|path| *path != "docs/SUMMARY.md") {
        let within = path.strip_prefix("docs/").expect("it is there");
        assert_eq!(summary.matches(&format!("]({within})")).count(), 1, "{path} in docs/SUMMARY.md");
    }
}
