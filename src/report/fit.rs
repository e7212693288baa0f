//! Fitting an answer into a size: what matters most stays, and what was left out is counted.
//!
//! Must never reorder what stays.

use crate::model::outcome::{Problem, Read};
use crate::model::text::cut_within;
use crate::report::answer::{Answer, BucketAnswer, ObjectAnswer};
use serde::Serialize;

/// Bytes that a bucket's plan and each of its texts are cut to, if the bucket does not fit whole.
const CUT_PLAN: usize = 20_000;
const CUT_TEXT: usize = 2_000;

/// How much of an answer was left out to make it fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct LeftOut {
    pub(super) objects: usize,
    pub(super) buckets: usize,
    pub(super) problems: usize,
    /// Buckets that stand in it with cut texts.
    pub(super) cut: usize,
}

/// The part of an answer whose JSON has at most `budget` bytes: buckets first, then problems, then the objects from the
/// denied to the allowed.
pub(super) fn fit(answer: &Answer, budget: usize) -> (Answer, LeftOut) {
    let Answer { objects, unlisted: _, buckets, problems, rcps: _, activation } = answer;
    let activation = activation.as_ref().map(|text| cut_within(text, CUT_PLAN));
    let mut room = Room(budget.saturating_sub(FRAME + activation.as_ref().map_or(0, size)));
    let mut left = LeftOut::default();
    let mut kept = Answer { activation, ..Answer::default() };
    for bucket in buckets {
        if room.take(bucket) {
            kept.buckets.push(bucket.clone());
            continue;
        }
        let short = shorten(bucket);
        if room.take(&short) {
            left.cut += 1;
            kept.buckets.push(short);
        } else {
            left.buckets += 1;
        }
    }
    for problem in problems {
        let problem = short_problem(problem);
        if room.take(&problem) {
            kept.problems.push(problem);
        } else {
            left.problems += 1;
        }
    }
    kept.objects = fit_objects(objects, &mut room);
    left.objects = objects.len() - kept.objects.len();
    (kept, left)
}

/// Bytes of the answer around its lists, generously.
const FRAME: usize = 200;

/// The room that is left, in bytes of JSON.
struct Room(usize);

impl Room {
    fn take(&mut self, value: &impl Serialize) -> bool {
        let wanted = size(value) + 1;
        let fits = wanted <= self.0;
        if fits {
            self.0 -= wanted;
        }
        fits
    }
}

fn size(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX / 2, |bytes| bytes.len())
}

fn fit_objects(objects: &[ObjectAnswer], room: &mut Room) -> Vec<ObjectAnswer> {
    let mut stays = vec![false; objects.len()];
    for read in [Read::Denied, Read::Depends, Read::Gone, Read::Allowed] {
        for (object, stays) in objects.iter().zip(&mut stays).filter(|(object, _)| object.read == read) {
            *stays = room.take(object);
        }
    }
    objects.iter().zip(stays).filter(|(_, stays)| *stays).map(|(object, _)| object.clone()).collect()
}

fn shorten(bucket: &BucketAnswer) -> BucketAnswer {
    let mut bucket = bucket.clone();
    bucket.plan = bucket.plan.map(|plan| cut_within(&plan, CUT_PLAN));
    for finding in bucket.drifts.iter_mut().chain(&mut bucket.findings) {
        finding.remedy = cut_within(&finding.remedy, CUT_TEXT);
        for because in &mut finding.because {
            *because = cut_within(because, CUT_TEXT);
        }
    }
    bucket
}

fn short_problem(problem: &Problem) -> Problem {
    let Problem { at, saw, want, retryable } = problem;
    Problem {
        at: cut_within(at, CUT_TEXT),
        saw: cut_within(saw, CUT_TEXT),
        want: cut_within(want, CUT_TEXT),
        retryable: *retryable,
    }
}
