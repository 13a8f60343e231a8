//! Random workflows against a tiny oracle of the status rules: sequences, parallel branches, scopes, conditions and
//! loops, over services that answer, fail, are unreachable or take too long.

use std::collections::BTreeMap;

use proptest::prelude::*;
use riposte::engine::status::Status;
use serde_json::{Map, json};

use super::{Execution, Scenario};
use riposte::expression::Value;

/// How deep random blocks nest.
const DEPTH: u8 = 3;

/// What an action is, and what it has inside.
enum Kind {
    /// Ends like this by itself.
    Leaf(Status),
    Scope(Block),
    If(bool, Block, Block),
    Foreach(u8, Block),
}

struct Action {
    name: String,
    /// Earlier siblings, by index, with the statuses that let it run.
    after: Vec<(usize, Vec<Status>)>,
    kind: Kind,
}

type Block = Vec<Action>;

/// Makes decisions of random bytes; when they are used up, it decides for the simplest.
struct Dice<'a> {
    bytes: std::slice::Iter<'a, u8>,
    names: u32,
    definition: Vec<serde_json::Value>,
}

impl Dice<'_> {
    fn roll(&mut self, sides: u8) -> u8 {
        self.bytes.next().map_or(0, |byte| byte % sides)
    }

    fn block(&mut self, depth: u8, json: &mut Map<String, serde_json::Value>) -> Block {
        let count = self.roll(5);
        let mut block = Block::new();
        for index in 0..usize::from(count) {
            let after = self.after(index);
            let (name, kind, mut action) = self.action(depth);
            let run_after = after.iter().map(|(index, statuses)| {
                let statuses: Vec<_> = statuses.iter().map(|status| status.as_str()).collect();
                (block[*index].name.clone(), json!(statuses))
            });
            action["runAfter"] = run_after.collect::<Map<_, _>>().into();
            json.insert(name.clone(), action);
            block.push(Action { name, after, kind });
        }
        block
    }

    fn after(&mut self, index: usize) -> Vec<(usize, Vec<Status>)> {
        const STATUSES: [Status; 4] = [Status::Succeeded, Status::Failed, Status::Skipped, Status::TimedOut];
        let mut after = Vec::new();
        for predecessor in 0..index {
            if self.roll(3) == 1 {
                let mask = self.roll(15) + 1;
                let named = (0..4).filter(|bit| mask & (1 << bit) != 0).map(|bit| STATUSES[bit]);
                after.push((predecessor, named.collect()));
            }
        }
        after
    }

    fn action(&mut self, depth: u8) -> (String, Kind, serde_json::Value) {
        self.names += 1;
        let name = format!("A{}", self.names);
        let (kind, action) = match self.roll(if depth == 0 { 7 } else { 12 }) {
            0 => (Kind::Leaf(Status::Succeeded), json!({"type": "Compose", "inputs": 1})),
            1 => (
                Kind::Leaf(Status::Failed),
                json!({"type": "Compose", "inputs": "@int('x')"}),
            ),
            2 => self.call(&name, Status::Succeeded, json!({"status": 200})),
            3 => self.call(&name, Status::Failed, json!({"status": 404})),
            4 => self.call(&name, Status::Failed, json!({"status": 503})),
            5 => self.call(
                &name,
                Status::Failed,
                json!({"error": "ServiceUnreachable", "message": "refused"}),
            ),
            6 => self.call(&name, Status::TimedOut, json!({"status": 200, "takes": 60})),
            7 | 8 => {
                let mut actions = Map::new();
                let block = self.block(depth - 1, &mut actions);
                (Kind::Scope(block), json!({"type": "Scope", "actions": actions}))
            }
            9 => {
                let holds = self.roll(2) == 1;
                let (mut then, mut otherwise) = (Map::new(), Map::new());
                let (yes, no) = (self.block(depth - 1, &mut then), self.block(depth - 1, &mut otherwise));
                let action = json!({
                    "type": "If", "expression": {"equals": [1, i32::from(holds)]},
                    "actions": then, "else": {"actions": otherwise},
                });
                (Kind::If(holds, yes, no), action)
            }
            _ => {
                let (count, at_once) = (self.roll(4), self.roll(3) + 1);
                let mut actions = Map::new();
                let block = self.block(depth - 1, &mut actions);
                let items: Vec<u8> = (0..count).collect();
                let action = json!({
                    "type": "Foreach", "foreach": items, "actions": actions,
                    "runtimeConfiguration": {"concurrency": {"repetitions": at_once}},
                });
                (Kind::Foreach(count, block), action)
            }
        };
        (name, kind, action)
    }

    fn call(&mut self, name: &str, status: Status, answer: serde_json::Value) -> (Kind, serde_json::Value) {
        let uri = format!("https://service.test/{name}");
        self.definition
            .push(json!({"method": "GET", "path": uri, "answers": [answer]}));
        let retry = match self.roll(2) {
            0 => json!({"type": "none"}),
            _ => json!({"type": "fixed", "count": 1, "interval": "PT5S"}),
        };
        let inputs = json!({"method": "GET", "uri": uri, "retryPolicy": retry});
        let limit = json!({"timeout": "PT30S"});
        (
            Kind::Leaf(status),
            json!({"type": "Http", "inputs": inputs, "limit": limit}),
        )
    }
}

/// The oracle: how a block ends, by the rule of its leaves, and how each of its actions ended.
fn oracle(block: &Block, seen: &mut BTreeMap<String, Vec<&'static str>>) -> Status {
    let mut ended: Vec<Status> = Vec::new();
    for action in block {
        let runs = action.after.iter().all(|(index, names)| names.contains(&ended[*index]));
        let status = match (&action.kind, runs) {
            (_, false) => Status::Skipped,
            (Kind::Leaf(status), true) => *status,
            (Kind::Scope(inner) | Kind::If(true, inner, _) | Kind::If(false, _, inner), true) => oracle(inner, seen),
            (Kind::Foreach(count, inner), true) => worst((0..*count).map(|_| oracle(inner, seen)).collect()),
        };
        seen.entry(action.name.clone()).or_default().push(status.as_str());
        ended.push(status);
    }
    let is_leaf = |index: usize| {
        !block
            .iter()
            .any(|other| other.after.iter().any(|(before, _)| *before == index))
    };
    let mut deciding = Vec::new();
    (0..block.len())
        .filter(|index| is_leaf(*index))
        .for_each(|index| decide(block, &ended, index, &mut deciding));
    worst(deciding)
}

/// A skipped action stands for its predecessors.
fn decide(block: &Block, ended: &[Status], index: usize, deciding: &mut Vec<Status>) {
    match ended[index] {
        Status::Skipped => {
            for (before, _) in &block[index].after {
                decide(block, ended, *before, deciding);
            }
        }
        status => deciding.push(status),
    }
}

fn worst(statuses: Vec<Status>) -> Status {
    let has = |status| statuses.contains(&status);
    match (has(Status::Failed), has(Status::TimedOut)) {
        (true, _) => Status::Failed,
        (false, true) => Status::TimedOut,
        (false, false) => Status::Succeeded,
    }
}

/// How each action ended, sorted: the order of parallel iterations says nothing.
fn sorted(mut seen: BTreeMap<String, Vec<&'static str>>) -> BTreeMap<String, Vec<&'static str>> {
    seen.values_mut().for_each(|statuses| statuses.sort_unstable());
    seen
}

fn statuses(execution: &Execution<'_>) -> BTreeMap<String, Vec<&'static str>> {
    let mut seen: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for (id, node) in execution.state.frames.iter().flat_map(|frame| &frame.nodes) {
        let name = execution.scenario.workflow.action(*id).name.to_string();
        seen.entry(name).or_default().push(node.status().unwrap().as_str());
    }
    sorted(seen)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn random_workflows_end_as_the_oracle_says(
        bytes in prop::collection::vec(any::<u8>(), 0..160),
        crash in any::<prop::sample::Index>(),
    ) {
        let mut dice = Dice { bytes: bytes.iter(), names: 0, definition: Vec::new() };
        let mut actions = Map::new();
        let block = dice.block(DEPTH, &mut actions);
        let trigger = json!({"manual": {"type": "Request", "kind": "Http", "inputs": {}}});
        let case = json!({
            "definition": {"triggers": trigger, "actions": actions},
            "service": dice.definition,
            "expect": {},
        });
        let scenario = Scenario::of("random", &Value::from(&case));
        let mut expected = BTreeMap::new();
        let status = oracle(&block, &mut expected);
        let expected = sorted(expected);

        // Every commit of an execution compares what `apply` told with what the state says is ready.
        let undisturbed = Execution::begin(&scenario, None).run();
        prop_assert_eq!(statuses(&undisturbed), expected.clone(), "{}", case);
        prop_assert_eq!(undisturbed.state.closed.as_ref().unwrap().status.as_str(), status.as_str(), "{}", case);

        let crash_at = crash.index(undisturbed.journal.len()) + 1;
        let disturbed = Execution::begin(&scenario, Some(crash_at)).run();
        prop_assert_eq!(statuses(&disturbed), expected, "{}", case);
        prop_assert_eq!(disturbed.state.closed.unwrap().status, undisturbed.state.closed.unwrap().status);
    }
}
