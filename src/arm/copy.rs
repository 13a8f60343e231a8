//! `copy` loops: of resources, of variables, of properties. At most as many rounds as Azure allows.

use super::expression::Error;
use super::scope::{Frame, Scope};
use crate::expression::Value;

/// Most rounds of a loop, as in Azure.
const MAX_ROUNDS: i64 = 800;

/// The loops in the member `copy` of an object; none where it is an ordinary member of that name.
pub(super) fn loops(copy: Option<&Value>) -> &[Value] {
    let items = copy.and_then(Value::as_array).unwrap_or_default();
    let is_loop = |item: &Value| item.get("count").is_some() && item.get("input").is_some();
    if items.iter().all(is_loop) { items } else { &[] }
}

/// The loop of this name.
pub(super) fn loop_of<'a>(copy: Option<&'a Value>, name: &str) -> Option<&'a Value> {
    loops(copy).iter().find(|item| {
        let named = item.get("name").and_then(Value::as_str);
        named.is_some_and(|named| named.eq_ignore_ascii_case(name))
    })
}

/// The array that a loop makes of its `input`.
///
/// # Errors
/// The first round that has no value, or too many rounds.
pub(super) fn items(looped: &Value, scope: &Scope) -> Result<Value, Error> {
    let input = looped.get("input").cloned().unwrap_or_default();
    let mut items = Vec::new();
    for frame in rounds(looped, false, scope)? {
        let item = scope.within(vec![frame], || scope.strict(&input))?;
        scope.session.charge(&item)?;
        items.push(item);
    }
    Ok(Value::array(items))
}

/// The rounds of a loop.
///
/// # Errors
/// The count is no number that Azure allows.
pub(super) fn rounds(looped: &Value, of_resources: bool, scope: &Scope) -> Result<Vec<Frame>, Error> {
    let count = scope.strict(looped.get("count").unwrap_or(&Value::Null))?;
    let count = scope.session.opens.plain(&count);
    let Some(count @ 0..=MAX_ROUNDS) = count.as_int() else {
        return Err(Error::Call {
            function: "copy".to_owned(),
            what: format!("the count must be an integer from 0 to {MAX_ROUNDS}"),
        });
    };
    let name = looped.get("name").and_then(Value::as_str).unwrap_or_default();
    let round = |index| Frame::Copy {
        name: name.to_owned(),
        of_resources,
        index,
    };
    Ok((0..count).map(round).collect())
}
