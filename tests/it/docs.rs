//! Documents against the code: docs/repairs.md has every kind, ARCHITECTURE.md every module, links lead somewhere, and
//! the commands of CONTRIBUTING.md are of tests, cases and targets that exist.

use darwin_s3_guard::model::finding::{Kind, Severity};
use std::collections::BTreeMap;

const REPAIRS: &str = include_str!("../../docs/repairs.md");

/// The cells of every row that begins with a kind's name.
fn rows() -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
    let rows: Vec<_> = REPAIRS.lines().filter(|line| line.starts_with("| `")).map(cells).collect();
    for row in &rows {
        assert_eq!(row.len(), 6, "{row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
    rows
}

#[test]
fn every_kind_has_one_row_in_the_order_of_the_code_and_nothing_else_has() {
    let documented: Vec<&str> = rows().iter().map(|row| row[0].trim_matches('`')).collect();
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(documented, kinds);
}

#[test]
fn the_runbook_has_a_section_for_each_kind() {
    let runbook = text("docs/runbook.md");
    let missing: Vec<&Kind> =
        Kind::ALL.iter().filter(|kind| !runbook.contains(&format!("\n### {}\n", kind.name()))).collect();
    assert!(missing.is_empty(), "docs/runbook.md has no section for {missing:?}");
}

#[test]
fn each_row_gives_the_severities_and_whether_it_is_repaired_as_the_code_does() {
    let rows = rows();
    let by_name: BTreeMap<&str, &Vec<&str>> = rows.iter().map(|row| (row[0].trim_matches('`'), row)).collect();
    for kind in Kind::ALL {
        let row = by_name[kind.name()];
        let severities: Vec<&str> = kind
            .severities()
            .iter()
            .map(|severity| match severity {
                Severity::Info => "info",
                Severity::Warning => "warning",
                Severity::Critical => "critical",
            })
            .collect();
        let repaired = if kind.is_drift() { "yes" } else { "no" };
        assert_eq!((row[1], row[2]), (severities.join(", ").as_str(), repaired), "{kind}");
        assert!(kind.severities().is_sorted(), "{kind}: the mildest first");
    }
}

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn text(path: &str) -> String {
    std::fs::read_to_string(format!("{ROOT}/{path}")).unwrap()
}

fn in_code(document: &str, name: &str) -> bool {
    ["`", "` "].iter().any(|end| document.contains(&format!("`{name}{end}"))) || document.contains(&format!("`{name}/"))
}

#[test]
fn the_map_names_every_module_every_test_module_and_every_dependency() {
    let map = text("ARCHITECTURE.md");
    let modules = |path: &str| {
        let text = text(path);
        let named = |line: &str| {
            Some(line.trim().trim_start_matches("pub ").strip_prefix("mod ")?.trim_end_matches(';').to_owned())
        };
        text.lines().filter_map(named).collect::<Vec<_>>()
    };
    let manifest = text("Cargo.toml");
    let dependencies: Vec<String> = manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .take_while(|line| !line.starts_with("[profile"))
        .filter_map(|line| Some(line.split_once(" = ")?.0.to_owned()))
        // One row for the four clients.
        .map(|name| if name.starts_with("aws-sdk-") { "aws-sdk-{s3,kms,sns,dynamodb}".to_owned() } else { name })
        .collect();
    assert!(dependencies.len() > 10);
    let layers = modules("src/lib.rs");
    let rooms: Vec<String> = layers.iter().flat_map(|layer| modules(&format!("src/{layer}/mod.rs"))).collect();
    let all = [layers, rooms, modules("tests/it/main.rs"), dependencies].concat();
    let missing: Vec<&String> = all.iter().filter(|name| !in_code(&map, name)).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md does not name {missing:?}");
}

/// The fragment that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// Every document that people read, from the root.
fn documents() -> Vec<String> {
    let pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "events/README.md"];
    let mut documents = pages.map(str::to_owned).to_vec();
    for entry in std::fs::read_dir(format!("{ROOT}/docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        documents.extend(name.contains(".md").then(|| format!("docs/{name}")));
    }
    documents
}

#[test]
fn every_file_that_a_document_names_is_there() {
    let mut seen = 0;
    for document in documents() {
        let content = text(&document);
        // Every second piece stands between backticks.
        for name in content.split('`').skip(1).step_by(2) {
            let Some((folder, _)) = name.split_once('/') else { continue };
            let is_path = name.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            let is_module = std::fs::metadata(format!("{ROOT}/src/{folder}")).is_ok() && name.contains(".rs");
            let is_file = is_path && ["src", "tests", "docs", "scripts", "events"].contains(&folder);
            if is_file || (is_path && is_module) {
                seen += 1;
                let path = if is_module { format!("{ROOT}/src/{name}") } else { format!("{ROOT}/{name}") };
                assert!(std::fs::metadata(path).is_ok(), "{document}: {name}");
            }
        }
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn every_test_that_the_page_on_security_names_is_there() {
    let page = text("docs/security.md");
    let named: Vec<(&str, &str)> =
        page.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::")).collect();
    assert!(named.len() >= 7, "{named:?}");
    for (module, test) in named {
        let code = text(&format!("tests/it/{module}.rs"));
        assert!(code.contains(&format!("fn {test}()")), "{module}::{test}");
    }
}

#[test]
fn every_link_of_a_document_leads_somewhere() {
    let documents = documents();
    let mut seen = 0;
    for document in &documents {
        let folder = document.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let content = text(document);
        for link in content.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            if link.contains("://") {
                continue;
            }
            seen += 1;
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { document.clone() } else { format!("{folder}{path}") };
            let there = std::fs::metadata(format!("{ROOT}/{target}"));
            assert!(there.is_ok(), "{document}: {link}");
            let headings = || {
                text(&target)
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .map(|line| anchor(line.trim_start_matches('#')))
                    .collect::<Vec<_>>()
            };
            assert!(fragment.is_empty() || headings().contains(&fragment.to_owned()), "{document}: {link}");
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn every_command_of_the_contributing_guide_names_what_is_there() {
    let guide = text("CONTRIBUTING.md");
    let commands: Vec<&str> =
        guide.split("```sh\n").skip(1).flat_map(|rest| rest.split("```").next().unwrap().lines()).collect();
    assert!(commands.len() > 8, "{commands:?}");
    for command in &commands {
        let words = command.split('#').next().unwrap().split([' ', '\'']).filter(|word| !word.contains('='));
        let there = match words.filter(|word| !word.is_empty()).collect::<Vec<_>>()[..] {
            ["make", target, ..] if !text("Makefile").contains(&format!("\n{target}:")) => false,
            ["make", "e2e", "--pattern", file] => text(&format!("tests/e2e/{file}")).contains("def test_"),
            ["make", "mutants", "--re", file] => text(file).contains("fn "),
            ["make", "e2e" | "mutants", option, _] => ["-k", "--in-diff"].contains(&option),
            ["make", _] => true,
            ["cargo", "test", "--test", "it", filter] => {
                let (module, test) = filter.split_once("::").unwrap();
                let code = text(&format!("tests/it/{module}.rs"));
                if test.is_empty() { code.contains("#[test]") } else { code.contains(&format!("fn {test}()")) }
            }
            ["cargo", "run", "--example", "judge", "--", cases, name] => {
                text(cases).contains(&format!("\"name\": \"{name}\""))
            }
            _ => false,
        };
        assert!(there, "{command}");
    }
}

#[test]
fn every_path_of_the_contributing_guide_and_of_the_mutants_is_there() {
    let (guide, mutants) = (text("CONTRIBUTING.md"), text(".cargo/mutants.toml"));
    let in_report = |name: &str| format!("src/report/{name}");
    let quoted = guide.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let named = quoted.filter_map(|name| match name.split_once('/') {
        Some(("remedy", _)) => Some(in_report(name)),
        Some(("src" | "tests" | "docs" | "events", _)) => Some(name.to_owned()),
        None if name.strip_suffix(".rs").is_some() => Some(in_report(name)),
        _ => None,
    });
    let globs = mutants.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","));
    let paths: Vec<String> = named.chain(globs.map(|glob| glob.trim_end_matches("/**").to_owned())).collect();
    assert!(paths.len() > 20, "{paths:?}");
    let missing: Vec<_> = paths.iter().filter(|path| std::fs::metadata(format!("{ROOT}/{path}")).is_err()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_pinned_compiler_is_the_oldest_that_the_documents_promise() {
    let value = |path: &str, name: &str| {
        let text = text(path);
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")));
        line.unwrap().trim_matches('"').to_owned()
    };
    let oldest = value("Cargo.toml", "rust-version");
    assert_eq!(value("rust-toolchain.toml", "channel"), format!("{oldest}.0"));
    assert!(text("README.md").contains(&format!("Rust ({oldest} or newer;")));
    assert!(text("CONTRIBUTING.md").contains(&format!("Rust {oldest} (`rust-version`")));
    assert!(text("Makefile").contains(&format!("rustc {oldest}.,")));
}

#[test]
fn no_file_of_code_grows_beyond_what_one_reads_in_a_sitting() {
    fn walk(directory: &std::path::Path, long: &mut Vec<String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, long);
            } else if path.extension().is_some_and(|ending| ending == "rs" || ending == "py") {
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                long.extend((lines > 500).then(|| format!("{} has {lines} lines", path.display())));
            }
        }
    }
    let mut long = Vec::new();
    for directory in ["src", "tests", "benches", "scripts"] {
        walk(&std::path::Path::new(ROOT).join(directory), &mut long);
    }
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn every_variable_of_the_configuration_has_its_row() {
    let document = text("docs/configuration.md");
    let sources =
        [text("src/app/config.rs"), text("src/app/config/buckets.rs"), text("src/app/config/values.rs")].concat();
    let is_variable = |word: &&str| {
        !word.starts_with("AWS_LAMBDA_RUNTIME")
            && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
            && word.contains('_')
    };
    let variables: std::collections::BTreeSet<&str> =
        sources.split('"').skip(1).step_by(2).filter(is_variable).collect();
    assert!(variables.len() > 8, "{variables:?}");
    for variable in variables {
        assert!(in_code(&document, variable), "{variable}");
    }
}
