//! Darwin's role is never one of the buckets' own account.

use super::*;

const OWN: (&str, &str) = ("DARWIN_ROLE_ARN", "arn:aws:iam::111122223333:role/external_s3");

#[test]
fn a_role_of_the_buckets_own_account_is_refused_wherever_the_account_comes_from() {
    let wanted = "DARWIN_ROLE_ARN is `arn:aws:iam::111122223333:role/external_s3`, wanted the ARN of V7's role: this one is of the \
                  buckets' own account";
    refused(&[OWN, ("AWS_ACCOUNT_ID", "111122223333")], wanted);
    let config = read(&[OWN]).unwrap();
    let function = |account| format!("arn:aws:lambda:eu-central-1:{account}:function:guard");
    let problem = config.home(Some(&function("111122223333"))).unwrap_err().to_string();
    assert_eq!(problem, wanted);
    assert!(config.home(Some(&function("444455556666"))).is_ok());
}
