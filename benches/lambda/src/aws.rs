//! An AWS for one machine: the calls that the guard makes, behind TLS, with latency and counters.
//!
//! Must never serve anything but loopback. It checks no signature and no permission.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "eu-central-1";
pub const BUCKET: &str = "acme-lidar";
const ROLE: &str = "arn:aws:iam::258327614892:role/external_s3";

/// What AWS allows a second, and what fails all the same.
pub struct Quotas {
    /// By operation. KMS: an account's and Region's; S3: a prefix's.
    a_second: BTreeMap<&'static str, u64>,
    /// The second that is counted, and the calls in it.
    counted: BTreeMap<&'static str, (u64, u64)>,
    /// Every so many calls end in an InternalError.
    fault: u64,
    calls: u64,
    /// The first keys' policies do not name Darwin.
    bad_keys: usize,
    began: Instant,
}

impl Quotas {
    /// <https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html>
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html>
    pub fn of_aws(bad_keys: usize) -> Self {
        let a_second = [("ListGrants", 100), ("GetKeyPolicy", 1_000), ("DescribeKey", 2_000), ("HeadObject", 5_500)];
        Self {
            a_second: a_second.into(),
            counted: BTreeMap::new(),
            fault: 1_009,
            calls: 0,
            bad_keys,
            began: Instant::now(),
        }
    }

    /// The answer in place of the operation's own, if the quota is used up or this is the call that fails.
    fn refuse(&mut self, operation: &'static str) -> Option<String> {
        self.calls += 1;
        let is_kms = matches!(operation, "DescribeKey" | "GetKeyPolicy" | "ListGrants");
        if self.calls.is_multiple_of(self.fault) {
            return Some(failure(500, if is_kms { "KMSInternalException" } else { "InternalError" }, is_kms));
        }
        let most = *self.a_second.get(operation)?;
        let second = self.began.elapsed().as_secs();
        let counted = self.counted.entry(operation).or_default();
        if counted.0 != second {
            *counted = (second, 0);
        }
        counted.1 += 1;
        let (status, code) = if is_kms { (400, "ThrottlingException") } else { (503, "SlowDown") };
        (counted.1 > most).then(|| failure(status, code, is_kms))
    }
}

fn failure(status: u16, code: &str, is_json: bool) -> String {
    if is_json {
        http(status, "application/x-amz-json-1.1", &[], &format!(r#"{{"__type":"{code}","message":"as AWS does"}}"#))
    } else {
        http(status, "application/xml", &[], &format!("<Error><Code>{code}</Code></Error>"))
    }
}

/// What every connection shares.
pub struct Shared {
    latency_us: AtomicU64,
    calls: Mutex<BTreeMap<&'static str, u64>>,
    refused: Mutex<BTreeMap<&'static str, u64>>,
    quotas: Mutex<Option<Quotas>>,
}

impl Shared {
    pub fn set_latency(&self, latency: Duration) {
        self.latency_us.store(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub fn set_quotas(&self, quotas: Option<Quotas>) {
        *self.quotas.lock().unwrap() = quotas;
    }

    /// Calls that were refused or failed, since the last time.
    pub fn take_refused(&self) -> BTreeMap<&'static str, u64> {
        std::mem::take(&mut *self.refused.lock().unwrap())
    }

    /// Counted calls since the last time.
    pub fn take_calls(&self) -> BTreeMap<&'static str, u64> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

/// The server, on a runtime of its own.
pub struct Aws {
    pub shared: Arc<Shared>,
    pub address: SocketAddr,
    /// The certificate that a client must trust.
    pub trust: PathBuf,
    _runtime: tokio::runtime::Runtime,
}

impl Aws {
    pub fn start(dir: &Path) -> Self {
        let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let trust = dir.join("aws.pem");
        std::fs::write(&trust, certified.cert.pem()).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let shared = Arc::new(Shared {
            latency_us: AtomicU64::new(0),
            calls: Mutex::default(),
            refused: Mutex::default(),
            quotas: Mutex::default(),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let held = Arc::clone(&shared);
        runtime.spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&held));
                tokio::spawn(async move {
                    // A client that goes away is no fault.
                    let _ = serve(stream, acceptor, &shared).await;
                });
            }
        });
        Self { shared, address, trust, _runtime: runtime }
    }
}

struct Request {
    method: String,
    path: String,
    query: String,
    target: String,
    body: Vec<u8>,
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(acceptor.accept(stream).await?);
    while let Some(request) = read(&mut stream).await? {
        let latency = shared.latency_us.load(Ordering::Relaxed);
        if latency > 0 {
            tokio::time::sleep(Duration::from_micros(latency)).await;
        }
        let answer = answer(&request, shared);
        stream.get_mut().write_all(answer.as_bytes()).await?;
        stream.get_mut().flush().await?;
    }
    Ok(())
}

async fn read<S: tokio::io::AsyncRead + Unpin>(stream: &mut BufReader<S>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let (path, query) =
        words.next().unwrap_or_default().split_once('?').unwrap_or((line.split(' ').nth(1).unwrap_or_default(), ""));
    let mut request =
        Request { method, path: path.to_owned(), query: query.to_owned(), target: String::new(), body: Vec::new() };
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let line = line.trim_end();
        let Some((name, value)) = line.split_once(": ") else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().unwrap_or(0);
        } else if name.eq_ignore_ascii_case("x-amz-target") {
            request.target = value.to_owned();
        }
    }
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await?;
    Ok(Some(request))
}

fn answer(request: &Request, shared: &Shared) -> String {
    let mut parts = request.path.splitn(3, '/').skip(1);
    let (bucket, key) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let operation = operation(request);
    *shared.calls.lock().unwrap().entry(operation).or_default() += 1;
    let mut bad_keys = 0;
    if let Some(quotas) = shared.quotas.lock().unwrap().as_mut() {
        bad_keys = quotas.bad_keys;
        if let Some(refusal) = quotas.refuse(operation) {
            *shared.refused.lock().unwrap().entry(operation).or_default() += 1;
            return refusal;
        }
    }
    let body = String::from_utf8_lossy(&request.body);
    match operation {
        "HeadObject" => {
            let number = key.split('/').find_map(|part| part.strip_prefix('k')).unwrap_or("0");
            let key_arn = key_arn(number);
            let headers = [
                ("x-amz-server-side-encryption", "aws:kms"),
                ("x-amz-server-side-encryption-aws-kms-key-id", key_arn.as_str()),
                ("x-amz-server-side-encryption-bucket-key-enabled", "true"),
                ("etag", "\"d41d8cd98f00b204e9800998ecf8427e\""),
                ("last-modified", "Mon, 23 Nov 2026 09:15:00 GMT"),
                ("accept-ranges", "bytes"),
            ];
            http(200, "image/png", &headers, "")
        }
        "GetBucketPolicy" => http(200, "application/json", &[], &bucket_policy(bucket)),
        "GetBucketPolicyStatus" => xml("<PolicyStatus><IsPublic>FALSE</IsPublic></PolicyStatus>"),
        "GetBucketCors" => xml(
            "<CORSConfiguration><CORSRule><AllowedOrigin>https://darwin.v7labs.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod>\
             <AllowedMethod>PUT</AllowedMethod><AllowedHeader>*</AllowedHeader></CORSRule></CORSConfiguration>",
        ),
        "GetBucketEncryption" => xml(&format!(
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>\
             <KMSMasterKeyID>{}</KMSMasterKeyID></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule>\
             </ServerSideEncryptionConfiguration>",
            key_arn("999999")
        )),
        "GetBucketNotification" => {
            xml("<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>")
        }
        "GetPublicAccessBlock" => xml(
            "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
             <BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>",
        ),
        "GetBucketOwnershipControls" => xml(
            "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>",
        ),
        "GetBucketRequestPayment" => {
            xml("<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>")
        }
        "GetBucketTagging" => http(404, "application/xml", &[], "<Error><Code>NoSuchTagSet</Code></Error>"),
        "DescribeKey" => json(&describe_key(&number_of(&body))),
        "GetKeyPolicy" => json(&key_policy(number_of(&body).parse::<usize>().unwrap_or_default() >= bad_keys)),
        "ListGrants" => json(r#"{"Grants":[],"Truncated":false}"#),
        "Query" => json(r#"{"Items":[],"Count":0,"ScannedCount":0}"#),
        "Publish" => xml("<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>"),
        _ => json("{}"),
    }
}

fn operation(request: &Request) -> &'static str {
    if let Some((_, name)) = request.target.rsplit_once('.') {
        return match name {
            "DescribeKey" => "DescribeKey",
            "GetKeyPolicy" => "GetKeyPolicy",
            "ListGrants" => "ListGrants",
            "Query" => "Query",
            "GetItem" => "GetItem",
            "PutItem" => "PutItem",
            "UpdateItem" => "UpdateItem",
            "DeleteItem" => "DeleteItem",
            _ => "other",
        };
    }
    match (request.method.as_str(), request.query.split(['=', '&']).next().unwrap_or_default()) {
        ("HEAD", _) => "HeadObject",
        ("GET", "policy") => "GetBucketPolicy",
        ("GET", "policyStatus") => "GetBucketPolicyStatus",
        ("GET", "cors") => "GetBucketCors",
        ("GET", "encryption") => "GetBucketEncryption",
        ("GET", "notification") => "GetBucketNotification",
        ("GET", "publicAccessBlock") => "GetPublicAccessBlock",
        ("GET", "ownershipControls") => "GetBucketOwnershipControls",
        ("GET", "requestPayment") => "GetBucketRequestPayment",
        ("GET", "tagging") => "GetBucketTagging",
        ("POST", _) => "Publish",
        _ => "other",
    }
}

fn key_arn(number: &str) -> String {
    format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{}", key_id(number))
}

fn key_id(number: &str) -> String {
    format!("00000000-0000-4000-8000-{number:0>12}")
}

/// The number in a body's `KeyId`.
fn number_of(body: &str) -> String {
    let id = body.split("00000000-0000-4000-8000-").nth(1).unwrap_or_default();
    let digits: String = id.chars().take_while(char::is_ascii_digit).collect();
    let number = digits.trim_start_matches('0');
    if number.is_empty() { "0".to_owned() } else { number.to_owned() }
}

fn describe_key(number: &str) -> String {
    let (id, arn) = (key_id(number), key_arn(number));
    format!(
        r#"{{"KeyMetadata":{{"AWSAccountId":"{ACCOUNT}","KeyId":"{id}","Arn":"{arn}","CreationDate":1.7e9,"Enabled":true,"KeyUsage":"ENCRYPT_DECRYPT","KeyState":"Enabled","Origin":"AWS_KMS","KeyManager":"CUSTOMER","KeySpec":"SYMMETRIC_DEFAULT","CustomerMasterKeySpec":"SYMMETRIC_DEFAULT","EncryptionAlgorithms":["SYMMETRIC_DEFAULT"],"MultiRegion":false}}}}"#
    )
}

/// `darwin`: it names Darwin's role.
fn key_policy(darwin: bool) -> String {
    let own = serde_json::json!({"Sid": "Own", "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")},
        "Action": "kms:*", "Resource": "*"});
    let to_darwin = serde_json::json!({"Sid": "Darwin", "Effect": "Allow", "Principal": {"AWS": ROLE},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": format!("s3.{REGION}.amazonaws.com")}}});
    let statements = if darwin { vec![own, to_darwin] } else { vec![own] };
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    serde_json::json!({ "Policy": policy, "PolicyName": "default" }).to_string()
}

/// V7's statement among the usual ones: TLS alone, and a team's own access.
fn bucket_policy(bucket: &str) -> String {
    let arn = format!("arn:aws:s3:::{bucket}");
    serde_json::json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, format!("{arn}/*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Sid": "Team", "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:role/data-team")},
            "Action": ["s3:Get*", "s3:List*"], "Resource": [arn, format!("{arn}/*")]},
        {"Sid": "DarwinAccess", "Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "s3:GetObject",
            "Resource": format!("{arn}/*")}]})
    .to_string()
}

fn json(body: &str) -> String {
    http(200, "application/x-amz-json-1.1", &[], body)
}

fn xml(body: &str) -> String {
    http(200, "application/xml", &[], body)
}

fn http(status: u16, content_type: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut head =
        format!("HTTP/1.1 {status} Answer\r\ncontent-length: {}\r\nx-amz-request-id: 4442587FB7D0A2F9\r\n", body.len());
    if !content_type.is_empty() {
        head += &format!("content-type: {content_type}\r\n");
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head + "\r\n" + body
}
