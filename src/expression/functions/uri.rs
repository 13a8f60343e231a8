//! URI parsing functions. They take an absolute URI.

use url::{Position, Url};

use super::super::error::EvalError;
use super::super::value::Value;
use super::{Arguments, Call, Function, exactly};

const SOURCE: &str = "URI parsing functions";

pub(super) static URI: &[Function] = &[
    Function {
        name: "uriHost",
        arity: exactly(1),
        doc: "The host of a URI.",
        source: SOURCE,
        examples: &[("uriHost('https://www.localhost.com:8080')", "\"www.localhost.com\"")],
        call: Call::Eager(|arguments| Ok(Value::from(parse(arguments)?.host_str().unwrap_or_default()))),
    },
    Function {
        name: "uriPath",
        arity: exactly(1),
        doc: "The path of a URI; `/` if it has none.",
        source: SOURCE,
        examples: &[(
            "uriPath('https://www.contoso.com/catalog/shownew.htm?date=today')",
            "\"/catalog/shownew.htm\"",
        )],
        call: Call::Eager(|arguments| Ok(Value::from(parse(arguments)?.path()))),
    },
    Function {
        name: "uriPathAndQuery",
        arity: exactly(1),
        doc: "The path and query of a URI.",
        source: SOURCE,
        examples: &[(
            "uriPathAndQuery('https://www.contoso.com/catalog/shownew.htm?date=today')",
            "\"/catalog/shownew.htm?date=today\"",
        )],
        call: Call::Eager(|arguments| {
            let url = parse(arguments)?;
            Ok(Value::from(&url[Position::BeforePath..Position::AfterQuery]))
        }),
    },
    Function {
        name: "uriPort",
        arity: exactly(1),
        doc: "The port of a URI, or that of its scheme; -1 if that has none.",
        source: SOURCE,
        examples: &[
            ("uriPort('https://www.localhost:8080')", "8080"),
            ("uriPort('https://contoso.com')", "443"),
        ],
        call: Call::Eager(|arguments| {
            Ok(Value::Int(
                parse(arguments)?.port_or_known_default().map_or(-1, i64::from),
            ))
        }),
    },
    Function {
        name: "uriQuery",
        arity: exactly(1),
        doc: "The query of a URI with its `?`; empty if it has none.",
        source: SOURCE,
        examples: &[
            (
                "uriQuery('https://www.contoso.com/catalog/shownew.htm?date=today')",
                "\"?date=today\"",
            ),
            ("uriQuery('https://contoso.com')", "\"\""),
        ],
        call: Call::Eager(|arguments| {
            let query = parse(arguments)?.query().map(|query| format!("?{query}"));
            Ok(Value::from(query.unwrap_or_default()))
        }),
    },
    Function {
        name: "uriScheme",
        arity: exactly(1),
        doc: "The scheme of a URI.",
        source: SOURCE,
        examples: &[("uriScheme('https://www.contoso.com/catalog')", "\"https\"")],
        call: Call::Eager(|arguments| Ok(Value::from(parse(arguments)?.scheme()))),
    },
];

fn parse(arguments: &Arguments<'_>) -> Result<Url, EvalError> {
    let uri = arguments.text(0)?;
    Url::parse(uri).map_err(|error| arguments.fail(format!("expects a well formed absolute URI: {error}")))
}
