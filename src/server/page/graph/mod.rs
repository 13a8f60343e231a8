//! The actions of a run as a graph: what waits for what, in boxes of scopes, conditions and loops, coloured by status,
//! each with a link to its details in the list below, which says the same in words. Invariant: a definition of any size
//! makes a page of bounded size; what is too large is not drawn, and the page says so.

mod draw;
mod layout;

use layout::{Layout, Pair, lay_out};

use super::Page;
use crate::definition::workflow::RunAfterStatus;
use crate::definition::{ActionId, ActionKind, BlockId, Workflow};
use crate::engine::view::Standing;

/// How many actions are drawn.
const BOXES_MAX: usize = 300;
/// How many times an action may wait for another one in what is drawn.
const LINES_MAX: usize = 1_000;
/// How deep boxes are drawn in boxes; what is deeper is in the list.
const DEPTH_MAX: usize = 6;
/// The box of an action.
const BOX: Pair = Pair { x: 196.0, y: 62.0 };
/// The head of a box with boxes in it.
const HEAD: f64 = 46.0;
/// Between a box and what is in it.
const MARGIN: f64 = 14.0;
/// The line that says which branch something is.
const LABEL: f64 = 22.0;

/// A block that is laid out.
struct Drawing {
    boxes: Vec<Shape>,
    lines: Vec<Line>,
    layout: Layout,
}

/// An action that is laid out.
struct Shape {
    action: ActionId,
    size: Pair,
    rooms: Vec<Room>,
    /// Whether it holds actions that are not drawn.
    is_folded: bool,
}

/// A branch within an action.
struct Room {
    label: String,
    /// Within the box of the action.
    at: Pair,
    width: f64,
    drawing: Drawing,
}

/// That an action waits for another one.
struct Line {
    /// Positions in the boxes.
    ends: (usize, usize),
    after: Vec<RunAfterStatus>,
}

/// Adds the graph of a run to its page. Links lead to the anchors of the actions that are listed.
pub(super) fn show(page: &mut Page, workflow: &Workflow, standings: &[Standing], is_listed: &dyn Fn(ActionId) -> bool) {
    let lines: usize = workflow.actions.iter().map(|action| action.run_after.len()).sum();
    if workflow.actions.is_empty() {
        return;
    }
    if workflow.actions.len() > BOXES_MAX || lines > LINES_MAX {
        let text = format!("The graph is too large to be drawn: at most {BOXES_MAX} actions are. The list shows them.");
        page.element("p", &text);
        return;
    }
    let drawing = Drawing::of(workflow, BlockId(0), 0);
    let artist = draw::Artist {
        workflow,
        standings,
        is_listed,
    };
    artist.draw(page, &drawing);
}

impl Drawing {
    fn of(workflow: &Workflow, block: BlockId, depth: usize) -> Self {
        let actions = &workflow.block(block).actions;
        let boxes: Vec<Shape> = actions.iter().map(|id| Shape::of(workflow, *id, depth)).collect();
        let mut lines = Vec::new();
        for (to, id) in actions.iter().enumerate() {
            for (before, after) in &workflow.action(*id).run_after {
                if let Some(from) = actions.iter().position(|one| one == before) {
                    lines.push(Line {
                        ends: (from, to),
                        after: after.clone(),
                    });
                }
            }
        }
        let sizes: Vec<Pair> = boxes.iter().map(|shape| shape.size).collect();
        let ends: Vec<(usize, usize)> = lines.iter().map(|line| line.ends).collect();
        Self {
            layout: lay_out(&sizes, &ends),
            boxes,
            lines,
        }
    }
}

impl Shape {
    fn of(workflow: &Workflow, action: ActionId, depth: usize) -> Self {
        let mut filled = blocks(&workflow.action(action).kind);
        filled.retain(|(_, block)| !workflow.block(*block).actions.is_empty());
        let is_folded = depth >= DEPTH_MAX && !filled.is_empty();
        if filled.is_empty() || is_folded {
            return Self {
                action,
                size: BOX,
                rooms: Vec::new(),
                is_folded,
            };
        }
        let (mut rooms, mut x, mut height) = (Vec::new(), MARGIN, 0.0_f64);
        for (label, block) in filled {
            let drawing = Drawing::of(workflow, block, depth + 1);
            let above = if label.is_empty() { 0.0 } else { LABEL };
            let width = drawing.layout.size.x;
            height = height.max(above + drawing.layout.size.y);
            rooms.push(Room {
                label,
                at: Pair { x, y: HEAD + above },
                width,
                drawing,
            });
            x += width + MARGIN * 2.0;
        }
        let size = Pair {
            x: x - MARGIN,
            y: HEAD + height + MARGIN,
        };
        Self {
            action,
            size,
            rooms,
            is_folded,
        }
    }
}

/// The blocks of an action with what tells them apart.
fn blocks(kind: &ActionKind) -> Vec<(String, BlockId)> {
    match kind {
        ActionKind::Scope { body } | ActionKind::Foreach { body, .. } => vec![(String::new(), *body)],
        ActionKind::Until(until) => vec![(String::new(), until.body)],
        ActionKind::If { then, otherwise, .. } => {
            vec![("If true".to_owned(), *then), ("If false".to_owned(), *otherwise)]
        }
        ActionKind::Switch { cases, default, .. } => {
            let cases = cases.iter().map(|case| (case.name.clone(), case.body));
            cases.chain([("Default".to_owned(), *default)]).collect()
        }
        ActionKind::Call(_)
        | ActionKind::Webhook(_)
        | ActionKind::Wait(_)
        | ActionKind::Response(_)
        | ActionKind::InitializeVariable(_)
        | ActionKind::SetVariable { .. }
        | ActionKind::AppendToArrayVariable { .. }
        | ActionKind::AppendToStringVariable { .. }
        | ActionKind::IncrementVariable { .. }
        | ActionKind::DecrementVariable { .. }
        | ActionKind::Compose(_)
        | ActionKind::Expression(_)
        | ActionKind::ParseJson { .. }
        | ActionKind::Query { .. }
        | ActionKind::Select { .. }
        | ActionKind::Join { .. }
        | ActionKind::Table { .. }
        | ActionKind::Terminate { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::parse;
    use crate::expression::Value;

    /// A definition with these actions.
    fn workflow(actions: &serde_json::Value) -> Workflow {
        let definition = serde_json::json!({
            "triggers": { "manual": { "type": "Request", "kind": "Http" } }, "actions": actions });
        let definition: Value = serde_json::from_value(definition).expect("a value");
        parse(&definition).expect("a valid definition").0
    }

    fn drawn(workflow: &Workflow) -> String {
        let standing = Standing {
            status: "Succeeded",
            executions: 2,
            took: None,
            is_held: false,
        };
        let mut page = Page::new("");
        page.html.clear();
        show(&mut page, workflow, &vec![standing; workflow.actions.len()], &|id| {
            id.0 == 0
        });
        page.html
    }

    fn compose(after: serde_json::Value) -> serde_json::Value {
        serde_json::json!({ "type": "Compose", "inputs": 1, "runAfter": after })
    }

    /// The boxes and lines of a text.
    fn count(html: &str) -> (usize, usize, usize) {
        let of = |part: &str| html.matches(part).count();
        (of("class=\"box\""), of("class=\"frame\""), of("marker-end"))
    }

    #[test]
    fn branches_stand_in_their_condition_and_lead_to_what_is_listed() {
        let html = drawn(&workflow(&serde_json::json!({
            "Decide": { "type": "If", "expression": { "equals": [1, 1] }, "runAfter": {},
                "actions": { "<script>": compose(serde_json::json!({})) },
                "else": { "actions": {} } },
            "After": compose(serde_json::json!({ "Decide": ["Failed"] })),
        })));
        assert_eq!(count(&html), (2, 1, 1), "{html}");
        for part in [
            "<title>&lt;script&gt;: Succeeded · 2 times</title>",
            "<a href=\"#a0\"><title>Decide",
            "<a href=\"#a0\"><title>&lt;script&gt;",
            "<a><title>After",
            ">If true<",
            "<title>After after Decide has failed</title>",
            "A dashed line",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        assert!(
            !html.contains("<script") && !html.contains("If false") && !html.contains("style="),
            "{html}"
        );
    }

    #[test]
    fn what_is_too_deep_is_folded_and_what_is_too_large_is_only_listed() {
        let mut inner = serde_json::json!({ "Leaf": compose(serde_json::json!({})) });
        for depth in 0..8 {
            inner =
                serde_json::json!({ format!("Scope{depth}"): { "type": "Scope", "runAfter": {}, "actions": inner } });
        }
        let html = drawn(&workflow(&inner));
        assert_eq!(count(&html), (1, DEPTH_MAX, 0), "{html}");
        assert!(html.contains("Scope1: Succeeded · 2 times · more inside"), "{html}");
        let many = (0..=BOXES_MAX).map(|place| (format!("A{place}"), compose(serde_json::json!({}))));
        let html = drawn(&workflow(&serde_json::Value::Object(many.collect())));
        assert!(html.contains("too large") && !html.contains("<svg"), "{html}");
    }
}
