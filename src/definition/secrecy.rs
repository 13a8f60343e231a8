//! What must be hidden: everything that may carry a secure parameter or the outputs of something secure. A graph of
//! what flows where is drawn once, and everything that can be reached from something secure is marked.
//! Rather too much is hidden than too little: a name that is computed may be any name.

use std::collections::{HashMap, HashSet};

use super::check::holders;
use super::draft::{Draft, Owner, Site};
use super::reference::{self, Reference, Target};
use super::workflow::{ActionId, ActionKind, CallTarget, Workflow};

/// A thing that may carry something secure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Carrier {
    /// The trigger's outputs.
    Trigger,
    /// A variable, by its place among the declared ones.
    Variable(usize),
    /// The inputs of an action.
    Inputs(ActionId),
    /// Its outputs.
    Outputs(ActionId),
    /// Its outputs as others read them: secure inputs hide in the reader what these carry on.
    Readable(ActionId),
    /// Everything inside an action that holds blocks.
    Inside(ActionId),
    /// An output of the run.
    Output(usize),
    /// Whatever a computed name may stand for.
    Anything,
}

/// What flows where.
#[derive(Default)]
struct Flow {
    edges: HashMap<Carrier, Vec<Carrier>>,
    secure: Vec<Carrier>,
}

impl Flow {
    fn edge(&mut self, from: Carrier, to: Carrier) {
        self.edges.entry(from).or_default().push(to);
    }
}

/// Marks actions, variables and outputs of the run.
pub(super) fn mark(draft: &mut Draft) {
    let mut flow = Flow::default();
    let variables: Vec<String> = draft.variables.keys().cloned().collect();
    let names = Names {
        variables: variables
            .iter()
            .zip(0..)
            .map(|(name, index)| (&**name, index))
            .collect(),
        parameters: secure_parameters(&draft.workflow),
    };
    if draft.workflow.triggers.iter().any(|trigger| trigger.secure_outputs) {
        flow.secure.push(Carrier::Trigger);
    }
    if names.parameters.values().any(|secure| *secure) {
        flow.secure.push(Carrier::Anything);
    }
    for index in 0..draft.workflow.actions.len() {
        let id = ActionId(u32::try_from(index).unwrap_or(u32::MAX));
        within_action(draft, &mut flow, &names, id);
    }
    for site in &draft.sites {
        reads(&draft.workflow, &mut flow, &names, site);
    }
    for index in 0..draft.workflow.actions.len() {
        script_reads(
            &draft.workflow,
            &mut flow,
            ActionId(u32::try_from(index).unwrap_or(u32::MAX)),
        );
    }
    for index in 0..variables.len() {
        flow.edge(Carrier::Variable(index), Carrier::Anything);
    }
    for carrier in reached(&flow) {
        hide(&mut draft.workflow, &variables, carrier);
    }
}

/// Variables and parameters by lower-case name: places of the one, secrecy of the other.
struct Names<'a> {
    variables: HashMap<&'a str, usize>,
    parameters: HashMap<String, bool>,
}

fn secure_parameters(workflow: &Workflow) -> HashMap<String, bool> {
    let parameters = workflow.parameters.iter();
    parameters
        .map(|parameter| (parameter.name.to_lowercase(), parameter.kind.is_secure()))
        .collect()
}

/// What flows between the inputs and outputs of an action, its variable and its holder.
fn within_action(draft: &Draft, flow: &mut Flow, names: &Names, id: ActionId) {
    let action = draft.workflow.action(id);
    let declared = draft.declared[id.0 as usize];
    if declared.inputs {
        flow.secure.extend([Carrier::Inputs(id), Carrier::Readable(id)]);
    }
    if declared.outputs {
        flow.secure.push(Carrier::Outputs(id));
    }
    flow.edge(Carrier::Outputs(id), Carrier::Readable(id));
    flow.edge(Carrier::Readable(id), Carrier::Anything);
    if carries_inputs(&action.kind) {
        flow.edge(Carrier::Inputs(id), Carrier::Outputs(id));
    }
    let mut written = |name: &str| {
        if let Some(index) = names.variables.get(&*name.to_lowercase()) {
            flow.edge(Carrier::Inputs(id), Carrier::Variable(*index));
        }
    };
    match &action.kind {
        ActionKind::SetVariable { name, .. }
        | ActionKind::AppendToArrayVariable { name, .. }
        | ActionKind::AppendToStringVariable { name, .. }
        | ActionKind::IncrementVariable { name, .. }
        | ActionKind::DecrementVariable { name, .. } => written(name),
        ActionKind::InitializeVariable(declarations) => declarations.iter().for_each(|one| written(&one.name)),
        ActionKind::Call(_)
        | ActionKind::Webhook(_)
        | ActionKind::Wait(_)
        | ActionKind::Response(_)
        | ActionKind::Until(_)
        | ActionKind::Foreach { .. }
        | ActionKind::If { .. }
        | ActionKind::Switch { .. }
        | ActionKind::Scope { .. }
        | ActionKind::Compose(_)
        | ActionKind::Expression(_)
        | ActionKind::ParseJson { .. }
        | ActionKind::Query { .. }
        | ActionKind::Select { .. }
        | ActionKind::Join { .. }
        | ActionKind::Table { .. }
        | ActionKind::Terminate { .. } => {}
    }
    if let Some(holder) = holders(&draft.workflow, id).next() {
        flow.edge(Carrier::Inputs(id), Carrier::Inside(holder));
        flow.edge(Carrier::Readable(id), Carrier::Inside(holder));
        flow.edge(Carrier::Inside(id), Carrier::Inside(holder));
    }
    flow.edge(Carrier::Inside(id), Carrier::Anything);
}

/// Whether the outputs of an action show its inputs.
fn carries_inputs(kind: &ActionKind) -> bool {
    match kind {
        ActionKind::Compose(_)
        | ActionKind::ParseJson { .. }
        | ActionKind::Query { .. }
        | ActionKind::Select { .. }
        | ActionKind::Join { .. }
        | ActionKind::Table { .. }
        | ActionKind::InitializeVariable(_)
        | ActionKind::SetVariable { .. }
        | ActionKind::AppendToArrayVariable { .. }
        | ActionKind::AppendToStringVariable { .. }
        | ActionKind::IncrementVariable { .. }
        | ActionKind::DecrementVariable { .. }
        | ActionKind::Expression(_)
        | ActionKind::Response(_)
        | ActionKind::Switch { .. } => true,
        ActionKind::Call(_)
        | ActionKind::Webhook(_)
        | ActionKind::Wait(_)
        | ActionKind::Until(_)
        | ActionKind::Foreach { .. }
        | ActionKind::If { .. }
        | ActionKind::Scope { .. }
        | ActionKind::Terminate { .. } => false,
    }
}

/// What flows into a script, and through it into its outputs.
fn script_reads(workflow: &Workflow, flow: &mut Flow, id: ActionId) {
    let ActionKind::Call(call) = &workflow.action(id).kind else {
        return;
    };
    let CallTarget::Script(script) = &call.target else {
        return;
    };
    flow.edge(Carrier::Inputs(id), Carrier::Outputs(id));
    if script.trigger {
        flow.edge(Carrier::Trigger, Carrier::Inputs(id));
    }
    for read in script.actions.iter().filter_map(|name| workflow.find(name)) {
        flow.edge(Carrier::Inputs(read), Carrier::Inputs(id));
        flow.edge(Carrier::Readable(read), Carrier::Inputs(id));
        flow.edge(Carrier::Inside(read), Carrier::Inputs(id));
    }
}

/// What flows into the owner of a template.
fn reads(workflow: &Workflow, flow: &mut Flow, names: &Names, site: &Site) {
    let to = match site.owner {
        Owner::Trigger => return,
        Owner::Action(id) => Carrier::Inputs(id),
        Owner::Output(index) => Carrier::Output(index),
    };
    site.template.visit(&mut |_, expression| {
        expression.walk(&mut |expression| {
            if let Some(reference) = reference::of(expression) {
                read(workflow, flow, names, site, &reference, to);
            }
        });
    });
}

fn read(workflow: &Workflow, flow: &mut Flow, names: &Names, site: &Site, reference: &Reference, to: Carrier) {
    let action = reference.name.and_then(|name| workflow.find(name));
    match (reference.target, reference.name) {
        (Target::Trigger, _) => flow.edge(Carrier::Trigger, to),
        (Target::Item, _) => {
            if let Some(looped) = innermost_loop(workflow, site) {
                flow.edge(Carrier::Inputs(looped), to);
            }
        }
        (Target::Iteration, _) => {}
        // The definition does not tell which settings are secret.
        (Target::Setting, _) => flow.secure.push(to),
        (_, None) => flow.edge(Carrier::Anything, to),
        (Target::Parameter, Some(name)) => {
            if names.parameters.get(&name.to_lowercase()).copied().unwrap_or_default() {
                flow.secure.push(to);
            }
        }
        (Target::Variable, Some(name)) => {
            if let Some(index) = names.variables.get(&*name.to_lowercase()) {
                flow.edge(Carrier::Variable(*index), to);
            }
        }
        (Target::Outputs, Some(_)) => action.into_iter().for_each(|id| flow.edge(Carrier::Readable(id), to)),
        (Target::Items, Some(_)) => action.into_iter().for_each(|id| flow.edge(Carrier::Inputs(id), to)),
        (Target::Action | Target::Result, Some(_)) => {
            if let Some(id) = action {
                flow.edge(Carrier::Inputs(id), to);
                flow.edge(Carrier::Readable(id), to);
                flow.edge(Carrier::Inside(id), to);
            }
        }
    }
}

/// The Foreach whose element `item()` is; `None` where it is an element of the data operation's own array.
fn innermost_loop(workflow: &Workflow, site: &Site) -> Option<ActionId> {
    let Owner::Action(id) = site.owner else {
        return None;
    };
    let looped = |id: &ActionId| matches!(workflow.action(*id).kind, ActionKind::Foreach { .. });
    holders(workflow, id).find(looped).filter(|_| !site.element)
}

/// Everything that can carry something secure.
fn reached(flow: &Flow) -> Vec<Carrier> {
    let mut seen = HashSet::new();
    let mut open = flow.secure.clone();
    while let Some(carrier) = open.pop() {
        if seen.insert(carrier) {
            open.extend(flow.edges.get(&carrier).into_iter().flatten());
        }
    }
    seen.into_iter().collect()
}

fn hide(workflow: &mut Workflow, variables: &[String], carrier: Carrier) {
    match carrier {
        Carrier::Inputs(id) => workflow.actions[id.0 as usize].secure_inputs = true,
        Carrier::Outputs(id) => workflow.actions[id.0 as usize].secure_outputs = true,
        Carrier::Variable(index) => {
            workflow.secure_variables.insert(variables[index].clone());
        }
        Carrier::Output(index) => {
            let name = workflow.outputs[index].0.clone();
            workflow.secure_outputs.insert(name);
        }
        Carrier::Trigger | Carrier::Readable(_) | Carrier::Inside(_) | Carrier::Anything => {}
    }
}
