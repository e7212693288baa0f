//! The documents that are given as files.
//!
//! Must never take a file for another document than it is.

use crate::policy::rcp::ResourceControlPolicy;
use crate::proposal::documents::policy_text;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// RCPs: each the policy itself, or what `aws organizations describe-policy` answers.
///
/// # Errors
/// One of them is none.
pub fn rcps(files: &[PathBuf]) -> Result<Vec<ResourceControlPolicy>, String> {
    let one = |file: &PathBuf| {
        let (name, text) = (file.display().to_string(), read(file)?);
        let described = json_of(file, &text)?;
        let text = match described.get("Policy") {
            None => text,
            Some(policy) => match policy.pointer("/PolicySummary/Type").and_then(Value::as_str) {
                None | Some("RESOURCE_CONTROL_POLICY") => policy.get("Content").and_then(policy_text).unwrap_or(text),
                Some(other) => return Err(format!("`{name}` is no RCP: its type is {other}")),
            },
        };
        ResourceControlPolicy::read(&name, text).map_err(|why| format!("`{name}` is {why}"))
    };
    files.iter().map(one).collect()
}

/// A policy byte for byte, if it is one; that of `aws s3api get-bucket-policy` too (`{"Policy": "…"}`).
///
/// # Errors
/// It is none.
pub fn policy_of(file: &Path) -> Result<String, String> {
    let text = read(file)?;
    let value = json_of(file, &text)?;
    if let Some(text) = value.get("Policy").and_then(policy_text) {
        return Ok(text);
    }
    if value.get("Statement").is_none() {
        return Err(format!("`{}` is no policy: it has no Statement", file.display()));
    }
    Ok(text)
}

fn read(file: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| format!("`{}` can't be read: {error}", file.display()))?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// A file of JSON.
///
/// # Errors
/// It can't be read, or is none.
pub fn read_json(file: &Path) -> Result<Value, String> {
    json_of(file, &read(file)?)
}

fn json_of(file: &Path, text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("`{}` is no JSON: {error}", file.display()))
}

/// YAML, of which JSON is a part. A tag (`!Ref`) is the function of that name.
///
/// # Errors
/// It can't be read, or is none.
pub fn read_yaml(file: &Path) -> Result<Value, String> {
    let value = serde_yaml_ng::from_str(&read(file)?);
    let value: serde_yaml_ng::Value = value.map_err(|error| format!("`{}` is no YAML: {error}", file.display()))?;
    Ok(as_json(value))
}

fn as_json(value: serde_yaml_ng::Value) -> Value {
    use serde_yaml_ng::Value as Yaml;
    match value {
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let tag = tag.trim_start_matches('!');
            let name = if tag == "Ref" || tag == "Condition" { tag.to_owned() } else { format!("Fn::{tag}") };
            json!({ name: as_json(tagged.value) })
        }
        Yaml::Mapping(members) => {
            let name = |key: Yaml| match key {
                Yaml::String(text) => text,
                other => serde_json::to_value(other).map(|value| value.to_string()).unwrap_or_default(),
            };
            Value::Object(members.into_iter().map(|(key, value)| (name(key), as_json(value))).collect())
        }
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(as_json).collect()),
        other => serde_json::to_value(other).unwrap_or_default(),
    }
}
