//! `docs/judge.md` against the code: the table of Darwin's requests, and every name that a verdict can hang on.

use darwin_s3_guard::judge::table::{COLUMNS, Knowledge, Source, TABLE};

const DOC: &str = include_str!("../../docs/judge.md");

fn cell(knowledge: Knowledge) -> String {
    match knowledge {
        Knowledge::OneOf(values) => values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" or "),
        Knowledge::Present => "present".to_owned(),
        Knowledge::Absent => "absent".to_owned(),
        Knowledge::Unknown => "?".to_owned(),
        Knowledge::Known(source) => match source {
            Source::Text(text) => format!("`{text}`"),
            Source::Role => "the role".to_owned(),
            Source::RoleAccount => "its account".to_owned(),
            Source::ResourceAccount => "the owner".to_owned(),
            Source::Region => "the Region".to_owned(),
            Source::Now => "now".to_owned(),
            Source::ViaService => "S3".to_owned(),
            Source::ContextArn => "object or bucket".to_owned(),
            Source::ContextKeys => "`aws:s3:arn`".to_owned(),
            Source::KeySpec | Source::KeyUsage | Source::KeyOrigin | Source::MultiRegion => "as described".to_owned(),
        },
    }
}

#[test]
fn the_page_shows_the_table_of_darwins_requests_as_it_is() {
    let mut table = format!("| key | {} | why |\n|{}\n", COLUMNS.join(" | "), "---|".repeat(COLUMNS.len() + 2));
    for row in TABLE {
        let cells: Vec<String> = row.cells.into_iter().map(cell).collect();
        table.push_str(&format!("| `{}` | {} | {} |\n", row.key, cells.join(" | "), row.why));
    }
    assert!(DOC.contains(&table), "docs/judge.md wants:\n{table}");
}

#[test]
fn every_condition_key_that_aws_lists_has_a_row_with_its_reason() {
    let list: serde_json::Value = serde_json::from_str(include_str!("../cases/condition_keys.json")).unwrap();
    let mut seen = 0;
    for of in ["s3", "kms", "global"] {
        for key in list[of].as_array().unwrap().iter().map(|key| key.as_str().unwrap()) {
            // What stands for a tag's or a pair's name.
            let stem = key.split(['$', '<']).next().unwrap().strip_suffix("tag-key").unwrap_or(key);
            let stem = stem.split(['$', '<']).next().unwrap().to_lowercase();
            let covers = |row: &str| match row.strip_suffix('*') {
                Some(start) => stem.starts_with(start),
                None => stem == row,
            };
            let row = TABLE.iter().find(|row| covers(&row.key.to_lowercase()));
            assert!(row.is_some_and(|row| !row.why.is_empty()), "{key} has no row");
            seen += 1;
        }
    }
    assert!(seen > 200, "{seen} keys");
}

#[test]
fn the_page_says_how_every_name_is_settled() {
    for name in [
        "`setting:RestrictPublicBuckets`",
        "`setting:PolicyStatus.IsPublic`",
        "`role-session-name`",
        "`permissions-boundary`",
        "`notprincipal-allow`",
        "`canonical-user-id`",
        "`object-acl`",
        "`key-state`",
        "`key-policy`",
        "`grants`",
        "`grantee-account`",
        "`grant-constraint:NAME`",
        "`operator:NAME`",
        "`element:NAME`",
        "`principal-type:NAME`",
        "`multivalued:KEY`",
        "`value:TEXT`",
        "`no-action`",
        "`no-resource`",
        "`no-principal`",
        "`bucket-policy`",
        "`requester-pays`",
        "`object-headers`",
        "`default-encryption`",
    ] {
        assert!(DOC.lines().any(|line| line.starts_with("| ") && line.contains(name)), "{name}");
    }
}
