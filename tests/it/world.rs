//! A stateful in-memory AWS: buckets, keys, a topic and a clock, with the calls counted and faults injected.

use darwin_s3_guard::app::ports::{BucketReads, BucketWrites, Clock, Keys, Listing, Objects, Topic};
use darwin_s3_guard::model::arn::AccountId;
use darwin_s3_guard::model::aws::{AwsError, AwsResult, ErrorClass, Operation};
use darwin_s3_guard::model::contract::{Darwin, Home};
use darwin_s3_guard::model::finding::Kind;
use darwin_s3_guard::model::kms::KeyMetadata;
use darwin_s3_guard::model::s3::{
    BucketEncryption, CorsRule, Head, Notifications, ObjectFacts, Ownership, PublicAccessBlock, Target,
};
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::report::notice::Message;
use darwin_s3_guard::scan::range::{Listed, Page};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "eu-central-1";
pub const ROLE: &str = "arn:aws:iam::258327614892:role/external_s3";
pub const BUCKET: &str = "acme-lidar";

/// V7's role, as it is by default.
pub fn darwin() -> Darwin {
    Darwin {
        role: ROLE.into(),
        account: "258327614892".into(),
        origin: "https://darwin.v7labs.com".into(),
        sid: "DarwinAccess".into(),
        team: None,
    }
}

/// Where the guard is, outside Lambda.
pub fn home() -> Home {
    Home { account: AccountId::parse(ACCOUNT).unwrap(), region: REGION.into(), partition: "aws".into(), function: None }
}

/// A document whose newest write may not show yet.
#[derive(Debug, Clone, Default)]
pub struct Eventual<T> {
    current: T,
    before: T,
    /// Reads that still see `before`.
    stale_reads: u32,
}

impl<T: Clone> Eventual<T> {
    pub fn of(value: T) -> Self {
        Self { current: value.clone(), before: value, stale_reads: 0 }
    }

    pub fn now(&self) -> &T {
        &self.current
    }

    fn read(&mut self, stale_seen: &Cell<u32>) -> T {
        if self.stale_reads > 0 {
            self.stale_reads -= 1;
            stale_seen.set(stale_seen.get() + 1);
            return self.before.clone();
        }
        self.current.clone()
    }

    pub fn write(&mut self, value: T, stale_reads: u32) {
        self.before = std::mem::replace(&mut self.current, value);
        self.stale_reads = stale_reads;
    }
}

#[derive(Debug, Clone)]
pub struct Bucket {
    pub policy: Eventual<Option<String>>,
    pub cors: Eventual<Option<Vec<CorsRule>>>,
    pub encryption: BucketEncryption,
    pub event_bridge: bool,
    pub targets: Vec<Target>,
    pub block: PublicAccessBlock,
    pub ownership: Option<Ownership>,
    pub requester_pays: bool,
    pub tags: Vec<(String, String)>,
    pub objects: BTreeMap<String, Head>,
}

impl Default for Bucket {
    /// As S3 makes them today: owner enforced, public access blocked, SSE-S3; with EventBridge on.
    fn default() -> Self {
        Self {
            policy: Eventual::of(None),
            cors: Eventual::of(None),
            encryption: BucketEncryption { algorithm: Some("AES256".into()), kms_key: None, bucket_key_enabled: false },
            event_bridge: true,
            targets: Vec::new(),
            block: PublicAccessBlock {
                block_public_acls: true,
                ignore_public_acls: true,
                block_public_policy: true,
                restrict_public_buckets: true,
            },
            ownership: Some(Ownership::BucketOwnerEnforced),
            requester_pays: false,
            tags: Vec::new(),
            objects: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Key {
    pub metadata: KeyMetadata,
    pub policy: String,
    pub grants: Vec<Value>,
}

pub fn key_arn(id: &str) -> String {
    format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{id}")
}

/// V7's read-write statement, as its page has it.
pub fn darwin_policy() -> String {
    json!({"Version": "2012-10-17", "Id": "PolicyForExternalAccess", "Statement": [{
        "Sid": "DarwinAccess", "Effect": "Allow", "Principal": {"AWS": ROLE},
        "Action": ["s3:GetObject", "s3:PutObject"], "Resource": format!("arn:aws:s3:::{BUCKET}/*")}]})
    .to_string()
}

pub fn darwin_cors() -> Vec<CorsRule> {
    vec![CorsRule {
        allowed_headers: vec!["*".into()],
        allowed_methods: vec!["GET".into()],
        allowed_origins: vec!["https://darwin.v7labs.com".into()],
        ..CorsRule::default()
    }]
}

pub type Rival = Box<dyn Fn(&World, Operation)>;

#[derive(Default)]
pub struct World {
    pub buckets: RefCell<HashMap<String, Bucket>>,
    pub keys: RefCell<HashMap<String, Key>>,
    pub calls: RefCell<Vec<(Operation, String)>>,
    pub faults: RefCell<VecDeque<(Operation, AwsError)>>,
    slow: RefCell<VecDeque<(Operation, Duration)>>,
    pub published: RefCell<Vec<Message>>,
    pub subscriptions: Cell<u64>,
    pub now: Cell<Timestamp>,
    pub stale_reads_after_write: Cell<u32>,
    pub stale_seen: Cell<u32>,
    /// Called before each bucket call is answered: somebody else at work.
    pub rival: RefCell<Option<Rival>>,
    in_rival: Cell<bool>,
    in_flight: Cell<usize>,
    pub most_in_flight: Cell<usize>,
    /// Entries of a page of a listing; 0: as many as S3's.
    pub page: Cell<usize>,
}

pub fn aws_error(operation: Operation, class: ErrorClass, code: &str, status: u16) -> AwsError {
    AwsError {
        operation,
        class,
        code: Some(code.to_owned()),
        status: Some(status),
        message: format!("{code} from the in-memory AWS"),
        request_id: Some("R1".to_owned()),
    }
}

impl World {
    /// One guarded bucket that fulfils the contract.
    pub fn healthy() -> Self {
        let world = Self::default();
        world.now.set(Timestamp::from_millis(1_795_521_600_000));
        world.subscriptions.set(1);
        let bucket = Bucket {
            policy: Eventual::of(Some(darwin_policy())),
            cors: Eventual::of(Some(darwin_cors())),
            ..Bucket::default()
        };
        world.buckets.borrow_mut().insert(BUCKET.to_owned(), bucket);
        world
    }

    pub fn bucket(&self, change: impl FnOnce(&mut Bucket)) {
        change(self.buckets.borrow_mut().get_mut(BUCKET).unwrap());
    }

    pub fn policy(&self) -> Option<String> {
        self.buckets.borrow()[BUCKET].policy.now().clone()
    }

    pub fn key(&self, id: &str, for_darwin: bool) -> String {
        let arn = key_arn(id);
        let mut statements = vec![json!({"Sid": "Enable IAM User Permissions", "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "kms:*", "Resource": "*"})];
        if for_darwin {
            statements.push(json!({"Sid": "Darwin", "Effect": "Allow", "Principal": {"AWS": ROLE},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*"}));
        }
        let metadata = KeyMetadata {
            arn: arn.clone(),
            account: ACCOUNT.to_owned(),
            state: "Enabled".to_owned(),
            manager: "CUSTOMER".to_owned(),
            origin: Some("AWS_KMS".to_owned()),
            spec: Some("SYMMETRIC_DEFAULT".to_owned()),
            usage: Some("ENCRYPT_DECRYPT".to_owned()),
            multi_region: false,
        };
        let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        self.keys.borrow_mut().insert(arn.clone(), Key { metadata, policy, grants: Vec::new() });
        arn
    }

    pub fn object(&self, key: &str, kms_key: Option<&str>) {
        let facts = ObjectFacts {
            encryption: Some(if kms_key.is_some() { "aws:kms" } else { "AES256" }.to_owned()),
            kms_key: kms_key.map(str::to_owned),
            ..ObjectFacts::default()
        };
        self.bucket(|bucket| {
            bucket.objects.insert(key.to_owned(), Head::Found(facts));
        });
    }

    pub fn fault(&self, operation: Operation, class: ErrorClass, code: &str, status: u16) {
        self.faults.borrow_mut().push_back((operation, aws_error(operation, class, code, status)));
    }

    /// The next call of this operation takes so many milliseconds; every other takes no time.
    pub fn slow(&self, operation: Operation, wait: Duration) {
        self.slow.borrow_mut().push_back((operation, wait));
    }

    pub fn count(&self, operation: Operation) -> usize {
        self.calls.borrow().iter().filter(|(called, _)| *called == operation).count()
    }

    pub fn writes(&self) -> Vec<Operation> {
        let calls = self.calls.borrow();
        let is_write = |operation: &Operation| {
            matches!(
                operation,
                Operation::PutBucketPolicy | Operation::PutBucketCors | Operation::PutBucketNotificationConfiguration
            )
        };
        calls.iter().map(|(operation, _)| *operation).filter(is_write).collect()
    }

    pub fn forget_calls(&self) {
        self.calls.borrow_mut().clear();
    }

    /// Each message published: its document for machines.
    pub fn documents(&self) -> Vec<Value> {
        let document = |message: &Message| {
            let body: Value = serde_json::from_str(&message.body).unwrap();
            serde_json::from_str(body["default"].as_str().unwrap()).unwrap()
        };
        self.published.borrow().iter().map(document).collect()
    }

    /// The kind of each incident that was told, with its status. A message may have several.
    pub fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        for document in self.documents() {
            let also = document["also"].as_array().cloned().unwrap_or_default();
            for incident in std::iter::once(&document).chain(&also) {
                told.push(format!("{} {}", incident["kind"].as_str().unwrap(), incident["status"].as_str().unwrap()));
            }
        }
        told
    }

    pub fn told_of(&self, kind: Kind) -> usize {
        self.told().iter().filter(|told| told.starts_with(kind.name())).count()
    }

    async fn call(&self, operation: Operation, on: &str) -> AwsResult<()> {
        // Let the others run, as a real call would.
        self.in_flight.set(self.in_flight.get() + 1);
        self.most_in_flight.set(self.most_in_flight.get().max(self.in_flight.get()));
        tokio::task::yield_now().await;
        self.in_flight.set(self.in_flight.get() - 1);
        self.calls.borrow_mut().push((operation, on.to_owned()));
        let mut slow = self.slow.borrow_mut();
        if let Some(at) = slow.iter().position(|(called, _)| *called == operation) {
            self.now.set(self.now.get() + slow.remove(at).unwrap().1);
        }
        drop(slow);
        let mut faults = self.faults.borrow_mut();
        if let Some(at) = faults.iter().position(|(faulty, _)| *faulty == operation) {
            return Err(faults.remove(at).unwrap().1);
        }
        drop(faults);
        if !self.in_rival.get() {
            self.in_rival.set(true);
            if let Some(rival) = &*self.rival.borrow() {
                rival(self, operation);
            }
            self.in_rival.set(false);
        }
        Ok(())
    }

    async fn on<T>(&self, operation: Operation, bucket: &str, answer: impl FnOnce(&mut Bucket) -> T) -> AwsResult<T> {
        self.call(operation, bucket).await?;
        match self.buckets.borrow_mut().get_mut(bucket) {
            Some(found) => Ok(answer(found)),
            None => Err(aws_error(operation, ErrorClass::NotFound, "NoSuchBucket", 404)),
        }
    }

    async fn of_key<T>(&self, operation: Operation, key: &str, answer: impl FnOnce(&Key) -> T) -> AwsResult<T> {
        self.call(operation, key).await?;
        match self.keys.borrow().get(key) {
            Some(found) => Ok(answer(found)),
            None => Err(aws_error(operation, ErrorClass::NotFound, "NotFoundException", 400)),
        }
    }
}

impl Objects for World {
    async fn head_object(&self, bucket: &str, key: &str, _version_id: Option<&str>) -> AwsResult<Head> {
        self.on(Operation::HeadObject, bucket, |bucket| bucket.objects.get(key).cloned().unwrap_or(Head::Gone)).await
    }
}

impl Listing for World {
    /// In the order of the keys' bytes, as S3; each object has as many bytes as its key.
    async fn list(&self, bucket: &str, prefix: &str, after: &str, delimited: bool) -> AwsResult<Page> {
        let most = if self.page.get() == 0 { 1_000 } else { self.page.get() };
        let list = |bucket: &mut Bucket| {
            let mut page = Page::default();
            let keys = bucket.objects.keys().filter(|key| key.starts_with(prefix) && key.as_str() > after);
            for key in keys {
                let folder = key[prefix.len()..].find('/').filter(|_| delimited).map(|end| &key[..=prefix.len() + end]);
                if folder.is_some_and(|folder| page.folders.last().is_some_and(|last| last == folder)) {
                    continue;
                }
                if page.objects.len() + page.folders.len() == most {
                    page.more = true;
                    break;
                }
                match folder {
                    Some(folder) => page.folders.push(folder.to_owned()),
                    None => page.objects.push(Listed { key: key.clone(), size: key.len() as u64 }),
                }
            }
            page
        };
        self.on(Operation::ListObjectsV2, bucket, list).await
    }
}

impl BucketReads for World {
    async fn policy(&self, bucket: &str) -> AwsResult<Option<String>> {
        self.on(Operation::GetBucketPolicy, bucket, |bucket| bucket.policy.read(&self.stale_seen)).await
    }

    async fn policy_is_public(&self, bucket: &str) -> AwsResult<Option<bool>> {
        self.on(Operation::GetBucketPolicyStatus, bucket, |_| None).await
    }

    async fn cors(&self, bucket: &str) -> AwsResult<Option<Vec<CorsRule>>> {
        self.on(Operation::GetBucketCors, bucket, |bucket| bucket.cors.read(&self.stale_seen)).await
    }

    async fn encryption(&self, bucket: &str) -> AwsResult<Option<BucketEncryption>> {
        self.on(Operation::GetBucketEncryption, bucket, |bucket| Some(bucket.encryption.clone())).await
    }

    async fn notifications(&self, bucket: &str) -> AwsResult<Notifications> {
        self.on(Operation::GetBucketNotificationConfiguration, bucket, |bucket| Notifications {
            event_bridge: bucket.event_bridge,
            targets: bucket.targets.clone(),
        })
        .await
    }

    async fn public_access_block(&self, bucket: &str) -> AwsResult<Option<PublicAccessBlock>> {
        self.on(Operation::GetPublicAccessBlock, bucket, |bucket| Some(bucket.block)).await
    }

    async fn ownership(&self, bucket: &str) -> AwsResult<Option<Ownership>> {
        self.on(Operation::GetBucketOwnershipControls, bucket, |bucket| bucket.ownership.clone()).await
    }

    async fn requester_pays(&self, bucket: &str) -> AwsResult<bool> {
        self.on(Operation::GetBucketRequestPayment, bucket, |bucket| bucket.requester_pays).await
    }

    async fn tags(&self, bucket: &str) -> AwsResult<Vec<(String, String)>> {
        self.on(Operation::GetBucketTagging, bucket, |bucket| bucket.tags.clone()).await
    }
}

impl BucketWrites for World {
    async fn put_policy(&self, bucket: &str, policy: &str) -> AwsResult<()> {
        let stale = self.stale_reads_after_write.get();
        self.on(Operation::PutBucketPolicy, bucket, |bucket| bucket.policy.write(Some(policy.to_owned()), stale)).await
    }

    async fn put_cors(&self, bucket: &str, rules: &[CorsRule]) -> AwsResult<()> {
        let stale = self.stale_reads_after_write.get();
        self.on(Operation::PutBucketCors, bucket, |bucket| bucket.cors.write(Some(rules.to_vec()), stale)).await
    }

    async fn enable_event_bridge(&self, bucket: &str, before: &Notifications) -> AwsResult<bool> {
        let found = self.notifications(bucket).await?;
        if found != *before {
            return Ok(false);
        }
        self.on(Operation::PutBucketNotificationConfiguration, bucket, |bucket| {
            bucket.event_bridge = true;
            bucket.targets = found.targets;
        })
        .await?;
        Ok(true)
    }
}

impl Keys for World {
    async fn describe_key(&self, key: &str) -> AwsResult<KeyMetadata> {
        self.of_key(Operation::DescribeKey, key, |key| key.metadata.clone()).await
    }

    async fn key_policy(&self, key: &str) -> AwsResult<String> {
        self.of_key(Operation::GetKeyPolicy, key, |key| key.policy.clone()).await
    }

    async fn grants(&self, key: &str, grantee: &str) -> AwsResult<Vec<Value>> {
        self.of_key(Operation::ListGrants, key, |key| {
            key.grants.iter().filter(|grant| grant["GranteePrincipal"] == grantee).cloned().collect()
        })
        .await
    }
}

impl Topic for World {
    async fn publish(&self, message: &Message) -> AwsResult<()> {
        self.call(Operation::Publish, "topic").await?;
        self.published.borrow_mut().push(message.clone());
        Ok(())
    }

    async fn subscriptions_confirmed(&self) -> AwsResult<u64> {
        self.call(Operation::GetTopicAttributes, "topic").await?;
        Ok(self.subscriptions.get())
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.now.get()
    }

    async fn sleep(&self, wait: Duration) {
        self.now.set(self.now.get() + wait);
        tokio::task::yield_now().await;
    }

    fn random(&self, _bound: u64) -> u64 {
        0
    }
}
