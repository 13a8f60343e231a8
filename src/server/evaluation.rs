//! Evaluations of rules as the store has them, for people: which rules matched, what their actions came to, what is
//! missing and how to give it.

use serde::Serialize;

use super::problem::Problem;
use super::runs::RunAnswer;
use crate::engine::journal;
use crate::rules::evaluation::{Event, State, Summary, summary};
use crate::store::{RunRow, Store};

/// One evaluation.
#[derive(Serialize)]
pub(super) struct EvaluationAnswer {
    #[serde(flatten)]
    pub(super) run: RunAnswer,
    #[serde(flatten)]
    pub(super) summary: Summary,
}

/// Reads an evaluation out of its journal.
pub(super) async fn read(store: &Store, row: RunRow) -> Result<EvaluationAnswer, Problem> {
    let rows = store.journal(&row.id, 0).await?;
    let events: Result<Vec<Event>, _> = rows.iter().map(|row| serde_json::from_str(&row.body)).collect();
    let events = events.map_err(|error| unreadable(&row, error.to_string()))?;
    let state = State::fold(&events).map_err(|error| unreadable(&row, error.to_string()))?;
    let state = state.ok_or_else(|| unreadable(&row, "the journal is empty".to_owned()))?;
    Ok(EvaluationAnswer {
        run: RunAnswer::from(row),
        summary: summary(&state),
    })
}

fn unreadable(row: &RunRow, reason: String) -> Problem {
    let run = row.id.clone();
    Problem::internal(&journal::Error::Unreadable { run, reason })
}
