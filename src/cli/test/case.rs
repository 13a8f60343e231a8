//! One test, ready to run, and what came of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::api::playbook_test::Expectation;
use crate::api::yaml::{Document, Position};
use crate::expression::Value;
use crate::rehearsal::{self, Coverage, Finished, Halt, Made, Mocks, Occasion, Stage, Unmocked};

/// A test.
pub(super) struct Case {
    /// The file that it stands in.
    pub file: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub document: Document,
    /// The playbook.
    pub stage: Arc<Stage>,
    /// What starts it.
    pub occasion: Occasion,
    /// Values of parameters.
    pub parameters: Vec<(String, Value)>,
    /// Values of app settings.
    pub settings: Vec<(String, Value)>,
    /// Answers.
    pub mocks: Mocks,
    /// What answers the rest.
    pub unmocked: Unmocked,
    /// When it starts.
    pub now: Timestamp,
    /// What must come of it.
    pub expect: Expectation,
}

/// A difference with its place.
pub(super) struct Failure {
    /// The place of the expectation.
    pub position: Position,
    /// What is expected, such as `actions/Ask/status`.
    pub what: String,
    /// What came instead.
    pub message: String,
}

/// What came of a test.
pub(super) struct Outcome {
    /// What came otherwise than expected.
    pub failures: Vec<Failure>,
    /// What the run reached.
    pub coverage: Coverage,
    /// The calls of a run that failed the test, for people.
    pub calls: Vec<Made>,
    /// How long it took, by a real clock.
    pub took: Duration,
}

impl Outcome {
    /// Whether everything came as expected.
    pub(super) fn is_good(&self) -> bool {
        self.failures.is_empty()
    }
}

impl Case {
    /// Name of the playbook with its namespace.
    pub(super) fn playbook(&self) -> String {
        let playbook = self.stage.playbook();
        format!("{}/{}", playbook.namespace, playbook.name)
    }

    /// Rehearses the playbook and compares.
    pub(super) fn run(&self) -> Outcome {
        let began = Instant::now();
        let playbook = self.stage.with(&self.parameters, &self.settings);
        let outcome = rehearsal::rehearse(
            &self.stage,
            &playbook,
            &self.occasion,
            &self.mocks,
            self.unmocked,
            self.now,
        );
        let differences = rehearsal::check(&self.expect, &self.stage, &outcome);
        let mut failures: Vec<Failure> = differences
            .into_iter()
            .map(|difference| Failure {
                position: self.document.nearest(&format!("/spec/expect{}", difference.pointer)),
                what: difference.pointer.trim_start_matches('/').to_owned(),
                message: difference.message,
            })
            .collect();
        failures.sort_by_key(|failure| failure.position);
        let (coverage, calls) = reached(outcome);
        Outcome {
            failures,
            coverage,
            calls,
            took: began.elapsed(),
        }
    }
}

fn reached(outcome: Result<Vec<Finished>, Halt>) -> (Coverage, Vec<Made>) {
    let mut coverage = Coverage::default();
    match outcome {
        Ok(finished) => {
            finished.iter().for_each(|run| coverage.add(&run.state));
            (coverage, finished.into_iter().flat_map(|run| run.calls).collect())
        }
        Err(_) => (coverage, Vec::new()),
    }
}
