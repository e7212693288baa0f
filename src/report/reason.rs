//! The words of a verdict's reasons.
//!
//! Must never decide anything: a reason says what decided, here it is only said.

use crate::model::unknown::Unknown;
use crate::model::verdict::{Basis, Document, Effect, Reader, Reason};
use crate::model::why::{
    Applies, Element, Few, Gate, Grantee, Known, Miss, Near, NoAllow, OfGrant, Part, StatementName, Test, cut,
};

/// A reason as a sentence.
pub fn words(reason: &Reason) -> String {
    let basis = basis(&reason.basis);
    match reason.reader {
        None => basis,
        Some(Reader::Server) => format!("Darwin's servers: {basis}"),
        Some(Reader::Browser) => format!("the annotator's browser: {basis}"),
    }
}

/// Reasons as sentences, each once.
pub fn sentences(reasons: &[Reason]) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::with_capacity(reasons.len());
    for sentence in reasons.iter().map(words) {
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    sentences
}

fn basis(basis: &Basis) -> String {
    match basis {
        Basis::Statement { document, statement, effect, certain, applies } => {
            let verb = match (effect, certain) {
                (Effect::Allow, true) => "allowed by",
                (Effect::Allow, false) => "perhaps allowed by",
                (Effect::Deny, true) => "denied by",
                (Effect::Deny, false) => "perhaps denied by",
            };
            let statement = match document {
                Document::Rcp(_) => format!("{verb} {document}, statement {statement}"),
                Document::BucketPolicy | Document::KeyPolicy => {
                    format!("{verb} statement {statement} of the {document}")
                }
            };
            let how = how(applies, *effect, *certain);
            if how.is_empty() { statement } else { format!("{statement}: {how}") }
        }
        Basis::Grant { id, why } => format!("grant `{id}`: {}", of_grant(why)),
        Basis::NothingAllows { document, why } => format!("nothing in the {document} allows it: {}", no_allow(why)),
        Basis::Gate(gate) => format!("{}: {}", gate.name(), of_gate(gate)),
    }
}

/// How a statement comes to apply, or on what it depends.
pub fn how(applies: &Applies, effect: Effect, certain: bool) -> String {
    let Applies { except, conditions, open } = applies;
    let else_meant = |of: &Element| {
        let whom = if of.part == Part::Action || of.part == Part::Resource { "everything" } else { "everybody" };
        format!("{}, and {whom} else is meant", element(of))
    };
    let mut told: Vec<String> = except.iter().map(else_meant).collect();
    match (conditions.as_slice(), effect) {
        ([], Effect::Deny) if certain => told.push("it has no Condition that spares Darwin".to_owned()),
        ([], _) => {}
        // A negated one alone is told by what spares from it; several apply only together.
        ([one], Effect::Deny) if one.operator.contains("Not") => {
            told.push(format!("requires {}, {}", unless(one), known(one)));
        }
        ([one], _) => told.push(format!("applies where {}, {}", wanted(one), known(one))),
        (all, _) => {
            let all: Vec<String> = all.iter().map(|one| format!("{} ({})", wanted(one), known(one))).collect();
            told.push(format!("applies where {}", all.join(", and ")));
        }
    }
    if !open.is_empty() {
        told.push(format!("depends on {}", meanings(open, ", ")));
    }
    told.join("; ")
}

fn no_allow(why: &NoAllow) -> String {
    match why {
        NoAllow::NoPolicy => "there is no policy".to_owned(),
        NoAllow::NoStatement => "it has no Allow".to_owned(),
        NoAllow::Near { nearest, more } => {
            let near = |Near { statement, misses }: &Near| {
                let misses: Vec<String> = misses.iter().map(miss).collect();
                format!("statement {statement} would allow, but {}", misses.join(", and "))
            };
            let more = (*more > 0).then(|| format!("{more} more miss it as closely"));
            nearest.iter().map(near).chain(more).collect::<Vec<_>>().join("; ")
        }
    }
}

fn miss(miss: &Miss) -> String {
    match miss {
        Miss::Element { has, asked } => {
            let named = element(has);
            match has.part {
                Part::Action => format!("{named}, not {asked}"),
                Part::Resource => format!("{named}, which is not {asked}"),
                // What is said of a deleted principal or a wildcard says enough.
                _ if named.ends_with('`') => format!("{named}, not Darwin's `{asked}`"),
                _ => named,
            }
        }
        Miss::BucketNotObjects { has, asked, bucket } => {
            format!("{}, which is not {asked}: it is the bucket itself, whose objects are `{bucket}/*`", element(has))
        }
        Miss::Condition(test) => format!("it requires {}, {}", wanted(test), known(test)),
    }
}

fn element(element: &Element) -> String {
    let Element { part, negated, texts } = element;
    let (name, more) = match part {
        Part::Principal => ("Principal", ""),
        Part::DeletedPrincipal => ("Principal", ", the id of a principal that was deleted"),
        Part::WildcardPrincipal => ("Principal", ", and AWS takes no partial wildcard there"),
        Part::Action => ("Action", ""),
        Part::Resource => ("Resource", ""),
    };
    let not = if *negated { "Not" } else { "" };
    match texts {
        None => format!("it has no {name}"),
        Some(texts) => format!("its {not}{name} is {}{more}", quoted(texts)),
    }
}

fn quoted(texts: &Few) -> String {
    let Few { first, more } = texts;
    let more = (*more > 0).then(|| format!("{more} more"));
    let shown: Vec<String> = first.iter().map(|text| format!("`{text}`")).chain(more).collect();
    if shown.is_empty() { "empty".to_owned() } else { shown.join(", ") }
}

fn meanings(open: &[Unknown], between: &str) -> String {
    open.iter().map(meaning).collect::<Vec<_>>().join(between)
}

/// What a verdict depends on, in words, with its name.
pub fn meaning(unknown: &Unknown) -> String {
    let words = match unknown {
        Unknown::RoleSessionName => "the session name that Darwin uses".to_owned(),
        Unknown::PermissionsBoundary => {
            "whether Darwin's role has a permissions boundary, as then NotPrincipal never spares it".to_owned()
        }
        Unknown::NotPrincipalAllow => "whom an Allow with NotPrincipal reaches".to_owned(),
        Unknown::CanonicalUserId => "the canonical user id of Darwin's account".to_owned(),
        Unknown::NoPrincipal => "whom a statement without Principal means".to_owned(),
        Unknown::NoAction => "what a statement without Action means".to_owned(),
        Unknown::NoResource => "what a statement without Resource means".to_owned(),
        Unknown::RestrictPublicBuckets => "whether RestrictPublicBuckets is on for the account".to_owned(),
        Unknown::PolicyIsPublic => "whether S3 counts the policy as public".to_owned(),
        Unknown::Element(of) => format!("`{}`, which is misspelt, given twice or not of its form", cut(of)),
        Unknown::Operator(of) => format!("`{}`, which is no operator that AWS has", cut(of)),
        Unknown::PrincipalType(of) => format!("`{}`, which is no kind of principal that AWS has", cut(of)),
        Unknown::Multivalued(of) => format!("{}, which has several values where the operator is for one", cut(of)),
        Unknown::Value(of) => return format!("the value `{}`, which is not understood there", cut(of)),
        Unknown::ObjectAcl
        | Unknown::KeyState
        | Unknown::KeyPolicy
        | Unknown::Grants
        | Unknown::GranteeAccount
        | Unknown::GrantConstraint(_)
        | Unknown::BucketPolicy
        | Unknown::ObjectHeaders
        | Unknown::RequesterPays
        | Unknown::DefaultEncryption
        | Unknown::Key(_) => return unknown.to_string(),
    };
    format!("{words} (`{unknown}`)")
}

/// What a condition wants.
fn wanted(test: &Test) -> String {
    let Test { operator, key, values, .. } = test;
    match (operator.as_str(), values.first.as_slice(), values.more) {
        ("Null", [value], 0) if value.eq_ignore_ascii_case("true") => return format!("{key} is missing"),
        ("Null", [value], 0) if value.eq_ignore_ascii_case("false") => return format!("{key} is there"),
        _ => {}
    }
    let values = quoted(values);
    match operator.strip_suffix("IfExists") {
        Some(base) => format!("{key} {} {values}, or is missing", relation(base)),
        None => format!("{key} {} {values}", relation(operator)),
    }
}

/// What spares from a statement with a negated operator: the key must be there and fit.
fn unless(test: &Test) -> String {
    let base = test.operator.strip_suffix("IfExists").unwrap_or(&test.operator);
    let positive = base.replacen("Not", "", 1);
    // Not every value outside is some value inside, and the other way round.
    let positive = match positive.split_once(':') {
        Some(("ForAllValues", rest)) => format!("ForAnyValue:{rest}"),
        Some(("ForAnyValue", rest)) => format!("ForAllValues:{rest}"),
        _ => positive,
    };
    format!("{} {} {}", test.key, relation(&positive), quoted(&test.values))
}

/// `=` and the like for the plain operators, the operator's own name for the rest.
fn relation(operator: &str) -> &str {
    match operator {
        "StringEquals" | "Bool" | "NumericEquals" | "DateEquals" | "BinaryEquals" | "StringEqualsIgnoreCase" => "=",
        "StringNotEquals" | "NumericNotEquals" | "DateNotEquals" | "StringNotEqualsIgnoreCase" => "not =",
        "StringLike" | "ArnLike" | "ArnEquals" => "like",
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => "not like",
        "IpAddress" => "in",
        "NotIpAddress" => "not in",
        "NumericLessThan" => "<",
        "NumericLessThanEquals" => "<=",
        "NumericGreaterThan" => ">",
        "NumericGreaterThanEquals" => ">=",
        "DateLessThan" => "before",
        "DateLessThanEquals" => "not after",
        "DateGreaterThan" => "after",
        "DateGreaterThanEquals" => "not before",
        _ => operator,
    }
}

/// What is known of the key that a condition tests.
fn known(test: &Test) -> String {
    match &test.known {
        Known::Values(values) => format!("and in Darwin's requests it is {}", quoted(values)),
        Known::OneOf(values) => format!("which in Darwin's requests is one of {}", quoted(values)),
        Known::Present => "whose value in Darwin's requests cannot be seen from here".to_owned(),
        Known::Absent => "which Darwin's requests do not have".to_owned(),
        Known::Unknown => "which cannot be seen from here".to_owned(),
        Known::Indifferent => "whatever it is in Darwin's requests".to_owned(),
    }
}

fn of_grant(why: &OfGrant) -> String {
    match why {
        OfGrant::Allows { action } => format!("allows {action}"),
        OfGrant::MayAllow { action, open } => {
            let open: Vec<String> = open.iter().map(ToString::to_string).collect();
            format!("allows {action} perhaps; depends on {}", open.join(", "))
        }
        OfGrant::OtherKey => "is of another key".to_owned(),
        OfGrant::OtherGrantee { grantee, asked } => {
            let grantee = match grantee {
                Grantee::Principal(text) => format!("`{text}`"),
                Grantee::Service => "an AWS service".to_owned(),
                Grantee::Missing => "nobody".to_owned(),
            };
            format!("its grantee is {grantee}, not Darwin's `{asked}`")
        }
        OfGrant::OtherContext { wants, has } => {
            let wants: Vec<String> = wants.iter().map(|pair| format!("{} = `{}`", pair.name, pair.value)).collect();
            let has = has.as_ref().map_or_else(String::new, |has| format!(", and S3 asks with aws:s3:arn = `{has}`"));
            format!("its constraints want the encryption context {}{has}", wants.join(", "))
        }
        OfGrant::OtherOperations { has, asked } => format!("its operations are {}, not {asked}", has.join(", ")),
    }
}

fn made_public_by(by: &[StatementName]) -> String {
    if by.is_empty() {
        return "the bucket policy".to_owned();
    }
    format!("statement {}", by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

#[expect(clippy::too_many_lines, reason = "a row a gate")]
fn of_gate(gate: &Gate) -> String {
    let words = match gate {
        Gate::NotUnderstood { open, .. } => return format!("what it means depends on {}", meanings(open, " and ")),
        Gate::Unread(Unknown::Grants) => "the key's grants were not read; one of them may allow it",
        Gate::Unread(Unknown::KeyPolicy) => "it could not be read; it may allow or deny",
        Gate::Unread(_) => "the guard could not read it",
        Gate::PublicBlock { by } => {
            return format!("{} makes the policy public, so S3 shuts every other account out", made_public_by(by));
        }
        Gate::MayBePublicBlock { by, open } => {
            let makes = if open.contains(&Unknown::PolicyIsPublic) { "may make" } else { "makes" };
            return format!(
                "{} {makes} the policy public; S3 then shuts every other account out if the setting is on; this depends on {}",
                made_public_by(by),
                meanings(open, " and ")
            );
        }
        Gate::ObjectOfAnother => {
            "another account owns the object, so the bucket policy does not reach it; its ACL decides"
        }
        Gate::ObjectMayBeOfAnother => {
            "if another account owns the object, the bucket policy does not reach it; its ACL decides"
        }
        Gate::RequesterPays => "the bucket refuses requests that do not offer to pay, as Darwin's do not",
        Gate::SseC => "the object is under a key that only its uploader has; Darwin can never read it",
        Gate::Encryption { algorithm } => return format!("`{algorithm}` is not an algorithm this guard knows"),
        Gate::Archived { class, status } => {
            let status = status.as_ref().map_or_else(String::new, |status| format!(" ({status})"));
            return format!("`{class}`{status}: it must be restored before anyone can read it");
        }
        Gate::AwsManagedKey { key } => {
            return format!("`{key}` is an AWS managed key, which no other account can be given");
        }
        Gate::NoSuchKey { key } => return format!("the key `{key}` does not exist"),
        Gate::KeyState { state } => {
            let until = match state.as_str() {
                "PendingDeletion" | "PendingReplicaDeletion" => "until its deletion is cancelled and it is enabled",
                "PendingImport" => "until its key material is imported",
                "Unavailable" => "until its key store is connected again",
                "Creating" => "until it is made",
                _ => "until it is enabled",
            };
            return format!("`{state}`: KMS refuses every use of the key {until}");
        }
        Gate::KeyStateUnknown { state: None } => "the key's state was not read",
        Gate::KeyStateUnknown { state: Some(state) } => {
            return format!("`{state}` is not a state that this guard knows");
        }
        Gate::ManagedDefaultKey => {
            "new objects are encrypted under the AWS managed key `aws/s3`, which no other account can be given"
        }
        Gate::NoDefaultKey => {
            "no key is named: S3 takes the AWS managed key `aws/s3` of the account that writes, for Darwin's writes \
             V7's, and then this account can't read them"
        }
        Gate::DefaultKeyName { name } => {
            return format!("`{name}` is no key ARN: for Darwin's writes it would name a key of V7's account");
        }
    };
    words.to_owned()
}
