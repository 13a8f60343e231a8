//! No text and no value makes the language panic, hang or use memory without bound.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use riposte::expression::ast::MAX_DEPTH;
use riposte::expression::context::{Context, ContextScope};
use riposte::expression::functions;
use riposte::expression::limits::MAX_VALUE_DEPTH;
use riposte::expression::parser::{self, MAX_LENGTH};
use riposte::expression::{EvalError, Expression, Template, Value, condition};

use super::evaluate;

#[test]
fn texts_that_are_too_long_or_deep_are_refused() {
    let nested = |depth: usize| format!("@{}1{}", "f(".repeat(depth), ")".repeat(depth));
    assert!(Template::parse_text(&nested(MAX_DEPTH)).is_ok());
    assert!(Template::parse_text(&nested(MAX_DEPTH + 1)).is_err());
    assert!(Template::parse_text(&nested(100_000)).is_err());
    assert!(Template::parse_text(&format!("@f(){}", "[f()".repeat(100_000))).is_err());
    assert!(Template::parse_text(&format!("@f(){}", ".a".repeat(MAX_DEPTH + 1))).is_err());
    assert!(Template::parse_text(&format!("@'{}'", "x".repeat(MAX_LENGTH))).is_err());
    assert!(Template::parse_text(&format!("@'{}'", "é".repeat(MAX_LENGTH - 2))).is_ok());
    let deep = (0..MAX_VALUE_DEPTH + 2).fold(Value::Null, |inner, _| Value::array([inner]));
    assert!(Template::parse(&deep).is_err());
    assert!(condition::parse(&(0..200).fold(Value::Null, |inner, _| Value::object([("not", inner)]))).is_err());
    assert!(evaluate(&format!("@xml('{}')", "<a>".repeat(2_000))).is_err());
    assert!(evaluate(&format!("@xpath(xml('<a/>'), '{}')", "(".repeat(2_000))).is_err());
    assert!(evaluate(&format!("@xpath(xml('<a/>'), '1{}')", "+1".repeat(2_000))).is_err());
    assert!(evaluate(&format!("@formatNumber(1, '{}')", "0".repeat(1_001))).is_err());
    assert!(
        evaluate(&format!(
            "@formatNumber(1.5, '{}.{}')",
            "0".repeat(500),
            "0".repeat(499)
        ))
        .is_ok()
    );
    assert!(evaluate(&format!("@utcNow('{}')", "y".repeat(1_001))).is_err());
}

#[test]
fn values_do_not_outgrow_the_limits() {
    let grow = |template: &str, rounds: usize| {
        let template = Template::parse_text(template).expect("a template");
        let mut value = Value::from("0123456789");
        for _ in 0..rounds {
            let context = Context {
                item: Some(value),
                ..Context::default()
            };
            value = template.evaluate(&ContextScope::new(context, jiff::Timestamp::UNIX_EPOCH, [0; 16]))?;
        }
        Ok::<Value, EvalError>(value)
    };
    assert!(grow("@createArray(item())", MAX_VALUE_DEPTH).is_ok());
    assert!(grow("@createArray(item())", MAX_VALUE_DEPTH + 1).is_err());
    assert!(grow("@createArray(item(), item())", 40).is_err());
    assert!(grow("@{item()}@{item()}", 40).is_err());
    let message = |name: Value| {
        let context = Context {
            item: Some(name),
            ..Context::default()
        };
        let scope = ContextScope::new(context, jiff::Timestamp::UNIX_EPOCH, [0; 16]);
        let template = Template::parse_text("@variables(item())").expect("a template");
        template.evaluate(&scope).expect_err("no such variable").message
    };
    assert!(message(grow("@{item()}@{item()}", 15).expect("a text")).len() < 3_000);
    assert!(grow("@replace(string(item()), '0', string(item()))", 40).is_err());
}

/// The value of a template with a large text at `item()`.
fn with_large_item(template: &str, length: usize) -> Result<Value, EvalError> {
    let context = Context {
        item: Some(Value::from("x".repeat(length))),
        ..Context::default()
    };
    let template = Template::parse_text(template).expect(template);
    template.evaluate(&ContextScope::new(context, jiff::Timestamp::UNIX_EPOCH, [0; 16]))
}

#[test]
fn a_short_expression_cannot_make_much_of_little() {
    let repeated = |call: &str, count: usize| vec![call; count].join(",");
    let refused = |template: &str, part: &str| {
        let error = with_large_item(template, 4_000_000).expect_err(template);
        assert!(error.message.contains(part), "{template}: {}", error.message);
    };
    refused(
        &format!("@createArray({})", repeated("range(0,100000)", 500)),
        "more than 1073741824 bytes",
    );
    refused(&format!("@createArray({})", repeated("item()", 400)), "1073741824");
    refused(&format!("@encodeUriComponent({})", repeated("item()", 27)), "104857600");
    refused("@replace(item(), 'x', item())", "104857600");
    refused("@chunk(item(), 1)", "1000000");
    refused("@split(item(), 'x')", "1000000");
    refused("@join(range(0, 100000), item())", "104857600");
    refused("@range(0, 1000000)", "100000");
    refused("@formatNumber(1, 'N400')", "300");
    refused(&format!("@json('{}')", "[".repeat(4_000)), "recursion");
    refused("@json(concat('{\"a\":', item()))", "not valid JSON");
    refused("@xml(item())", "not valid");
    refused("@formatDateTime(item())", "date and time");
    refused("@float(item())", "floating point");
    refused("@decimal(item())", "decimal");
    refused("@uriHost(item())", "absolute URI");
    assert_eq!(
        with_large_item("@length(toUpper(item()))", 4_000_000),
        Ok(Value::Int(4_000_000))
    );
}

#[test]
fn paths_through_xml_end() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    let wide = format!("<r>{}</r>", "<a/>".repeat(1_500));
    let refused = |xml: &str, path: &str| {
        let text = format!("@xpath(xml('{xml}'), '{path}')");
        let message = evaluate(&text).map(|value| value.to_json().len()).expect_err(path);
        assert!(message.contains("xpath") || message.contains("larger"), "{message}");
    };
    refused(&wide, &format!("//a[{}]", "count(//a[count(//a) > 1]) > 1"));
    refused(&wide, "//a[following::a[following::a[following::a]]]");
    assert!(evaluate(&format!("@xml('{}')", nested(200))).is_err());
}

/// Texts that are likely to be nearly templates.
fn near_templates() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("@"),
        Just("@{"),
        Just("}"),
        Just("("),
        Just(")"),
        Just("["),
        Just("]"),
        Just("?"),
        Just("."),
        Just(","),
        Just("'"),
        Just("''"),
        Just("-1"),
        Just("1e9"),
        Just("concat"),
        Just("json"),
        Just("null"),
        Just("xml"),
        Just(" "),
        Just("é"),
        Just("<a b='c'>"),
        Just("item()"),
        Just("substring("),
        Just("formatNumber(1,'#,0.0')"),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_panics(text in prop_oneof![".*", near_templates()]) {
        let _ = evaluate(&text);
        let _ = evaluate(&format!("@{text}"));
        if let Err(error) = Template::parse_text(&text) {
            prop_assert!(text.get(error.span.clone()).is_some(), "{error} at {:?}", error.span);
        }
    }

    #[test]
    fn formats_and_dates_never_panic(text in "[0-9:./TZ +-]{0,30}", format in "[a-zA-Z0#.,;%E+'\\\\-]{0,12}", n in any::<f64>()) {
        let format = format.replace('\'', "''");
        let _ = evaluate(&format!("@formatDateTime('{text}', '{format}', 'da')"));
        let _ = evaluate(&format!("@parseDateTime('{text}', 'de-DE', '{format}')"));
        let _ = evaluate(&format!("@formatNumber(float('{n}'), '{format}')"));
        let _ = evaluate(&format!("@addToTime('{text}', {}, 'Month')", n as i64));
    }

    #[test]
    fn expressions_print_and_parse_alike(text in near_templates()) {
        if let Ok(parsed) = parser::parse(&text) {
            let again: Expression = parser::parse(&parsed.to_string()).expect("what is printed parses");
            prop_assert_eq!(again.to_string(), parsed.to_string());
        }
    }
}

proptest! {
    // A case calls every function some thirty times.
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn no_argument_panics(text in ".{0,40}", number in any::<i64>(), float in any::<f64>()) {
        let quoted = text.replace('\'', "''");
        let values = [format!("'{quoted}'"), number.to_string(), format!("float('{float}')"), "null".to_owned(),
            format!("createArray('{quoted}', {number})"), format!("json('{{\"a\":{number}}}')")];
        for function in functions::all() {
            for count in 0..=4_usize {
                for offset in 0..values.len() {
                    let arguments: Vec<&str> = (0..count).map(|n| &*values[(offset + n * 2) % values.len()]).collect();
                    let _ = evaluate(&format!("@{}({})", function.name, arguments.join(",")));
                }
            }
        }
    }
}

/// Random values as expressions.
fn leaves() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        (-3..40_i64).prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("float('{number}')")),
        ".{0,12}".prop_map(|text| format!("'{}'", text.replace('\'', "''"))),
        select(vec![
            "null",
            "true",
            "''",
            "'2026-02-28T23:59:59.9999999Z'",
            "'yyyy-MM-dd'",
            "'de-DE'",
            "'Month'",
            "'Tokyo Standard Time'",
            "'a_x0041_&#65;%41'",
            "'<r a=\"1\">x<b/></r>'",
            "'/r/b'",
            "'{\"a\":[1,2.5,null]}'",
            "'data:text/plain;base64,aGVsbG8='",
            "'https://u:p@host:1/p?q#f'",
            "decimal('79228162514264337593543950335')",
            "json('{\"a\":{\"b\":[1,\"x\"]},\"A\":true}')",
            "json('[3,1,2]')",
            "xml('<r><b>1</b><b>2</b></r>')",
            "binary('x')",
            "item()",
            "triggerBody()",
        ])
        .prop_map(str::to_owned),
    ]
}

/// Random trees of calls of all functions.
fn trees() -> impl Strategy<Value = String> {
    let names: Vec<&'static str> = functions::all().map(|function| function.name).collect();
    leaves().prop_recursive(5, 40, 4, move |inner| {
        let arguments = prop::collection::vec(inner.clone(), 0..5);
        let call =
            (select(names.clone()), arguments).prop_map(|(name, arguments)| format!("{name}({})", arguments.join(",")));
        let step = select(vec!["?.a", ".A", "?[0]", "[1]", "?['b']"]);
        prop_oneof![4 => call.clone(), 1 => (call, step).prop_map(|(call, step)| format!("{call}{step}"))]
    })
}

/// Expressions of the manual with some characters changed, taken away or put in, or with two of them cut together.
fn mutants() -> impl Strategy<Value = String> {
    let real: Vec<&'static str> = functions::all()
        .flat_map(|function| function.examples())
        .map(|example| example.expression)
        .collect();
    let put = select(vec![
        "", "'", "(", ")", "[", "]", ",", ".", "?", "@", "{", "}", "0", "-", "é", "\\", "\u{0}", "😀", "null",
    ]);
    let changes = prop::collection::vec((any::<Index>(), put, any::<bool>()), 0..6);
    (select(real.clone()), select(real), any::<Index>(), changes).prop_map(|(first, second, cut, changes)| {
        let mut chars: Vec<String> = first.chars().map(String::from).collect();
        if cut.index(3) == 0 {
            chars.truncate(cut.index(chars.len() + 1));
            chars.extend(second.chars().skip(cut.index(second.len() + 1)).map(String::from));
        }
        for (at, put, replace) in changes {
            let at = at.index(chars.len() + 1);
            if replace && at < chars.len() {
                chars[at] = put.to_owned();
            } else {
                chars.insert(at, put.to_owned());
            }
        }
        chars.concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_tree_of_calls_panics(tree in trees()) {
        if let Ok(value) = evaluate(&format!("@{tree}")) {
            let text = value.to_json();
            prop_assert!(Value::from_json(&text).is_ok(), "{tree} gives {text}");
        }
    }

    #[test]
    fn no_mutant_panics(mutant in mutants()) {
        let _ = evaluate(&format!("@{mutant}"));
        let _ = evaluate(&format!("a @{{{mutant}}} b"));
        let text = Value::from(format!("@{mutant}"));
        let _ = condition::parse(&Value::object([("not", Value::object([("equals", Value::array([text, Value::Null]))]))]));
    }
}
