#!/usr/bin/env python3
"""Seeded mutants of the policy evaluator: each breaks one rule of AWS's, and a test must notice.

Works on a copy of the tree, with its own name for the crate's files in the same target directory. Not part of
`make test`: it builds and runs the tests once for each mutant, some minutes in all.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]

# (the rule that is broken, file, what stands there, what is put there)
MUTANTS = [
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


def main() -> None:
    survivors = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
        tree = pathlib.Path(directory) / "tree"
        skip = shutil.ignore_patterns("target", ".git", ".venv", "__pycache__")
        shutil.copytree(ROOT, tree, ignore=skip)
        (tree / ".cargo").mkdir(exist_ok=True)
        # Artifacts of the crate are named by its profile too: those of the real tree are left alone.
        (tree / ".cargo" / "config.toml").write_text(
            "[profile.dev.package.darwin-s3-guard]\ncodegen-units = 229\n"
            "[profile.test.package.darwin-s3-guard]\ncodegen-units = 229\n"
        )
        environment = os.environ | {
            "CARGO_TARGET_DIR": os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target")), "LAWS_CASES": "3000",
        }
        if not pathlib.Path(environment["CARGO_TARGET_DIR"]).is_absolute():
            environment["CARGO_TARGET_DIR"] = str(ROOT / environment["CARGO_TARGET_DIR"])

        def tests_pass() -> bool:
            command = ["cargo", "test", "--quiet", "--test", "it", "--", "cases::", "laws::"]
            done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=900)
            if "error: could not compile" in done.stderr:
                sys.exit(f"a mutant does not compile:\n{done.stderr[-2000:]}")
            return done.returncode == 0

        if not tests_pass():
            sys.exit("the tests fail without any mutant")
        for rule, name, old, new in MUTANTS:
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
        sys.exit(f"{len(survivors)} of {len(MUTANTS)} mutants survive")
    print(f"all {len(MUTANTS)} mutants are caught")


if __name__ == "__main__":
    main()
