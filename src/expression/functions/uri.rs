//! URI parsing functions. They take an absolute URI.

use url::{Position, Url};

use super::super::error::EvalError;
use super::super::value::Value;
use super::{Arguments, Call, Function, exactly};

const SOURCE: &str = "URI parsing functions";

pub(super) static URI: &[Function] = &[
    Function {
        name: "uriHost",
        signature: "(uri: string): string",
        arity: exactly(1),
        doc: "The host of a URI.",
        source: SOURCE,
        examples: r#"
            uriHost('https://www.localhost.com:8080') => "www.localhost.com"
            uriHost('https://user:secret@WWW.contoso.com/a') => "www.contoso.com"
            uriHost('https://[::1]:8080/') => "[::1]"
            uriHost('/relative') => error: absolute URI
        "#,
        call: Call::Eager(|arguments| Ok(Value::from(parse(arguments)?.host_str().unwrap_or_default()))),
    },
    Function {
        name: "uriPath",
        signature: "(uri: string): string",
        arity: exactly(1),
        doc: "The path of a URI; `/` if it has none.",
        source: SOURCE,
        examples: r#"
            uriPath('https://www.contoso.com/catalog/shownew.htm?date=today') => "/catalog/shownew.htm"
            uriPath('https://www.contoso.com') => "/"
            uriPath('https://www.contoso.com/a b/../c') => "/c"
            uriPath('catalog') => error: absolute URI
        "#,
        call: Call::Eager(|arguments| Ok(Value::from(path(&parse(arguments)?)))),
    },
    Function {
        name: "uriPathAndQuery",
        signature: "(uri: string): string",
        arity: exactly(1),
        doc: "The path and query of a URI.",
        source: SOURCE,
        examples: r#"
            uriPathAndQuery('https://www.contoso.com/catalog/shownew.htm?date=today') => "/catalog/shownew.htm?date=today"
            uriPathAndQuery('https://www.contoso.com?x=1') => "/?x=1"
            uriPathAndQuery('https://www.contoso.com/a?x=1#part') => "/a?x=1"
            uriPathAndQuery('') => error: absolute URI
        "#,
        call: Call::Eager(|arguments| {
            let url = parse(arguments)?;
            let query = &url[Position::AfterPath..Position::AfterQuery];
            Ok(Value::from(format!("{}{query}", path(&url))))
        }),
    },
    Function {
        name: "uriPort",
        signature: "(uri: string): int",
        arity: exactly(1),
        doc: "The port of a URI, or that of its scheme; -1 if that has none.",
        source: SOURCE,
        examples: r#"
            uriPort('https://www.localhost:8080') => 8080
            uriPort('https://contoso.com') => 443
            uriPort('ldap://contoso.com') => 389
            uriPort(8080) => error: be of type string
        "#,
        call: Call::Eager(|arguments| {
            let url = parse(arguments)?;
            let usual = || {
                let named = PORTS.iter().find(|(scheme, _)| *scheme == url.scheme());
                named.map(|(_, port)| *port)
            };
            Ok(Value::Int(
                url.port_or_known_default().or_else(usual).map_or(-1, i64::from),
            ))
        }),
    },
    Function {
        name: "uriQuery",
        signature: "(uri: string): string",
        arity: exactly(1),
        doc: "The query of a URI with its `?`; empty if it has none.",
        source: SOURCE,
        examples: r#"
            uriQuery('https://www.contoso.com/catalog/shownew.htm?date=today') => "?date=today"
            uriQuery('https://contoso.com') => ""
            uriQuery('https://contoso.com/a?b=c d#e') => "?b=c%20d"
            uriQuery('?date=today') => error: absolute URI
        "#,
        call: Call::Eager(|arguments| {
            let query = parse(arguments)?.query().map(|query| format!("?{query}"));
            Ok(Value::from(query.unwrap_or_default()))
        }),
    },
    Function {
        name: "uriScheme",
        signature: "(uri: string): string",
        arity: exactly(1),
        doc: "The scheme of a URI.",
        source: SOURCE,
        examples: r#"
            uriScheme('https://www.contoso.com/catalog/shownew.htm?date=today') => "https"
            uriScheme('HTTP://contoso.com') => "http"
            uriScheme('ftp://contoso.com') => "ftp"
            uriScheme('contoso') => error: absolute URI
        "#,
        call: Call::Eager(|arguments| Ok(Value::from(parse(arguments)?.scheme()))),
    },
];

/// Ports of schemes that .NET knows beside those of the web.
const PORTS: &[(&str, u16)] = &[
    ("gopher", 70),
    ("ldap", 389),
    ("net.tcp", 808),
    ("nntp", 119),
    ("telnet", 23),
];

/// The path; a URI with a host has one always.
fn path(url: &Url) -> &str {
    match url.path() {
        "" if url.has_host() => "/",
        path => path,
    }
}

fn parse(arguments: &Arguments<'_>) -> Result<Url, EvalError> {
    let uri = arguments.text(0)?;
    Url::parse(uri).map_err(|error| arguments.fail(format!("expects a well formed absolute URI: {error}")))
}
