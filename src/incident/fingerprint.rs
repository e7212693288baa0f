//! What makes two findings the same incident.

use crate::model::finding::Finding;
use sha2::{Digest, Sha256};
use std::fmt;

/// Identity of an incident: bucket, kind and cause; for what depends, bucket and set of names.
///
/// Its text is `kind/hash`, safe in keys, URLs and messages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a finding in a bucket.
    pub fn of(bucket: &str, finding: &Finding) -> Self {
        let (kind, parts) = if finding.depends_on.is_empty() {
            (finding.kind().name(), vec![finding.cause.clone()])
        } else {
            let mut names: Vec<String> = finding.depends_on.iter().map(ToString::to_string).collect();
            names.sort();
            names.dedup();
            ("depends", names)
        };
        let mut hash = Sha256::new();
        for part in [bucket, kind].into_iter().chain(parts.iter().map(String::as_str)) {
            // The length keeps ("a", "bc") and ("ab", "c") apart.
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
        let bytes = hash.finalize();
        Self(format!("{kind}/{}", hex(bytes.iter().take(16))))
    }

    /// A fingerprint as `as_str` gave it.
    pub fn parse(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// SHA-256 of a text in hexadecimal: the token by which a write of ours is recognised.
pub fn digest(text: &str) -> String {
    hex(Sha256::digest(text.as_bytes()).iter())
}

fn hex<'a>(bytes: impl Iterator<Item = &'a u8>) -> String {
    use fmt::Write;
    bytes.fold(String::new(), |mut text, byte| {
        // Writing to a String never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::contract::Access;
    use crate::model::evidence::{Evidence, Extent, KeyEvidence, KeyTrouble, Under};
    use crate::model::finding::Kind;
    use crate::model::unknown::Unknown;

    fn finding(kind: Kind, cause: &str, depends_on: &[&str]) -> Finding {
        let key = |trouble| {
            Evidence::Key(KeyEvidence {
                key: cause.to_owned(),
                under: Under::Objects,
                trouble,
                certain: true,
                role: String::new(),
                access: Access::ReadOnly,
                refused: Vec::new(),
            })
        };
        let evidence = match kind {
            Kind::ObjectOwnership => Evidence::ObjectOwnership { seen: Extent::Object },
            Kind::KeyState => key(KeyTrouble::State("Disabled".to_owned())),
            Kind::ForeignKey => key(KeyTrouble::Foreign("444455556666".to_owned())),
            _ => key(KeyTrouble::NotAllowed),
        };
        let found = Finding::with(
            evidence,
            Vec::new(),
            depends_on.iter().map(|name| Unknown::from((*name).to_owned())).collect(),
        );
        assert_eq!(found.kind(), kind);
        Finding { cause: cause.to_owned(), ..found }
    }

    #[test]
    fn bucket_kind_and_cause_each_make_another_incident() {
        let base = Fingerprint::of("b", &finding(Kind::KeyDenied, "arn:1", &[]));
        for (bucket, kind, cause) in
            [("c", Kind::KeyDenied, "arn:1"), ("b", Kind::KeyState, "arn:1"), ("b", Kind::KeyDenied, "arn:2")]
        {
            assert_ne!(base, Fingerprint::of(bucket, &finding(kind, cause, &[])), "{bucket} {kind} {cause}");
        }
        assert_eq!(base, Fingerprint::of("b", &finding(Kind::KeyDenied, "arn:1", &[])));
    }

    #[test]
    fn what_depends_is_one_incident_per_bucket_and_set_of_names() {
        let one = Fingerprint::of("b", &finding(Kind::ForeignKey, "arn:1", &["aws:SourceVpce", "object-acl"]));
        let same = Fingerprint::of(
            "b",
            &finding(Kind::ObjectOwnership, "arn:2", &["object-acl", "aws:SourceVpce", "object-acl"]),
        );
        let other = Fingerprint::of("b", &finding(Kind::ForeignKey, "arn:1", &["object-acl"]));
        assert_eq!(one, same);
        assert_ne!(one, other);
    }

    #[test]
    fn neighbouring_parts_do_not_run_together() {
        assert_ne!(
            Fingerprint::of("b", &finding(Kind::ForeignKey, "", &["ab", "c"])),
            Fingerprint::of("b", &finding(Kind::ForeignKey, "", &["a", "bc"]))
        );
    }
}
