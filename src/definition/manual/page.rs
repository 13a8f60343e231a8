//! The manual as a page of Markdown.

use std::fmt::Write as _;

use super::{ACTIONS, COMMON, Member, TRIGGERS, Type};

/// The page of actions and triggers.
pub fn page() -> String {
    let mut page = String::from(
        "# Actions and triggers\n\nWhat a workflow definition can hold. The page is made by `riposte actions`; the tests read \
         every example, and rehearse every action of them.\n\n## Actions\n\nWhat every action may have:\n\n",
    );
    members(&mut page, "", COMMON);
    for kind in ACTIONS {
        section(&mut page, kind);
    }
    page.push_str("\n## Triggers\n");
    for kind in TRIGGERS {
        section(&mut page, kind);
    }
    page
}

/// What the page says of a type, without regard to case; of some there are an action and a trigger. Empty for an unknown
/// one.
pub fn sections(name: &str) -> String {
    let mut sections = String::new();
    let groups = [("Action", ACTIONS), ("Trigger", TRIGGERS)];
    for (group, kinds) in groups {
        for kind in kinds.iter().filter(|kind| kind.name.eq_ignore_ascii_case(name)) {
            let _ = write!(sections, "{group}:");
            section(&mut sections, kind);
        }
    }
    sections
}

fn section(page: &mut String, kind: &Type) {
    let (name, doc, outputs) = (kind.name, kind.doc, kind.outputs);
    // Writing to a text cannot fail.
    let _ = write!(page, "\n### {name}\n\n{doc}\n\n");
    members(page, "", kind.members);
    if kind.any_inputs {
        page.push_str("- `inputs` (required): anything\n");
    }
    members(page, "inputs.", kind.inputs);
    let _ = write!(page, "- outputs: {outputs}\n\n```json\n{}\n```\n", kind.example);
}

fn members(page: &mut String, prefix: &str, members: &[Member]) {
    for Member { name, required, doc } in members {
        let required = if *required { " (required)" } else { "" };
        let _ = writeln!(page, "- `{prefix}{name}`{required}: {doc}");
    }
}
