//! Reads actions and the blocks that hold them: what is the same for every type. Each action has its slot in the
//! table before its own blocks are read, so the table is in the order of the text.

use super::draft::{Draft, Owner, Wait};
use super::node::Node;
use super::options::{self, Options};
use super::workflow::{Action, ActionId, ActionKind, Block, BlockId, RunAfterStatus};
use super::{call, control, data, variables};
use crate::expression::{Template, Value};

/// Action types that are served.
const SERVED: [&str; 18] = [
    "ApiConnection",
    "AppendToArrayVariable",
    "AppendToStringVariable",
    "Compose",
    "Foreach",
    "Http",
    "If",
    "IncrementVariable",
    "InitializeVariable",
    "Join",
    "ParseJson",
    "Query",
    "Scope",
    "Select",
    "SetVariable",
    "Switch",
    "Table",
    "Terminate",
];

/// Action types of Logic Apps that are not served yet.
const UNSERVED: [&str; 38] = [
    "Agent",
    "ApiConnectionNotification",
    "ApiConnectionWebhook",
    "ApiManagement",
    "As2Decode",
    "As2Encode",
    "CSharpScriptCode",
    "DecrementVariable",
    "EdifactDecode",
    "EdifactEncode",
    "Expression",
    "FlatFileDecoding",
    "FlatFileEncoding",
    "Function",
    "HttpWebhook",
    "IntegrationAccountArtifactLookup",
    "InvokeFunction",
    "InvokeWorkflow",
    "JavaScriptCode",
    "Liquid",
    "McpClientTool",
    "OpenApiConnection",
    "OpenApiConnectionNotification",
    "OpenApiConnectionWebhook",
    "PowerShellCode",
    "Response",
    "SendToBatch",
    "ServiceProvider",
    "SwiftMTDecode",
    "SwiftMTEncode",
    "Until",
    "Wait",
    "Workflow",
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
    if around.depth > draft.limits.depth && !members.is_empty() {
        let message = format!("actions are nested deeper than {} blocks", draft.limits.depth);
        draft.report.error("TooDeep", &actions.pointer, message);
        return id;
    }
    for (name, node) in members {
        if draft.workflow.actions.len() >= draft.limits.actions {
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
        let message = format!("the workflow has more than {} actions", draft.limits.actions);
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
    draft.workflow.actions.push(Action {
        name: name.into(),
        block,
        run_after: Vec::new(),
        successors: Vec::new(),
        kind: nothing(),
        timeout: options.timeout,
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
    let read = match text.to_lowercase().as_str() {
        "apiconnection" => call::api_connection,
        "http" => call::http,
        "foreach" => control::foreach,
        "if" => control::condition,
        "switch" => control::switch,
        "scope" => control::scope,
        "terminate" => control::terminate,
        "initializevariable" => variables::initialize,
        "setvariable" => variables::set,
        "appendtoarrayvariable" => variables::append_to_array,
        "appendtostringvariable" => variables::append_to_string,
        "incrementvariable" => variables::increment,
        "compose" => data::compose,
        "parsejson" => data::parse_json,
        "query" => data::query,
        "select" => data::select,
        "join" => data::join,
        "table" => data::table,
        _ => return unserved(draft, entry, &node, text),
    };
    read(draft, entry)
}

/// Reports an action that is not served; its inputs and blocks are read all the same, to find what is wrong in them.
fn unserved(draft: &mut Draft, entry: &Entry, node: &Node, text: &str) -> ActionKind {
    if UNSERVED.iter().any(|known| known.eq_ignore_ascii_case(text)) {
        let message = format!("actions of type '{text}' are not served yet");
        draft.report.error("UnsupportedAction", &node.pointer, message);
    } else {
        let hint = draft.hint(text, SERVED.into_iter().chain(UNSERVED));
        let message = format!("there is no action type '{text}'{hint}");
        draft.report.error("UnknownAction", &node.pointer, message);
    }
    draft.optional_template(entry.owner(), &entry.node, "inputs");
    let Some(actions) = entry.node.member("actions") else {
        return nothing();
    };
    let mut around = entry.around.within(entry.id);
    around.in_loop |= text.eq_ignore_ascii_case("Until");
    ActionKind::Scope {
        body: block(draft, Some(actions), around),
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
    const STATUSES: [(&str, RunAfterStatus); 4] = [
        ("Succeeded", RunAfterStatus::Succeeded),
        ("Failed", RunAfterStatus::Failed),
        ("Skipped", RunAfterStatus::Skipped),
        ("TimedOut", RunAfterStatus::TimedOut),
    ];
    if draft.is_array(node) && node.items().is_empty() {
        let message = "name at least one status, such as 'Succeeded'";
        draft.report.error("InvalidRunAfter", &node.pointer, message);
    }
    let mut statuses = Vec::new();
    for item in node.items() {
        let text = item.value.as_str().unwrap_or_default();
        match STATUSES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            Some((_, status)) if statuses.contains(status) => {}
            Some((_, status)) => statuses.push(*status),
            None => {
                let message = "a status is one of Succeeded, Failed, Skipped, TimedOut";
                draft.report.error("InvalidRunAfter", &item.pointer, message);
            }
        }
    }
    statuses
}
