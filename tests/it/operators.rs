//! The tables in the docs of `policy`: every cell is a promise, and each is judged here.

use darwin_s3_guard::model::verdict::Decision;
use darwin_s3_guard::policy::condition::operators;
use darwin_s3_guard::policy::document::PolicyDocument;
use darwin_s3_guard::policy::evaluate::evaluate;
use darwin_s3_guard::policy::request::{ObjectOwner, Request, RequestContext, Settings};
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::258327614892:role/external_s3";
const KEY: &str = "aws:PrincipalTag/k";

/// The rows of the table under this heading, without its head; cells without spaces around them.
fn table(heading: &str) -> Vec<Vec<String>> {
    let lines = include_str!("../../src/policy/mod.rs").lines().filter_map(|line| line.strip_prefix("//!"));
    let text = lines.map(str::trim).collect::<Vec<_>>().join("\n");
    let section = text.split("\n# ").find(|section| section.starts_with(heading)).expect(heading);
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ").and_then(|line| line.strip_suffix('|')));
    let rows: Vec<Vec<String>> =
        rows.skip(1).map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect()).collect();
    assert!(rows.len() > 5, "{heading}");
    rows
}

/// What stands in backticks.
fn code(cell: &str) -> &str {
    cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')).unwrap_or_else(|| panic!("`{cell}` is no code"))
}

fn request(context: RequestContext) -> Request {
    Request {
        action: "s3:GetObject".into(),
        resource: "arn:aws:s3:::b/k".into(),
        resource_account: "111122223333".into(),
        principal: ROLE.into(),
        context,
    }
}

/// `allowed`, `denied`, or the names that it hangs on, joined.
fn judged(policy: &Value, context: RequestContext) -> String {
    let settings = Settings {
        restrict_public_buckets: Some(false),
        policy_is_public: Some(false),
        object_owner: ObjectOwner::BucketOwner,
    };
    let verdict = evaluate(Some(&PolicyDocument::parse(policy.to_string())), &request(context), &settings);
    match verdict.decision {
        Decision::Depends => verdict.names().join(", "),
        decision => decision.to_string(),
    }
}

fn statement(effect: &str) -> Value {
    json!({ "Sid": "A", "Effect": effect, "Principal": { "AWS": ROLE }, "Action": "s3:*", "Resource": "arn:aws:s3:::b/*" })
}

/// `holds`, `fails` or names: asked of an Allow, and as a cross-check of a Deny.
fn tested(operator: &str, value: &str, context: &RequestContext) -> String {
    let condition = json!({ operator: { KEY: value } });
    let mut allow = statement("Allow");
    allow["Condition"] = condition.clone();
    let mut deny = statement("Deny");
    deny["Condition"] = condition;
    let of = |statements: Value| judged(&json!({ "Version": "2012-10-17", "Statement": statements }), context.clone());
    let (by_allow, by_deny) = (of(json!([allow])), of(json!([statement("Allow"), deny])));
    let told = match by_allow.as_str() {
        "allowed" => "holds".to_owned(),
        "denied" => "fails".to_owned(),
        names => names.to_owned(),
    };
    let turned = match by_deny.as_str() {
        "denied" => "holds",
        "allowed" => "fails",
        names => names,
    };
    assert_eq!(told, turned, "{operator} {value}");
    told
}

fn known(values: &[&str]) -> RequestContext {
    RequestContext::default().known_values(KEY, values.iter().map(|value| (*value).to_owned()).collect())
}

#[test]
fn every_operator_of_the_parser_has_its_row_and_no_row_is_of_another() {
    let rows = table("The operators");
    let named: Vec<&str> = rows.iter().map(|row| code(&row[0])).collect();
    assert_eq!(named, operators().collect::<Vec<_>>());
}

#[test]
fn every_operator_holds_and_fails_for_what_its_row_says() {
    for row in table("The operators") {
        let [operator, negated, value, holds, fails, odd] = &row[..] else { panic!("{row:?}") };
        let (operator, value) = (code(operator), code(value));
        assert_eq!(negated == "yes", operator.contains("Not"), "{operator}");
        let case = |cell: &str| match cell {
            "key absent" => RequestContext::default().absent(KEY),
            "key there" => known(&["x"]),
            value => known(&[code(value)]),
        };
        assert_eq!(tested(operator, value, &case(holds)), "holds", "{row:?}");
        assert_eq!(tested(operator, value, &case(fails)), "fails", "{row:?}");
        if odd.is_empty() {
            continue;
        }
        let odd = code(odd);
        let name = format!("value:{odd}");
        assert_eq!(tested(operator, odd, &case(holds)), name, "{row:?}");
        if operator != "Null" {
            assert_eq!(tested(operator, value, &known(&[odd])), name, "{row:?}");
        }
    }
}

#[test]
fn every_form_of_every_operator_does_with_a_key_what_its_row_says() {
    let mut judged = 0;
    for row in table("What a form") {
        let [form, absent, unknown, present, several] = &row[..] else { panic!("{row:?}") };
        let (form, sense) = form.split_once(", ").unwrap();
        let form = code(form);
        for of in table("The operators") {
            let (operator, value) = (code(&of[0]), code(&of[2]));
            if operator == "Null" || (of[1] == "yes") != (sense == "negated") {
                continue;
            }
            let (holds, fails) = (code(&of[3]), code(&of[4]));
            let name = form.replace("OP", operator);
            let cell = |cell: &str| cell.trim_matches('`').replace("KEY", KEY);
            let is = |context: &RequestContext, want: &str| {
                assert_eq!(tested(&name, value, context), want, "{name} {context:?}");
            };
            is(&RequestContext::default().absent(KEY), &cell(absent));
            is(&RequestContext::default(), &cell(unknown));
            is(&RequestContext::default().present(KEY), &cell(present));
            let all = [[holds, holds], [holds, fails], [fails, holds], [fails, fails]];
            for values in all {
                let want = match several.as_str() {
                    "holds if every value fits" if values == [holds, holds] => "holds",
                    "holds if some value fits" if values != [fails, fails] => "holds",
                    "holds if every value fits" | "holds if some value fits" => "fails",
                    name => &cell(name),
                };
                is(&known(&values), want);
            }
            // One value is one value, whatever the form.
            is(&known(&[holds]), "holds");
            is(&known(&[fails]), "fails");
            judged += 1;
        }
    }
    assert_eq!(judged, 26 * 6);
}

#[test]
fn null_does_with_a_key_what_its_text_says() {
    for (value, absent, there) in [("true", "holds", "fails"), ("false", "fails", "holds")] {
        assert_eq!(tested("Null", value, &RequestContext::default().absent(KEY)), absent);
        assert_eq!(tested("Null", value, &known(&[])), absent);
        assert_eq!(tested("Null", value, &RequestContext::default().present(KEY)), there);
        assert_eq!(tested("Null", value, &known(&["a", "b"])), there);
        assert_eq!(tested("Null", value, &RequestContext::default()), KEY);
    }
    for operator in ["NullIfExists", "ForAllValues:Null", "ForAnyValue:Null", "stringequals", "ForallValues:Bool"] {
        assert_eq!(tested(operator, "true", &known(&["true"])), format!("operator:{operator}"));
    }
}

#[test]
fn every_element_missing_or_not_understood_does_what_its_row_says() {
    let elements = table("The elements");
    for row in &elements {
        let [element, allow_without, deny_without, example, allow_odd, deny_odd] = &row[..] else { panic!("{row:?}") };
        let of_document =
            element.starts_with("any other beside") || ["`Version`", "`Id`", "`Statement`"].contains(&element.as_str());
        let name = if element.starts_with("any other") { "X" } else { code(element) };
        let example: Value = serde_json::from_str(code(example)).unwrap();
        for (effect, without, odd) in [("Allow", allow_without, allow_odd), ("Deny", deny_without, deny_odd)] {
            let changed = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
                let mut this = statement(effect);
                if !of_document {
                    change(this.as_object_mut().unwrap());
                }
                let statements = if effect == "Allow" { json!([this]) } else { json!([statement("Allow"), this]) };
                let mut document = json!({ "Version": "2012-10-17", "Id": "i", "Statement": statements });
                if of_document {
                    change(document.as_object_mut().unwrap());
                }
                judged(&document, RequestContext::default())
            };
            if !without.is_empty() {
                let got = changed(&|members| drop(members.remove(name)));
                assert_eq!(got, without.trim_matches('`'), "{effect} without {name}");
            }
            let got = changed(&|members| {
                if let Some(plain) = name.strip_prefix("Not") {
                    members.remove(plain);
                }
                members.insert(name.to_owned(), example.clone());
            });
            // A role may have a permissions boundary: NotPrincipal's own rule, whatever it lists.
            assert_eq!(got, odd.trim_matches('`'), "{effect} with {name}: {example}");
        }
    }
    assert_eq!(elements.len(), 14);
}

#[test]
fn an_element_that_stands_there_twice_or_beside_its_negation_stays_open() {
    let cases = [
        (r#""Action":"s3:PutObject","Action":"s3:GetObject""#, r#""Resource":"*","Principal":"*""#, "element:Action"),
        (r#""Resource":"arn:aws:s3:::c/*","Resource":"*""#, r#""Action":"*","Principal":"*""#, "element:Resource"),
        (r#""Action":"s3:Put*","NotAction":"s3:Get*""#, r#""Resource":"*","Principal":"*""#, "element:NotAction"),
        (
            r#""Principal":{"AWS":"444455556666"},"Principal":"*""#,
            r#""Action":"*","Resource":"*""#,
            "element:Principal",
        ),
    ];
    for (twice, rest, name) in cases {
        let allow = statement("Allow");
        let text = format!(r#"{{"Statement":[{allow},{{"Effect":"Deny",{twice},{rest}}}]}}"#);
        let verdict = evaluate(
            Some(&PolicyDocument::parse(&text)),
            &request(RequestContext::default().known("aws:SecureTransport", "true")),
            &Settings {
                restrict_public_buckets: Some(false),
                policy_is_public: Some(false),
                object_owner: ObjectOwner::BucketOwner,
            },
        );
        assert_eq!((verdict.decision, &verdict.names()[..]), (Decision::Depends, &[name.to_owned()][..]), "{text}");
    }
}
