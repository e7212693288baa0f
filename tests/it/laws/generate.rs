//! Random questions from a tape of bytes: small vocabularies, so that things meet often; proptest shrinks the tape.

use super::question::{Beside, Question};
use darwin_s3_guard::policy::request::{ObjectOwner, Request, RequestContext, Settings};
use serde_json::{Map, Value, json};

pub(super) const ROLE: &str = "arn:aws:iam::258327614892:role/external_s3";
const OBJECT: &str = "arn:aws:s3:::acme-lidar/raw/site 1/scan.las";
const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// Keys with values that they may be known to have. The first value is what the request carries when it is known.
pub(super) const KEYS: &[(&str, &[&str])] = &[
    ("aws:PrincipalAccount", &["258327614892", "111122223333"]),
    ("aws:PrincipalArn", &[ROLE]),
    ("aws:SecureTransport", &["true", "false"]),
    ("aws:SourceIp", &["192.0.2.7", "2001:db8::1"]),
    ("aws:SourceVpce", &["vpce-1", "vpce-2"]),
    ("aws:CurrentTime", &["2026-11-23T12:00:00Z"]),
    ("aws:userid", &["AROAEXAMPLE:session"]),
    ("s3:signatureAge", &["600"]),
    ("aws:TagKeys", &["a"]),
    ("s3:authType", &["REST-HEADER", "REST-QUERY-STRING"]),
];

pub(super) struct Tape<'a> {
    bytes: std::slice::Iter<'a, u8>,
    /// Whether anything was drawn that no evaluator can know.
    pub(super) odd: bool,
    /// Whether odd things may be drawn.
    may_be_odd: bool,
}

impl<'a> Tape<'a> {
    pub(super) fn new(bytes: &'a [u8], may_be_odd: bool) -> Self {
        Self { bytes: bytes.iter(), odd: false, may_be_odd }
    }

    /// A number in `0..bound`; 0 where the tape is at its end.
    pub(super) fn draw(&mut self, bound: usize) -> usize {
        usize::from(self.bytes.next().copied().unwrap_or(0)) % bound.max(1)
    }

    fn pick<'v>(&mut self, from: &[&'v str]) -> &'v str {
        from[self.draw(from.len())]
    }

    /// Now and then something that nobody recognises.
    fn odd(&mut self) -> bool {
        let odd = self.may_be_odd && self.draw(40) == 39;
        self.odd |= odd;
        odd
    }

    /// One, or a list of a few.
    fn some(&mut self, mut one: impl FnMut(&mut Self) -> Value) -> Value {
        match self.draw(6) {
            0..=2 => one(self),
            3 => json!([one(self)]),
            _ => json!([one(self), one(self)]),
        }
    }
}

pub(super) fn question(tape: &mut Tape<'_>) -> Question {
    let kms = tape.draw(3) == 2;
    let request = request(tape, kms);
    let policy = Some(policy(tape, kms));
    let beside = if kms {
        let grants = (0..tape.draw(3)).map(|_| grant(tape)).collect::<Vec<_>>();
        let grants = (tape.draw(8) != 7).then_some(grants);
        let state = match tape.draw(10) {
            8 => Some("Disabled"),
            9 => None,
            _ => Some("Enabled"),
        };
        Beside::Key { grants, state: state.map(str::to_owned) }
    } else {
        let maybe = |draw: usize| match draw {
            6 => Some(true),
            7 => None,
            _ => Some(false),
        };
        Beside::Bucket(Settings {
            restrict_public_buckets: maybe(tape.draw(8)),
            policy_is_public: maybe(tape.draw(8)),
            object_owner: match tape.draw(12) {
                10 => ObjectOwner::Other,
                11 => ObjectOwner::Unknown,
                _ => ObjectOwner::BucketOwner,
            },
        })
    };
    Question { policy, request, beside }
}

/// The names that the request leaves open.
pub(super) fn open_keys(request: &Request) -> Vec<&'static str> {
    use darwin_s3_guard::policy::request::ContextValue::{OneOf, Present, Unknown};
    KEYS.iter()
        .map(|(key, _)| *key)
        .filter(|key| matches!(request.context.get(key), Unknown | Present | OneOf(_)))
        .collect()
}

fn request(tape: &mut Tape<'_>, kms: bool) -> Request {
    let mut context = RequestContext::default();
    for (key, values) in KEYS {
        context = match tape.draw(10) {
            0..=3 => context.known(key, values[0]),
            4 if *key == "aws:TagKeys" => context.known_values(key, vec!["a".into(), "b".into()]),
            4 => context.known(key, values[values.len() - 1]),
            5 | 6 => context.absent(key),
            7 => context.present(key),
            8 if values.len() > 1 => context.one_of(key, values.iter().map(|value| (*value).to_owned()).collect()),
            _ => context,
        };
    }
    let (action, resource) = if kms { ("kms:Decrypt", KEY) } else { ("s3:GetObject", OBJECT) };
    Request {
        action: action.to_owned(),
        resource: resource.to_owned(),
        resource_account: "111122223333".to_owned(),
        principal: ROLE.to_owned(),
        context,
    }
}

fn policy(tape: &mut Tape<'_>, kms: bool) -> Value {
    let version = match tape.draw(5) {
        0 => None,
        1 => Some("2008-10-17"),
        _ => Some("2012-10-17"),
    };
    let mut document = Map::new();
    if let Some(version) = version {
        document.insert("Version".into(), json!(version));
    }
    let count = 1 + tape.draw(4);
    let statements: Vec<Value> = (0..count).map(|_| statement(tape, kms)).collect();
    let single = statements.len() == 1 && tape.draw(3) == 0;
    document.insert("Statement".into(), if single { statements[0].clone() } else { Value::from(statements) });
    if tape.odd() {
        document.insert("Surprise".into(), json!(1));
    }
    Value::Object(document)
}

pub(super) fn statement(tape: &mut Tape<'_>, kms: bool) -> Value {
    let mut statement = Map::new();
    if tape.draw(2) == 0 {
        statement.insert("Sid".into(), json!(format!("S{}", tape.draw(9))));
    }
    let effect = if tape.odd() { "Perhaps" } else { ["Allow", "Deny", "Allow"][tape.draw(3)] };
    statement.insert("Effect".into(), json!(effect));
    let not = if tape.draw(9) == 8 { "NotPrincipal" } else { "Principal" };
    statement.insert(not.into(), principal(tape));
    let not = if tape.draw(7) == 6 { "NotAction" } else { "Action" };
    let actions: &[&str] = if kms {
        &["kms:Decrypt", "kms:*", "KMS:decrypt", "kms:De*", "kms:Encrypt", "*", "kms:?ecrypt"]
    } else {
        &["s3:GetObject", "s3:*", "S3:getobject", "s3:Get*", "s3:PutObject", "*", "s3:GetObjec?"]
    };
    statement.insert(not.into(), tape.some(|tape| json!(tape.pick(actions))));
    let not = if tape.draw(7) == 6 { "NotResource" } else { "Resource" };
    let resources: &[&str] = if kms {
        &["*", KEY, "arn:aws:kms:*:111122223333:key/*"]
    } else {
        &[
            "arn:aws:s3:::acme-lidar/*",
            "*",
            OBJECT,
            "arn:aws:s3:::acme-lidar/raw/*",
            "arn:aws:s3:::acme-lidar/other/*",
            "arn:aws:s3:::acme-*/scan.las",
            "arn:aws:s3:::acme-lidar/${aws:PrincipalAccount}/*",
            "arn:aws:s3:::acme-lidar/raw/site?1/*",
        ]
    };
    statement.insert(not.into(), tape.some(|tape| json!(tape.pick(resources))));
    let conditions = [0, 1, 1, 2][tape.draw(4)];
    if conditions > 0 {
        let mut block = Map::new();
        for _ in 0..conditions {
            let (operator, test) = condition(tape);
            block.insert(operator, test);
        }
        statement.insert("Condition".into(), Value::Object(block));
    }
    if tape.odd() {
        statement.insert("Unless".into(), json!({}));
    }
    Value::Object(statement)
}

fn principal(tape: &mut Tape<'_>) -> Value {
    if tape.odd() {
        return json!({"Robot": "r2"});
    }
    match tape.draw(10) {
        0 => json!("*"),
        1 => json!({"Service": "s3.amazonaws.com"}),
        _ => {
            let ids = [
                ROLE,
                "258327614892",
                "arn:aws:iam::258327614892:root",
                "*",
                "arn:aws:iam::111122223333:root",
                "arn:aws:iam::258327614892:role/other",
                ROLE,
                "arn:aws:sts::258327614892:assumed-role/external_s3/worker",
                "AROAEXAMPLEEXAMPLE123",
            ];
            // A session is open by nature.
            let drawn = tape.draw(ids.len());
            let drawn = if ids[drawn].contains("assumed-role") && !tape.may_be_odd { 0 } else { drawn };
            tape.odd |= ids[drawn].contains("assumed-role");
            let second = tape.draw(5);
            json!({"AWS": if second == 0 { json!([ids[drawn], ids[5]]) } else { json!(ids[drawn]) }})
        }
    }
}

fn condition(tape: &mut Tape<'_>) -> (String, Value) {
    let operators = [
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "StringEqualsIgnoreCase",
        "ArnEquals",
        "ArnNotLike",
        "Bool",
        "IpAddress",
        "NotIpAddress",
        "DateLessThan",
        "DateGreaterThanEquals",
        "NumericLessThanEquals",
        "NumericNotEquals",
        "Null",
    ];
    let (key, values) = KEYS[tape.draw(KEYS.len())];
    let mut operator = operators[tape.draw(operators.len())].to_owned();
    // Operators that fit the key, mostly.
    let fits = tape.draw(4) != 3 || !tape.may_be_odd;
    tape.odd |= !fits;
    if fits {
        operator = match key {
            "aws:SourceIp" => ["IpAddress", "NotIpAddress"][tape.draw(2)],
            "aws:SecureTransport" => "Bool",
            "aws:CurrentTime" => ["DateLessThan", "DateGreaterThan"][tape.draw(2)],
            "s3:signatureAge" => ["NumericLessThan", "NumericGreaterThan"][tape.draw(2)],
            "aws:PrincipalArn" => ["ArnLike", "ArnNotEquals", "StringLike"][tape.draw(3)],
            _ => ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike"][tape.draw(4)],
        }
        .to_owned();
    }
    let null = operator == "Null";
    let base = operator.clone();
    if !null {
        match tape.draw(8) {
            5 => operator = format!("ForAllValues:{operator}"),
            6 => operator = format!("ForAnyValue:{operator}"),
            _ => {}
        }
        if tape.draw(4) == 3 {
            operator.push_str("IfExists");
        }
    }
    if tape.odd() {
        operator = "StringResembles".to_owned();
    }
    let test = tape.some(|tape| {
        let fixed = match base.as_str() {
            "Null" | "Bool" => ["true", "false"][tape.draw(2)],
            "IpAddress" | "NotIpAddress" => {
                ["192.0.2.0/24", "198.51.100.0/24", "192.0.2.7", "2001:db8::/32"][tape.draw(4)]
            }
            date if date.starts_with("Date") => ["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"][tape.draw(2)],
            number if number.starts_with("Numeric") => ["600", "601", "10"][tape.draw(3)],
            arn if arn.starts_with("Arn") => {
                [ROLE, "arn:aws:iam::258327614892:role/*", "arn:*:iam::*:role/external_s?"][tape.draw(3)]
            }
            _ => match tape.draw(6) {
                0 => values[values.len() - 1],
                1 if base.contains("StringLike") => "*",
                1 => "${aws:PrincipalAccount}",
                2 if base.contains("Like") => "vpce-*",
                3 => "other",
                4 => "arn:aws:iam::258327614892:role/*",
                _ => values[0],
            },
        };
        json!(fixed)
    });
    // Names of keys compare without case.
    let key = if tape.draw(6) == 5 { key.to_ascii_uppercase() } else { key.to_owned() };
    (operator, json!({key: test}))
}

fn grant(tape: &mut Tape<'_>) -> Value {
    let grantees = [ROLE, "arn:aws:iam::111122223333:role/other", ROLE];
    let operations = [json!(["Decrypt"]), json!(["Encrypt"]), json!(["Decrypt", "GenerateDataKey"])];
    json!({"GrantId": format!("g{}", tape.draw(9)), "GranteePrincipal": grantees[tape.draw(3)],
        "Operations": operations[tape.draw(3)]})
}
