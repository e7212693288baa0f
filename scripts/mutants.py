#!/usr/bin/env python3
"""Seeded mutants: each breaks one rule, and a test must notice. Without an argument those of the policy evaluator; with
`reconciler` those of the reconciler and of the merge of policies; a second argument takes only rules that hold its text.

Works on a copy of the tree, with its own name for the crate's files in the same target directory. Not part of
`make test`: it builds and runs the tests once for each mutant, some minutes in all.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]

# (the rule that is broken, file, what stands there, what is put there)
EVALUATOR = [
    ("a missing key satisfies a negated operator", "src/policy/condition.rs",
     "set == Set::One && negated };", "false };"),
    ("ForAllValues holds for a missing key", "src/policy/condition.rs",
     "if if_exists || set == Set::ForAll { true }", "if if_exists { true }"),
    ("IfExists holds for a missing key", "src/policy/condition.rs",
     "if if_exists || set == Set::ForAll { true }", "if set == Set::ForAll { true }"),
    ("Null is about absence", "src/policy/condition.rs", "(w == absent).into()", "(w != absent).into()"),
    ("an unknown key may be absent", "src/policy/condition.rs",
     "ContextValue::Unknown => either(&without.into(), &self.some_value(operator, operands, context), &self.key),",
     "ContextValue::Unknown => self.some_value(operator, operands, context),"),
    ("every condition must hold", "src/policy/evaluate.rs",
     "truth = truth.and(condition.holds(question.context()));", "truth = truth.or(condition.holds(question.context()));"),
    ("what is not understood of a statement keeps it open", "src/policy/evaluate.rs",
     "if self.unknowns.is_empty() { truth } else { truth.and(Truth::unknown_all(self.unknowns.clone())) }", "truth"),
    ("NotAction and NotResource take everything else", "src/policy/evaluate.rs",
     "Scope::Except(patterns) => !any(patterns),", "Scope::Except(patterns) => any(patterns),"),
    ("an explicit Deny wins", "src/policy/evaluate.rs",
     "let outcome = allow.clone().and(!deny.clone()).and(!blocked.clone());",
     "let outcome = allow.clone().and(!blocked.clone());"),
    ("a public block shuts other accounts out", "src/policy/evaluate.rs",
     "let outcome = allow.clone().and(!deny.clone()).and(!blocked.clone());",
     "let outcome = allow.clone().and(!deny.clone());"),
    ("a bucket policy does not reach another account's object", "src/policy/evaluate.rs",
     "Some(ObjectOwner::Other) => Truth::unknown(OBJECT_ACL),", "Some(ObjectOwner::Other) => allow,"),
    ("what is not understood of the document keeps it open", "src/policy/evaluate.rs",
     "if !document.unknowns().is_empty() {", "if false {"),
]

RECONCILER = [
    ("a write that fell upon another's change is found out", "src/reconcile.rs",
     "if job.permit == Permit::Live && (job.look_back || report.has_written()) {", "if false {"),
    ("the schedule looks back at writes, though it writes nothing", "src/reconcile.rs",
     "(job.look_back || report.has_written())", "report.has_written()"),
    ("a write is kept before it is made, so that what it falls upon is found", "src/reconcile.rs",
     "                self.store.keep_write(bucket, write).await?;\n", ""),
    ("a policy is read again immediately before it is written", "src/reconcile.rs",
     "Step::PutBucketPolicy { before, .. } => self.aws.policy(bucket).await? == *before,",
     "Step::PutBucketPolicy { .. } => true,"),
    ("CORS rules are read again immediately before they are written", "src/reconcile.rs",
     "Step::PutBucketCors { before, .. } => self.aws.cors(bucket).await?.unwrap_or_default() == *before,",
     "Step::PutBucketCors { .. } => true,"),
    ("the bucket is looked at again under the lease", "src/reconcile.rs",
     "Ok(Lease::Taken) => self.hold(job, &mut report, expires_ms).await,",
     "Ok(Lease::Taken) => { let _ = self.repair(job, &observed, &assessment, &mut report).await; "
     "let _ = self.store.release(&job.contract.bucket, self.holder, expires_ms).await; }"),
    ("a read older than a known change is not written over", "src/reconcile.rs",
     "Ok(past) if self.outdated(&past, observed, steps) => {",
     "Ok(past) if false && self.outdated(&past, observed, steps) => {"),
    ("a repair is counted before the write", "src/reconcile.rs",
     "match self.permission(job).await {",
     "match Ok::<_, crate::incident::StoreError>(RepairBudget::Granted { count: 1 }) {"),
    ("a contest stops the guard", "src/reconcile.rs",
     "Ok(RepairBudget::Contested { .. }) => {", "Ok(RepairBudget::Contested { .. }) if false => {}\n"
     "            Ok(RepairBudget::Contested { count, .. }) if count > 0 => {}\n"
     "            Ok(RepairBudget::Contested { .. }) => {"),
    ("a repair by hand ends the contest", "src/reconcile.rs",
     "if job.by_hand\n            && let", "if false && job.by_hand\n            && let"),
    ("a write is verified", "src/reconcile.rs", "match self.verify(job, steps, report).await {", "match Shown::Yes {"),
    ("a write that does not show is told from one that was undone", "src/reconcile.rs",
     "            if !stale {", "            if true {"),
    ("who finds the lease taken marks the bucket", "src/memory.rs",
     "                held.dirty = true;\n                Ok(Lease::Busy)", "                Ok(Lease::Busy)"),
    ("the holder looks again for a mark", "src/reconcile.rs",
     "Ok(true) if self.has_time(job, 0) => {}\n",
     "Ok(true) => { let _ = self.store.release(bucket, self.holder, expires_ms).await; return; }\n"),
    ("nothing is written without the lease", "src/reconcile.rs",
     "Ok(Lease::Busy) => report.busy = true,", "Ok(Lease::Busy) => self.hold(job, &mut report, expires_ms).await,"),
    ("no lease because the table fails: nothing is written", "src/reconcile.rs",
     "            Err(error) => report.table_unreachable(&error, &assessment.plan.steps),\n        }\n        report",
     "            Err(_) => self.hold(job, &mut report, expires_ms).await,\n        }\n        report"),
    ("no history because the table fails: nothing is written", "src/reconcile.rs",
     "            Ok(_) => {}\n            Err(error) => {\n                report.table_unreachable(&error, steps);\n"
     "                return Next::Stop;\n            }\n        }\n        match self.permission",
     "            _ => {}\n        }\n        match self.permission"),
    ("no count because the table fails: nothing is written", "src/reconcile.rs",
     "            Err(error) => {\n                report.table_unreachable(&error, steps);\n"
     "                return Next::Stop;\n            }\n        }\n        let writes",
     "            Err(_) => {}\n        }\n        let writes"),
    ("no note because the table fails: nothing is written", "src/reconcile.rs",
     "            Ok(writes) => writes,\n            Err(error) => {\n                report.table_unreachable(&error, steps);\n"
     "                return Next::Stop;\n            }",
     "            Ok(writes) => writes,\n            Err(_) => steps.iter().map(|_| None).collect(),"),
    ("the incident is noted before the write, so that a guard which dies owes its message", "src/reconcile.rs",
     "for drift in &assessment.drifts {\n            let mut sighting",
     "for drift in assessment.drifts.iter().take(0) {\n            let mut sighting"),
    ("an own write is recognised", "src/handler/changes.rs", "        exact && known\n", "        false\n"),
    ("another's write is not taken for an own one", "src/handler/changes.rs", "        exact && known\n", "        exact\n"),
    ("MODE=flag writes nothing", "src/reconcile.rs",
     "self.config.mode == Mode::Flag || assessment.pause != Pause::Running", "assessment.pause != Pause::Running"),
    ("the pause tag stops it", "src/reconcile.rs",
     "self.config.mode == Mode::Flag || assessment.pause != Pause::Running", "self.config.mode == Mode::Flag"),
    ("an unreadable tag counts as paused", "src/plan.rs",
     "Err(error) => Pause::Unreadable(error.to_string()),", "Err(_) => Pause::Running,"),
    ("a tag set while the lease was awaited stops it", "src/reconcile.rs",
     "if self.forbidden(assessment) {", "if false {"),
    ("an audit writes nothing", "src/reconcile.rs", "Permit::Audit => return report,", "Permit::Audit => {}"),
    ("no repair is begun that can't be ended before the deadline", "src/reconcile.rs",
     '        if !self.has_time(job, 0) {\n            report.problem("too little',
     '        if false {\n            report.problem("too little'),
    ("a write that collided is tried again", "src/reconcile.rs",
     'if error.has_code("OperationAborted") && self', "if false && self"),
    ("others' CORS rules stay", "src/cors.rs", "let mut proposed = rules.to_vec();", "let mut proposed = Vec::new();"),
    ("others' statements stay", "src/policy/merge/edit.rs",
     "vec![at(last.end(), text)]",
     "vec![Edit { range: last.start..last.end(), text: text.trim_start_matches([',', ' ', '\\n']).to_owned() }]"),
    ("what merely depends is not repaired", "src/policy/merge.rs",
     "if !ours_is_there && self.allowed.decision == Decision::Depends {", "if false {"),
    ("a Condition on ours is not touched", "src/policy/merge.rs", "            if own.conditioned {", "            if false {"),
    ("duplicates of ours are collapsed", "src/policy/merge.rs",
     "changes.remove.extend(places.into_iter().map(|(index, _)| index));", "drop(places);"),
    ("a statement with another principal beside the role is somebody's", "src/policy/merge/ours.rs",
     "!aws.iter().all(|name| name == role || is_role_id(name))", "!aws.iter().any(|name| name == role || is_role_id(name))"),
    ("a Deny with our Sid is somebody's", "src/policy/merge/ours.rs",
     'self.get("Effect").and_then(Value::as_str) != Some("Allow")', "false"),
    ("only a role's id may stand for the role", "src/policy/merge/ours.rs",
     'is_unique_id(name) && name.starts_with("AROA")', "is_unique_id(name)"),
    ("CEILING=flag takes nothing away", "src/policy/merge.rs",
     "let keeps = |own: &ours::Own| ceiling == Ceiling::Flag &&", "let keeps = |own: &ours::Own| false &&"),
    ("a policy over the limit is not written", "src/policy/merge.rs", "if size > MAX_BYTES {", "if false {"),
    ("a proposal must give the contract", "src/policy/merge.rs", "    if !verdict.is_allowed() {", "    if false {"),
    ("a unique id in ours is read again before it is believed", "src/policy/merge.rs",
     "let unsettled = self.own().any(|(_, own)| own.unresolved);", "let unsettled = false;"),
    ("a Sid that is taken is not written twice", "src/policy/merge/ours.rs",
     "if !taken.contains(plain.as_str()) {", "if true {"),
    ("a Condition that somebody put on ours is a change of theirs", "src/policy/merge.rs",
     "seen.own.as_ref().is_none_or(|own| own.conditioned)", "seen.own.is_none()"),
]

# The name of a list to its mutants and what must catch them, the quick tests first.
LISTS = {
    "evaluator": (EVALUATOR, [["cases::", "laws::"]]),
    "reconciler": (RECONCILER, [["guard::", "merge::", "attacks::", "table_faults::"], ["histories::"]]),
}


def main() -> None:
    chosen = sys.argv[1] if len(sys.argv) > 1 else "evaluator"
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    if chosen not in LISTS:
        sys.exit(f"no list `{chosen}`; there are {', '.join(LISTS)}")
    mutants, groups = LISTS[chosen]
    mutants = [mutant for mutant in mutants if only in mutant[0]]
    survivors = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
        tree = pathlib.Path(directory) / "tree"
        skip = shutil.ignore_patterns("target", ".git", ".venv", "__pycache__")
        # Without the times of the files: what an earlier run left in the target directory must not pass for fresh.
        shutil.copytree(ROOT, tree, ignore=skip, copy_function=shutil.copy)
        (tree / ".cargo").mkdir(exist_ok=True)
        # Artifacts of the crate are named by its profile too: those of the real tree are left alone.
        (tree / ".cargo" / "config.toml").write_text(
            "[profile.dev.package.darwin-s3-guard]\ncodegen-units = 229\n"
            "[profile.test.package.darwin-s3-guard]\ncodegen-units = 229\n"
        )
        environment = os.environ | {
            "CARGO_TARGET_DIR": os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target")), "LAWS_CASES": "3000",
            "HISTORIES": os.environ.get("HISTORIES", "300"),
        }
        if not pathlib.Path(environment["CARGO_TARGET_DIR"]).is_absolute():
            environment["CARGO_TARGET_DIR"] = str(ROOT / environment["CARGO_TARGET_DIR"])

        def tests_pass(tell: bool = False) -> bool:
            for group in groups:
                command = ["cargo", "test", "--quiet", "--test", "it", "--", *group]
                with subprocess.Popen(command, cwd=tree, env=environment, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True, start_new_session=True) as run:
                    try:
                        output, errors = run.communicate(timeout=900)
                    except subprocess.TimeoutExpired:
                        # It runs in a circle: that is noticed, too.
                        os.killpg(run.pid, signal.SIGKILL)
                        return False
                if "error: could not compile" in errors:
                    print(f"does not compile:\n{errors[-2000:]}", flush=True)
                    return True
                if run.returncode != 0:
                    if tell:
                        print(output[-3000:])
                    return False
            return True

        subprocess.run(["cargo", "test", "--quiet", "--test", "it", "--no-run"], cwd=tree, env=environment, check=True)
        if not tests_pass(tell=True):
            sys.exit("the tests fail without any mutant")
        for rule, name, old, new in mutants:
            path = tree / name
            text = path.read_text()
            if text.count(old) != 1:
                sys.exit(f"{name} no longer holds exactly one `{old}`")
            path.write_text(text.replace(old, new))
            caught = not tests_pass()
            path.write_text(text)
            print(f"{'caught  ' if caught else 'SURVIVES'}  {rule}", flush=True)
            if not caught:
                survivors.append(rule)
    if survivors:
        sys.exit(f"{len(survivors)} of {len(mutants)} mutants survive")
    print(f"all {len(mutants)} mutants are caught")


if __name__ == "__main__":
    main()
