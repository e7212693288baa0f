//! The reviewed table: for each of the guard's questions, what is known of each condition key, and why.
//!
//! Must never call a key known or absent that a request of Darwin's could carry otherwise; a key that has no row is
//! unknown. `docs/judge.md` shows the same table, and a test holds the two together.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>
//! <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>

use crate::model::contract::{Darwin, Home};
use crate::model::kms::KeyMetadata;
use crate::model::verdict::Reader;
use crate::policy::request::{Request, RequestContext};

/// What the table says of one key in one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knowledge {
    /// In the request, with this value.
    Known(Source),
    /// In the request, with one of these values.
    OneOf(&'static [&'static str]),
    /// In the request, value unknown.
    Present,
    /// Not in the request.
    Absent,
    /// Nobody here can tell.
    Unknown,
}

/// Where a known value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Text(&'static str),
    /// ARN of Darwin's role.
    Role,
    /// Account of Darwin's role.
    RoleAccount,
    /// Account of the bucket, or of the key.
    ResourceAccount,
    Region,
    Now,
    /// `s3.REGION.amazonaws.com`; present only, in a partition whose name for it AWS's pages do not give.
    ViaService,
    /// The encryption context's `aws:s3:arn`; present only, where it is not known which of the two ARNs it is.
    ContextArn,
    /// The names of the encryption context that S3 makes of itself.
    ContextKeys,
    /// From DescribeKey; unknown where that was not read.
    KeySpec,
    KeyUsage,
    KeyOrigin,
    MultiRegion,
}

/// One condition key.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// `x/*` is every key that begins so.
    pub key: &'static str,
    /// In the order of [`COLUMNS`].
    pub cells: [Knowledge; 6],
    #[cfg_attr(not(feature = "internals"), expect(dead_code, reason = "a test holds docs/judge.md to it"))]
    pub why: &'static str,
}

/// The questions: reading by the servers, reading by the annotator's browser, writing, listing; KMS for reading and
/// for writing, which S3 asks on Darwin's behalf.
pub const COLUMNS: [&str; 6] =
    ["GetObject, server", "GetObject, browser", "PutObject", "ListBucket", "Decrypt", "GenerateDataKey"];

const P: Knowledge = Knowledge::Present;
const A: Knowledge = Knowledge::Absent;
const TLS: Knowledge = Knowledge::OneOf(&["1.2", "1.3"]);
const U: Knowledge = Knowledge::Unknown;
const TRUE: Knowledge = Knowledge::Known(Source::Text("true"));
const FALSE: Knowledge = Knowledge::Known(Source::Text("false"));

const fn known(source: Source) -> Knowledge {
    Knowledge::Known(source)
}

const fn text(text: &'static str) -> Knowledge {
    Knowledge::Known(Source::Text(text))
}

const fn row(key: &'static str, cells: [Knowledge; 6], why: &'static str) -> Row {
    Row { key, cells, why }
}

/// The reviewed table. A key that is not here is unknown.
pub const TABLE: &[Row] = &[
    // Who asks.
    row("aws:PrincipalArn", [known(Source::Role); 6], "for a session of a role, the role's ARN"),
    row("aws:PrincipalAccount", [known(Source::RoleAccount); 6], "the account in the role's ARN"),
    row("aws:PrincipalType", [text("AssumedRole"); 6], "a role acts only through a session"),
    row("aws:PrincipalIsAWSService", [FALSE; 6], "Darwin's role asks, not a service principal"),
    row("aws:PrincipalServiceName", [A; 6], "only in requests of service principals"),
    row("aws:PrincipalServiceNamesList", [A; 6], "only in requests of service principals"),
    row("aws:SourceArn", [A; 6], "only in requests of service principals"),
    row("aws:SourceAccount", [A; 6], "only in requests of service principals"),
    row("aws:SourceOrgID", [A; 6], "only in requests of service principals"),
    row("aws:SourceOrgPaths", [A; 6], "only in requests of service principals"),
    row("aws:username", [A; 6], "only of IAM users"),
    row("aws:userid", [P; 6], "role id and session name, which only V7 knows"),
    row("aws:TokenIssueTime", [P; 6], "in every request with temporary credentials"),
    row("aws:PrincipalOrgID", [U; 6], "whether V7's account is in an organization, and in which, only V7 knows"),
    row("aws:PrincipalOrgPaths", [U; 6], "as aws:PrincipalOrgID"),
    row("aws:PrincipalTag/*", [U; 6], "tags of V7's role or session"),
    row("aws:SourceIdentity", [U; 6], "set, or not, when V7 assumes the role"),
    row("aws:FederatedProvider", [U; 6], "depends on how V7 assumes the role"),
    row("aws:MultiFactorAuthPresent", [U; 6], "depends on how V7 assumes the role"),
    row("aws:MultiFactorAuthAge", [U; 6], "depends on how V7 assumes the role"),
    // Over which way.
    row(
        "aws:SecureTransport",
        [TRUE; 6],
        "Darwin uses HTTPS only, a page of its origin loads HTTPS only, and S3 calls KMS so",
    ),
    row("aws:SourceIp", [U; 6], "V7's or the annotator's address; not there at all through a VPC endpoint"),
    row("aws:SourceVpc", [U; 6], "whether servers or annotators go through a VPC endpoint cannot be seen"),
    row("aws:SourceVpcArn", [U; 6], "as aws:SourceVpc"),
    row("aws:SourceVpce", [U; 6], "as aws:SourceVpc"),
    row("aws:VpcSourceIp", [U; 6], "as aws:SourceVpc"),
    row("aws:VpceAccount", [U; 6], "as aws:SourceVpc"),
    row("aws:VpceOrgID", [U; 6], "as aws:SourceVpc"),
    row("aws:VpceOrgPaths", [U; 6], "as aws:SourceVpc"),
    row("aws:Referer", [U; 6], "the client decides"),
    row("aws:UserAgent", [U; 6], "the client decides"),
    row("aws:ViaAWSService", [FALSE, FALSE, FALSE, FALSE, TRUE, TRUE], "Darwin calls S3 itself; S3 calls KMS for it"),
    row(
        "aws:CalledVia",
        [A, A, A, A, U, U],
        "Darwin calls S3 itself; whether S3's calls to KMS carry it is not documented",
    ),
    row("aws:CalledViaFirst", [A, A, A, A, U, U], "as aws:CalledVia"),
    row("aws:CalledViaLast", [A, A, A, A, U, U], "as aws:CalledVia"),
    // When, and of what.
    row("aws:CurrentTime", [known(Source::Now); 6], "the moment of judging"),
    row("aws:EpochTime", [U; 6], "not filled in: policies that use it are judged with care"),
    row("aws:RequestedRegion", [known(Source::Region); 6], "the guard judges buckets of its own Region only"),
    row("aws:ResourceAccount", [known(Source::ResourceAccount); 6], "the owner of the bucket, or of the key"),
    row("aws:ResourceOrgID", [U; 6], "the organization of the resource's owner is not read"),
    row("aws:ResourceOrgPaths", [U; 6], "as aws:ResourceOrgID"),
    row("aws:ResourceTag/*", [U; 6], "tags of bucket and key are not read for this"),
    row("aws:TagKeys", [A; 6], "only in requests that tag a resource"),
    row("aws:RequestTag/*", [A; 6], "only in requests that tag a resource"),
    // S3.
    row(
        "s3:ResourceAccount",
        [
            known(Source::ResourceAccount),
            known(Source::ResourceAccount),
            known(Source::ResourceAccount),
            known(Source::ResourceAccount),
            U,
            U,
        ],
        "the owner of the bucket",
    ),
    row(
        "s3:authType",
        [text("REST-HEADER"), text("REST-QUERY-STRING"), P, P, U, U],
        "servers sign the header, the browser has a presigned URL; how Darwin signs uploads and lists is not documented",
    ),
    row("s3:signatureversion", [P, P, P, P, U, U], "every signed request has one"),
    row("s3:signatureAge", [U; 6], "how old a signature is when it arrives"),
    row("s3:TlsVersion", [TLS, TLS, TLS, TLS, U, U], "AWS takes TLS 1.2 or newer only"),
    row(
        "s3:x-amz-server-side-encryption-customer-algorithm",
        [A, A, A, A, U, U],
        "Darwin has no key of the customer's to send with a request",
    ),
    row("s3:DataAccessPointArn", [A, A, A, A, U, U], "Darwin asks for the bucket by its name"),
    row("s3:DataAccessPointAccount", [A, A, A, A, U, U], "as s3:DataAccessPointArn"),
    row("s3:AccessPointNetworkOrigin", [A, A, A, A, U, U], "as s3:DataAccessPointArn"),
    row("s3:ExistingObjectTag/*", [U; 6], "tags of objects are not read"),
    row("s3:prefix", [A, A, A, U, U, U], "only of lists"),
    row("s3:delimiter", [A, A, A, U, U, U], "only of lists"),
    row("s3:max-keys", [A, A, A, U, U, U], "only of lists"),
    row("s3:x-amz-acl", [A, A, U, A, U, U], "only of uploads, where Darwin decides"),
    row("s3:x-amz-server-side-encryption", [A, A, U, A, U, U], "only of uploads, where Darwin decides"),
    row("s3:x-amz-server-side-encryption-aws-kms-key-id", [A, A, U, A, U, U], "only of uploads, where Darwin decides"),
    row("s3:x-amz-storage-class", [A, A, U, A, U, U], "only of uploads, where Darwin decides"),
    row("s3:RequestObjectTagKeys", [A, A, U, A, U, U], "only of uploads, where Darwin decides"),
    row("s3:RequestObjectTag/*", [A, A, U, A, U, U], "only of uploads, where Darwin decides"),
    // KMS.
    row(
        "kms:CallerAccount",
        [U, U, U, U, known(Source::RoleAccount), known(Source::RoleAccount)],
        "S3 calls KMS with Darwin's credentials",
    ),
    row(
        "kms:ViaService",
        [U, U, U, U, known(Source::ViaService), known(Source::ViaService)],
        "S3 of the bucket's Region calls KMS",
    ),
    row(
        "kms:EncryptionAlgorithm",
        [U, U, U, U, text("SYMMETRIC_DEFAULT"), text("SYMMETRIC_DEFAULT")],
        "S3 uses symmetric encryption keys only",
    ),
    row(
        "kms:EncryptionContext:aws:s3:arn",
        [U, U, U, U, known(Source::ContextArn), known(Source::ContextArn)],
        "the object's ARN, or the bucket's under an S3 Bucket Key",
    ),
    row(
        "kms:EncryptionContextKeys",
        [U, U, U, U, P, known(Source::ContextKeys)],
        "an uploader may have added pairs of its own, which HeadObject does not tell; Darwin's uploads add none",
    ),
    row("kms:KeySpec", [U, U, U, U, known(Source::KeySpec), known(Source::KeySpec)], "DescribeKey"),
    row("kms:KeyUsage", [U, U, U, U, known(Source::KeyUsage), known(Source::KeyUsage)], "DescribeKey"),
    row("kms:KeyOrigin", [U, U, U, U, known(Source::KeyOrigin), known(Source::KeyOrigin)], "DescribeKey"),
    row("kms:MultiRegion", [U, U, U, U, known(Source::MultiRegion), known(Source::MultiRegion)], "DescribeKey"),
    row(
        "kms:RequestAlias",
        [U, U, U, U, A, U],
        "what is decrypted names its key; a default encryption may name an alias",
    ),
    row("kms:ResourceAliases", [U; 6], "the key's aliases are not read"),
    row("kms:GrantIsForAWSResource", [U, U, U, U, A, A], "only of requests about grants"),
];

/// What fills the known cells.
struct Facts<'a> {
    darwin: &'a Darwin,
    home: &'a Home,
    resource_account: &'a str,
    /// RFC 3339.
    now: &'a str,
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
            Source::Now => Ok(self.now.to_owned()),
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

/// Darwin's request to S3. `key` None: about the bucket. `now`: RFC 3339. An action that has no column in the table is
/// asked with nothing known.
pub fn s3_request(
    darwin: &Darwin,
    home: &Home,
    action: &str,
    bucket: &str,
    key: Option<&str>,
    reader: Reader,
    now: &str,
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
    now: &str,
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

    const NOW: &str = "2026-11-23T12:00:00Z";

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
