//! From the tree of an ARM expression to its value.

use super::context::{self, Answer};
use super::functions::{self, GivenOpen};
use super::{Error, Expression};
use crate::arm::open::Open;
use crate::arm::scope::Scope;
use crate::expression::Value;

/// The value of an expression.
///
/// # Errors
/// The first part that has no value.
pub(crate) fn evaluate(expression: &Expression, scope: &Scope) -> Result<Value, Error> {
    scope.session.deeper(|| match expression {
        Expression::Literal(value) => Ok(value.clone()),
        Expression::Member { of, name, safe } => {
            let of = evaluate(of, scope)?;
            let name = evaluate(name, scope)?;
            member(&of, &name, *safe, scope)
        }
        Expression::Call { name, arguments } if name == "if" => choose(arguments, scope),
        Expression::Call { name, arguments } => {
            let values = arguments
                .iter()
                .map(|argument| evaluate(argument, scope))
                .collect::<Result<Vec<_>, _>>()?;
            call(name, values, scope)
        }
    })
}

/// `if` evaluates only the branch that it takes.
fn choose(arguments: &[Expression], scope: &Scope) -> Result<Value, Error> {
    let wrong = |what: &str| Error::Call {
        function: "if".to_owned(),
        what: what.to_owned(),
    };
    let [condition, yes, no] = arguments else {
        return Err(wrong("takes three arguments"));
    };
    match scope.session.opens.plain(&evaluate(condition, scope)?) {
        Value::Bool(true) => evaluate(yes, scope),
        Value::Bool(false) => evaluate(no, scope),
        _ => Err(wrong("the condition is no truth value")),
    }
}

fn call(name: &str, arguments: Vec<Value>, scope: &Scope) -> Result<Value, Error> {
    let failed = |what| Error::Call {
        function: name.to_owned(),
        what,
    };
    match context::answer(name, &arguments, scope)? {
        Answer::Value(value) => return Ok(value),
        Answer::NotMine => {}
    }
    let function = functions::find(name).ok_or_else(|| Error::UnknownFunction(name.to_owned()))?;
    if arguments.len() < function.least || arguments.len() > function.most {
        return Err(failed(format!(
            "takes {} arguments, got {}",
            function.arity(),
            arguments.len()
        )));
    }
    arguments
        .iter()
        .try_for_each(|argument| scope.session.charge(argument))?;
    let opens = &scope.session.opens;
    let marks: Vec<usize> = arguments.iter().flat_map(|argument| opens.marks_in(argument)).collect();
    if marks.is_empty() || function.given_open == GivenOpen::HandsOn {
        let value = (function.call)(&arguments).map_err(failed)?;
        scope.session.charge(&value)?;
        return Ok(value);
    }
    let plain: Vec<Value> = arguments.iter().map(|argument| opens.plain(argument)).collect();
    let shown: Vec<String> = arguments.iter().map(|argument| opens.shown(argument)).collect();
    let asked = format!("{name}({})", shown.join(", "));
    if function.given_open == GivenOpen::TakesStandIn {
        scope.session.note(format!(
            "`{asked}` was evaluated with empty values for what is not known"
        ));
        return (function.call)(&plain).map_err(failed);
    }
    Ok(still_open(&asked, &marks, (function.call)(&plain).ok(), scope))
}

/// The mark of a value that is made of open ones; secure if one of them is.
fn still_open(asked: &str, marks: &[usize], stand_in: Option<Value>, scope: &Scope) -> Value {
    let opens = &scope.session.opens;
    let sources: Vec<Open> = marks.iter().filter_map(|mark| opens.get(*mark)).collect();
    let secure = sources.iter().any(Open::is_secure);
    let name = sources.first().map(|open| open.name.clone()).unwrap_or_default();
    let why = format!("the template leaves `{asked}` open");
    let mut open = Open::empty(&name, if secure { "securestring" } else { "string" }, why);
    open.stand_in = stand_in.unwrap_or(open.stand_in);
    opens.mark(open)
}

fn member(of: &Value, name: &Value, safe: bool, scope: &Scope) -> Result<Value, Error> {
    if scope.session.opens.whole(of).is_some() {
        return Ok(of.clone());
    }
    let found = match (of, name) {
        (Value::Object(members), Value::String(name)) => members.get(name).cloned(),
        (Value::Array(items), Value::Int(index)) => usize::try_from(*index).ok().and_then(|at| items.get(at).cloned()),
        _ => None,
    };
    match found {
        Some(value) => Ok(value),
        None if safe => Ok(Value::Null),
        None => Err(Error::NoMember(
            name.as_str().map_or_else(|| name.to_json(), str::to_owned),
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use proptest::prelude::*;

    use super::super::{functions, parse};
    use super::*;
    use crate::arm::scope::Session;
    use crate::expression::Object;

    fn scope() -> Scope {
        let template = Value::from_json(
            r#"{"parameters": {"p": {"type": "string", "defaultValue": "P"}, "key": {"type": "securestring"}},
                "variables": {"v": {"a": [1, {"b": "B"}]}}}"#,
        );
        Scope::new(
            Rc::new(Session::new("soc", "file")),
            &template.expect("template"),
            Object::new(),
        )
    }

    fn value(text: &str) -> Result<Value, Error> {
        evaluate(&parse(text)?, &scope())
    }

    #[test]
    fn every_example_of_the_functions_holds() {
        for function in functions::FUNCTIONS {
            assert!(!function.examples.is_empty(), "{} has no example", function.name);
            for (expression, expected) in function.examples {
                let value = value(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
                assert_eq!(value.to_json(), *expected, "{expression}");
            }
        }
    }

    #[test]
    fn knows_its_surroundings() {
        let nil = "00000000-0000-0000-0000-000000000000";
        let cases = [
            (
                "Concat(PARAMETERS('P'), 'it''s', 1, true())",
                r#""Pit's1True""#.to_owned(),
            ),
            ("variables('v').a[1].b", r#""B""#.to_owned()),
            ("variables('v').?x", "null".to_owned()),
            ("resourceGroup().location", r#""local""#.to_owned()),
            ("if(true(), 'yes', nothing())", r#""yes""#.to_owned()),
            ("subscription().subscriptionId", format!("\"{nil}\"")),
            (
                "resourceId('Microsoft.Web/connections', 'c')",
                format!("\"/subscriptions/{nil}/resourceGroups/soc/providers/Microsoft.Web/connections/c\""),
            ),
            (
                "resourceId('other', 'Microsoft.A/b/c', 'x', 'y')",
                format!("\"/subscriptions/{nil}/resourceGroups/other/providers/Microsoft.A/b/x/c/y\""),
            ),
            (
                "subscriptionResourceId('Microsoft.Web/locations/managedApis', 'local', 'azuread')",
                format!("\"/subscriptions/{nil}/providers/Microsoft.Web/locations/local/managedApis/azuread\""),
            ),
            ("utcNow('yyyy-MM-dd')", r#""2000-01-01""#.to_owned()),
            ("environment().suffixes.storage", r#""core.windows.net""#.to_owned()),
            ("deployment().name", r#""file""#.to_owned()),
        ];
        for (text, expected) in cases {
            assert_eq!(value(text).map(|value| value.to_json()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn says_what_it_cannot_do() {
        let cases = [
            ("nothing()", "ARM function `nothing` is not served"),
            (
                "my.own('x')",
                "a function that the template defines is not served in ARM templates",
            ),
            ("variables('none')", "the template declares no variable `none`"),
            ("toLower()", "ARM function `tolower`: takes 1 arguments, got 0"),
            ("variables('v').x", "the value has no member `x`"),
            ("if('x', 1, 2)", "ARM function `if`: the condition is no truth value"),
        ];
        for (text, expected) in cases {
            assert_eq!(
                value(text).map_err(|error| error.to_string()),
                Err(expected.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn unknown_values_stay_open() {
        let scope = scope();
        for text in [
            "listKeys('x', '2019').keys[0].value",
            "parameters('key')",
            "reference('y').outputs.z.value",
        ] {
            let value = evaluate(&parse(text).expect("tree"), &scope).expect("mark");
            assert!(scope.session.opens.whole(&value).is_some(), "{text}");
        }
        assert!(scope.session.opens.get(0).is_some_and(|open| open.is_secure()));
        let joined = evaluate(&parse("empty(concat(parameters('key')))").expect("tree"), &scope);
        assert_eq!(joined, Ok(Value::Bool(true)));
        assert_eq!(scope.session.notes().len(), 1, "{:?}", scope.session.notes());
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-z'(),.\\[\\]{}0-9 \u{e000}\u{e001}é-]{0,60}") {
            let _ = value(&text);
        }

        #[test]
        fn no_function_panics(pick in 0..1000_usize, arguments in proptest::collection::vec(
            prop_oneof!["'[a-zé{}0-9]{0,4}'", "-?[0-9]{1,19}", Just("createArray('a', 2)".to_owned()), Just("variables('v')".to_owned()),
                Just("true()".to_owned()), Just("null()".to_owned())], 0..5)) {
            let name = functions::FUNCTIONS[pick % functions::FUNCTIONS.len()].name;
            let _ = value(&format!("{name}({})", arguments.join(",")));
        }
    }
}
