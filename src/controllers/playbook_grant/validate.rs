//! What a grant comes to. A playbook that it names and that does not exist may come later, so it is only a remark.

use super::dereference::Dereferenced;
use crate::controllers::condition::Shown;

pub(super) fn validate(found: &Dereferenced) -> Shown {
    let workspaces = found.grant.spec.from.len();
    let what = match found.grant.spec.to.len() {
        0 => "every playbook of this namespace".to_owned(),
        1 => "1 playbook".to_owned(),
        count => format!("{count} playbooks"),
    };
    let who = if workspaces == 1 {
        "1 workspace".to_owned()
    } else {
        format!("{workspaces} workspaces")
    };
    let missing = match found.missing.as_slice() {
        [] => String::new(),
        missing => format!("; there is no playbook `{}`", missing.join("`, `")),
    };
    Shown::ready("Succeeded", format!("{who} may run {what}{missing}"))
}
