//! Darwin's requests, with what the reviewed table knows of their condition keys.
//!
//! Must never know more of a request than the table says.

use crate::judge::table::{COLUMNS, Knowledge, Source, TABLE};
use crate::model::contract::{Darwin, Home};
use crate::model::kms::KeyMetadata;
use crate::model::time::Timestamp;
use crate::model::verdict::Reader;
use crate::policy::request::{Request, RequestContext};

/// What fills the known cells.
struct Facts<'a> {
    darwin: &'a Darwin,
    home: &'a Home,
    resource_account: &'a str,
    now: Timestamp,
    context_arn: Option<&'a str>,
    /// None for S3, or where DescribeKey was refused.
    key: Option<&'a KeyMetadata>,
}

impl Facts<'_> {
    /// A source's value. `Err` is what the key is instead.
    fn value(&self, source: Source) -> Result<String, Knowledge> {
        let described = |value: fn(&KeyMetadata) -> Option<String>| self.key.and_then(value).ok_or(Knowledge::Unknown);
        match source {
            Source::Text(text) => Ok(text.to_owned()),
            Source::Role => Ok(self.darwin.role.clone()),
            Source::RoleAccount => Ok(self.darwin.account.clone()),
            Source::ResourceAccount if self.resource_account.is_empty() => Err(Knowledge::Present),
            Source::ResourceAccount => Ok(self.resource_account.to_owned()),
            Source::Region => Ok(self.home.region.clone()),
            Source::Now => Ok(self.now.to_string()),
            Source::ViaService => match self.home.partition.as_str() {
                "aws" | "aws-us-gov" => Ok(format!("s3.{}.amazonaws.com", self.home.region)),
                _ => Err(Knowledge::Present),
            },
            Source::ContextArn => self.context_arn.map(str::to_owned).ok_or(Knowledge::Present),
            Source::ContextKeys => Ok("aws:s3:arn".to_owned()),
            Source::KeySpec => described(|key| key.spec.clone()),
            Source::KeyUsage => described(|key| key.usage.clone()),
            Source::KeyOrigin => described(|key| key.origin.clone()),
            Source::MultiRegion => described(|key| Some(key.multi_region.to_string())),
        }
    }
}

/// The context of the question in this column of the table.
fn context(column: usize, facts: &Facts<'_>) -> RequestContext {
    let mut context = RequestContext::default();
    for row in TABLE {
        let cell = match row.cells.get(column).copied().unwrap_or(Knowledge::Unknown) {
            Knowledge::Known(source) => match facts.value(source) {
                Ok(value) => {
                    context = context.known(row.key, value);
                    continue;
                }
                Err(instead) => instead,
            },
            cell => cell,
        };
        context = match cell {
            Knowledge::OneOf(values) => {
                context.one_of(row.key, values.iter().map(|value| (*value).to_owned()).collect())
            }
            Knowledge::Present => context.present(row.key),
            Knowledge::Absent => context.absent(row.key),
            Knowledge::Known(_) | Knowledge::Unknown => context,
        };
    }
    context
}

/// Darwin's request to S3. `key` None: about the bucket. An action that has no column in the table is
/// asked with nothing known.
pub fn s3_request(
    darwin: &Darwin,
    home: &Home,
    action: &str,
    bucket: &str,
    key: Option<&str>,
    reader: Reader,
    now: Timestamp,
) -> Request {
    let column = match (action, reader) {
        ("s3:GetObject", Reader::Server) => 0,
        ("s3:GetObject", Reader::Browser) => 1,
        ("s3:PutObject", _) => 2,
        ("s3:ListBucket", _) => 3,
        _ => COLUMNS.len(),
    };
    let arn = format!("arn:{}:s3:::{bucket}", home.partition);
    let facts = Facts { darwin, home, resource_account: &home.account, now, context_arn: None, key: None };
    Request {
        action: action.to_owned(),
        resource: key.map_or_else(|| arn.clone(), |key| format!("{arn}/{key}")),
        resource_account: home.account.to_string(),
        principal: darwin.role.clone(),
        context: context(column, &facts),
    }
}

/// The request that S3 makes to KMS for Darwin. `key`: what DescribeKey told, or only ARN and account where it was
/// refused (then `state` is empty). `context_arn`: the encryption context's `aws:s3:arn`; None: not known.
pub fn kms_request(
    darwin: &Darwin,
    home: &Home,
    action: &str,
    key: &KeyMetadata,
    context_arn: Option<&str>,
    now: Timestamp,
) -> Request {
    let column = match action {
        "kms:Decrypt" => 4,
        "kms:GenerateDataKey" => 5,
        _ => COLUMNS.len(),
    };
    let described = Some(key).filter(|key| !key.state.is_empty());
    let facts = Facts { darwin, home, resource_account: &key.account, now, context_arn, key: described };
    Request {
        action: action.to_owned(),
        resource: key.arn.clone(),
        resource_account: key.account.clone(),
        principal: darwin.role.clone(),
        context: context(column, &facts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arn::AccountId;
    use crate::policy::request::ContextValue;

    fn darwin() -> Darwin {
        Darwin {
            role: "arn:aws:iam::258327614892:role/external_s3".into(),
            account: "258327614892".into(),
            origin: "https://darwin.v7labs.com".into(),
            sid: "DarwinAccess".into(),
            team: None,
        }
    }

    fn home(partition: &str) -> Home {
        Home {
            account: AccountId::parse("111122223333").unwrap(),
            region: "eu-central-1".into(),
            partition: partition.into(),
            function: None,
        }
    }

    fn known(request: &Request, key: &str) -> Vec<String> {
        match request.context.get(key) {
            ContextValue::Known(values) => values.to_vec(),
            other => panic!("{key} is {other:?}"),
        }
    }

    const NOW: Timestamp = Timestamp::from_millis(1_795_435_200_000);

    #[test]
    fn every_key_has_one_row() {
        for (place, row) in TABLE.iter().enumerate() {
            let twice = TABLE.iter().take(place).any(|other| other.key.eq_ignore_ascii_case(row.key));
            assert!(!twice && !row.why.is_empty(), "{}", row.key);
        }
    }

    #[test]
    fn server_and_browser_differ_in_how_they_sign_and_in_nothing_else() {
        let ask = |reader| s3_request(&darwin(), &home("aws"), "s3:GetObject", "b", Some("k"), reader, NOW);
        let (server, browser) = (ask(Reader::Server), ask(Reader::Browser));
        assert_eq!(known(&server, "s3:authType"), ["REST-HEADER"]);
        assert_eq!(known(&browser, "s3:authType"), ["REST-QUERY-STRING"]);
        let differing: Vec<&str> =
            TABLE.iter().map(|row| row.key).filter(|key| server.context.get(key) != browser.context.get(key)).collect();
        assert_eq!(differing, ["s3:authType"]);
    }

    #[test]
    fn addresses_endpoints_and_organizations_are_never_known_nor_absent() {
        let open = ["aws:SourceIp", "aws:SourceVpce", "aws:SourceVpc", "aws:PrincipalOrgID", "aws:PrincipalTag/team"];
        for action in ["s3:GetObject", "s3:PutObject", "s3:ListBucket"] {
            let request = s3_request(&darwin(), &home("aws"), action, "b", None, Reader::Server, NOW);
            for key in open {
                assert_eq!(request.context.get(key), ContextValue::Unknown, "{action} {key}");
            }
        }
    }

    #[test]
    fn an_upload_may_carry_headers_that_a_read_cannot() {
        let ask = |action| s3_request(&darwin(), &home("aws"), action, "b", Some("k"), Reader::Server, NOW);
        let key = "s3:x-amz-server-side-encryption";
        assert_eq!(ask("s3:GetObject").context.get(key), ContextValue::Absent);
        assert_eq!(ask("s3:PutObject").context.get(key), ContextValue::Unknown);
    }

    #[test]
    fn kms_is_asked_by_s3_for_the_keys_own_account() {
        let key = KeyMetadata {
            arn: "arn:aws:kms:eu-central-1:444455556666:key/1".into(),
            account: "444455556666".into(),
            state: "Enabled".into(),
            spec: Some("SYMMETRIC_DEFAULT".into()),
            ..KeyMetadata::default()
        };
        let arn = "arn:aws:s3:::b/k";
        let request = kms_request(&darwin(), &home("aws"), "kms:Decrypt", &key, Some(arn), NOW);
        assert_eq!(request.resource_account, "444455556666");
        assert_eq!(known(&request, "aws:ResourceAccount"), ["444455556666"]);
        assert_eq!(known(&request, "kms:ViaService"), ["s3.eu-central-1.amazonaws.com"]);
        assert_eq!(known(&request, "kms:EncryptionContext:aws:s3:arn"), [arn]);
        assert_eq!(known(&request, "kms:MultiRegion"), ["false"]);
        // An uploader's own pairs stay open for reading; Darwin's uploads have none.
        assert_eq!(request.context.get("kms:EncryptionContextKeys"), ContextValue::Present);
        let request = kms_request(&darwin(), &home("aws-cn"), "kms:GenerateDataKey", &key, None, NOW);
        assert_eq!(known(&request, "kms:EncryptionContextKeys"), ["aws:s3:arn"]);
        assert_eq!(request.context.get("kms:EncryptionContext:aws:s3:arn"), ContextValue::Present);
        assert_eq!(request.context.get("kms:ViaService"), ContextValue::Present);
    }

    #[test]
    fn of_a_key_that_could_not_be_described_nothing_is_claimed() {
        let key = KeyMetadata { arn: "alias/x".into(), ..KeyMetadata::default() };
        let request = kms_request(&darwin(), &home("aws"), "kms:Decrypt", &key, None, NOW);
        for name in ["kms:MultiRegion", "kms:KeySpec", "kms:KeyOrigin", "kms:KeyUsage"] {
            assert_eq!(request.context.get(name), ContextValue::Unknown, "{name}");
        }
        assert_eq!(request.context.get("aws:ResourceAccount"), ContextValue::Present);
    }

    #[test]
    fn an_action_without_a_column_is_asked_with_nothing_known() {
        let request = s3_request(&darwin(), &home("aws"), "s3:DeleteObject", "b", None, Reader::Server, NOW);
        assert!(request.context.keys().is_empty());
    }
}
