//! Reads actions and the blocks that hold them: what is the same for every type. Each action has its slot in the
//! table before its own blocks are read, so the table is in the order of the text.

use super::draft::{Draft, Owner, Wait};
use super::limits::Limit;
use super::node::Node;
use super::options::{self, Options};
use super::workflow::{Action, ActionId, ActionKind, Block, BlockId, RunAfterStatus};
use super::{call, control, data, response, variables, wait, webhook};
use crate::expression::{Template, Value};

/// Reads what is particular to a type of action.
pub(super) type Reader = fn(&mut Draft, &Entry) -> ActionKind;

/// Action types that are served.
pub(super) const SERVED: [(&str, Reader); 31] = [
    ("ApiConnection", call::api_connection),
    ("ApiConnectionWebhook", webhook::api_connection),
    ("AppendToArrayVariable", variables::append_to_array),
    ("AppendToStringVariable", variables::append_to_string),
    ("Compose", data::compose),
    ("DecrementVariable", variables::decrement),
    ("Expression", data::expression),
    ("Foreach", control::foreach),
    ("Function", call::function),
    ("Http", call::http),
    ("HttpWebhook", webhook::http),
    ("If", control::condition),
    ("IncrementVariable", variables::increment),
    ("InitializeVariable", variables::initialize),
    ("JavaScriptCode", call::script),
    ("Join", data::join),
    ("OpenApiConnection", call::open_api_connection),
    ("OpenApiConnectionWebhook", webhook::open_api_connection),
    ("ParseJson", data::parse_json),
    ("Query", data::query),
    ("Response", response::response),
    ("Scope", control::scope),
    ("Select", data::select),
    ("SendToBatch", call::send_to_batch),
    ("SetVariable", variables::set),
    ("Switch", control::switch),
    ("Table", data::table),
    ("Terminate", control::terminate),
    ("Until", control::until),
    ("Wait", wait::wait),
    ("Workflow", call::workflow),
];

/// Action types of Logic Apps that are not served: they need an integration account, or run what is no data.
const UNSERVED: [&str; 25] = [
    "Agent",
    "ApiConnectionNotification",
    "ApiManagement",
    "As2Decode",
    "As2Encode",
    "CSharpScriptCode",
    "EdifactDecode",
    "EdifactEncode",
    "FlatFileDecoding",
    "FlatFileEncoding",
    "IntegrationAccountArtifactLookup",
    "InvokeFunction",
    "InvokeWorkflow",
    "Liquid",
    "McpClientTool",
    "OpenApiConnectionNotification",
    "PowerShellCode",
    "ServiceProvider",
    "SwiftMTDecode",
    "SwiftMTEncode",
    "X12Decode",
    "X12Encode",
    "XmlParse",
    "XmlValidation",
    "Xslt",
];

/// Where a block stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Surroundings {
    /// The action that holds the block.
    pub(super) owner: Option<ActionId>,
    /// Blocks around an action of the block.
    pub(super) depth: usize,
    /// Whether a Foreach is around it.
    pub(super) in_foreach: bool,
    /// Whether a Foreach or Until is around it.
    pub(super) in_loop: bool,
}

impl Surroundings {
    /// The surroundings of a block that an action holds.
    pub(super) fn within(self, owner: ActionId) -> Self {
        Self {
            owner: Some(owner),
            depth: self.depth + 1,
            ..self
        }
    }
}

/// An action whose own properties are being read.
pub(super) struct Entry<'a> {
    /// Its slot.
    pub(super) id: ActionId,
    /// Its text.
    pub(super) node: Node<'a>,
    /// Its options.
    pub(super) options: Options,
    /// Where it stands.
    pub(super) around: Surroundings,
}

impl<'a> Entry<'a> {
    /// The owner of its templates.
    pub(super) fn owner(&self) -> Owner {
        Owner::Action(self.id)
    }

    /// Its inputs; where they are missing or no object, that is reported.
    pub(super) fn inputs(&self, draft: &mut Draft) -> Option<Node<'a>> {
        let inputs = draft.required(&self.node, "inputs")?;
        draft.is_object(&inputs).then_some(inputs)
    }
}

/// Reads a block: the object `actions` of a workflow or an action, or an empty block where there is none.
pub(super) fn block(draft: &mut Draft, actions: Option<Node>, around: Surroundings) -> BlockId {
    let id = BlockId(u32::try_from(draft.workflow.blocks.len()).unwrap_or(u32::MAX));
    draft.workflow.blocks.push(Block {
        owner: around.owner,
        actions: Vec::new(),
    });
    let Some(actions) = actions else {
        return id;
    };
    if !draft.is_object(&actions) {
        return id;
    }
    let members = actions.members();
    let deepest = draft.limits.size(Limit::Nesting);
    if around.depth > deepest && !members.is_empty() {
        let message = format!("actions are nested deeper than {deepest} blocks");
        draft.report.error("TooDeep", &actions.pointer, message);
        return id;
    }
    for (name, node) in members {
        if draft.workflow.actions.len() >= draft.limits.size(Limit::Actions) {
            too_many(draft, &node);
            return id;
        }
        if draft.is_name(name, &node) && draft.is_object(&node) {
            let action = action(draft, name, node, id, around);
            draft.workflow.blocks[id.0 as usize].actions.push(action);
        }
    }
    id
}

fn too_many(draft: &mut Draft, node: &Node) {
    if !draft.truncated {
        let message = format!("the workflow has more than {} actions", draft.limits.of(Limit::Actions));
        draft.report.error("TooManyActions", &node.pointer, message);
    }
    draft.truncated = true;
}

fn action(draft: &mut Draft, name: &str, node: Node, block: BlockId, around: Surroundings) -> ActionId {
    let id = ActionId(u32::try_from(draft.workflow.actions.len()).unwrap_or(u32::MAX));
    let options = options::parse(draft, &node);
    check_name(draft, name, &node, id);
    let waits = run_after(draft, &node);
    draft.waits.push(waits);
    draft.declared.push(options.secrecy);
    let static_result = options::static_result(draft, &node);
    let tracked = draft.optional_template(Owner::Action(id), &node, "trackedProperties");
    draft.workflow.actions.push(Action {
        name: name.into(),
        block,
        run_after: Vec::new(),
        successors: Vec::new(),
        kind: nothing(),
        timeout: options.timeout,
        static_result,
        tracked,
        secure_inputs: options.secrecy.inputs,
        secure_outputs: options.secrecy.outputs,
        pointer: node.pointer.clone(),
    });
    let entry = Entry {
        id,
        node,
        options,
        around,
    };
    let kind = kind(draft, &entry);
    draft.workflow.actions[id.0 as usize].kind = kind;
    id
}

/// Stands in for an action that could not be read; its workflow never leaves this room.
pub(super) fn nothing() -> ActionKind {
    ActionKind::Compose(Template::Literal(Value::Null))
}

fn kind(draft: &mut Draft, entry: &Entry) -> ActionKind {
    let Some(node) = draft.required(&entry.node, "type") else {
        return nothing();
    };
    let Some(text) = draft.text(&node) else {
        return nothing();
    };
    match SERVED.iter().find(|(served, _)| served.eq_ignore_ascii_case(text)) {
        Some((_, read)) => read(draft, entry),
        None => unserved(draft, entry, &node, text),
    }
}

/// Reports an action that is not served; its inputs and blocks are read all the same, to find what is wrong in them.
fn unserved(draft: &mut Draft, entry: &Entry, node: &Node, text: &str) -> ActionKind {
    if UNSERVED.iter().any(|known| known.eq_ignore_ascii_case(text)) {
        let message = format!("actions of type '{text}' are not served");
        draft.report.error("UnsupportedAction", &node.pointer, message);
    } else {
        let hint = draft.hint(text, SERVED.map(|(served, _)| served).into_iter().chain(UNSERVED));
        let message = format!("there is no action type '{text}'{hint}");
        draft.report.error("UnknownAction", &node.pointer, message);
    }
    draft.optional_template(entry.owner(), &entry.node, "inputs");
    let Some(actions) = entry.node.member("actions") else {
        return nothing();
    };
    ActionKind::Scope {
        body: block(draft, Some(actions), entry.around.within(entry.id)),
    }
}

fn check_name(draft: &mut Draft, name: &str, node: &Node, id: ActionId) {
    if let Some(first) = draft.workflow.names.get(&name.to_lowercase()) {
        let first = &draft.workflow.action(*first).pointer;
        let message = format!("the name '{name}' is taken by the action at {first}; names differ in more than case");
        draft.report.error("DuplicateName", &node.pointer, message);
    } else {
        draft.workflow.names.insert(name.to_lowercase(), id);
    }
}

fn run_after(draft: &mut Draft, node: &Node) -> Vec<Wait> {
    let Some(waits) = node.member("runAfter") else {
        return Vec::new();
    };
    draft.is_object(&waits);
    let waits = waits.members().into_iter().map(|(name, node)| Wait {
        name: name.to_string(),
        statuses: statuses(draft, &node),
        pointer: node.pointer,
    });
    waits.collect()
}

fn statuses(draft: &mut Draft, node: &Node) -> Vec<RunAfterStatus> {
    if draft.is_array(node) && node.items().is_empty() {
        let message = "name at least one status, such as 'Succeeded'";
        draft.report.error("InvalidRunAfter", &node.pointer, message);
    }
    let mut statuses = Vec::new();
    for item in node.items() {
        let text = item.value.as_str().unwrap_or_default();
        match RunAfterStatus::named(text) {
            Some(status) if statuses.contains(&status) => {}
            Some(status) => statuses.push(status),
            None => {
                let message = "a status is one of Succeeded, Failed, Skipped, TimedOut";
                draft.report.error("InvalidRunAfter", &item.pointer, message);
            }
        }
    }
    statuses
}
