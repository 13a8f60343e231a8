//! Calls of constants that fail whatever happens, such as `int('abc')`: they are found by evaluating them. A warning
//! only, because the branch that they stand in may never be taken.

use jiff::Timestamp;

use super::Severity;
use super::draft::Draft;
use crate::expression::context::{Context, ContextScope};
use crate::expression::{Expression, ExpressionKind};

/// Functions that read the run, or whose values are large; those of the section on workflows read it too.
const NOT_CONSTANT: [&str; 3] = ["item", "range", "appsetting"];
/// Larger expressions are left alone: what takes long to evaluate must not delay the check.
const NODES: usize = 20;

/// Warns of calls that always fail.
pub(super) fn check(draft: &mut Draft) {
    let scope = ContextScope::new(Context::default(), Timestamp::UNIX_EPOCH, [0; 16]);
    let mut found = Vec::new();
    for site in &draft.sites {
        site.template.visit(&mut |pointer, expression| {
            for constant in constants(expression) {
                if let Err(error) = constant.evaluate(&scope) {
                    let message = format!("'{constant}' always fails: {}", error.message);
                    found.push((format!("{}{pointer}", site.pointer), constant.span.clone(), message));
                }
            }
        });
    }
    for (pointer, span, message) in found {
        draft
            .report
            .add(Severity::Warning, "AlwaysFails", &pointer, Some(span), message);
    }
}

/// The largest calls in an expression that see nothing but constants.
fn constants(expression: &Expression) -> Vec<&Expression> {
    let mut found = Vec::new();
    let mut open = vec![expression];
    while let Some(expression) = open.pop() {
        let is_call = matches!(expression.kind, ExpressionKind::Call { .. });
        let mut nodes = 0;
        if is_call && is_constant(expression, &mut nodes) && nodes <= NODES {
            found.push(expression);
            continue;
        }
        match &expression.kind {
            ExpressionKind::Literal(_) => {}
            ExpressionKind::Call { arguments, .. } => open.extend(arguments),
            ExpressionKind::Access { target, key, .. } => open.extend([&**target, &**key]),
        }
    }
    found
}

fn is_constant(expression: &Expression, nodes: &mut usize) -> bool {
    *nodes += 1;
    match &expression.kind {
        ExpressionKind::Literal(_) => true,
        ExpressionKind::Access { target, key, .. } => is_constant(target, nodes) && is_constant(key, nodes),
        ExpressionKind::Call {
            function, arguments, ..
        } => {
            let is_pure = |function: &crate::expression::functions::Function| {
                !NOT_CONSTANT.contains(&function.name)
                    && function.source != "Workflow functions"
                    && function.check_arity(arguments.len()).is_ok()
            };
            function.is_some_and(is_pure) && arguments.iter().all(|argument| is_constant(argument, nodes))
        }
    }
}
