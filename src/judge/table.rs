//! The reviewed table: for each of the guard's questions, what is known of each condition key, and why.
//!
//! Must never call a key known or absent that a request of Darwin's could carry otherwise; a key that has no row is
//! unknown. `docs/judge.md` shows the same table, and a test holds the two together, and to AWS's list of keys.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>
//! <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>

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
    /// With a `*` at its end, every key that begins so.
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

/// Of uploads alone, where Darwin decides.
const UPLOADS: [Knowledge; 6] = [A, A, U, A, U, U];
/// In none of Darwin's requests to S3.
const NO_S3: [Knowledge; 6] = [A, A, A, A, U, U];
/// In none of S3's requests to KMS.
const NO_KMS: [Knowledge; 6] = [U, U, U, U, A, A];

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
    row("aws:CalledViaFirst", NO_S3, "as aws:CalledVia"),
    row("aws:CalledViaLast", NO_S3, "as aws:CalledVia"),
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
    row("s3:DataAccessPointArn", NO_S3, "Darwin asks for the bucket by its name"),
    row("s3:DataAccessPointAccount", NO_S3, "as s3:DataAccessPointArn"),
    row("s3:AccessPointNetworkOrigin", NO_S3, "as s3:DataAccessPointArn"),
    row("s3:ExistingObjectTag/*", [U; 6], "tags of objects are not read"),
    row("s3:prefix", [A, A, A, U, U, U], "only of lists"),
    row("s3:delimiter", [A, A, A, U, U, U], "only of lists"),
    row("s3:max-keys", [A, A, A, U, U, U], "only of lists"),
    row("s3:x-amz-acl", UPLOADS, "only of uploads, where Darwin decides"),
    row("s3:x-amz-server-side-encryption", UPLOADS, "only of uploads, where Darwin decides"),
    row("s3:x-amz-server-side-encryption-aws-kms-key-id", UPLOADS, "only of uploads, where Darwin decides"),
    row("s3:x-amz-storage-class", UPLOADS, "only of uploads, where Darwin decides"),
    row("s3:RequestObjectTagKeys", UPLOADS, "only of uploads, where Darwin decides"),
    row("s3:RequestObjectTag/*", UPLOADS, "only of uploads, where Darwin decides"),
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
    row("kms:GrantIsForAWSResource", NO_KMS, "only of requests about grants"),
    // The rest of what AWS lists: tests/cases/condition_keys.json.
    row("aws:AssumedRoot", [A; 6], "only of sessions that AssumeRoot gave"),
    row("aws:ChatbotSourceArn", [U; 6], "depends on how V7 assumes the role"),
    row("aws:Ec2InstanceSourceVpc", [U; 6], "whether V7's role is an instance's only V7 knows"),
    row("aws:Ec2InstanceSourcePrivateIPv4", [U; 6], "as aws:Ec2InstanceSourceVpc"),
    row("ec2:RoleDelivery", [U; 6], "as aws:Ec2InstanceSourceVpc"),
    row("ec2:SourceInstanceArn", [U; 6], "as aws:Ec2InstanceSourceVpc"),
    row("glue:CredentialIssuingService", [U; 6], "whether a service of V7's runs with the role only V7 knows"),
    row("glue:RoleAssumedBy", [U; 6], "as glue:CredentialIssuingService"),
    row("identitystore:UserId", [U; 6], "as glue:CredentialIssuingService"),
    row("lambda:SourceFunctionArn", [U; 6], "as glue:CredentialIssuingService"),
    row("ssm:SourceInstanceArn", [U; 6], "as glue:CredentialIssuingService"),
    row("aws:SourceOwner", [U; 6], "which requests carry it is not documented"),
    row("aws:CalledViaAWSMCP", [U; 6], "which requests carry it is not documented"),
    row("aws:ViaAWSMCPService", [U; 6], "as aws:CalledViaAWSMCP"),
    row("aws:IsMcpServiceAction", [U; 6], "as aws:CalledViaAWSMCP"),
    row("s3:AccessPointTag/*", NO_S3, "as s3:DataAccessPointArn"),
    row(
        "s3:AccessGrant*",
        NO_S3,
        "an access grant gives credentials of its own, and Darwin comes with those of its role",
    ),
    row("s3:BucketTag/*", [U; 6], "tags of the bucket are not read for this"),
    row("s3:versionid", NO_S3, "to ask for a version is another action"),
    row("s3:x-amz-content-sha256", [U; 6], "how the client signs the content"),
    row("s3:if-match", [U; 6], "the client decides"),
    row("s3:if-none-match", [U; 6], "the client decides"),
    row("s3:x-amz-object-if-match", UPLOADS, "only of uploads, where Darwin decides"),
    row("s3:ObjectCreationOperation", UPLOADS, "only of uploads, where Darwin decides"),
    row("s3:object-lock-*", UPLOADS, "only of uploads, where Darwin decides"),
    row("s3:x-amz-copy-source", UPLOADS, "only of uploads, where Darwin decides"),
    row("s3:x-amz-grant-*", UPLOADS, "only of uploads, where Darwin decides"),
    row("s3:x-amz-metadata-directive", UPLOADS, "only of uploads, where Darwin decides"),
    row("s3:x-amz-object-annotation-directive", UPLOADS, "only of uploads, where Darwin decides"),
    row("s3:x-amz-website-redirect-location", UPLOADS, "only of uploads, where Darwin decides"),
    row("s3:annotation-prefix", NO_S3, "only in requests for annotations"),
    row("s3:max-annotation-results", NO_S3, "only in requests for annotations"),
    row("s3:locationconstraint", NO_S3, "only in requests that make a bucket"),
    row("s3:x-amz-bucket-namespace", NO_S3, "only in requests that make a bucket"),
    row("s3:x-amz-object-ownership", NO_S3, "only in requests that make or set up a bucket"),
    row("s3:InventoryAccessibleOptionalFields", NO_S3, "only in requests that set up a bucket"),
    row("s3:destinationRegion", NO_S3, "only in requests that set up replication"),
    row("s3:isReplicationPauseRequest", NO_S3, "only in requests that set up replication"),
    row("s3:deliverySourceArn", NO_S3, "only in requests that set up the delivery of logs"),
    row("s3:logType", NO_S3, "only in requests that set up the delivery of logs"),
    row("s3:ExistingJob*", NO_S3, "only in requests about Batch Operations jobs"),
    row("s3:RequestJob*", NO_S3, "only in requests about Batch Operations jobs"),
    row("s3:JobSuspendedCause", NO_S3, "only in requests about Batch Operations jobs"),
    row("s3:resourceArnBeingAuthorized", [U; 6], "which requests carry it is not documented"),
    row("kms:EncryptionContext:*", [U; 6], "an uploader may have added pairs of its own"),
    row("kms:RecipientAttestation:*", NO_KMS, "only in requests of Nitro enclaves; S3 is none"),
    row("kms:CustomerMasterKeySpec", [U; 6], "the older name of kms:KeySpec: not filled in"),
    row("kms:CustomerMasterKeyUsage", [U; 6], "the older name of kms:KeyUsage: not filled in"),
    row("kms:MultiRegionKeyType", [U; 6], "not read of the key"),
    row("kms:PrimaryRegion", [U; 6], "not read of the key"),
    row("kms:TrailingDaysWithoutKeyUsage", [U; 6], "not read of the key"),
    row("kms:GrantConstraintType", NO_KMS, "only of requests about grants"),
    row("kms:GrantConstraintSourceArn", NO_KMS, "only of requests about grants"),
    row("kms:GrantOperations", NO_KMS, "only of requests about grants"),
    row("kms:GranteePrincipal", NO_KMS, "only of requests about grants"),
    row("kms:GranteeServicePrincipal", NO_KMS, "only of requests about grants"),
    row("kms:RetiringPrincipal", NO_KMS, "only of requests about grants"),
    row("kms:RetiringServicePrincipal", NO_KMS, "only of requests about grants"),
    row("kms:BypassPolicyLockoutSafetyCheck", NO_KMS, "only in requests that set a key policy"),
    row("kms:DataKeyPairSpec", NO_KMS, "only in requests for a pair of data keys"),
    row("kms:ExpirationModel", NO_KMS, "only in requests that import key material"),
    row("kms:ValidTo", NO_KMS, "only in requests that import key material"),
    row("kms:WrappingAlgorithm", NO_KMS, "only in requests that import key material"),
    row("kms:WrappingKeySpec", NO_KMS, "only in requests that import key material"),
    row("kms:KeyAgreementAlgorithm", NO_KMS, "only in requests that derive a secret"),
    row("kms:MacAlgorithm", NO_KMS, "only in requests for a MAC"),
    row("kms:MessageType", NO_KMS, "only in requests that sign or verify"),
    row("kms:SigningAlgorithm", NO_KMS, "only in requests that sign or verify"),
    row("kms:ReEncryptOnSameKey", NO_KMS, "only in requests that encrypt anew"),
    row("kms:ReplicaRegion", NO_KMS, "only in requests that replicate a key"),
    row("kms:RotationPeriodInDays", NO_KMS, "only in requests that set up rotation"),
    row("kms:ScheduleKeyDeletionPendingWindowInDays", NO_KMS, "only in requests that delete a key"),
];
