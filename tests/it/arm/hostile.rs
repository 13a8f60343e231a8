//! No text makes the importer panic, hang or use unbounded memory.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use riposte::arm::{self, Import, Options};
use serde_json::{Value, json};

use super::corpus;

/// Longest time of one import, in a build without optimisation on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most bytes of manifests.
const MAX_BYTES: usize = 256 << 20;

/// Imports a text within the limits.
fn import(text: &str) -> Import {
    let start = Instant::now();
    let import = arm::import("hostile.json", text, &Options::default());
    assert!(start.elapsed() < PATIENCE, "{:?}: {:.300}", start.elapsed(), text);
    let bytes: usize = import.manifests.iter().map(|manifest| manifest.to_string().len()).sum();
    assert!(bytes < MAX_BYTES, "{bytes} bytes: {text:.300}");
    assert!(!import.entries.is_empty(), "{text:.300}");
    import
}

fn workflow(inputs: &str) -> Value {
    json!({"type": "Microsoft.Logic/workflows", "name": "w", "properties": {"definition": {
        "triggers": {"M": {"type": "Request", "inputs": {}}}, "actions": {"A": {"type": "Compose", "inputs": inputs}}}}})
}

/// A template with every construct, small.
fn rich() -> Value {
    let mut looped = workflow("[concat(variables('a'), parameters('p'), copyIndex(), my.f('x'))]");
    looped["copy"] = json!({"name": "loop", "count": 3});
    looped["condition"] = json!("[greater(length(variables('list')), 1)]");
    json!({"languageVersion": "2.0", "parameters": {"p": {"type": "string", "defaultValue": "[variables('a')]"},
            "s": {"type": "securestring"}, "o": {"type": "object"}},
        "variables": {"a": "[toUpper('a')]", "copy": [{"name": "list", "count": 3, "input": "[copyIndex('list')]"}]},
        "functions": [{"namespace": "my", "members": {"f": {"parameters": [{"name": "x"}],
            "output": {"value": "[concat(parameters('x'), parameters('x'))]"}}}}],
        "resources": {"one": looped,
            "two": {"type": "Microsoft.Web/connections", "name": "c", "properties": {"api": {"id": "/managedApis/teams"},
                "parameterValues": {"key": "[parameters('s')]", "site": "[parameters('o').x]"}}},
            "three": {"type": "Microsoft.Resources/deployments", "name": "d", "properties": {
                "expressionEvaluationOptions": {"scope": "inner"}, "parameters": {"q": {"value": "[parameters('p')]"}},
                "template": {"parameters": {"q": {"type": "string"}}, "outputs": {"r": {"value": "[parameters('q')]"}},
                    "resources": [workflow("[parameters('q')]")]}}},
            "four": workflow("[filter(map(range(0, 3), lambda('i', lambdaVariables('i'))), lambda('j', true()))]"),
            "five": workflow("[reference('d').outputs.r.value]"),
            "six": {"type": "Microsoft.Web/customApis", "name": "api", "properties": {"swagger": {"swagger": "2.0",
                "host": "x.example", "paths": {"/a": {"get": {}}}}}}}})
}

#[test]
fn bombs_are_defused() {
    let chain = |grow: &str| {
        let mut variables = serde_json::Map::from_iter([("v0".to_owned(), json!("xxxxxxxxxx"))]);
        let each = (1..60).map(|n| {
            (
                format!("v{n}"),
                json!(grow.replace('#', &format!("variables('v{}')", n - 1))),
            )
        });
        variables.extend(each);
        json!({"variables": variables, "resources": [workflow("[variables('v59')]")]})
    };
    let mut texts: Vec<String> = [
        "[concat(#, #)]",
        "[createArray(#, #)]",
        "[replace(#, 'x', #)]",
        "[join(array(#), #)]",
        "[format('{0}{0}{0}', #)]",
        "[split(#, createArray('y', 'z'))]",
        "[string(array(#))]",
        "[map(range(0, 10000), lambda('i', #))]",
        "[my.f(#)]",
    ]
    .map(|grow| chain(grow).to_string())
    .to_vec();
    let nested = "map(range(0, 10000), lambda('x', ".repeat(8) + "1" + &"))".repeat(8);
    texts.push(json!({"resources": [workflow(&format!("[{nested}]"))]}).to_string());
    let function = json!({"output": {"value": "[concat(my.f(), my.f(), my.f())]"}});
    texts.push(
        json!({"functions": [{"namespace": "my", "members": {"f": function}}], "resources": [workflow("[my.f()]")]})
            .to_string(),
    );
    let opens = "[map(range(0, 10000), lambda('i', reference(string(lambdaVariables('i')))))]";
    texts.push(json!({"resources": [workflow(opens)]}).to_string());
    let mut looped = workflow(&"x".repeat(100_000));
    looped["copy"] = json!({"name": "l", "count": 800});
    for _ in 0..7 {
        looped = json!({"type": "Microsoft.Resources/deployments", "name": "[concat('d', copyIndex())]",
            "copy": {"name": "l", "count": 800}, "properties": {"template": {"resources": [looped]}}});
    }
    texts.push(json!({"resources": [looped]}).to_string());
    let mut input = json!("x");
    for _ in 0..20 {
        input = json!({"copy": [{"name": "a", "count": 800, "input": input}]});
    }
    texts.push(json!({"variables": {"v": input}, "resources": [workflow("[variables('v')]")]}).to_string());
    texts.extend(["[", "{\"a\":", "{\"resources\":["].map(|open| open.repeat(100_000)));
    texts.push(format!(
        "{{\"resources\": [{}]}}",
        "{\"type\": \"Microsoft.Logic/workflows\"},".repeat(20_000)
    ));
    texts.push(
        json!({"resources": [workflow(&format!("[{}1{}]", "not(".repeat(50_000), ")".repeat(50_000)))]}).to_string(),
    );
    let settings = format!("@{{{}}}", "appsetting('a')".repeat(20_000));
    texts.push(json!({"definition": {"triggers": {}, "actions": {"A": {"inputs": settings}}}}).to_string());
    for text in texts {
        import(&text);
    }
}

#[test]
fn what_defines_itself_is_said() {
    let texts = [
        json!({"variables": {"a": "[variables('b')]", "b": "[variables('a')]"}, "resources": [workflow("[variables('a')]")]}),
        json!({"parameters": {"p": {"type": "string", "defaultValue": "[variables('v')]"}},
            "variables": {"v": "[parameters('p')]"}, "resources": [workflow("[parameters('p')]")]}),
        json!({"resources": [{"type": "Microsoft.Resources/deployments", "name": "d", "properties": {
            "expressionEvaluationOptions": {"scope": "inner"},
            "parameters": {"q": {"value": "[reference('d').outputs.r.value]"}},
            "template": {"parameters": {"q": {"type": "string"}}, "outputs": {"r": {"value": "[parameters('q')]"}},
                "resources": [workflow("[parameters('q')]")]}}}]}),
    ];
    for text in texts {
        let reasons = import(&text.to_string()).entries[0].reasons.join("\n");
        assert!(reasons.contains("by itself"), "{reasons}");
    }
}

/// A value that templates do not expect.
fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!({"copy": [{"name": "x", "count": 800, "input": "[copyIndex('x')]"}]})),
        Just(json!("[variables('a')]")),
        Just(json!("[parameters('p')]")),
        Just(json!("[my.f(my.f(parameters('s')))]")),
        "\\[[a-z]{1,6}\\((parameters\\('[pso]'\\)|[0-9]|'[a-z]')(, (variables\\('list'\\)|'x'))?\\)(\\.[a-z]|\\[[0-9]\\])?\\]"
            .prop_map(Value::from),
        "[\\[\\]@{}'\"a-z\u{e000}\u{e001}0-9 ]{0,12}".prop_map(Value::from),
    ]
}

/// The values of a tree, each by a number.
fn nth<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, left)),
        Value::Object(members) => members.values_mut().find_map(|member| nth(member, left)),
        _ => None,
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn mutated_templates_are_imported(mutations in proptest::collection::vec((any::<usize>(), odd()), 1..5)) {
        let mut template = rich();
        for (place, value) in mutations {
            let mut left = place % count(&template);
            if let Some(target) = nth(&mut template, &mut left) {
                *target = value;
            }
        }
        import(&template.to_string());
    }

    #[test]
    fn mutated_texts_are_imported(mutations in proptest::collection::vec((any::<usize>(), 0..40_usize, ".{0,3}"), 1..4)) {
        let mut text = rich().to_string();
        for (place, length, new) in mutations {
            let mut start = place % (text.len() + 1);
            while !text.is_char_boundary(start) {
                start -= 1;
            }
            let mut end = (start + length).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            text.replace_range(start..end, &new);
        }
        import(&text);
    }
}

#[test]
fn cut_templates_of_the_corpus_are_imported() {
    for (index, (_, text)) in corpus("modern-playbooks").into_iter().enumerate() {
        let mut at = (index * 7919) % text.len();
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        import(&text[..at]);
        import(&text[at..]);
    }
}
