//! The forms of single values: ARNs, names, origins.
//!
//! Must never accept a wildcard where a name is wanted: values end up in bucket policies.

use crate::model::arn::Arn;
use crate::model::text::quoted;
use std::net::Ipv4Addr;

/// Longest piece of a value that a message quotes, in characters.
const QUOTED: usize = 60;

/// A piece of a value.
pub(super) fn cut(text: &str) -> String {
    quoted(text, QUOTED)
}

/// An ARN that names an account and a resource, without wildcards or spaces.
pub(super) fn exact_arn(text: &str) -> Option<Arn> {
    Arn::parse(text).filter(Arn::is_exact)
}

/// An IAM role's ARN, with or without a path.
pub(super) fn is_role_arn(text: &str) -> bool {
    exact_arn(text).is_some_and(|arn| {
        let path = arn.resource.strip_prefix("role/");
        let name = path.and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        arn.service == "iam"
            && arn.region.is_empty()
            && (1..=64).contains(&name.len())
            && name.bytes().all(is_name)
            && path.is_some_and(|path| !path.starts_with('/') && !path.contains("//") && !path.contains(':'))
    })
}

/// An origin as browsers send it: scheme and host, and a port that is not the scheme's own.
/// <https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Origin>
pub(super) fn is_origin(text: &str) -> bool {
    let (own_port, rest) = match text.split_once("://") {
        Some(("https", rest)) => ("443", rest),
        Some(("http", rest)) => ("80", rest),
        _ => return false,
    };
    let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let is_port =
        |port: &str| port != own_port && !port.starts_with('0') && port.parse::<u16>().is_ok_and(|port| port > 0);
    host.len() <= 253 && host.split('.').all(is_label) && port.is_none_or(is_port)
}

/// S3 takes letters and digits in a Sid; ours also gets a `2` appended where it is taken.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html>
pub(super) fn is_sid(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

pub(super) fn is_team(text: &str) -> bool {
    text.chars().count() <= 100 && !text.chars().any(char::is_control) && !text.trim().is_empty()
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html>
pub(super) fn is_table_name(text: &str) -> bool {
    (3..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// A standard topic's name; a FIFO topic (`.fifo`) takes no message without a group.
/// <https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html>
pub(super) fn is_topic_name(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// A general purpose bucket's name. A dot is allowed here, and a finding later.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
pub(super) fn is_bucket_name(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = text.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
        && edge(bytes.first())
        && edge(bytes.last())
        && !text.contains("..")
        && text.parse::<Ipv4Addr>().is_err()
        && !["xn--", "sthree-"].iter().any(|prefix| text.starts_with(prefix))
        && !["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|suffix| text.ends_with(suffix))
}

/// A literal key prefix: it goes into the Resource of a bucket policy, where `*`, `?` and `$` mean something else.
pub(super) fn is_key_prefix(text: &str) -> bool {
    (1..=512).contains(&text.len())
        && !text.starts_with('/')
        && !text.chars().any(|c| c.is_control() || matches!(c, '*' | '?' | '$'))
}
