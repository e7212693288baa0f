use super::*;
use crate::model::aws::Operation;
use crate::model::contract::{Access, Contract};

#[test]
fn what_a_scan_will_cost_is_said_in_numbers_that_are_read_at_a_glance() {
    let total = Total { objects: 1_200_000, bytes: 340_000_000_000, whole: true };
    assert_eq!(
        estimate(total, 64, None),
        "1,200,000 objects, 340 GB: about $0.50 in requests and 9 minutes, with 64 calls at once"
    );
    let more = Total { objects: 10_000_000, bytes: 1_250_000_000, whole: false };
    assert_eq!(
        estimate(more, 256, Some(500)),
        "more than 10,000,000 objects, 1.2 GB: more than $4.10 in requests and 6 hours, with 256 calls at once"
    );
    assert_eq!(
        estimate(Total { objects: 1, bytes: 1, whole: true }, 1, None),
        "1 object, 1 byte: about $0.01 in requests and 1 second, with one call at a time"
    );
}

#[test]
fn numbers_sizes_and_durations_are_in_their_largest_unit() {
    for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
        assert_eq!(grouped(number), text);
    }
    for (bytes, text) in [(999, "999 bytes"), (1_500, "1.5 kB"), (12_000_000, "12 MB"), (1_000_000_000_000, "1.0 TB")] {
        assert_eq!(size(bytes), text);
    }
    for (seconds, text) in
        [(0, "1 second"), (89, "89 seconds"), (90, "2 minutes"), (5_400, "2 hours"), (864_000, "10 days")]
    {
        assert_eq!(duration(seconds), text);
    }
}

#[test]
fn the_rest_is_estimated_only_where_it_is_known_how_much_there_is() {
    let tally = Tally { objects: 500, allowed: 480, denied: 20, ..Tally::default() };
    let total = Total { objects: 2_000, bytes: 0, whole: true };
    assert_eq!(
        progress(&tally, total, 10),
        "500 of 2,000 (25%), 10/s, 3 minutes left: 480 allowed, 20 denied, 0 open, 0 gone"
    );
    let unknown = Total { whole: false, ..total };
    assert_eq!(progress(&tally, unknown, 10), "500, 10/s: 480 allowed, 20 denied, 0 open, 0 gone");
    assert!(!progress(&tally, total, 0).contains("left"));
}

fn answer(verdicts: Verdicts, problems: Vec<Problem>) -> ScanAnswer {
    let objects = verdicts.allowed + verdicts.denied + verdicts.depends + verdicts.gone;
    let (bucket, prefix) = ("acme".to_owned(), String::new());
    let (causes, keys) = (Vec::new(), Vec::new());
    ScanAnswer { bucket, prefix, objects, bytes: Some(0), verdicts, causes, keys, problems, sample: false }
}

#[test]
fn the_exit_status_is_that_of_the_worst_and_a_part_is_never_ok() {
    let problem = stopped(&Stop::Interrupted, "acme", "", "111122223333", Some("scan.json"));
    assert!(problem.want.contains("goes on from `scan.json`"), "{}", problem.want);
    for (verdicts, problems, status, words) in [
        (Verdicts { allowed: 2, ..Verdicts::default() }, vec![], 0, "OK ("),
        (Verdicts { allowed: 1, depends: 1, ..Verdicts::default() }, vec![], 0, "WARNING"),
        (Verdicts { allowed: 1, denied: 1, ..Verdicts::default() }, vec![], 1, "NOT OK"),
        (
            Verdicts { allowed: 1, denied: 1, ..Verdicts::default() },
            vec![problem],
            2,
            "COULD NOT RUN, or not all of it",
        ),
    ] {
        let answer = answer(verdicts, problems);
        assert_eq!(exit_code(&answer), status);
        assert!(summary(&answer).starts_with(words), "{}", summary(&answer));
    }
}

#[test]
fn what_ended_a_scan_is_said_with_what_to_do() {
    let call = |class, code: &str| AwsError {
        operation: Operation::ListObjectsV2,
        class,
        code: Some(code.to_owned()),
        status: Some(403),
        message: "no".to_owned(),
        request_id: None,
    };
    for (stop, words) in [
        (Stop::Credentials(call(ErrorClass::Denied, "ExpiredToken")), "aws sso login"),
        (Stop::NoAnswer(call(ErrorClass::Throttled, "SlowDown")), "--rate"),
        (Stop::Listing(call(ErrorClass::Denied, "AccessDenied")), "a bucket that account 111122223333 owns"),
        (Stop::Listing(call(ErrorClass::NotFound, "NoSuchBucket")), "a bucket of that name"),
        (Stop::Order { key: "a".to_owned() }, "directory bucket"),
    ] {
        let problem = stopped(&stop, "acme", "raw/", "111122223333", None);
        assert!(problem.want.contains(words), "{problem:?}");
        assert_eq!(problem.at, "s3://acme/raw/");
    }
}

#[test]
fn a_name_in_the_query_is_no_more_than_a_name() {
    let contract = Contract {
        bucket: "acme.scans".to_owned(),
        access: Access::ReadOnly,
        read_prefixes: vec!["it's/".to_owned(), "raw/".to_owned()],
        prefix: None,
        not_read: vec!["raw/tmp/".to_owned()],
        scope_writes: false,
        list: false,
    };
    let text = bigger::query(&contract, "");
    assert!(text.contains("\"b_acme_scans\".\"inventory\""), "{text}");
    assert!(
        text.contains(
            "WHERE (starts_with(\"key\", 'it''s/') OR starts_with(\"key\", 'raw/')) AND NOT (starts_with(\"key\", 'raw/tmp/'))"
        ),
        "{text}"
    );
    assert!(bigger::query(&contract, "other/").contains("WHERE FALSE"), "nothing that Darwin reads");
}
