//! Checks every expression against the whole workflow: functions exist and get as many arguments as they take,
//! names refer to things that exist, and an action reads only what can have happened before it.

use std::ops::Range;

use super::Severity;
use super::draft::{Draft, Owner, Site};
use super::reference::{self, Reference, Target};
use super::workflow::{ActionId, ActionKind, Workflow};
use crate::expression::functions;
use crate::expression::{Expression, ExpressionKind};

/// Checks all templates. `order` is the order of [`super::graph::link`], if there is one; without it nothing is said
/// about what comes before what.
pub(super) fn run(draft: &mut Draft, order: Option<&[ActionId]>) {
    let before = order.map(|order| Before::new(&draft.workflow, order));
    let sites = std::mem::take(&mut draft.sites);
    for site in &sites {
        site.template.visit(&mut |pointer, expression| {
            let place = Place {
                site,
                pointer,
                before: before.as_ref(),
            };
            expression.walk(&mut |expression| {
                check_call(draft, &place, expression);
                if let Some(reference) = reference::of(expression) {
                    check_reference(draft, &place, &reference);
                }
            });
        });
    }
    draft.sites = sites;
    written_variables(draft);
    script_reads(draft);
}

/// Where an expression stands.
struct Place<'a> {
    site: &'a Site,
    pointer: &'a str,
    before: Option<&'a Before>,
}

impl Place<'_> {
    fn error(&self, draft: &mut Draft, code: &'static str, span: &Range<usize>, message: String) {
        self.report(draft, Severity::Error, code, span, message);
    }

    fn warning(&self, draft: &mut Draft, code: &'static str, span: &Range<usize>, message: String) {
        self.report(draft, Severity::Warning, code, span, message);
    }

    fn report(&self, draft: &mut Draft, severity: Severity, code: &'static str, span: &Range<usize>, message: String) {
        let pointer = format!("{}{}", self.site.pointer, self.pointer);
        draft.report.add(severity, code, &pointer, Some(span.clone()), message);
    }

    fn action(&self) -> Option<ActionId> {
        match self.site.owner {
            Owner::Action(id) => Some(id),
            Owner::Trigger | Owner::Output(_) => None,
        }
    }
}

fn check_call(draft: &mut Draft, place: &Place, expression: &Expression) {
    let ExpressionKind::Call {
        name,
        function,
        arguments,
    } = &expression.kind
    else {
        return;
    };
    match function {
        Some(function) => {
            if let Err(wrong) = function.check_arity(arguments.len()) {
                place.error(draft, "WrongArity", &expression.span, wrong.message);
            } else if function.name == "encodeUriComponent" && arguments.len() > 1 {
                let message = "encodeURIComponent is documented with one parameter; the texts are joined";
                place.warning(draft, "ExtraArguments", &expression.span, message.to_owned());
            }
        }
        None => {
            let hint = draft.hint(name, functions::all().map(|function| function.name));
            let message = format!("there is no function '{name}'{hint}");
            place.error(draft, "UnknownFunction", &expression.span, message);
        }
    }
}

fn check_reference(draft: &mut Draft, place: &Place, reference: &Reference) {
    match (reference.target, reference.name) {
        (Target::Parameter, Some(name)) => parameter(draft, place, reference, name),
        (Target::Variable, Some(name)) => variable(draft, place, reference, name),
        (Target::Outputs | Target::Action | Target::Result, Some(name)) => action(draft, place, reference, name),
        (Target::Items | Target::Iteration, Some(name)) => enclosing_loop(draft, place, reference, name),
        (Target::Item, _) => item(draft, place, reference),
        // Who gives app settings knows which there are.
        (Target::Trigger | Target::Setting, _) => {}
        (
            Target::Parameter
            | Target::Variable
            | Target::Outputs
            | Target::Action
            | Target::Result
            | Target::Items
            | Target::Iteration,
            None,
        ) => {}
    }
}

fn parameter(draft: &mut Draft, place: &Place, reference: &Reference, name: &str) {
    if !draft.parameters.contains(&name.to_lowercase()) {
        let hint = draft.parameter_hint(name);
        let message = format!("the parameter '{name}' is not declared{hint}");
        place.error(draft, "UnknownParameter", &reference.span, message);
    }
}

fn variable(draft: &mut Draft, place: &Place, reference: &Reference, name: &str) {
    let Some(declared) = draft.variables.get(&name.to_lowercase()).copied() else {
        let message = unknown_variable(draft, name);
        place.error(draft, "UnknownVariable", &reference.span, message);
        return;
    };
    if let (Some(id), Some(before)) = (place.action(), place.before)
        && !before.has(id, declared)
        && id != declared
    {
        let message = format!("the variable '{name}' may not be declared yet when this is evaluated");
        place.warning(draft, "NotBefore", &reference.span, message);
    }
    let own = place.action().map(|id| &draft.workflow.action(id).kind);
    if let Some(ActionKind::SetVariable { name: set, .. }) = own
        && set.to_lowercase() == name.to_lowercase()
    {
        let message = format!("'{name}' is set from its own value, which Logic Apps refuses; use a Compose in between");
        place.warning(draft, "SelfReference", &reference.span, message);
    }
}

fn unknown_variable(draft: &mut Draft, name: &str) -> String {
    let hint = draft.variable_hint(name);
    format!("the variable '{name}' is not declared{hint}")
}

fn action(draft: &mut Draft, place: &Place, reference: &Reference, name: &str) {
    let Some(found) = draft.workflow.find(name) else {
        let hint = draft.action_hint(name);
        let message = format!("there is no action '{name}'{hint}");
        place.error(draft, "UnknownAction", &reference.span, message);
        return;
    };
    let possible = match (place.site.owner, place.before) {
        (Owner::Trigger, _) => false,
        (Owner::Output(_), _) | (Owner::Action(_), None) => true,
        (Owner::Action(id), Some(before)) => {
            before.has_or_holds(&draft.workflow, id, found) || is_round_of(&draft.workflow, id, found)
        }
    };
    if !possible {
        let message = format!("'{name}' cannot have ended when this is evaluated; let this run after it");
        place.error(draft, "NotBefore", &reference.span, message);
    }
    if reference.target == Target::Result && !holds_block(&draft.workflow.action(found).kind) {
        let message = format!("'{name}' holds no actions; result() needs a Scope or a loop");
        place.error(draft, "NotAScope", &reference.span, message);
    }
}

/// Whether an action ends in a round of an Until, whose condition is evaluated after each.
fn is_round_of(workflow: &Workflow, until: ActionId, id: ActionId) -> bool {
    matches!(workflow.action(until).kind, ActionKind::Until(_)) && holders(workflow, id).any(|holder| holder == until)
}

fn holds_block(kind: &ActionKind) -> bool {
    matches!(
        kind,
        ActionKind::Foreach { .. }
            | ActionKind::Until(_)
            | ActionKind::Scope { .. }
            | ActionKind::If { .. }
            | ActionKind::Switch { .. }
    )
}

fn enclosing_loop(draft: &mut Draft, place: &Place, reference: &Reference, name: &str) {
    let Some(found) = draft.workflow.find(name) else {
        let hint = draft.action_hint(name);
        let message = format!("there is no loop '{name}'{hint}");
        place.error(draft, "UnknownAction", &reference.span, message);
        return;
    };
    let inside = place
        .action()
        .is_some_and(|id| id == found || holders(&draft.workflow, id).any(|holder| holder == found));
    if !inside {
        let message = format!("{}('{name}') has a value only inside '{name}'", reference.function);
        place.error(draft, "NotInLoop", &reference.span, message);
    }
}

fn item(draft: &mut Draft, place: &Place, reference: &Reference) {
    let looped = |id| matches!(draft.workflow.action(id).kind, ActionKind::Foreach { .. });
    let inside = place
        .action()
        .is_some_and(|id| holders(&draft.workflow, id).any(looped));
    if !inside && !place.site.element {
        let message = "item() has no value here: there is no loop around it".to_owned();
        place.warning(draft, "NotInLoop", &reference.span, message);
    }
}

/// Variables that actions change must exist too.
fn written_variables(draft: &mut Draft) {
    for (name, pointer) in std::mem::take(&mut draft.written) {
        if !draft.variables.contains_key(&name.to_lowercase()) {
            let message = unknown_variable(draft, &name);
            draft.report.error("UnknownVariable", &pointer, message);
        }
    }
}

/// Actions that scripts read must exist too.
fn script_reads(draft: &mut Draft) {
    for (name, pointer) in std::mem::take(&mut draft.script_reads) {
        if draft.workflow.find(&name).is_none() {
            let hint = draft.action_hint(&name);
            let message = format!("there is no action '{name}'{hint}");
            draft.report.error("UnknownAction", &pointer, message);
        }
    }
}

/// The actions that hold an action, innermost first.
pub(super) fn holders(workflow: &Workflow, id: ActionId) -> impl Iterator<Item = ActionId> {
    let holder = |id: ActionId| workflow.block(workflow.action(id).block).owner;
    std::iter::successors(holder(id), move |id| holder(*id))
}

/// For each action the actions that have ended when it starts, as a set of bits.
struct Before {
    sets: Vec<Vec<u64>>,
}

impl Before {
    fn new(workflow: &Workflow, order: &[ActionId]) -> Self {
        let words = workflow.actions.len().div_ceil(64);
        let mut sets = vec![vec![0_u64; words]; workflow.actions.len()];
        for id in order {
            let action = workflow.action(*id);
            let mut set = match workflow.block(action.block).owner {
                Some(owner) => sets[owner.0 as usize].clone(),
                None => vec![0; words],
            };
            for (predecessor, _) in &action.run_after {
                let index = predecessor.0 as usize;
                set.iter_mut().zip(&sets[index]).for_each(|(word, more)| *word |= more);
                set[index / 64] |= 1 << (index % 64);
            }
            sets[id.0 as usize] = set;
        }
        Self { sets }
    }

    fn has(&self, id: ActionId, other: ActionId) -> bool {
        let index = other.0 as usize;
        self.sets[id.0 as usize][index / 64] & (1 << (index % 64)) != 0
    }

    /// Whether an action, or one that holds it, has ended when another starts.
    fn has_or_holds(&self, workflow: &Workflow, id: ActionId, other: ActionId) -> bool {
        self.has(id, other) || holders(workflow, other).any(|holder| self.has(id, holder))
    }
}
