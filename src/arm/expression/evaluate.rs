//! From the tree of an ARM expression to its value.

use super::context::{self, Answer};
use super::functions::{self, GivenOpen};
use super::lambda;
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
        Expression::Call { name, arguments } if name == "tryget" => try_get(arguments, scope),
        Expression::Call { name, arguments } => {
            if let Some(outcome) = lambda::call(name, arguments, scope) {
                return outcome;
            }
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

/// `tryGet` gives null where a member on the way is missing.
fn try_get(arguments: &[Expression], scope: &Scope) -> Result<Value, Error> {
    let Some((of, names)) = arguments.split_first() else {
        return Err(Error::Call {
            function: "tryGet".to_owned(),
            what: "needs arguments".to_owned(),
        });
    };
    names.iter().try_fold(evaluate(of, scope)?, |of, name| {
        member(&of, &evaluate(name, scope)?, true, scope)
    })
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
    if let Some(outcome) = scope.defined(name, &arguments) {
        return outcome;
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
    if let Some(open) = scope
        .session
        .opens
        .whole(of)
        .and_then(|mark| scope.session.opens.get(mark))
    {
        return Ok(member_of_open(open, name, scope));
    }
    let found = find_member(of, name);
    match found {
        Some(value) => Ok(value),
        None if safe => Ok(Value::Null),
        None => Err(Error::NoMember(
            name.as_str().map_or_else(|| name.to_json(), str::to_owned),
        )),
    }
}

fn find_member(of: &Value, name: &Value) -> Option<Value> {
    match (of, name) {
        (Value::Object(members), Value::String(name)) => members.get(name).cloned(),
        (Value::Array(items), Value::Int(index)) => usize::try_from(*index).ok().and_then(|at| items.get(at).cloned()),
        _ => None,
    }
}

/// A member of an open value is open too, and secure if the whole is.
fn member_of_open(open: Open, name: &Value, scope: &Scope) -> Value {
    let text = name.as_str().map_or_else(|| name.to_json(), str::to_owned);
    let mut member = Open {
        name: match name {
            Value::String(_) => format!("{}-{text}", open.name),
            _ => open.name.clone(),
        },
        kind: if open.is_secure() { "securestring" } else { "string" }.to_owned(),
        why: format!("{}: member `{text}`", open.why),
        stand_in: Value::from(""),
    };
    if let Some(stand_in) = find_member(&open.stand_in, name) {
        member.stand_in = stand_in;
    }
    scope.session.opens.mark(member)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use proptest::prelude::*;

    use super::super::{functions, parse};
    use super::*;
    use crate::arm::scope::Given;
    use crate::arm::session::Session;

    fn scope() -> Scope {
        let template = Value::from_json(
            r#"{"parameters": {"p": {"type": "string", "defaultValue": "P"}, "key": {"type": "securestring"}},
                "variables": {"v": {"a": [1, {"b": "B"}]}},
                "functions": [{"namespace": "my", "members": {
                    "hello": {"parameters": [{"name": "who", "type": "string"}],
                        "output": {"type": "string", "value": "[concat('Hello ', my.loud(parameters('who')))]"}},
                    "loud": {"parameters": [{"name": "x"}], "output": {"value": "[toUpper(parameters('x'))]"}},
                    "again": {"output": {"value": "[concat(my.again(), my.again())]"}}}}]}"#,
        );
        Scope::new(
            Rc::new(Session::new("soc", "file")),
            &template.expect("template"),
            Given::Nothing,
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
            ("My.Hello('you')", r#""Hello YOU""#.to_owned()),
            (
                "map(range(1, 2), lambda('i', add(lambdaVariables('i'), 1)))",
                "[2,3]".to_owned(),
            ),
            (
                "filter(createArray('a', 'bc'), lambda('t', equals(length(lambdaVariables('t')), 2)))",
                r#"["bc"]"#.to_owned(),
            ),
            (
                "sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))",
                "[1,2,3]".to_owned(),
            ),
            (
                "reduce(createArray(1, 2), 10, lambda('sum', 'n', add(lambdaVariables('sum'), lambdaVariables('n'))))",
                "13".to_owned(),
            ),
            (
                "toObject(createArray('a'), lambda('k', lambdaVariables('k')), lambda('v', 1))",
                r#"{"a":1}"#.to_owned(),
            ),
            (
                "groupBy(createArray('a', 'b'), lambda('k', 'all'))",
                r#"{"all":["a","b"]}"#.to_owned(),
            ),
            (
                "mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))",
                r#"{"a":2}"#.to_owned(),
            ),
            ("tryGet(variables('v'), 'x', 'y')", "null".to_owned()),
            ("tryGet(variables('v'), 'a', 0)", "1".to_owned()),
            (
                "extensionResourceId('/x', 'Microsoft.A/b', 'c')",
                r#""/x/providers/Microsoft.A/b/c""#.to_owned(),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(value(text).map(|value| value.to_json()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn says_what_it_cannot_do() {
        let cases = [
            ("nothing()", "ARM function `nothing` is not served"),
            ("my.own('x')", "ARM function `my.own` is not served"),
            ("my.again()", "the value is too large or too deep"),
            (
                "my.loud('x', 'y')",
                "ARM function `my.loud`: takes at most 1 arguments, got 2",
            ),
            (
                "copyIndex()",
                "ARM function `copyindex`: there is no such loop around it",
            ),
            ("map(1, lambda('x', 1))", "ARM function `map`: takes an array"),
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
