//! The table of functions: complete, described, and true in what it shows.

use riposte::expression::Template;
use riposte::expression::context::{Context, ContextScope};
use riposte::expression::functions::{self, Example, Function, Outcome};

/// Every function of the language, by section of the reference.
const NAMES: &[(&str, &str)] = &[
    (
        "String functions",
        "concat endsWith formatNumber guid indexOf isFloat isInt lastIndexOf length nthIndexOf replace slice split \
         startsWith substring toLower toUpper trim",
    ),
    (
        "Collection functions",
        "chunk coalesce contains empty first intersection item join last reverse skip sort take union",
    ),
    (
        "Logical comparison functions",
        "and equals greater greaterOrEquals if less lessOrEquals not or",
    ),
    (
        "Conversion functions",
        "array base64 base64ToBinary base64ToString binary bool createArray dataUri dataUriToBinary dataUriToString \
         decimal decodeBase64 decodeDataUri decodeUriComponent encodeUriComponent float int json string uriComponent \
         uriComponentToBinary uriComponentToString xml",
    ),
    ("Math functions", "add div max min mod mul rand range sub"),
    (
        "Date and time functions",
        "addDays addHours addMinutes addSeconds addToTime convertFromUtc convertTimeZone convertToUtc dateDifference \
         dayOfMonth dayOfWeek dayOfYear formatDateTime getFutureTime getPastTime parseDateTime startOfDay startOfHour \
         startOfMonth subtractFromTime ticks utcNow",
    ),
    (
        "Workflow functions",
        "action actionBody actionOutputs actions body formDataMultiValues formDataValue items iterationIndexes \
         listCallbackUrl multipartBody outputs parameters result trigger triggerBody triggerFormDataMultiValues \
         triggerFormDataValue triggerMultipartBody triggerOutputs triggers variables workflow",
    ),
    (
        "URI parsing functions",
        "uriHost uriPath uriPathAndQuery uriPort uriQuery uriScheme",
    ),
    (
        "Manipulation functions: JSON & XML",
        "addProperty removeProperty setProperty xpath",
    ),
    (
        "Designer functions",
        "appsetting decodeXmlName decodeXmlValue encodeXmlName encodeXmlValue formatTimeSpan mergeObjects \
         trimByteOrderMark utf16Length utf8Length",
    ),
];

#[test]
fn every_function_of_the_language_is_there_once() {
    let mut wanted: Vec<(&str, &str)> = NAMES
        .iter()
        .flat_map(|(section, names)| names.split(' ').map(|name| (name, *section)))
        .collect();
    let mut there: Vec<(&str, &str)> = functions::all()
        .map(|function| (function.name, function.source))
        .collect();
    wanted.sort_unstable();
    there.sort_unstable();
    assert_eq!(there, wanted);
    assert_eq!(
        functions::find("ENCODEURIComponent").map(|function| function.name),
        Some("encodeUriComponent")
    );
    assert!(functions::find("nope").is_none());
}

/// What comes of an example, or in what it differs from what is promised.
fn outcome(example: &Example) -> Result<(), String> {
    let Example {
        context,
        expression,
        outcome,
    } = example;
    let context: Context = serde_json::from_str(context.unwrap_or("{}")).map_err(|error| error.to_string())?;
    let scope = ContextScope::new(context, jiff::Timestamp::UNIX_EPOCH, [7; 16]);
    let template = Template::parse_text(&format!("@{expression}")).map_err(|error| error.to_string())?;
    match (template.evaluate(&scope), outcome) {
        (Ok(value), Outcome::Value(json)) if value.to_json() == *json => Ok(()),
        (Err(error), Outcome::Error(part)) if error.message.contains(part) => Ok(()),
        (Ok(value), _) => Err(value.to_json()),
        (Err(error), _) => Err(error.message),
    }
}

#[test]
fn every_example_holds() {
    let mut wrong = Vec::new();
    for example in functions::all().flat_map(Function::examples) {
        if let Err(found) = outcome(&example) {
            wrong.push(format!(
                "{} => {:?}, found {found}",
                example.expression, example.outcome
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_function_has_three_examples_and_an_error() {
    for function in functions::all() {
        let calls = |example: &Example| {
            let called = format!("{}(", function.name).to_lowercase();
            example.expression.to_lowercase().contains(&called)
        };
        let of_it: Vec<Example> = function.examples().filter(calls).collect();
        let is_error = |example: &&Example| matches!(example.outcome, Outcome::Error(_));
        let errors = of_it.iter().filter(is_error).count();
        assert!(
            of_it.len() - errors >= 3 && errors >= 1,
            "{}: {of_it:#?}",
            function.name
        );
        assert!(!function.doc.is_empty(), "{}", function.name);
    }
}

#[test]
fn a_signature_tells_the_arity() {
    for function in functions::all() {
        let Function {
            name, signature, arity, ..
        } = function;
        let (parameters, kind) = signature.strip_prefix('(').unwrap().rsplit_once("): ").unwrap();
        assert!(!kind.is_empty(), "{name}");
        let mut parameters: Vec<&str> = parameters.split(", ").filter(|one| !one.is_empty()).collect();
        let endless = parameters.last() == Some(&"…");
        if endless {
            parameters.pop();
        }
        let required = parameters.iter().filter(|one| !one.contains("?: ")).count();
        // An array of nothing may be made.
        let least = if *name == "createArray" { 0 } else { required };
        assert_eq!(arity.min, least, "{name}{signature}");
        assert_eq!(arity.max, (!endless).then_some(parameters.len()), "{name}{signature}");
        assert!(parameters.iter().all(|one| one.contains(": ")), "{name}{signature}");
    }
}
