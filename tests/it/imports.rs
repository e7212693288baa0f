//! The import rules of ARCHITECTURE.md, held by reading the sources.

use std::path::{Path, PathBuf};

const CORE: &[&str] = &[
    "answer", "arn", "contract", "cors", "event", "finding", "history", "incident", "key", "metrics", "notify", "plan",
    "policy", "remedy", "request", "time", "verdict",
];

fn sources() -> Vec<(String, String)> {
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
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    let name = |path: &Path| path.strip_prefix(&root).unwrap().with_extension("").to_str().unwrap().replace('/', "::");
    paths.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// The code of a source without its comments and without its unit tests.
fn code(text: &str) -> String {
    let library = text.split("#[cfg(test)]").next().unwrap();
    library.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn offenders(belongs: impl Fn(&str) -> bool, forbidden: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in sources().iter().filter(|(name, _)| belongs(name)) {
        let code = code(text);
        found.extend(forbidden.iter().filter(|word| code.contains(**word)).map(|word| format!("{name}: {word}")));
    }
    found
}

fn is_core(name: &str) -> bool {
    CORE.contains(&name.split("::").next().unwrap())
}

#[test]
fn every_module_of_the_core_exists() {
    let names: Vec<String> = sources().into_iter().map(|(name, _)| name).collect();
    let missing: Vec<_> = CORE.iter().filter(|core| !names.iter().any(|name| name == *core)).collect();
    assert!(missing.is_empty(), "{missing:?}");
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
    assert_eq!(offenders(is_core, &forbidden), Vec::<String>::new());
}

#[test]
fn the_core_does_not_look_into_the_shell() {
    let shell = [
        "crate::aws",
        "crate::handler",
        "crate::reconcile",
        "crate::objects",
        "crate::observe",
        "crate::facts",
        "crate::alerts",
        "crate::cli",
        "crate::config",
    ];
    assert_eq!(offenders(is_core, &shell), Vec::<String>::new());
}

#[test]
fn only_the_aws_modules_and_main_name_the_sdk() {
    let shell = |name: &str| name != "main" && name.split("::").next() != Some("aws");
    assert_eq!(offenders(shell, &["aws_sdk", "aws_smithy", "aws_config", "lambda_runtime"]), Vec::<String>::new());
}

#[test]
fn only_the_configuration_reads_the_environment() {
    assert_eq!(offenders(|name| name != "config", &["env::var"]), Vec::<String>::new());
}

#[test]
fn the_sources_know_no_emulator() {
    let emulators = ["ministack", "microburst", "localstack", "moto", "000000000000", "127.0.0.1", "localhost"];
    assert_eq!(offenders(|_| true, &emulators), Vec::<String>::new());
}
