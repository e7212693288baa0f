//! What rivals and odd documents can do to the reconciler.

use crate::harness::{changed, setup};
use crate::world::World;
use darwin_s3_guard::finding::Kind;
use darwin_s3_guard::ports::{ErrorClass, Operation};

const READS: [Operation; 8] = [
    Operation::GetBucketPolicy,
    Operation::GetBucketCors,
    Operation::GetBucketEncryption,
    Operation::GetBucketNotificationConfiguration,
    Operation::GetBucketTagging,
    Operation::GetPublicAccessBlock,
    Operation::GetBucketOwnershipControls,
    Operation::GetBucketRequestPayment,
];

#[tokio::test]
async fn a_bucket_that_refuses_every_read_as_to_a_stranger_is_another_accounts() {
    let s = setup(World::healthy(), &[]);
    for operation in READS {
        s.world.fault(operation, ErrorClass::Denied, "AccessDenied", 403);
    }
    let answer = s.handle(changed("PutBucketPolicy")).await;
    assert_eq!(s.world.told(), ["wrong-owner opened"], "{answer:#}");
    assert!(answer["buckets"][0]["findings"][0]["remedy"].as_str().unwrap().contains("111122223333"), "{answer:#}");
    assert_eq!(s.world.writes(), []);
}

#[tokio::test]
async fn reads_that_s3_explains_to_the_guards_role_are_its_own_missing_permissions() {
    let s = setup(World::healthy(), &[]);
    for operation in READS {
        s.world.fault(operation, ErrorClass::Denied, "AccessDenied", 403);
    }
    for (operation, error) in s.world.faults.borrow_mut().iter_mut() {
        error.message = format!(
            "User: arn:aws:sts::111122223333:assumed-role/guard/guard is not authorized to perform: s3:{operation:?} on \
             resource: \"arn:aws:s3:::acme-lidar\" because no identity-based policy allows the action"
        );
    }
    s.handle(changed("PutBucketPolicy")).await;
    assert_eq!((s.world.told_of(Kind::GuardDenied), s.world.told_of(Kind::WrongOwner)), (READS.len(), 0));
    assert_eq!(s.world.told_of(Kind::Paused), 1, "unreadable tags count as paused");
}

#[tokio::test]
async fn a_missing_bucket_is_told_with_its_own_remedy() {
    let s = setup(World::healthy(), &[]);
    for operation in READS {
        s.world.fault(operation, ErrorClass::NotFound, "NoSuchBucket", 404);
    }
    let answer = s.handle(changed("PutBucketPolicy")).await;
    assert_eq!(s.world.told(), ["no-such-bucket opened"]);
    assert!(answer["buckets"][0]["findings"][0]["remedy"].as_str().unwrap().contains("does not exist"), "{answer:#}");
}
