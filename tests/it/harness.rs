//! The handler over the in-memory AWS, and the events that reach it.

use crate::world::{self, BUCKET, World};
use darwin_s3_guard::app::config::Config;
use darwin_s3_guard::app::handler::{Call, Guard};
use darwin_s3_guard::app::memory::Memory;
use darwin_s3_guard::app::ports::{
    self, BucketReads, BucketWrites, Clock, ForAccount, Incidents, Keys, KnownKeys, Leases, Listing, Log, Objects,
    Topic, WriteLog,
};
use darwin_s3_guard::incident::life::StoreResult;
use darwin_s3_guard::model::arn::AccountId;
use darwin_s3_guard::model::aws::AwsResult;
use darwin_s3_guard::model::kms::KeyMetadata;
use darwin_s3_guard::model::s3::{BucketEncryption, CorsRule, Head, Notifications, Ownership, PublicAccessBlock};
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::report::notice::Message;
use darwin_s3_guard::scan::range::Page;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::future::Future;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

#[derive(Clone)]
pub struct Shared(Rc<World>);

macro_rules! forward {
    ($port:ident { $($name:ident($($arg:ident: $type:ty),*) -> $out:ty;)+ }) => {
        impl $port for Shared {
            $(async fn $name(&self, $($arg: $type),*) -> $out { $port::$name(&*self.0, $($arg),*).await })+
        }
    };
}
forward!(Objects { head_object(bucket: &str, key: &str, version: Option<&str>) -> AwsResult<Head>; });
forward!(Listing { list(bucket: &str, prefix: &str, after: &str, delimited: bool) -> AwsResult<Page>; });
forward!(BucketReads {
    policy(bucket: &str) -> AwsResult<Option<String>>;
    policy_is_public(bucket: &str) -> AwsResult<Option<bool>>;
    cors(bucket: &str) -> AwsResult<Option<Vec<CorsRule>>>;
    encryption(bucket: &str) -> AwsResult<Option<BucketEncryption>>;
    notifications(bucket: &str) -> AwsResult<Notifications>;
    public_access_block(bucket: &str) -> AwsResult<Option<PublicAccessBlock>>;
    ownership(bucket: &str) -> AwsResult<Option<Ownership>>;
    requester_pays(bucket: &str) -> AwsResult<bool>;
    tags(bucket: &str) -> AwsResult<Vec<(String, String)>>;
});
forward!(BucketWrites {
    put_policy(bucket: &str, policy: &str) -> AwsResult<()>;
    put_cors(bucket: &str, rules: &[CorsRule]) -> AwsResult<()>;
    enable_event_bridge(bucket: &str, before: &Notifications) -> AwsResult<bool>;
});
forward!(Keys {
    describe_key(key: &str) -> AwsResult<KeyMetadata>;
    key_policy(key: &str) -> AwsResult<String>;
    grants(key: &str, grantee: &str) -> AwsResult<Vec<Value>>;
});
forward!(Topic {
    publish(message: &Message) -> AwsResult<()>;
    subscriptions_confirmed() -> AwsResult<u64>;
});
impl Clock for Shared {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
    async fn sleep(&self, wait: Duration) {
        self.0.sleep(wait).await;
    }
    fn random(&self, bound: u64) -> u64 {
        self.0.random(bound)
    }
}

#[derive(Debug, Default)]
pub struct Lines(RefCell<Vec<Value>>);
impl Log for Lines {
    fn line(&self, value: Value) {
        self.0.borrow_mut().push(value);
    }
}

impl ForAccount<Self> for Shared {
    fn for_account(&self, _: &AccountId) -> Self {
        self.clone()
    }
}

/// The in-memory AWS with a store.
pub struct InMemory<S>(PhantomData<S>);

impl<S: Incidents + Leases + WriteLog + KnownKeys> ports::World for InMemory<S> {
    type Clients = Shared;
    type Aws = Shared;
    type Store = S;
    type Topic = Shared;
    type Clock = Shared;
    type Log = Lines;
}

/// What the in-process store answers.
pub fn block_on<T>(future: impl Future<Output = StoreResult<T>>) -> T {
    let mut future = Box::pin(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value.unwrap(),
        std::task::Poll::Pending => panic!("the in-process store never waits"),
    }
}

pub struct Setup {
    pub world: Rc<World>,
    pub guard: Guard<InMemory<Memory>>,
}

pub fn setup(world: World, variables: &[(&str, &str)]) -> Setup {
    let (world, guard) = with_store(world, variables, None);
    Setup { world, guard }
}

/// A guard whose state is kept by `store`.
pub fn with_store<S: Incidents + Leases + WriteLog + KnownKeys>(
    world: World,
    variables: &[(&str, &str)],
    store: Option<S>,
) -> (Rc<World>, Guard<InMemory<S>>) {
    let world = Rc::new(world);
    let guarded = json!([{"name": BUCKET, "access": "read-write"}]).to_string();
    let mut all = vec![
        ("GUARDED_BUCKETS", guarded.as_str()),
        ("MODE", "repair"),
        ("AWS_ACCOUNT_ID", world::ACCOUNT),
        ("AWS_REGION", world::REGION),
        ("ALERT_TOPIC_ARN", "arn:aws:sns:eu-central-1:111122223333:alerts"),
    ];
    all.retain(|(name, _)| !variables.iter().any(|(other, _)| other == name));
    all.extend_from_slice(variables);
    let lookup = |name: &str| all.iter().find(|(held, _)| *held == name).map(|(_, value)| (*value).to_owned());
    let config = Config::from(&lookup).unwrap();
    let shared = Shared(Rc::clone(&world));
    let guard = Guard::new(config, shared.clone(), store, Some(shared.clone()), shared, Lines::default());
    (world, guard)
}

impl Setup {
    pub async fn handle(&self, event: Value) -> Value {
        self.guard.handle(&event, &Call { request_id: "r".into(), ..Call::default() }).await.unwrap()
    }

    pub fn lines(&self) -> Vec<Value> {
        self.guard.log.0.borrow().clone()
    }

    pub async fn refuse(&self, event: Value) -> String {
        self.guard.handle(&event, &Call::default()).await.unwrap_err().to_string()
    }
}

pub fn created(key: &str) -> Value {
    json!({"version": "0", "id": "e1", "detail-type": "Object Created", "source": "aws.s3", "account": world::ACCOUNT,
        "time": "2026-11-24T00:00:00Z", "region": world::REGION, "resources": [format!("arn:aws:s3:::{BUCKET}")],
        "detail": {"version": "0", "bucket": {"name": BUCKET}, "object": {"key": key, "size": 1, "etag": "e", "sequencer": "1"},
            "request-id": "R", "requester": world::ACCOUNT, "source-ip-address": "192.0.2.1", "reason": "PutObject"}})
}

pub fn changed(name: &str) -> Value {
    json!({"version": "0", "id": "e2", "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "account": world::ACCOUNT,
        "time": "2026-11-24T00:00:00Z", "region": world::REGION, "resources": [],
        "detail": {"eventVersion": "1.11", "eventSource": "s3.amazonaws.com", "eventName": name, "awsRegion": world::REGION,
            "eventTime": "2026-11-24T00:00:00Z", "eventID": "c0ffee", "sourceIPAddress": "192.0.2.7", "userAgent": "terraform/1.9",
            "recipientAccountId": world::ACCOUNT, "requestParameters": {"bucketName": BUCKET},
            "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/deploy/ci",
                "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/deploy"}}}}})
}

pub fn sqs(bodies: &[Value]) -> Value {
    let records: Vec<Value> = bodies
        .iter()
        .enumerate()
        .map(|(n, body)| {
            let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
            json!({"messageId": format!("m{n}"), "receiptHandle": "h", "body": body, "attributes": {}, "messageAttributes": {},
                "md5OfBody": "x", "eventSource": "aws:sqs", "awsRegion": world::REGION,
                "eventSourceARN": "arn:aws:sqs:eu-central-1:111122223333:objects"})
        })
        .collect();
    json!({ "Records": records })
}

/// As Lambda calls: with the function's ARN.
pub async fn in_lambda(s: &Setup, event: Value) -> Value {
    let function_arn = Some("arn:aws:lambda:eu-central-1:111122223333:function:guard:live".to_owned());
    s.guard.handle(&event, &Call { request_id: "r".into(), function_arn, ..Call::default() }).await.unwrap()
}
