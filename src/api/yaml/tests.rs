//! The door as a whole: every way of writing YAML that users or attackers may try.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn one(text: &str) -> Document {
    let mut documents = parse(text).unwrap();
    assert_eq!(documents.len(), 1, "{text}");
    documents.remove(0)
}

fn refused(text: &str) -> Problem {
    parse(text).unwrap_err()
}

fn at(line: u32, column: u32) -> Position {
    Position { line, column }
}

#[test]
fn documents_of_a_stream_come_apart_and_empty_ones_are_left_out() {
    let documents = parse("# only a comment\n---\na: 1\n---\n---\nb: [x, y]\n...\n").unwrap();
    let values: Vec<_> = documents.iter().map(|document| document.json.clone()).collect();
    assert_eq!(values, [json!({"a": 1}), json!({"b": ["x", "y"]})]);
    assert_eq!(documents[1].position("/b/1"), Some(at(6, 8)));
}

#[test]
fn every_value_has_a_position() {
    let document = one("spec:\n  order: 2000\n  list:\n  - name: 'a'\n  - {name: b}\n  nothing:\n  ü: \"x\"\n");
    for (pointer, position) in [
        ("", at(1, 1)),
        ("/spec", at(1, 1)),
        ("/spec/order", at(2, 10)),
        ("/spec/list", at(3, 3)),
        ("/spec/list/0", at(4, 5)),
        ("/spec/list/0/name", at(4, 11)),
        ("/spec/list/1", at(5, 5)),
        ("/spec/list/1/name", at(5, 12)),
        ("/spec/nothing", at(6, 3)),
        ("/spec/ü", at(7, 6)),
    ] {
        assert_eq!(document.position(pointer), Some(position), "{pointer}");
    }
    assert_eq!(document.key_position("/spec/order"), Some(at(2, 3)));
    assert_eq!(document.position("/spec/absent"), None);
    assert_eq!(document.nearest("/spec/order/deeper"), at(2, 10));
}

#[test]
fn names_with_slash_and_tilde_are_found_by_pointer() {
    let document = one("a/b: {c~d: 1}");
    assert_eq!(document.position("/a~1b/c~0d"), Some(at(1, 12)));
}

#[test]
fn places_inside_strings_are_exact_where_the_writing_allows() {
    let text = "plain: @x y\nsingle: 'it''s @x'\ndouble: \"a\\u00e4\\n@x\"\nblock: | # note\n  first\n\n    @x\nfold: >\n  a\n  @x\n";
    let text = text.replace("plain: @x y", "plain: é@x y");
    let document = one(&text);
    for (name, place) in [
        ("plain", at(1, 9)),
        ("single", at(2, 16)),
        ("double", at(3, 19)),
        ("block", at(7, 5)),
        ("fold", at(8, 1)),
    ] {
        let offset = document.json[name].as_str().unwrap().find("@x").unwrap();
        assert_eq!(document.position_in(&format!("/{name}"), offset), place, "{name}");
    }
}

#[test]
fn a_byte_is_found_again_from_its_position() {
    let text = "a: é\r\nb: x";
    assert_eq!(byte_offset(text, at(2, 4)), 10);
    assert_eq!(byte_offset(text, at(9, 9)), 11);
}

#[test]
fn json_with_tabs_keeps_positions_and_its_numbers() {
    let document =
        one("{\n\t\"a\": [1, 9223372036854775807, 18446744073709551615, 1.50],\n\t\"b\": \"\\ud83d\\ude00@x\"\n}\n");
    assert_eq!(document.json["a"], json!([1, i64::MAX, u64::MAX, 1.5]));
    assert_eq!(document.position("/a/1"), Some(at(2, 11)));
    assert_eq!(document.position_in("/b", 4), at(3, 20));
}

#[test]
fn a_flow_mapping_that_is_not_json_is_yaml() {
    assert_eq!(one("{a: b, c: [d]}").json, json!({"a": "b", "c": ["d"]}));
    assert_eq!(parse_json("{a: b}").unwrap_err().position, at(1, 2));
}

#[test]
fn a_broken_json_text_tells_where() {
    let problem = refused("{\n  \"a\": 1\n  \"b\": [}\n");
    assert_eq!((problem.code, problem.position), ("Syntax", at(3, 3)));
    assert_eq!(problem.to_string(), "this is not JSON: expected `,` or `}`, found `\"`");
}

#[test]
fn duplicate_keys_are_refused_with_both_places() {
    for (text, place) in [
        ("a: 1\nb: 2\na: 3\n", at(3, 1)),
        ("{\"a\": 1,\n\"b\": 2, \"a\": 3}", at(2, 9)),
    ] {
        let problem = refused(text);
        assert_eq!((problem.code, problem.position), ("DuplicateKey", place));
        assert!(problem.message.contains("first at 1:"), "{}", problem.message);
    }
}

#[test]
fn aliases_and_merge_keys_are_written_out() {
    let document = one("base: &b {x: 1, y: 2}\nother: &o {y: 9, z: 3}\none:\n  <<: [*b, *o]\n  x: 0\ntwo: *b\n");
    assert_eq!(document.json["one"], json!({"x": 0, "y": 2, "z": 3}));
    assert_eq!(document.json["two"], json!({"x": 1, "y": 2}));
    assert_eq!(document.position("/two/y"), Some(at(1, 20)));
    assert_eq!(refused("a: 1\n<<: 2\n").code, "UnsupportedYaml");
    assert_eq!(refused("a: &a [*a]\n").code, "UnsupportedYaml");
}

#[test]
fn ten_lines_of_aliases_do_not_fill_the_memory() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    assert_eq!(refused(&text).code, "TooLarge");

    let mut merges = "m0: &m0 {a: 1}\n".to_owned();
    for level in 1..40 {
        let before = level - 1;
        merges.push_str(&format!(
            "m{level}: &m{level}\n  <<: [*m{before}, *m{before}]\n  k{level}: 1\n"
        ));
    }
    assert!(parse(&merges).is_ok());
}

#[test]
fn depth_and_size_are_bounded() {
    assert!(parse(&format!("{}1{}", "[".repeat(100), "]".repeat(100))).is_ok());
    for hostile in [
        "[".repeat(5000),
        "{\"a\":".repeat(5000),
        "- ".repeat(5000),
        "? ".repeat(5000),
    ] {
        assert!(parse(&hostile).is_err());
    }
    let mut chain = "a0: &a0 [x]\n".to_owned();
    for level in 1..200 {
        chain.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert_eq!(refused(&chain).code, "TooDeep");
    assert_eq!(refused(&"a".repeat(MAX_TEXT + 1)).code, "TooLarge");
}

#[test]
fn what_kubectl_reads_differently_is_warned_of() {
    let document = one("on: yes\nmode: 0755\nsafe: 'yes'\nnorth: nothing\n");
    assert_eq!(
        document.json,
        json!({"on": "yes", "mode": "0755", "safe": "yes", "north": "nothing"})
    );
    let places: Vec<_> = document.warnings.iter().map(|warning| warning.position).collect();
    assert_eq!(places, [at(1, 1), at(1, 5), at(2, 7)]);
}

#[test]
fn tags_say_the_type_or_are_refused() {
    assert_eq!(
        one("a: !!str 12\nb: !!int 12\nc: ! 12\n").json,
        json!({"a": "12", "b": 12, "c": "12"})
    );
    assert_eq!(refused("a: !Ref b\n").position, at(1, 4));
    assert_eq!(refused("a: !!int x\n").code, "UnsupportedYaml");
    assert_eq!(refused("a: .inf\n").code, "UnsupportedYaml");
    assert_eq!(refused("[a]: b\n").code, "UnsupportedYaml");
}

#[test]
fn text_is_written_as_people_write_it() {
    let value = json!({
        "expression": "@triggerBody()?['object']",
        "mixed": "@{concat('a', \"b\")}",
        "flag": "yes", "mode": "0755", "number": "12", "date": "2024-01-01", "empty": "",
        "script": "first\n  second\n\nlast\n",
        "list": [{"name": "a", "tags": []}, [1, {}], null],
        "on": true,
    });
    let text = "\
expression: \"@triggerBody()?['object']\"
mixed: '@{concat(''a'', \"b\")}'
flag: 'yes'
mode: '0755'
number: '12'
date: '2024-01-01'
empty: ''
script: |
  first
    second

  last
list:
- name: a
  tags: []
- - 1
  - {}
- null
'on': true
";
    assert_eq!(write(&value), text);
    assert_eq!(one(text).json, value);
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[a-z0-9 @:#'\"\\-\\n\\t{}\\[\\]|>&*!%?~.,]{0,12}",
        any::<String>(),
        Just("a".repeat(2000)),
        "(yes|no|on|null|true|0[0-9]+|1e3|\\.5|0x1f|-|---|\\.\\.\\.|<<)",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e15..1e15f64).prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(value in any_value()) {
        let text = write(&value);
        let documents = parse(&text).map_err(|problem| TestCaseError::fail(format!("{problem} in\n{text}")))?;
        let read = documents.into_iter().next().map_or(Value::Null, |document| document.json);
        prop_assert_eq!(read, value, "{}", text);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[a-c0-9 @:#'\"\\-\\n\\t{}\\[\\]|>&*!%?~.,\\\\<äü\u{1F600}]{0,60}", offset in 0usize..20) {
        for document in parse(&text).unwrap_or_default() {
            let _ = document.position_in("", offset);
            let _ = document.position_in("/a", offset);
        }
        let _ = parse_json(&text);
    }
}
