//! What the manifests must say: lints inherited, versions in one place, and for each dependency why it is there.
//!
//! Not the resolved graph: `crates` looks at that.

use toml::{Table, Value};

use super::{Breach, House, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "lints-inherited",
        sentence: "every member but the tests has `[lints] workspace = true`",
        check: lints_inherited,
    },
    Rule {
        id: "one-version",
        sentence: "members take every dependency from the root manifest, with `workspace = true`",
        check: one_version,
    },
    Rule {
        id: "dependency-comment",
        sentence: "each outside dependency in the root manifest has a comment: what for; who maintains it",
        check: dependency_comment,
    },
    Rule {
        id: "no-switches",
        sentence: "a member has no cargo feature and no cfg but `test`, so that no build contains another authenticator, hook or bypass",
        check: no_switches,
    },
];

/// Features that members may have: member, feature, and all that it brings in. A new one needs its reason here.
const FEATURES: &[(&str, &str, &[&str])] = &[
    // CoAP links OpenSSL, which only those shall have who ask for it. It brings in a transport and decides nothing.
    ("meter-pki", "coaps", &["dep:cmp-coaps", "dep:coap-kit", "dep:est-coaps"]),
];

/// What a build may be told apart by in the sources of members, and in which file only.
const CONDITIONS: &[(&str, Option<&str>)] = &[
    ("test", None),
    ("feature coaps", Some("crates/meter-pki/src/coaps.rs")),
    ("not feature coaps", Some("crates/meter-pki/src/coaps.rs")),
];

/// Members with lints of their own: what is for tests only, and the module that is called through pointers.
const OWN_LINTS: [&str; 3] = ["e2e", "pkcs11-faults", "postgres-peer"];

const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

fn lints_inherited(house: &House) -> Vec<Breach> {
    let inherits = |text: &str| {
        let manifest: Option<Table> = text.parse().ok();
        let lints = manifest
            .as_ref()
            .and_then(|manifest| manifest.get("lints"))
            .and_then(|lints| lints.get("workspace"));
        lints.and_then(Value::as_bool) == Some(true)
    };
    house
        .workspace
        .members()
        .filter(|(member, _)| !OWN_LINTS.contains(&member.name.as_str()))
        .filter_map(|(_, manifest)| house.tree.file(manifest))
        .filter(|file| !inherits(&file.text))
        .map(|file| Breach::at(&file.path, 1, "add `[lints]` with `workspace = true`"))
        .collect()
}

fn one_version(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in house.workspace.members().filter_map(|(_, manifest)| house.tree.file(manifest)) {
        let manifest: Table = file.text.parse().unwrap_or_default();
        let tables = KINDS.iter().filter_map(|kind| manifest.get(*kind)).filter_map(Value::as_table);
        for (name, stated) in tables.flatten() {
            if stated.get("workspace").and_then(Value::as_bool) != Some(true) {
                let remedy =
                    format!("write `{name}.workspace = true`, with the version in the root manifest");
                breaches.push(Breach::at(&file.path, line_of(&file.text, name), remedy));
            }
        }
    }
    breaches
}

fn dependency_comment(house: &House) -> Vec<Breach> {
    let Some(file) = house.tree.file("Cargo.toml") else {
        return Vec::new();
    };
    let entries = file
        .lines()
        .skip_while(|(_, line)| line.trim() != "[workspace.dependencies]")
        .skip(1)
        .take_while(|(_, line)| !line.starts_with('['))
        .filter(|(_, line)| line.contains('=') && !line.starts_with('#') && !line.contains("path ="));
    let explained = |line: &str| {
        let comment = line.split_once('#').and_then(|(_, comment)| comment.split_once(';'));
        comment
            .is_some_and(|(purpose, maintainer)| !purpose.trim().is_empty() && !maintainer.trim().is_empty())
    };
    entries
        .filter(|(_, line)| !explained(line))
        .map(|(number, _)| {
            Breach::at("Cargo.toml", number, "end the line with `# what for; who maintains it`")
        })
        .collect()
}

/// A test authenticator that a feature brings in is one build command away from a release.
fn no_switches(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (member, manifest) in house.workspace.members() {
        let Some(file) = house.tree.file(manifest) else { continue };
        let parsed: Table = file.text.parse().unwrap_or_default();
        let features = parsed.get("features").and_then(Value::as_table);
        for (feature, brings) in features.into_iter().flatten() {
            if !is_known(&member.name, feature, brings) {
                let remedy = format!("remove the feature {feature}: every build is the one that is released");
                breaches.push(Breach::at(&file.path, line_of(&file.text, feature), remedy));
            }
        }
    }
    let sources = house.tree.rust().filter(|(file, _)| file.path.contains("/src/"));
    for (file, source) in sources {
        for (line, condition) in source.conditions() {
            let is_there = |place: &Option<&str>| place.is_none_or(|place| place == file.path);
            if !CONDITIONS.iter().any(|(known, place)| *known == condition && is_there(place)) {
                let remedy = format!("remove cfg({condition}): every build is the one that is released");
                breaches.push(Breach::at(&file.path, line, remedy));
            }
        }
    }
    breaches
}

/// A listed feature brings in what is listed, and nothing more; no feature is there unless it is asked for.
fn is_known(member: &str, feature: &str, brings: &Value) -> bool {
    let brings: Option<Vec<&str>> =
        brings.as_array().and_then(|names| names.iter().map(Value::as_str).collect());
    FEATURES
        .iter()
        .any(|(of, known, listed)| (*of, *known) == (member, feature) && brings.as_deref() == Some(*listed))
}

fn line_of(text: &str, name: &str) -> usize {
    let names_it = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    (1..).zip(text.lines()).find(|(_, line)| names_it(line)).map_or(1, |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{breaches, files};
    use super::*;
    use crate::tree::Tree;
    use crate::workspace::{Workspace, fixture::workspace};

    fn member(name: &str, manifest: &str) -> House {
        House {
            tree: Tree::of(&[(&format!("{name}/Cargo.toml"), manifest)]),
            workspace: workspace(&[(name, &[])]),
        }
    }

    #[test]
    fn a_member_with_lints_of_its_own_is_a_breach_except_the_tests() {
        let own = "[lints.rust]\nunsafe_code = \"allow\"\n";
        assert_eq!(breaches("lints-inherited", &member("ca-core", own)), ["ca-core/Cargo.toml:1"]);
        assert_eq!(breaches("lints-inherited", &member("e2e", own)), Vec::<String>::new());
        let inherited = "[lints]\nworkspace = true\n";
        assert_eq!(breaches("lints-inherited", &member("ca-core", inherited)), Vec::<String>::new());
    }

    #[test]
    fn a_version_in_a_member_is_a_breach() {
        let manifest = "[dependencies]\nder.workspace = true\nhex = \"0.4\"\n\n[dev-dependencies]\ncsv = { version = \"1\" }\n";
        assert_eq!(
            breaches("one-version", &member("ca-core", manifest)),
            ["ca-core/Cargo.toml:3", "ca-core/Cargo.toml:6"]
        );
    }

    // Case E-27.
    #[test]
    fn e_27_a_feature_or_a_condition_that_could_bring_in_an_authenticator_is_a_breach() {
        let manifest = "[package]\nname = \"est-server\"\n\n[features]\nmock-authenticator = []\n";
        assert_eq!(breaches("no-switches", &member("est-server", manifest)), ["est-server/Cargo.toml:5"]);
        for (condition, sound) in [
            ("test", true),
            ("feature = \"mock\"", false),
            ("debug_assertions", false),
            ("not(test)", false),
            ("any(test, feature = \"mock\")", false),
        ] {
            let text = format!("//! Head.\n#[cfg({condition})]\nmod mock {{}}\n");
            let found = breaches("no-switches", &files(&[("est-server/src/lib.rs", &text)]));
            assert_eq!(found.is_empty(), sound, "{condition}");
        }
    }

    // Case E-27: what is released is what this workspace builds.
    #[test]
    fn e_27_no_member_has_a_feature_and_no_source_a_condition_but_those_listed() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let house = House { tree: Tree::read(&root).unwrap(), workspace: Workspace::read(&root).unwrap() };
        assert!(house.workspace.members().count() > 10);
        assert_eq!(breaches("no-switches", &house), Vec::<String>::new());
        assert!(FEATURES.iter().all(|(_, feature, _)| *feature != "default"), "a release has none");
    }

    // Case E-27: the one feature brings in what is listed, in one file.
    #[test]
    fn e_27_a_listed_feature_brings_in_nothing_else() {
        let brings =
            |names: &str| format!("[package]\nname = \"meter-pki\"\n\n[features]\ncoaps = [{names}]\n");
        for (names, sound) in [
            ("\"dep:cmp-coaps\", \"dep:coap-kit\", \"dep:est-coaps\"", true),
            ("\"dep:cmp-coaps\", \"dep:coap-kit\", \"dep:est-coaps\", \"dep:mock\"", false),
            ("", false),
        ] {
            let found = breaches("no-switches", &member("meter-pki", &brings(names)));
            assert_eq!(found.is_empty(), sound, "{names}");
        }
        let text = "//! Head.\n#[cfg(feature = \"coaps\")]\nmod present;\n";
        let there = files(&[("crates/meter-pki/src/coaps.rs", text)]);
        assert_eq!(breaches("no-switches", &there), Vec::<String>::new());
        let elsewhere = files(&[("crates/meter-pki/src/server.rs", text)]);
        assert_eq!(breaches("no-switches", &elsewhere), ["crates/meter-pki/src/server.rs:2"]);
    }

    #[test]
    fn a_dependency_without_purpose_and_maintainer_is_a_breach() {
        let manifest = "[workspace.dependencies]\nours = { path = \"ours\" }\na = \"1\" # text; its team\nb = \"1\"\n\
                        c = \"1\" # text\nd = \"1\" # ; its team\n[workspace.lints]\ne = \"1\"\n";
        let found = breaches("dependency-comment", &files(&[("Cargo.toml", manifest)]));
        assert_eq!(found, ["Cargo.toml:4", "Cargo.toml:5", "Cargo.toml:6"]);
    }
}
