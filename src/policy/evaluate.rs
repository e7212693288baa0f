//! Statements -> verdict, in Kleene's logic: denied if some Deny surely applies or no Allow can; allowed if some Allow
//! surely applies and no Deny can; else it depends.
//!
//! Must never say `allowed` while a Deny may apply, and never build a sentence before the verdict stands.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

use crate::model::unknown::Unknown;
use crate::model::verdict::{Effect, Reason, Verdict};
use crate::model::why::Gate;
use crate::policy::document::{PolicyDocument, Statements};
use crate::policy::pattern::{Mode, Pattern};
use crate::policy::question::{Question, Sides};
use crate::policy::request::{ObjectOwner, Request, RequestContext, Settings};
use crate::policy::statement::{Scope, Statement};
use crate::policy::truth::Truth;
use crate::policy::{explain, public};

impl Statement {
    pub(crate) fn may_allow(&self) -> bool {
        self.effect != Some(Effect::Deny)
    }

    pub(crate) fn may_deny(&self) -> bool {
        self.effect != Some(Effect::Allow)
    }

    pub(crate) fn action_fits(&self, question: &Question<'_>) -> Truth {
        self.scope(&self.actions, "Action", Unknown::NoAction, |pattern| {
            action(pattern, &question.action, question.context())
        })
    }

    pub(crate) fn resource_fits(&self, question: &Question<'_>) -> Truth {
        self.takes(&question.request.resource, question.context())
    }

    fn takes(&self, asked: &str, context: &RequestContext) -> Truth {
        self.scope(&self.resources, "Resource", Unknown::NoResource, |pattern| resource(pattern, asked, context))
    }

    /// Whether `Action`/`NotAction` (or `Resource`/`NotResource`) takes the request in.
    fn scope(&self, scope: &Scope, name: &str, missing: Unknown, fits: impl Fn(&Pattern) -> Truth) -> Truth {
        // An item of the list that is no text may mean anything.
        let is_of = |element: &str| element.strip_prefix("Not").unwrap_or(element) == name;
        let odd = self.unknowns.iter().find(|unknown| matches!(unknown, Unknown::Element(element) if is_of(element)));
        let any = |patterns: &[Pattern]| {
            let mut truth = odd.cloned().map_or(Truth::False, Truth::unknown);
            for pattern in patterns {
                truth = truth.or(fits(pattern));
                if truth.is_true() {
                    break;
                }
            }
            truth
        };
        match scope {
            Scope::Missing => Truth::unknown(missing),
            // AWS refuses an empty list: an Allow of nothing grants nothing, but what a Deny of nothing is nobody knows.
            Scope::Any(patterns) if patterns.is_empty() && odd.is_none() && self.may_deny() => Truth::unknown(missing),
            Scope::Any(patterns) => any(patterns),
            Scope::Except(patterns) => !any(patterns),
        }
    }

    pub(crate) fn principal_fits(&self, question: &Question<'_>) -> Truth {
        self.principals.apply(&question.asker, self.may_allow(), self.may_deny(), !self.unknowns.is_empty())
    }

    /// Whether the statement applies to the request.
    pub(crate) fn applies(&self, question: &Question<'_>) -> Truth {
        let fits = self.resource_fits(question);
        if fits.is_false() { fits } else { self.applies_but_for_resource(question).and(fits) }
    }

    /// Whether it applies, if its `Resource` takes the request in.
    pub(crate) fn applies_but_for_resource(&self, question: &Question<'_>) -> Truth {
        let mut truth = self.action_fits(question);
        if truth.is_false() {
            return truth;
        }
        truth = truth.and(self.principal_fits(question));
        for condition in &self.conditions {
            if truth.is_false() {
                return truth;
            }
            truth = truth.and(condition.holds(question.context()));
        }
        if self.unknowns.is_empty() { truth } else { truth.and(Truth::unknown_all(self.unknowns.clone())) }
    }
}

/// An action's service takes no wildcard, other than the lone `*`.
fn action(pattern: &Pattern, action: &str, context: &RequestContext) -> Truth {
    let fits = pattern.matches(action, Mode::Like, context);
    if fits.is_false() || pattern.is_all() {
        return fits;
    }
    let service = pattern.text().split(':').next().unwrap_or_default();
    if service.contains(['*', '?']) { Truth::unknown(Unknown::Value(pattern.text().to_owned())) } else { fits }
}

/// A wildcard stays within its part of the ARN, unless it is a `*` at the end of the part, which may reach on.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
fn resource(pattern: &Pattern, resource: &str, context: &RequestContext) -> Truth {
    let loose = pattern.matches(resource, Mode::Like, context);
    if loose.is_false() || pattern.is_all() {
        return loose;
    }
    let named = || Truth::unknown(Unknown::Value(pattern.text().to_owned()));
    if pattern.has_variables() && pattern.has_early_variable() {
        return named();
    }
    let strict = pattern.matches(resource, Mode::Arn, context);
    if strict.is_false()
        && pattern.text().split(':').take(5).any(|part| part.trim_end_matches('*').contains(['*', '?']))
    {
        return named();
    }
    loose
}

/// Statements, evaluated for one form of request as far as it does not depend on the resource.
///
/// INVARIANT: of each resource it says what the statements themselves would say.
#[derive(Debug)]
pub(crate) struct Residual<'a> {
    /// What is not understood of the whole may change what any statement means.
    whole: Option<Truth>,
    /// The statements that may apply to some resource, with what all else of them comes to.
    left: Vec<(&'a Statement, Truth)>,
}

/// A residual without its statements: their places in the document's list, to be kept with the document.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    whole: Option<Truth>,
    left: Vec<(usize, Truth)>,
}

impl Rest {
    /// INVARIANT: where the document is understood as a whole, a statement's index is its place in its list.
    pub(crate) fn new(policy: &PolicyDocument, question: &Question<'_>) -> Self {
        let Residual { whole, left } = Residual::new(&policy.all(), question);
        Self { whole, left: left.into_iter().map(|(statement, rest)| (statement.index, rest)).collect() }
    }

    /// Whether the document's statements surely let the request through to this resource.
    pub(crate) fn allows(&self, policy: &PolicyDocument, resource: &str, context: &RequestContext) -> bool {
        let mut allowed = false;
        for (place, rest) in &self.left {
            let Some(statement) = policy.statements().get(*place) else { return false };
            let fits = statement.takes(resource, context);
            if fits.is_false() {
                continue;
            }
            if statement.may_deny() {
                return false;
            }
            allowed |= rest.is_true() && fits.is_true();
        }
        self.whole.is_none() && allowed
    }
}

impl<'a> Residual<'a> {
    pub(crate) fn new(policy: &Statements<'a>, question: &Question<'_>) -> Self {
        if !policy.unknowns.is_empty() {
            return Self { whole: Some(Truth::unknown_all(policy.unknowns.to_vec())), left: Vec::new() };
        }
        let but_for_resource = |statement: &&'a Statement| (*statement, statement.applies_but_for_resource(question));
        let left = policy.each.iter().map(but_for_resource).filter(|(_, truth)| !truth.is_false()).collect();
        Self { whole: None, left }
    }

    /// What the statements come to for this resource.
    pub(crate) fn sides(&self, resource: &str, context: &RequestContext) -> Sides {
        if let Some(open) = &self.whole {
            return Sides { allow: open.clone(), deny: open.clone() };
        }
        let (mut allow, mut deny) = (Truth::False, Truth::False);
        for (statement, rest) in &self.left {
            let fits = statement.takes(resource, context);
            if fits.is_false() {
                continue;
            }
            let applies = rest.clone().and(fits);
            // INVARIANT: a statement whose Effect is not understood has an unknown, so it is never sure to apply.
            if statement.may_allow() {
                allow = allow.or(applies.clone());
            }
            if statement.may_deny() {
                deny = deny.or(applies);
            }
        }
        Sides { allow, deny }
    }

    /// Whether the statements surely let the request through. Says nothing of the gates beside the policy.
    pub(crate) fn allows(&self, resource: &str, context: &RequestContext) -> bool {
        let Sides { allow, deny } = self.sides(resource, context);
        allow.is_true() && deny.is_false()
    }

    /// Whether an Allow by its list of resources surely takes this one in, Denies aside.
    pub(crate) fn lists(&self, resource: &str, context: &RequestContext) -> bool {
        let lists = |statement: &Statement| matches!(statement.resources, Scope::Any(_)) && statement.may_allow();
        let mut left = self.left.iter().filter(|(statement, rest)| lists(statement) && rest.is_true());
        self.whole.is_none() && left.any(|(statement, _)| statement.takes(resource, context).is_true())
    }

    /// A pattern of a second Allow that leaves something out: what both leave out, no pattern names alone.
    pub(crate) fn crossing(&self) -> Option<&'a Pattern> {
        let mut leaving = self.left.iter().filter_map(|(statement, _)| match &statement.resources {
            Scope::Except(patterns) if statement.may_allow() => patterns.first(),
            _ => None,
        });
        leaving.nth(1)
    }

    /// The patterns that tell some resources from others: those that a Deny takes in, and those that an Allow leaves out.
    pub(crate) fn parting(&self) -> impl Iterator<Item = &'a Pattern> {
        self.left.iter().flat_map(|(statement, _)| match &statement.resources {
            Scope::Any(patterns) if statement.may_deny() => patterns.as_slice(),
            Scope::Except(patterns) if statement.may_allow() => patterns.as_slice(),
            Scope::Any(_) | Scope::Except(_) | Scope::Missing => &[],
        })
    }
}

/// Whether the bucket's side lets the role do it to this object; `rest`, `request` and `open` (no gate is in the way) are those of the bucket. What is
/// not surely allowed is judged, and explained, from the whole policy.
pub(crate) fn evaluate_object(
    policy: &PolicyDocument,
    rest: &Rest,
    request: &Request,
    object: &str,
    settings: impl FnOnce() -> Settings,
    open: bool,
) -> Verdict {
    if open && rest.allows(policy, object, &request.context) {
        let allows =
            rest.left.iter().filter(|(_, rest)| rest.is_true()).filter_map(|(at, _)| policy.statements().get(*at));
        let allows =
            allows.filter(|statement| statement.may_allow() && statement.takes(object, &request.context).is_true());
        return Verdict::allowed(allows.map(explain::allow).collect());
    }
    let request = Request { resource: object.to_owned(), ..request.clone() };
    evaluate_statements(Some(&policy.all()), &request, settings())
}

/// Whether no gate beside the policy is in the way of an object.
pub(crate) fn gates_are_open(policy: &PolicyDocument, settings: Settings) -> bool {
    settings.object_owner == ObjectOwner::BucketOwner && public_block(Some(&policy.all()), settings).is_false()
}

/// What statements come to.
pub(crate) fn sides(policy: &Statements<'_>, question: &Question<'_>) -> Sides {
    Residual::new(policy, question).sides(&question.request.resource, question.context())
}

/// Whether the bucket's side lets the role do it: the bucket policy, `RestrictPublicBuckets` and the object's owner.
pub fn evaluate(policy: Option<&PolicyDocument>, request: &Request, settings: &Settings) -> Verdict {
    evaluate_statements(policy.map(PolicyDocument::all).as_ref(), request, *settings)
}

/// The same of some of a document's statements.
pub(crate) fn evaluate_statements(policy: Option<&Statements<'_>>, request: &Request, settings: Settings) -> Verdict {
    let question = Question::new(request);
    let Sides { allow, deny } =
        policy.map_or(Sides { allow: Truth::False, deny: Truth::False }, |policy| sides(policy, &question));
    let (by_owner, blocked) = if question.crosses_accounts() {
        (owner(request, settings), public_block(policy, settings))
    } else {
        (None, Truth::False)
    };
    let by_policy = allow.clone();
    let allow = match by_owner {
        None => allow,
        // Another account's object: its ACL alone can allow.
        Some(ObjectOwner::Other) => Truth::unknown(Unknown::ObjectAcl),
        // If it is another account's, the same; if not, the policy decides.
        Some(_) if allow.is_false() => Truth::unknown(Unknown::ObjectAcl),
        Some(_) => allow.and(Truth::unknown(Unknown::ObjectAcl)),
    };
    let outcome = allow.clone().and(!deny.clone()).and(!blocked.clone());
    let mut because = Vec::new();
    match &outcome {
        Truth::True => because.extend(explain::allows(policy, &question)),
        Truth::False => {
            because.extend(explain::denies(policy, &question));
            if blocked.is_true() {
                because.push(explain::public_block(policy));
            }
            if because.is_empty() {
                because.push(explain::nothing_allows(policy, &question));
            }
        }
        Truth::Unknown(_) => {
            because.extend(explain::not_understood(policy));
            if !by_policy.is_true() && by_owner != Some(ObjectOwner::Other) {
                because.extend(explain::may_allow(policy, &question));
            }
            because.extend(explain::may_deny(policy, &question));
            if !blocked.is_false() {
                because.push(explain::perhaps_public_block(policy, blocked.names()));
            }
            because.extend(by_owner.map(|owner| match owner {
                ObjectOwner::Other => Gate::ObjectOfAnother.into(),
                ObjectOwner::BucketOwner | ObjectOwner::Unknown => Gate::ObjectMayBeOfAnother.into(),
            }));
        }
    }
    verdict(outcome, because)
}

pub(crate) fn verdict(outcome: Truth, because: Vec<Reason>) -> Verdict {
    match outcome {
        Truth::True => Verdict::allowed(because),
        Truth::False => Verdict::denied(because),
        Truth::Unknown(names) => Verdict::depends(because, names),
    }
}

/// A bucket policy does not reach an object that another account owns. None: nothing stands in the way.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-auth-workflow-object-operation.html>
fn owner(request: &Request, settings: Settings) -> Option<ObjectOwner> {
    let is_object = crate::model::arn::Arn::parse(&request.resource).is_none_or(|arn| arn.resource.contains('/'));
    match settings.object_owner {
        ObjectOwner::BucketOwner => None,
        owner if is_object => Some(owner),
        _ => None,
    }
}

/// `RestrictPublicBuckets` shuts every other account out of a bucket whose policy is public.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
fn public_block(policy: Option<&Statements<'_>>, settings: Settings) -> Truth {
    let public = match settings.policy_is_public {
        Some(public) => public.into(),
        None if policy.is_none_or(public::is_surely_not_public) => Truth::False,
        None => Truth::unknown(Unknown::PolicyIsPublic),
    };
    let restricted = match settings.restrict_public_buckets {
        Some(restricted) => restricted.into(),
        None => Truth::unknown(Unknown::RestrictPublicBuckets),
    };
    restricted.and(public)
}
