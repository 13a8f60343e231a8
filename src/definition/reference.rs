//! What a call refers to: `variables('x')` to a variable, `body('A')` to an action. The table of the functions that
//! name something of the workflow; validity and secrecy both read it.

use std::ops::Range;

use crate::expression::{Expression, ExpressionKind, Value};

/// What a function refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A parameter.
    Parameter,
    /// A variable.
    Variable,
    /// The outputs of an action.
    Outputs,
    /// All of an action: inputs and outputs.
    Action,
    /// The results of the actions in a block.
    Result,
    /// The element of a named Foreach.
    Items,
    /// The round of a named Until.
    Iteration,
    /// The element of the innermost loop or data operation.
    Item,
    /// The trigger.
    Trigger,
    /// An app setting.
    Setting,
}

const FUNCTIONS: [(&str, Target); 21] = [
    ("parameters", Target::Parameter),
    ("variables", Target::Variable),
    ("outputs", Target::Outputs),
    ("body", Target::Outputs),
    ("actionOutputs", Target::Outputs),
    ("actionBody", Target::Outputs),
    ("formDataValue", Target::Outputs),
    ("formDataMultiValues", Target::Outputs),
    ("multipartBody", Target::Outputs),
    ("actions", Target::Action),
    ("result", Target::Result),
    ("items", Target::Items),
    ("iterationIndexes", Target::Iteration),
    ("item", Target::Item),
    ("trigger", Target::Trigger),
    ("triggerOutputs", Target::Trigger),
    ("triggerBody", Target::Trigger),
    ("triggerFormDataValue", Target::Trigger),
    ("triggerFormDataMultiValues", Target::Trigger),
    ("triggerMultipartBody", Target::Trigger),
    ("appsetting", Target::Setting),
];

/// One call that refers to something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// What it refers to.
    pub(super) target: Target,
    /// The function, as the reference spells it.
    pub(super) function: &'static str,
    /// The name; `None` where it is computed, or where none is needed.
    pub(super) name: Option<&'a str>,
    /// Where the call stands.
    pub(super) span: Range<usize>,
}

/// What an expression itself refers to, its parts left aside.
pub(super) fn of(expression: &Expression) -> Option<Reference<'_>> {
    let ExpressionKind::Call { name, arguments, .. } = &expression.kind else {
        return None;
    };
    let found = FUNCTIONS
        .iter()
        .find(|(function, _)| function.eq_ignore_ascii_case(name))?;
    let named = arguments.first().and_then(|argument| match &argument.kind {
        ExpressionKind::Literal(Value::String(text)) => Some(&**text),
        ExpressionKind::Literal(_) | ExpressionKind::Call { .. } | ExpressionKind::Access { .. } => None,
    });
    Some(Reference {
        target: found.1,
        function: found.0,
        name: named,
        span: expression.span.clone(),
    })
}
