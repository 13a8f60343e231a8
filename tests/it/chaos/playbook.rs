//! Random playbooks, small enough to end in seconds: what they do is in the addresses that they call, so that the world
//! answers each attempt alike however often it is made, and a run comes to the same whether processes die or not.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use riposte::definition::{self, Workflow};
use riposte::engine::status::Status;
use riposte::expression;
use serde_json::{Map, Value, json};

/// How deep blocks nest.
const DEPTH: u32 = 2;

/// What a service does with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Status(u16),
    /// It breaks off in the middle of its answer.
    Cut,
}

/// What may happen to a call whose outcome is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// A GET.
    Safe,
    /// A POST.
    Unsafe,
    /// A POST that the author allows to be repeated.
    Declared,
}

/// How a service calls back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callback {
    /// Once, a while after its answer.
    Once,
    /// Twice at nearly the same time.
    Twice,
    /// Before it answers the subscription.
    Early,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Compose,
    /// A Compose that fails.
    Fail,
    Call {
        manner: Manner,
        replies: Vec<Reply>,
        retries: u32,
    },
    Webhook(Callback),
    /// A pause of so many seconds.
    Wait(i64),
    Scope(Block),
    If(bool, Block, Block),
    /// Takes the first of two cases, the second, or neither.
    Switch(u8, Vec<Block>),
    /// So many elements, and iterations at once.
    Foreach(u32, u32, Block),
    /// So many rounds.
    Until(u32, Block),
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) name: String,
    /// Decides after which of the steps before it this one runs.
    links: u32,
    pub(super) kind: Kind,
}

pub(super) type Block = Vec<Step>;

/// A playbook, and what it is made of.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) name: String,
    pub(super) block: Block,
    pub(super) definition: Value,
    pub(super) workflow: Workflow,
}

impl Reply {
    /// As the address names it.
    fn text(self) -> String {
        match self {
            Self::Status(status) => status.to_string(),
            Self::Cut => "cut".to_owned(),
        }
    }

    /// The reply to an attempt, from 1, of those that an address names.
    pub(super) fn of(texts: &str, attempt: u32) -> Self {
        let texts: Vec<&str> = texts.split(',').collect();
        let place = usize::try_from(attempt).unwrap().clamp(1, texts.len()) - 1;
        texts[place].parse().map_or(Self::Cut, Self::Status)
    }
}

impl Step {
    /// The steps before it that this one runs after, with the statuses that let it run.
    pub(super) fn after(&self, index: usize) -> Vec<(usize, Vec<Status>)> {
        let mut after = Vec::new();
        for before in 0..index {
            let bits = self.links.rotate_right(u32::try_from(before).unwrap() * 5);
            let statuses: &[Status] = match bits & 0b1_1111 {
                0..16 => continue,
                16..26 => &[Status::Succeeded],
                26..28 => &[Status::Failed],
                28 => &[Status::Skipped, Status::Failed],
                _ => &[Status::Succeeded, Status::Failed],
            };
            after.push((before, statuses.to_vec()));
        }
        after
    }
}

fn call() -> impl Strategy<Value = Kind> {
    let manner = prop_oneof![4 => Just(Manner::Safe), 4 => Just(Manner::Unsafe), 2 => Just(Manner::Declared)];
    let status = Reply::Status;
    let replies = prop_oneof![
        14 => Just(vec![status(200)]),
        2 => Just(vec![status(404)]),
        1 => Just(vec![status(500), status(200)]),
        1 => Just(vec![status(429), status(200)]),
        1 => Just(vec![Reply::Cut, status(200)]),
        1 => Just(vec![status(503)]),
    ];
    (manner, replies, 0..2_u32).prop_map(|(manner, replies, retries)| Kind::Call {
        manner,
        replies,
        retries,
    })
}

fn leaf() -> impl Strategy<Value = Kind> {
    let callback = prop_oneof![2 => Just(Callback::Once), 1 => Just(Callback::Twice), 1 => Just(Callback::Early)];
    prop_oneof![
        1 => Just(Kind::Compose),
        1 => Just(Kind::Fail),
        10 => call(),
        2 => callback.prop_map(Kind::Webhook),
        1 => Just(Kind::Wait(1)),
        1 => Just(Kind::Wait(3)),
    ]
}

fn step(kind: impl Strategy<Value = Kind>) -> impl Strategy<Value = Step> {
    (any::<u32>(), kind).prop_map(|(links, kind)| Step {
        name: String::new(),
        links,
        kind,
    })
}

fn block() -> impl Strategy<Value = Block> {
    let kind = leaf().prop_recursive(DEPTH, 10, 3, |inner| {
        let block = vec(step(inner), 1..3).boxed();
        prop_oneof![
            2 => leaf(),
            1 => block.clone().prop_map(Kind::Scope),
            1 => (any::<bool>(), block.clone(), block.clone()).prop_map(|(holds, yes, no)| Kind::If(holds, yes, no)),
            1 => (0..3_u8, vec(block.clone(), 3..4)).prop_map(|(case, blocks)| Kind::Switch(case, blocks)),
            1 => (0..3_u32, 1..3_u32, block.clone()).prop_map(|(count, most, block)| Kind::Foreach(count, most, block)),
            1 => (1..3_u32, block).prop_map(|(rounds, block)| Kind::Until(rounds, block)),
        ]
    });
    vec(step(kind), 2..5)
}

/// The playbooks of a seed, which call services at an address.
pub(super) fn of_seed(seed: u64, count: usize, world: &str) -> Vec<Model> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let strategy = block();
    let blocks = std::iter::repeat_with(|| strategy.new_tree(&mut runner).unwrap().current());
    let named = blocks.take(count).enumerate();
    named
        .map(|(number, block)| model(format!("p{number}"), block, world))
        .collect()
}

/// A playbook of a safe, an unsafe and a declared call, one after the other.
pub(super) fn sequence(world: &str) -> Vec<Model> {
    let manners = [Manner::Safe, Manner::Unsafe, Manner::Declared];
    let steps = manners.into_iter().enumerate().map(|(index, manner)| Step {
        name: String::new(),
        // After the step before it, where that succeeded.
        links: 16_u32.rotate_left(5 * u32::try_from(index.saturating_sub(1)).unwrap()),
        kind: Kind::Call {
            manner,
            replies: vec![Reply::Status(200)],
            retries: 0,
        },
    });
    vec![model("sequence".to_owned(), steps.collect(), world)]
}

fn model(name: String, mut block: Block, world: &str) -> Model {
    number(&mut block, &mut 0);
    let definition = json!({
        "triggers": {"manual": {"type": "Request", "kind": "Http", "inputs": {}}},
        "actions": actions(&block, world),
    });
    let parsed = definition::parse(&expression::Value::from(&definition));
    let (workflow, _) = parsed.unwrap_or_else(|problems| panic!("{problems:?}\n{definition:#}"));
    Model {
        name,
        block,
        definition,
        workflow,
    }
}

/// Gives each step a name.
fn number(block: &mut Block, last: &mut u32) {
    for step in block {
        *last += 1;
        step.name = format!("A{last}");
        match &mut step.kind {
            Kind::Compose | Kind::Fail | Kind::Call { .. } | Kind::Webhook(_) | Kind::Wait(_) => {}
            Kind::Scope(inner) | Kind::Foreach(_, _, inner) | Kind::Until(_, inner) => number(inner, last),
            Kind::If(_, yes, no) => [yes, no].into_iter().for_each(|inner| number(inner, last)),
            Kind::Switch(_, blocks) => blocks.iter_mut().for_each(|inner| number(inner, last)),
        }
    }
}

fn actions(block: &Block, world: &str) -> Value {
    let mut actions = Map::new();
    for (index, step) in block.iter().enumerate() {
        let mut action = action(step, world);
        let run_after = step.after(index).into_iter().map(|(before, statuses)| {
            let statuses: Vec<_> = statuses.into_iter().map(Status::as_str).collect();
            (block[before].name.clone(), json!(statuses))
        });
        action["runAfter"] = run_after.collect::<Map<_, _>>().into();
        actions.insert(step.name.clone(), action);
    }
    actions.into()
}

fn action(step: &Step, world: &str) -> Value {
    let name = &step.name;
    match &step.kind {
        Kind::Compose => json!({"type": "Compose", "inputs": 1}),
        Kind::Fail => json!({"type": "Compose", "inputs": "@int('x')"}),
        Kind::Call {
            manner,
            replies,
            retries,
        } => http(*manner, replies, *retries, world),
        Kind::Webhook(callback) => {
            let manner = match callback {
                Callback::Once => "once",
                Callback::Twice => "twice",
                Callback::Early => "early",
            };
            let call = |method: &str, uri: String| json!({"method": method, "uri": uri, "body": {"url": "@{listCallbackUrl()}"}, "retryPolicy": {"type": "none"}});
            json!({"type": "HttpWebhook", "inputs": {
                "subscribe": call("POST", format!("{world}/subscribe/{manner}")),
                "unsubscribe": call("DELETE", format!("{world}/unsubscribe")),
            }})
        }
        Kind::Wait(seconds) => {
            json!({"type": "Wait", "inputs": {"interval": {"count": seconds, "unit": "Second"}}})
        }
        Kind::Scope(inner) => json!({"type": "Scope", "actions": actions(inner, world)}),
        Kind::If(holds, yes, no) => json!({
            "type": "If", "expression": {"equals": [1, i32::from(*holds)]},
            "actions": actions(yes, world), "else": {"actions": actions(no, world)},
        }),
        Kind::Switch(case, blocks) => json!({
            "type": "Switch", "expression": case,
            "cases": {
                format!("{name}a"): {"case": 0, "actions": actions(&blocks[0], world)},
                format!("{name}b"): {"case": 1, "actions": actions(&blocks[1], world)},
            },
            "default": {"actions": actions(&blocks[2], world)},
        }),
        Kind::Foreach(count, at_once, inner) => json!({
            "type": "Foreach", "foreach": (0..*count).collect::<Vec<_>>(), "actions": actions(inner, world),
            "runtimeConfiguration": {"concurrency": {"repetitions": at_once}},
        }),
        Kind::Until(rounds, inner) => json!({
            "type": "Until", "expression": format!("@equals(iterationIndexes('{name}'), {})", rounds - 1),
            "limit": {"count": 10, "timeout": "P1D"}, "actions": actions(inner, world),
        }),
    }
}

fn http(manner: Manner, replies: &[Reply], retries: u32, world: &str) -> Value {
    let (method, word) = match manner {
        Manner::Safe => ("GET", "safe"),
        Manner::Unsafe => ("POST", "unsafe"),
        Manner::Declared => ("POST", "declared"),
    };
    let replies: Vec<_> = replies.iter().map(|reply| reply.text()).collect();
    let retry = match retries {
        0 => json!({"type": "none"}),
        count => json!({"type": "fixed", "count": count, "interval": "PT5S"}),
    };
    let uri = format!("{world}/{word}/{}", replies.join(","));
    let mut action = json!({"type": "Http", "inputs": {"method": method, "uri": uri, "retryPolicy": retry}});
    if manner == Manner::Declared {
        action["metadata"] = json!({"riposte.dev/safe-to-repeat": true});
    }
    action
}
