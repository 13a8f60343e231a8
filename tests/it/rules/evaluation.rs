//! The evaluation of rules: order, waiting, outcomes, and that its journal can be folded anew after each event.

use riposte::api::AutomationRuleSpec;
use riposte::rules::evaluation::{
    ActionOutcome, CHAIN_MAX, ContinueReason, EndedRule, Event, Occasion, PinnedRule, RuleStatus, State, Step,
    is_active, pin, summary,
};
use riposte::rules::{Author, Change, IncidentUpdates};
use serde_json::json;

use super::{NOW, rule, updates};

fn created() -> Occasion {
    Occasion::IncidentCreated {
        incident: "i1".to_owned(),
    }
}

/// The first event of an evaluation that a person or an alert caused.
fn opened() -> Event {
    Event::Opened {
        occasion: created(),
        depth: 0,
    }
}

fn updated(author: Author) -> Occasion {
    Occasion::IncidentUpdated {
        incident: "i1".to_owned(),
        updates: updates(author),
    }
}

fn pinned(name: &str, actions: serde_json::Value) -> PinnedRule {
    PinnedRule {
        name: name.to_owned(),
        spec: rule(json!({"actions": actions})),
    }
}

fn failed() -> ActionOutcome {
    ActionOutcome::Failed {
        code: "MissingGrant".to_owned(),
        message: "no grant".to_owned(),
        remedy: Some("kind: PlaybookGrant".to_owned()),
    }
}

/// A whole evaluation: a rule that runs a playbook, fails at a task and changes the incident; one that does not apply;
/// one whose first action fails; one that does all.
fn journal() -> Vec<(Event, Step)> {
    let playbook = || json!({"runPlaybook": {"name": "enrich", "namespace": "playbooks"}});
    let modify = || json!({"modifyProperties": {"severity": "High"}});
    let task = || json!({"addIncidentTask": {"title": "call"}});
    let rules = vec![
        pinned("first", json!([playbook(), task(), modify()])),
        pinned("second", json!([modify()])),
        pinned("third", json!([playbook(), modify()])),
        pinned("fourth", json!([modify()])),
    ];
    let done = |rule, action, outcome| Event::Done { rule, action, outcome };
    let ended = |name: &str, status| EndedRule {
        name: name.to_owned(),
        status,
    };
    vec![
        (opened(), Step::Pin),
        (Event::Pinned { rules }, Step::Check { rule: 0 }),
        (Event::Matched { rule: 0 }, Step::Perform { rule: 0, action: 0 }),
        (
            Event::Started {
                rule: 0,
                action: 0,
                run: "r1".to_owned(),
                until: 120_000,
            },
            Step::Await {
                rule: 0,
                action: 0,
                run: "r1".to_owned(),
                until: 120_000,
            },
        ),
        (
            Event::Continued {
                rule: 0,
                action: 0,
                why: ContinueReason::TimeUp,
            },
            Step::Perform { rule: 0, action: 1 },
        ),
        (done(0, 1, failed()), Step::Perform { rule: 0, action: 2 }),
        (done(0, 2, ActionOutcome::Done), Step::Check { rule: 1 }),
        (
            Event::Skipped {
                rule: 1,
                reason: "severity".to_owned(),
            },
            Step::Check { rule: 2 },
        ),
        (Event::Matched { rule: 2 }, Step::Perform { rule: 2, action: 0 }),
        (done(2, 0, failed()), Step::Perform { rule: 2, action: 1 }),
        (done(2, 1, ActionOutcome::Done), Step::Check { rule: 3 }),
        (Event::Matched { rule: 3 }, Step::Perform { rule: 3, action: 0 }),
        (done(3, 0, ActionOutcome::Done), Step::End),
        (
            Event::Ended {
                rules: vec![
                    ended("first", RuleStatus::PartialSuccess),
                    ended("third", RuleStatus::Failure),
                    ended("fourth", RuleStatus::Success),
                ],
            },
            Step::Ended,
        ),
    ]
}

fn fold(events: &[Event]) -> State {
    State::fold(events).expect("a legal journal").expect("a state")
}

#[test]
fn each_event_leads_to_the_next_step() {
    let mut state: Option<State> = None;
    for (event, step) in journal() {
        match &mut state {
            None => state = Some(State::open(&event).unwrap()),
            Some(state) => state.apply(&event).unwrap(),
        }
        assert_eq!(state.as_ref().map(State::next), Some(&step), "after {event:?}");
    }
}

#[test]
fn the_last_event_says_what_became_of_the_rules_that_matched() {
    let mut events: Vec<_> = journal().into_iter().map(|(event, _)| event).collect();
    let last = events.pop().unwrap();
    assert_eq!(fold(&events).ending(), last);
}

#[test]
fn after_a_crash_at_any_event_the_journal_leads_to_the_same_step() {
    let journal = journal();
    let events: Vec<_> = journal.iter().map(|(event, _)| event.clone()).collect();
    for length in 1..=events.len() {
        let stored: Vec<String> = events[..length]
            .iter()
            .map(|event| serde_json::to_string(event).unwrap())
            .collect();
        let read: Vec<Event> = stored.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        assert_eq!(read, events[..length]);
        let state = fold(&read);
        assert_eq!(state.next(), &journal[length - 1].1);
        assert_eq!(state, fold(&events[..length]), "folded twice");
    }
}

#[test]
fn an_event_that_answers_another_step_is_refused_and_changes_nothing() {
    let journal = journal();
    let events: Vec<_> = journal.iter().map(|(event, _)| event.clone()).collect();
    for length in 1..=events.len() {
        let before = fold(&events[..length]);
        for (position, event) in events.iter().enumerate() {
            if position == length {
                continue;
            }
            let mut state = before.clone();
            let refused = state.apply(event).is_err();
            assert!(refused, "{event:?} was taken at {:?}", before.next());
            assert_eq!(state, before);
        }
    }
    assert!(State::open(&events[1]).is_err());
    assert_eq!(State::fold(&[]), Ok(None));
}

#[test]
fn only_playbooks_are_started() {
    let mut state = fold(&[
        opened(),
        Event::Pinned {
            rules: vec![pinned("r", json!([{"modifyProperties": {"severity": "High"}}]))],
        },
        Event::Matched { rule: 0 },
    ]);
    let started = Event::Started {
        rule: 0,
        action: 0,
        run: "r1".to_owned(),
        until: 0,
    };
    assert!(state.apply(&started).is_err());
}

#[test]
fn without_rules_and_without_actions_the_evaluation_ends_too() {
    let opened = opened();
    let none = fold(&[opened.clone(), Event::Pinned { rules: Vec::new() }]);
    assert_eq!(none.next(), &Step::End);
    let empty = Event::Pinned {
        rules: vec![pinned("r", json!([]))],
    };
    assert_eq!(fold(&[opened, empty, Event::Matched { rule: 0 }]).next(), &Step::End);
}

#[test]
fn people_see_what_became_of_each_rule() {
    let events: Vec<_> = journal().into_iter().map(|(event, _)| event).collect();
    let summary = serde_json::to_value(summary(&fold(&events))).unwrap();
    assert_eq!(summary["occasion"], "IncidentCreated");
    assert_eq!(summary["ended"], true);
    let first = &summary["rules"][0];
    assert_eq!(
        (&first["matched"], &first["status"]),
        (&json!(true), &json!("PartialSuccess"))
    );
    assert_eq!(first["actions"][0]["action"], "run playbook playbooks/enrich");
    assert_eq!(first["actions"][0]["run"], "r1");
    assert_eq!(first["actions"][1]["outcome"]["code"], "MissingGrant");
    assert_eq!(
        summary["rules"][1],
        json!({"name": "second", "displayName": "a rule", "matched": false, "reason": "severity"})
    );
}

fn at(order: u16, fields: serde_json::Value) -> AutomationRuleSpec {
    let mut spec = rule(fields);
    spec.order = order;
    spec
}

fn names(rules: &[(&str, AutomationRuleSpec)], occasion: &Occasion) -> Vec<String> {
    let rules = rules.iter().map(|(name, spec)| (*name, spec));
    let pinned = pin(rules, occasion, NOW.parse().expect("a time"));
    pinned.into_iter().map(|rule| rule.name).collect()
}

#[test]
fn rules_are_chosen_by_their_trigger_and_ordered_by_order_and_name() {
    let rules = [
        ("z", at(1, json!({}))),
        ("b", at(2, json!({}))),
        ("a", at(2, json!({}))),
        ("off", at(1, json!({"enabled": false}))),
        ("expired", at(1, json!({"expirationTime": "2026-03-01T09:59:59Z"}))),
        ("later", at(3, json!({"expirationTime": "2026-03-01T11:30:00+01:00"}))),
        ("updates", at(1, json!({"triggersWhen": "Updated"}))),
        ("alerts", at(1, json!({"triggersOn": "Alerts"}))),
    ];
    assert_eq!(names(&rules, &created()), ["z", "a", "b", "later"]);
    assert_eq!(names(&rules, &updated(Author::AlertGrouping)), ["updates"]);
    let alert = Occasion::AlertCreated {
        alert: "a1".to_owned(),
        incident: None,
    };
    assert_eq!(names(&rules, &alert), ["alerts"]);
}

#[test]
fn a_rule_does_not_answer_to_itself() {
    let rules = [
        ("one", at(1, json!({"triggersWhen": "Updated"}))),
        ("two", at(2, json!({"triggersWhen": "Updated"}))),
    ];
    assert_eq!(names(&rules, &updated(Author::Rule("one".to_owned()))), ["two"]);
    assert_eq!(names(&rules, &updated(Author::User("one".to_owned()))), ["one", "two"]);
}

#[test]
fn expiry_is_exact_and_an_unreadable_one_counts_as_past() {
    let now = NOW.parse().unwrap();
    for (time, expected) in [(NOW, false), ("2026-03-01T10:00:01Z", true), ("soon", false)] {
        assert_eq!(
            is_active(&rule(json!({"expirationTime": time})), now),
            expected,
            "{time}"
        );
    }
}

#[test]
fn a_rule_that_is_too_deep_in_a_chain_of_automation_is_stopped_and_others_go_on() {
    let occasion = || updated(Author::Rule("other".to_owned()));
    let modify = || json!([{"modifyProperties": {"severity": "High"}}]);
    let rules = vec![pinned("first", modify()), pinned("second", modify())];
    let begin = |depth| {
        let opened = Event::Opened {
            occasion: occasion(),
            depth,
        };
        let pinned = Event::Pinned { rules: rules.clone() };
        State::fold(&[opened, pinned]).unwrap().unwrap()
    };
    let mut last = begin(CHAIN_MAX);
    assert!(!last.is_loop());
    last.apply(&Event::Stopped { rule: 0 }).unwrap_err();
    last.apply(&Event::Matched { rule: 0 }).unwrap();
    let mut state = begin(CHAIN_MAX + 1);
    assert!(state.is_loop());
    state.apply(&Event::Stopped { rule: 0 }).unwrap();
    assert_eq!(*state.next(), Step::Check { rule: 1 });
    assert_eq!(state.rules()[0].status(), None);
    let shown = summary(&state).rules[0].reason.clone().unwrap();
    assert!(shown.contains(&format!("more than {CHAIN_MAX} changes")), "{shown}");
}

#[test]
fn the_journal_form_of_an_occasion_is_stable() {
    let mut updates: IncidentUpdates = updates(Author::Playbook {
        namespace: "p".to_owned(),
        name: "enrich".to_owned(),
    });
    updates.severity = Some(Change {
        from: riposte::api::automation_rule::Severity::Low,
        to: riposte::api::automation_rule::Severity::High,
    });
    let event = Event::Opened {
        occasion: Occasion::IncidentUpdated {
            incident: "i1".to_owned(),
            updates,
        },
        depth: 0,
    };
    assert_eq!(
        serde_json::to_value(&event).unwrap(),
        json!({"type": "opened", "occasion": {"kind": "incidentUpdated", "incident": "i1", "updates": {
            "severity": {"from": "Low", "to": "High"},
            "updatedBy": {"type": "playbook", "by": {"namespace": "p", "name": "enrich"}},
            "updatedTime": NOW}}})
    );
}
