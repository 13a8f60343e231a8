//! The expression language: parsing, evaluating, and a Select over a hundred items.

use divan::Bencher;
use riposte::expression::context::{Context, ContextScope};
use riposte::expression::scope::WithItem;
use riposte::expression::{Template, Value};

fn main() {
    divan::main();
}

fn scope() -> ContextScope {
    let alerts: Vec<Value> = (0..100)
        .map(|number| {
            Value::object([
                ("Name", Value::from(format!("alert {number}"))),
                ("Severity", Value::from("High")),
                ("Number", Value::Int(number)),
            ])
        })
        .collect();
    let incident = Value::object([
        ("title", Value::from("Sign-in from a rare country")),
        ("severity", Value::from("High")),
        ("owner", Value::from("analyst@contoso.com")),
        ("alerts", Value::array(alerts)),
    ]);
    let context = Context {
        trigger_body: Some(Value::object([("object", Value::object([("properties", incident)]))])),
        ..Context::default()
    };
    ContextScope::new(context, jiff::Timestamp::UNIX_EPOCH, [0; 16])
}

fn template(text: &str) -> Template {
    Template::parse_text(text).expect("the template is well-formed")
}

#[divan::bench]
fn concat_of_three_members(bencher: Bencher<'_, '_>) {
    let incident = template("@triggerBody()?['object']?['properties']")
        .evaluate(&scope())
        .expect("an incident");
    let scope = scope();
    let scope = WithItem {
        outer: &scope,
        item: incident,
    };
    let template = template("@concat(item()?['title'], item()?['severity'], item()?['owner'])");
    bencher.bench_local(|| template.evaluate(divan::black_box(&scope)));
}

#[divan::bench]
fn members_of_the_trigger(bencher: Bencher<'_, '_>) {
    let (scope, template) = (scope(), template("@triggerBody()?['object']?['properties']?['title']"));
    bencher.bench_local(|| template.evaluate(divan::black_box(&scope)));
}

#[divan::bench]
fn parse_a_template() -> Template {
    template(divan::black_box(
        "Incident @{triggerBody()?['object']?['properties']?['title']} has severity \
         @{toUpper(coalesce(triggerBody()?['object']?['properties']?['severity'], 'unknown'))}",
    ))
}

#[divan::bench]
fn select_of_a_hundred_items(bencher: Bencher<'_, '_>) {
    let scope = scope();
    let from = template("@triggerBody()?['object']?['properties']?['alerts']");
    let select = Value::object([
        ("name", Value::from("@item()?['Name']")),
        ("line", Value::from("@{item()?['Number']}: @{item()?['Severity']}")),
    ]);
    let select = Template::parse(&select).expect("the template is well-formed");
    bencher.bench_local(|| {
        let items = from.evaluate(&scope).expect("an array");
        let each = items.as_array().into_iter().flatten().map(|item| {
            let outer = &scope;
            let item = item.clone();
            select.evaluate(&WithItem { outer, item }).expect("an item")
        });
        Value::array(each)
    });
}
