//! Tests of expression.

mod functions;
mod hostile;
mod time_zones;

use riposte::expression::context::{Context, ContextScope};
use riposte::expression::{Template, TemplateError, Value, condition, parser};

/// The scope in which the examples of the functions hold.
fn scope() -> ContextScope {
    let context: Context = serde_json::from_value(serde_json::json!({
        "triggerBody": {"Severity": "High"},
        "outputs": {
            "Get_host": {"statusCode": 200, "headers": {}, "body": {"name": "web-1"}},
            "Get_form": {"body": {"$formdata": [
                {"key": "a", "value": "1"}, {"key": "b", "value": "2"}, {"key": "b", "value": "3"}
            ]}},
            "Get_parts": {"body": {"$multipart": [{"body": "first"}, {"body": "second"}]}}
        },
        "variables": {"numItems": 20},
        "parameters": {"limit": 20},
        "items": {"For_each": "10.0.0.1"},
        "item": "10.0.0.1",
        "utcNow": "2018-03-01T00:00:00Z"
    }))
    .expect("a context");
    ContextScope::new(context, jiff::Timestamp::UNIX_EPOCH, [7; 16])
}

fn evaluate(text: &str) -> Result<Value, String> {
    let template = Template::parse_text(text).map_err(|error| error.to_string())?;
    template.evaluate(&scope()).map_err(|error| error.to_string())
}

fn json(text: &str) -> Value {
    Value::from_json(text).expect("JSON")
}

/// Asserts that each template has the value of this JSON.
fn assert_values(cases: &[(&str, &str)]) {
    for (template, expected) in cases {
        let value = evaluate(template).map(|value| value.to_json());
        assert_eq!(value.as_deref(), Ok(*expected), "{template}");
    }
}

/// Asserts that each template fails with a message that contains this.
fn assert_errors(cases: &[(&str, &str)]) {
    for (template, part) in cases {
        let message = evaluate(template).map(|value| value.to_json()).expect_err(template);
        assert!(message.contains(part), "{template}: {message}");
    }
}

#[test]
fn strings_are_templates() {
    assert_values(&[
        ("plain", r#""plain""#),
        ("@", r#""@""#),
        (" @1", r#"" @1""#),
        ("a@b.c", r#""a@b.c""#),
        ("@@literal", r#""@literal""#),
        ("@@{1}@{2}", r#""@{1}@{2}""#),
        ("x @@{1} @{2}", r#""x @{1} 2""#),
        ("@{1}", r#""1""#),
        ("@1", "1"),
        ("@ add( 1 ,\n 2 ) ", "3"),
        (
            "n=@{null}, t=@{true}, f=@{1.0}, s=@{'it''s'}",
            r#""n=, t=True, f=1, s=it's""#,
        ),
        ("@{'}'}", r#""}""#),
        (
            "@{json('{\"a\":[1.0,true,null,\"é\"]}')}",
            r#""{\"a\":[1.0,true,null,\"é\"]}""#,
        ),
    ]);
}

#[test]
fn numbers_keep_their_kind() {
    assert_values(&[
        ("@-9223372036854775808", "-9223372036854775808"),
        ("@+.5", "0.5"),
        ("@3e1", "30.0"),
        ("@NULL", "null"),
        ("@True", "true"),
    ]);
    assert_errors(&[
        ("@9223372036854775808", "64 bits"),
        ("@1e", "exponent"),
        ("@--1", "digit"),
        ("@1.2.3", "ended"),
    ]);
}

#[test]
fn members_are_found_by_exact_name_then_by_any_case() {
    assert_values(&[
        ("@json('{\"a\":1,\"A\":2}').A", "2"),
        ("@json('{\"a\":1,\"A\":2}')['a']", "1"),
        ("@json('{\"Abc\":1}')?.aBC", "1"),
        ("@json('[1,[2]]')[1][0]", "2"),
        ("@json('{}')?['x']?['y']", "null"),
        ("@json('[]')?[0]", "null"),
        ("@body('Get_host')?['name']", r#""web-1""#),
    ]);
    assert_errors(&[
        (
            "@json('{\"a\":1,\"b\":2}').x",
            "property 'x' doesn't exist, available properties are 'a, b'",
        ),
        ("@json('[1]')[1]", "outside bounds (0, 0)"),
        ("@json('[1]')?['a']", "integer index"),
        ("@json('{}')?['a'].b", "type 'Null'"),
        ("@concat('a')?.length", "type 'String'"),
        ("@body('Nope')", "no action 'Nope'"),
        ("@variables('x')", "no variable 'x'"),
        ("@parameters('x')", "no workflow parameter 'x'"),
    ]);
}

#[test]
fn what_decides_evaluates_only_what_it_needs() {
    assert_values(&[
        ("@if(true, 1, nope())", "1"),
        ("@or(true, nope())", "true"),
        ("@coalesce(null, 1, nope())", "1"),
    ]);
    assert_errors(&[
        (
            "@and(true, nope())",
            "The template function 'nope' is not defined or not valid",
        ),
        ("@if(1, 2, 3)", "first parameter to be of type boolean"),
        ("@and()", "at least one parameter"),
        ("@add(1)", "expects two parameters"),
    ]);
}

#[test]
fn values_compare_as_the_original_compares_them() {
    assert_values(&[
        ("@equals(1, decimal('1.0'))", "true"),
        ("@equals(true, 1)", "false"),
        ("@equals('true', true)", "false"),
        ("@equals(null, json('null'))", "true"),
        (
            "@equals(json('{\"a\":1,\"b\":[2.0]}'), json('{\"b\":[2],\"a\":1}'))",
            "true",
        ),
        ("@less('B', 'a')", "true"),
        ("@greater(2.5, 2)", "true"),
        ("@greater(float('NaN'), 1)", "false"),
    ]);
    assert_errors(&[
        ("@greater(true, false)", "strictly comparable"),
        ("@less('1', 2)", "strictly comparable"),
        ("@less(null, 2)", "strictly comparable"),
    ]);
}

#[test]
fn functions_refuse_what_they_do_not_take() {
    assert_errors(&[
        ("@substring('abc', 1, 9)", "out of range"),
        ("@substring('abc', -1)", "out of range"),
        ("@replace('a', '', 'b')", "zero length"),
        ("@take('meow', -1)", "be a positive integer"),
        ("@length(json('{}'))", "be an array or a string"),
        ("@union(json('{}'), createArray(1))", "parameters of same type"),
        (
            "@addProperty(json('{\"a\":1}'), 'A', 2)",
            "property to not exist in the object",
        ),
        ("@addProperty('{}', 'x', 1)", "be of type object"),
        ("@add(9223372036854775807, 1)", "too large"),
        ("@div(1, 0)", "zero"),
        ("@mul(decimal('70000000000000000000000000000'), 10)", "too large"),
        ("@int(1.5)", "integer"),
        ("@bool('troo')", "boolean"),
        ("@float('Infinity')", "floating point"),
        ("@range(0, 100001)", "100000"),
        ("@uriHost('/relative')", "absolute URI"),
        ("@addDays('2018-02-30', 1)", "date and time"),
        ("@addDays('9999-12-31', 1)", "years 1 and 9999"),
        ("@utcNow('q')", "date format"),
        ("@convertFromUtc('2018-01-01', 'Mars')", "time zone 'Mars'"),
        (
            "@convertToUtc('2018-03-11T02:30:00', 'Pacific Standard Time')",
            "does not exist",
        ),
        ("@xpath('<r/>', '/r')", "be an XML object"),
        ("@json('{')", "not valid JSON"),
        ("@dataUriToBinary('data:;;base64,dGVzdA==')", "empty parameters"),
        ("@formDataValue('Get_form', 'b')", "there are 2"),
    ]);
}

#[test]
fn xml_becomes_json_and_back() {
    assert_values(&[
        (
            "@{xml('<r> <!-- a --> b <x y=\"&lt;\"/></r>')}",
            r#""<r><!-- a --> b <x y=\"&lt;\" /></r>""#,
        ),
        (
            "@json(xml('<r a=\"1\">x<b/>y<b></b><c>z</c></r>'))",
            r##"{"r":{"@a":"1","#text":["x","y"],"b":[null,""],"c":"z"}}"##,
        ),
        (
            "@{xml(json('{\"r\":{\"@a\":1,\"i\":[true,null,\"\"],\"o p\":{}}}'))}",
            r#""<r a=\"1\"><i>true</i><i /><i></i><o_x0020_p /></r>""#,
        ),
        ("@xpath(xml('<r><v>1</v><v>2</v></r>'), 'count(//v[. > 1])')", "1.0"),
        ("@xpath(xml('<r><v k=\"b\">1</v></r>'), '//v/@k')", r#"["b"]"#),
    ]);
    assert_errors(&[
        ("@xml('<a><b></a>')", "closed by"),
        ("@xml('<p:a/>')", "undeclared prefix"),
        ("@xml('<a/><b/>')", "multiple root"),
        ("@xml('<a>&nope;</a>')", "not declared"),
        ("@xml(json('{\"a\":1,\"b\":2}'))", "More than one root element"),
        ("@xpath(xml('<r/>'), '//r[')", "not valid"),
    ]);
}

#[test]
fn parse_errors_say_where() {
    let cases = [
        ("@concat('a'", 11..11, "',' or ')'"),
        ("@concat('a)", 8..11, "not closed"),
        ("@foo", 1..4, "'foo(…)'"),
        ("@'a'.b", 4..5, "ended"),
        ("@f()(1)", 4..5, "cannot be called"),
        ("@f()?x", 5..6, "'.' or '['"),
        ("x @{}", 4..5, "before '}'"),
        ("x @{f(1)", 8..8, "'}'"),
        ("@concat(\"a\")", 8..9, "single quotes"),
        ("é @{f(}", 7..8, "'}'"),
    ];
    for (text, span, part) in cases {
        let error = Template::parse_text(text).expect_err(text);
        assert_eq!(error.span, span, "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
    }
}

#[test]
fn every_wrong_string_of_a_value_is_told() {
    let value = json(r#"{"a": ["@ok()", "@bad("], "b/c": {"@{": 1}, "d": "x @{'y"}"#);
    let errors = Template::parse(&value).expect_err("three errors");
    let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/a/1", "/b~1c/@{", "/d"]);
}

#[test]
fn values_are_templates() {
    let value = json(r#"{"@{toUpper('k')}": ["@item()", 1], "plain": {"x": "@@y"}}"#);
    let template = Template::parse(&value).expect("a template");
    let result = template.evaluate(&scope()).expect("a value");
    assert_eq!(result.to_json(), r#"{"K":["10.0.0.1",1],"plain":{"x":"@y"}}"#);
    let expressions = template.expressions();
    let pointers: Vec<&str> = expressions.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/@{toUpper('k')}", "/@{toUpper('k')}/0"]);
    assert!(matches!(
        Template::parse(&json(r#"{"a":[1,"b"]}"#)),
        Ok(Template::Literal(_))
    ));
}

#[test]
fn conditions_in_object_form_are_expressions() {
    let holds = |text: &str| {
        let template = condition::parse(&json(text)).map_err(|errors| errors[0].message.clone())?;
        template.evaluate(&scope()).map_err(|error| error.message)
    };
    let cases = [
        (r#"{"equals": ["@triggerBody()?['Severity']", "High"]}"#, true),
        (
            r#"{"AND": [{"not": {"equals": [1, 2]}}, {"greater": ["@variables('numItems')", 19]}]}"#,
            true,
        ),
        (
            r#"{"or": [{"not": [{"equals": [1, 1]}]}, {"equals": ["n@{1}", "n1"]}]}"#,
            true,
        ),
        (r#"{"equals": [{"length": ["@item()"]}, 8]}"#, true),
        (r#"{"and": [{"equals": [1, 2]}, {"equals": ["@nope()", 1]}]}"#, false),
        (r#""@equals(1, 1)""#, true),
        ("true", true),
    ];
    for (text, expected) in cases {
        assert_eq!(holds(text), Ok(Value::Bool(expected)), "{text}");
    }
    let pointer = |text: &str| -> Vec<TemplateError> { condition::parse(&json(text)).expect_err(text) };
    assert_eq!(pointer(r#"{"and": [{"equals": [1, "@("]}, {"nope": [1]}]}"#).len(), 2);
    assert_eq!(
        pointer(r#"{"and": [{"equals": [1, "@("]}]}"#)[0].pointer,
        "/and/0/equals/1"
    );
    assert_eq!(pointer(r#"{"equals": [[], []]}"#).len(), 2);
    assert_eq!(pointer(r#"{"equals": [1, 2], "less": [1, 2]}"#).len(), 1);
    assert_eq!(pointer("[]").len(), 1);
}

#[test]
fn an_expression_prints_as_it_parses() {
    let text = "if(equals(item()?['a'].b[0],'it''s'),1.5,null)";
    let parsed = parser::parse(text).expect("an expression");
    let printed = parsed.to_string();
    assert_eq!(printed, "if(equals(item()?['a']['b'][0],'it''s'),1.5,null)");
    assert_eq!(parser::parse(&printed).map(|again| again.to_string()), Ok(printed));
}
