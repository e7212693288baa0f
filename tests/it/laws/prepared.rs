//! What is prepared once for the objects of a batch says what judging each in full says.

use super::{Tape, law, statement, tape};
use crate::world;
use darwin_s3_guard::judge::access::{AccessFacts, Asker, Prepared, judge_read};
use darwin_s3_guard::judge::darwin::s3_request;
use darwin_s3_guard::model::s3::{Ownership, PublicAccessBlock};
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::model::verdict::{Reader, Verdict};
use darwin_s3_guard::policy::document::PolicyDocument;
use darwin_s3_guard::policy::evaluate::evaluate;
use darwin_s3_guard::policy::request::ObjectOwner;
use serde_json::{Value, json};
use std::cell::Cell;

const KEYS: [&str; 3] = ["raw/site 1/scan.las", "raw/a.png", "other/b.png"];

fn facts(tape: &mut Tape<'_>) -> AccessFacts {
    let mut statements: Vec<Value> = (0..=tape.draw(4)).map(|_| statement(tape, false)).collect();
    if tape.draw(2) == 0 {
        statements.push(json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::258327614892:role/external_s3"},
            "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-lidar/*"}));
    }
    let block = PublicAccessBlock { restrict_public_buckets: tape.draw(2) == 0, ..PublicAccessBlock::default() };
    AccessFacts {
        policy: Ok(Some(PolicyDocument::parse(json!({"Version": "2012-10-17", "Statement": statements}).to_string()))),
        public_access_block: Some(Ok((tape.draw(3) > 0).then_some(block))),
        ownership: Some(Ok((tape.draw(3) > 0).then_some(Ownership::BucketOwnerEnforced))),
        requester_pays: Ok(tape.draw(8) == 0),
        policy_is_public: [None, Some(Ok(None)), Some(Ok(Some(false))), Some(Ok(Some(true)))][tape.draw(4)].clone(),
        prepared: Prepared::default(),
    }
}

#[test]
fn a_prepared_bucket_surely_allows_what_is_allowed_and_nothing_else() {
    let (darwin, home) = (world::darwin(), world::home());
    let asker = Asker { darwin: &darwin, home: &home, now: Timestamp::from_millis(1_795_435_200_000), rcps: &[] };
    let (allowed, all) = (Cell::new(0_u32), Cell::new(0_u32));
    law(&tape(), |bytes| {
        let facts = facts(&mut Tape::new(&bytes, true));
        for owner in [ObjectOwner::BucketOwner, ObjectOwner::Unknown] {
            for key in KEYS {
                let whole = [Reader::Server, Reader::Browser].map(|reader| {
                    let request =
                        s3_request(&darwin, &home, "s3:GetObject", "acme-lidar", Some(key), reader, asker.now);
                    evaluate(facts.document(), &request, &facts.settings(owner))
                });
                let sure = facts.requester_pays == Ok(false) && whole.iter().all(Verdict::is_allowed);
                let verdict = judge_read(&facts, "acme-lidar", key, owner, asker);
                all.set(all.get() + 1);
                allowed.set(allowed.get() + u32::from(verdict.is_allowed()));
                if facts.surely_read("acme-lidar", key, owner, asker) != sure || verdict.is_allowed() != sure {
                    return Err(format!("{key:?}, {owner:?}: {verdict:?} of {facts:?}"));
                }
            }
        }
        Ok(())
    });
    assert!(allowed.get() * 20 > all.get() && allowed.get() * 2 < all.get(), "{} of {}", allowed.get(), all.get());
}
