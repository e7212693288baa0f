//! Those who change the bucket's documents while the guard is at work.

use super::sim::{Sim, Who, step, until};
use crate::world::BUCKET;
use darwin_s3_guard::model::change::Subject;
use darwin_s3_guard::model::s3::CorsRule;
use serde_json::{Value, json};
use std::rc::Rc;
use std::time::Duration;

/// Another's statement, in one of the ways in which it may be written.
fn statement(sim: &Sim, sid: &str) -> Value {
    let (who, action) = match sim.roll(2) {
        0 => (json!("arn:aws:iam::444455556666:root"), json!("s3:GetObject")),
        _ => (json!(["444455556666"]), json!(["s3:GetObject"])),
    };
    json!({"Sid": sid, "Effect": "Allow", "Principal": {"AWS": who}, "Action": action,
        "Resource": format!("arn:aws:s3:::{BUCKET}/{sid}/*")})
}

/// One that shuts Darwin out.
fn lock(sid: &str) -> Value {
    json!({"Sid": sid, "Effect": "Deny", "Principal": {"AWS": crate::world::ROLE}, "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{BUCKET}/*")})
}

/// One rival: a few changes, some built on what stands (as a person in the console), some blind (as Terraform).
pub(super) async fn rival(sim: Rc<Sim>, number: usize, changes: u64) {
    for change in 0..changes {
        until(&sim, sim.now.get() + sim.within(Duration::from_secs(12))).await;
        let sid = format!("Rival{number}Change{change}");
        let who = Who::Rival(number);
        match sim.roll(9) {
            0 => {
                let document = json!({"Version": "2012-10-17", "Statement": [statement(&sim, &sid)]});
                sim.write(who, Subject::Policy, Some(document.to_string()), 0);
            }
            1 => sim.write(who, Subject::Policy, None, 0),
            2 => {
                let rules =
                    json!([{"ID": sid, "AllowedMethods": ["PUT"], "AllowedOrigins": ["https://www.example.com"]}]);
                sim.write(who, Subject::Cors, Some(rules.to_string()), 0);
            }
            3 => {
                let mut rules: Vec<CorsRule> =
                    sim.current(Subject::Cors).map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default();
                step().await;
                let rule = json!({"ID": sid, "AllowedMethods": ["HEAD"], "AllowedOrigins": ["https://x.example.com"]});
                rules.insert(0, serde_json::from_value(rule).unwrap());
                sim.write(who, Subject::Cors, Some(serde_json::to_string(&rules).unwrap()), 0);
            }
            built => {
                let mut document: Value = sim.current(Subject::Policy).map_or_else(
                    || json!({"Version": "2012-10-17", "Statement": []}),
                    |text| serde_json::from_str(&text).unwrap(),
                );
                step().await;
                let statements = document["Statement"].as_array_mut().unwrap();
                match built {
                    4 => statements.push(statement(&sim, &sid)),
                    // Whatever stands first goes: often ours.
                    5 if !statements.is_empty() => drop(statements.remove(0)),
                    6 => statements.push(lock(&sid)),
                    7 => {
                        let ours = statements.iter_mut().find(|held| held["Sid"] == "DarwinAccess");
                        if let Some(ours) = ours {
                            ours["Condition"] = json!({"StringEquals": {"aws:PrincipalOrgID": "o-other"}});
                        }
                    }
                    _ => {
                        statements.retain(|held| held["Sid"] != "DarwinAccess");
                        statements.push(statement(&sim, &sid));
                    }
                }
                let document = (!statements.is_empty()).then(|| document.to_string());
                sim.write(who, Subject::Policy, document, 0);
            }
        }
    }
}
