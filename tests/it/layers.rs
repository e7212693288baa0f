//! The rule of ARCHITECTURE.md: a layer is a folder, and imports only the folders below it. Held by reading every line
//! of every source outside its unit tests. `cargo test layers -- --nocapture` prints the figures.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// From the ground up; a layer may import those of the rows above it. Layers of one row don't know each other.
const FLOORS: &[&[&str]] = &[
    &["model"],
    &["policy", "event", "incident", "proposal"],
    &["judge"],
    &["repair", "scan"],
    &["report"],
    &["app"],
    &["shell"],
];

/// One source of `src/` but `main.rs`: its module path and its code.
type Sources = BTreeMap<String, String>;

fn floor(layer: &str) -> Option<usize> {
    FLOORS.iter().position(|row| row.contains(&layer))
}

fn walk(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The library's sources, without comments, texts and unit tests. `policy::mod` is the table of contents of a layer.
fn sources() -> Sources {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    let name = |path: &Path| path.strip_prefix(&root).unwrap().with_extension("").to_str().unwrap().replace('/', "::");
    let read = |path: &PathBuf| (name(path), code(&std::fs::read_to_string(path).unwrap()));
    let all = paths.iter().map(read);
    all.filter(|(name, _)| !matches!(name.as_str(), "lib" | "main") && !name.starts_with("bin::"))
        .filter(|(name, _)| !name.ends_with("::tests"))
        .collect()
}

/// A source without comments, without what stands in texts, and without modules under `#[cfg(test)]`.
fn code(text: &str) -> String {
    without_unit_tests(&without_texts(text))
}

fn without_texts(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '/' if rest.peek() == Some(&'/') => while rest.next_if(|c| *c != '\n').is_some() {},
            '"' => {
                code.push_str("\"\"");
                while let Some(c) = rest.next() {
                    match c {
                        '\\' => drop(rest.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '\'' => {
                // A character, or a lifetime.
                let mut ahead = rest.clone();
                let (first, second) = (ahead.next(), ahead.next());
                if first == Some('\\') {
                    rest.next();
                    rest.next();
                    while rest.next().is_some_and(|c| c != '\'') {}
                } else if second == Some('\'') {
                    rest.next();
                    rest.next();
                } else {
                    code.push(c);
                }
            }
            c => code.push(c),
        }
    }
    code
}

fn without_unit_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some((before, after)) = rest.split_once("#[cfg(test)]") {
        kept.push_str(before);
        let item = after.find(['{', ';']).unwrap();
        rest = if after.as_bytes()[item] == b';' { &after[item + 1..] } else { behind_block(&after[item..]) };
    }
    kept + rest
}

/// What follows a block in braces.
fn behind_block(text: &str) -> &str {
    let mut depth = 0;
    for (index, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return &text[index + 1..],
            '}' => depth -= 1,
            _ => {}
        }
    }
    ""
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Every path that begins with `start::`, groups opened: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn paths(code: &str, start: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (index, _) in code.match_indices(&format!("{start}::")) {
        let bare = !code[..index].ends_with(|c: char| is_word(c) || c == ':');
        if bare {
            open(&code[index..], "", &mut found);
        }
    }
    found
}

fn open<'a>(text: &'a str, before: &str, found: &mut Vec<String>) -> &'a str {
    let mut text = text.trim_start();
    let mut path = before.to_owned();
    loop {
        let end = text.find(|c: char| !is_word(c) && c != '*').unwrap_or(text.len());
        path.push_str(&text[..end]);
        text = text[end..].trim_start();
        match text.strip_prefix("::").map(str::trim_start) {
            Some(after) if after.starts_with('{') => {
                path.push_str("::");
                text = &after[1..];
                loop {
                    text = open(text, &path, found).trim_start();
                    text = text.strip_prefix(',').unwrap_or(text).trim_start();
                    if let Some(after) = text.strip_prefix('}') {
                        return after;
                    }
                    if text.is_empty() {
                        return text;
                    }
                }
            }
            Some(after) if after.starts_with(|c: char| is_word(c) || c == '*') => {
                path.push_str("::");
                text = after;
            }
            _ => break,
        }
    }
    if let Some(after) = text.strip_prefix("as ") {
        text = after.trim_start().trim_start_matches(is_word);
    }
    if !path.is_empty() {
        found.push(path);
    }
    text
}

/// Every import of a source: paths that begin at the crate, and those of modules that the source declares itself.
fn imports(name: &str, code: &str) -> Vec<String> {
    let mut found: Vec<String> =
        paths(code, "crate").into_iter().map(|path| path.trim_start_matches("crate::").to_owned()).collect();
    let declared = code.lines().filter_map(|line| line.trim().strip_suffix(';')?.rsplit_once("mod ").map(|(_, m)| m));
    for child in declared.filter(|_| !name.ends_with("::mod")) {
        found.extend(paths(code, child).into_iter().map(|path| format!("{name}::{path}")));
    }
    found
}

/// What breaks the rule, one line each.
fn violations(sources: &Sources) -> Vec<String> {
    let mut found = Vec::new();
    for (name, code) in sources {
        let layer = name.split("::").next().unwrap();
        let Some(own) = floor(layer) else {
            found.push(format!("{name} stands in no layer"));
            continue;
        };
        for path in imports(name, code) {
            let target = path.split("::").next().unwrap();
            match floor(target) {
                None => found.push(format!("{name}: crate::{path} does not begin with a layer")),
                Some(_) if path.contains('*') => found.push(format!("{name}: crate::{path} takes everything")),
                Some(_) if path == target => found.push(format!("{name}: crate::{path} takes a whole layer")),
                Some(floor) if target != layer && floor >= own => found.push(format!("{name} -> crate::{path}")),
                Some(_) => {}
            }
        }
        let detours = ["super::", "self::", "#[path", "include!", "extern crate"];
        found.extend(detours.iter().filter(|word| has(code, word)).map(|word| format!("{name}: {word}")));
        if name.ends_with("::mod") {
            // What the function has none of stands behind the tool's feature.
            let declares = |line: &&str| {
                line.trim().is_empty()
                    || line.starts_with("pub mod ") && line.ends_with(';')
                    || *line == "#[cfg(feature = \"\")]"
            };
            let other = code.lines().filter(|line| !declares(line));
            found.extend(other.map(|line| format!("{name} is a table of contents and holds: {line}")));
        } else if code.lines().any(|line| line.starts_with("pub use ") || line.starts_with("pub(crate) use ")) {
            found.push(format!("{name} passes on what is not its own"));
        }
    }
    found
}

fn has(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(index, _)| !code[..index].ends_with(is_word))
}

/// Which module imports which, cut to `depth` names (all of them: each file by itself).
fn edges(sources: &Sources, depth: usize) -> BTreeMap<String, BTreeSet<String>> {
    let cut = |name: &str| name.split("::").take(depth).collect::<Vec<_>>().join("::");
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, code) in sources.iter().filter(|(name, _)| !name.ends_with("::mod")) {
        for path in imports(name, code) {
            let mut module = path.as_str();
            while !sources.contains_key(module) {
                let Some((shorter, _)) = module.rsplit_once("::") else { break };
                module = shorter;
            }
            let (from, to) = (cut(name), cut(module));
            if from != to && sources.contains_key(module) {
                edges.entry(from).or_default().insert(to);
            }
        }
    }
    edges
}

/// Every module that leads back to itself.
fn circles(edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let reaches = |start: &String| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&String> = edges.get(start).into_iter().flatten().collect();
        while let Some(node) = next.pop() {
            if seen.insert(node) {
                next.extend(edges.get(node).into_iter().flatten());
            }
        }
        seen.contains(start)
    };
    edges.keys().filter(|start| reaches(start)).cloned().collect()
}

#[test]
fn a_folder_imports_only_folders_below_it() {
    let sources = sources();
    let (files, folders) = (edges(&sources, usize::MAX), edges(&sources, 2));
    println!("rooms (folders): {}", sources.keys().filter(|name| name.ends_with("::mod")).count());
    println!("floors: {}", FLOORS.len());
    println!("modules: {}, imports between them: {}", sources.len(), files.values().map(BTreeSet::len).sum::<usize>());
    println!("imports upward: {}", violations(&sources).iter().filter(|line| line.contains(" -> ")).count());
    println!("modules in a circle: {} {:?}", circles(&files).len(), circles(&files));
    assert_eq!(violations(&sources), Vec::<String>::new());
    assert_eq!(circles(&files), Vec::<String>::new());
    assert_eq!(circles(&folders), Vec::<String>::new());
}

#[test]
fn a_violation_of_each_kind_is_found() {
    let found = |name: &str, text: &str| violations(&BTreeMap::from([(name.to_owned(), code(text))]));
    for (name, text) in [
        ("model::arn", "use crate::policy::parse::x;"),
        ("policy::parse", "use crate::event::json::x;"),
        ("judge::key", "fn f() { crate::report::text::line() }"),
        ("judge::key", "use crate::{model::arn::Arn, report::{card, email}};"),
        ("judge::key", "#[cfg(test)]\nmod tests { fn t() {} }\nuse crate::app::ports::Clock;"),
        ("judge::key", "const A: char = '\"';\nuse crate::app::ports::Clock;"),
        ("judge::key", "use super::object::x;"),
        ("judge::key", "fn f() { self::g() }"),
        ("judge::key", "use crate::model::arn::*;"),
        ("judge::key", "use crate::model;"),
        ("judge::key", "use crate::Guard;"),
        ("judge::key", "#[path = \"../report/card.rs\"]\nmod card;"),
        ("judge::key", "pub use crate::model::arn::Arn;"),
        ("judge::mod", "pub mod key;\npub use crate::judge::key::KeyFacts;"),
        ("extra::thing", "fn f() {}"),
    ] {
        assert_ne!(found(name, text), Vec::<String>::new(), "{name}: {text}");
    }
    for (name, text) in [
        ("judge::key", "use crate::model::{arn::Arn, time};\npub(super) fn f() {}"),
        ("judge::key", "// crate::report::card\nconst A: &str = \"crate::report::card\";"),
        ("judge::key", "fn f() {}\n#[cfg(test)]\nmod tests {\n use super::*;\n use crate::report::card;\n}\n"),
        ("judge::mod", "pub mod key;\n"),
    ] {
        assert_eq!(found(name, text), Vec::<String>::new(), "{name}: {text}");
    }
}

#[test]
fn a_circle_of_modules_is_found() {
    let sources = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, text)| ((*name).to_owned(), code(text))).collect();
    let two =
        sources(&[("judge::key", "use crate::judge::object::x;"), ("judge::object", "use crate::judge::key::y;")]);
    assert_eq!(circles(&edges(&two, usize::MAX)), ["judge::key", "judge::object"]);
    let front = sources(&[
        ("app::alerts", "mod send;\nfn f() { send::x() }"),
        ("app::alerts::send", "use crate::app::alerts::Sent;"),
    ]);
    assert_eq!(circles(&edges(&front, usize::MAX)), ["app::alerts", "app::alerts::send"]);
    let folders = sources(&[
        ("app::a::x", "use crate::app::b::y::f;"),
        ("app::b::y", ""),
        ("app::b::z", "use crate::app::a::w::g;"),
        ("app::a::w", ""),
    ]);
    assert_eq!(circles(&edges(&folders, usize::MAX)), Vec::<String>::new());
    assert_eq!(circles(&edges(&folders, 2)), ["app::a", "app::b"]);
}

fn offenders(belongs: impl Fn(&str) -> bool, forbidden: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, code) in sources().iter().filter(|(name, _)| belongs(name)) {
        found.extend(forbidden.iter().filter(|word| code.contains(**word)).map(|word| format!("{name}: {word}")));
    }
    found
}

fn layer(name: &str) -> &str {
    name.split("::").next().unwrap()
}

#[test]
fn the_core_names_no_sdk_no_runtime_no_clock_and_no_environment() {
    let forbidden = [
        "aws_sdk",
        "aws_smithy",
        "aws_config",
        "tokio",
        "SystemTime",
        "Instant::",
        "std::env",
        "std::fs",
        "std::net::Tcp",
        "std::net::Udp",
        "ToSocketAddrs",
        "async fn",
    ];
    assert_eq!(offenders(|name| !matches!(layer(name), "app" | "shell"), &forbidden), Vec::<String>::new());
}

#[test]
fn only_the_shell_names_the_sdk_and_does_input_and_output() {
    let forbidden = ["aws_sdk", "aws_smithy", "aws_config", "lambda_runtime", "std::fs", "std::env", "std::net::Tcp"];
    assert_eq!(offenders(|name| layer(name) != "shell", &forbidden), Vec::<String>::new());
}

#[test]
fn only_the_decoder_and_the_forms_of_the_answer_name_the_event_types() {
    let elsewhere = |name: &str| layer(name) != "event" && name != "report::forms";
    assert_eq!(offenders(elsewhere, &["aws_lambda_events"]), Vec::<String>::new());
    let within = offenders(|name| !elsewhere(name), &["aws_"]);
    let others = sources().into_iter().filter(|(name, _)| !elsewhere(name));
    let named = others.map(|(name, code)| (name, code.replace("aws_lambda_events", "")));
    assert_eq!(
        named.filter(|(_, code)| code.contains("aws_")).map(|(name, _)| name).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
    assert!(!within.is_empty(), "they are used");
}

#[test]
fn only_the_shell_reads_the_environment_and_in_one_place() {
    assert_eq!(offenders(|name| name != "shell::environment", &["env::var"]), Vec::<String>::new());
}

#[test]
fn the_sources_know_no_emulator() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    let emulators = ["ministack", "microburst", "localstack", "moto", "000000000000", "127.0.0.1", "localhost"];
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let found: Vec<_> = emulators.iter().filter(|name| text.contains(**name)).collect();
        assert!(found.is_empty(), "{}: {found:?}", path.display());
    }
}
