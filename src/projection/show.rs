//! Shows one thing: reads it from the store, asks the planner, writes. Shell.

use kube::ResourceExt;
use serde_json::json;

use super::agenda::Item;
use super::decision::{self, Decision, Run, Shown, Stands};
use super::incident_status::{self, RUNS_MAX, Wishes, incident_status};
use super::objects::is_from_object;
use super::run_object::{INCIDENT, MANAGED_BY, RIPOSTE, RUN, Subject, incident_name, run_object};
use super::run_status::{self, is_ended, phase, run_status, time};
use super::shell::{Error, GATHER_RULES, Open, Outcome, Projection};
use super::split_status::{standing_of, together};
use crate::api::automation_rule::Severity;
use crate::api::status::{RunCounts, RunPhase, RunSummary};
use crate::api::{AutomationRule, Incident, IncidentSpec, Playbook, PlaybookRun};
use crate::definition::Workflow;
use crate::engine::clock;
use crate::engine::shell::{PLAYBOOK, now};
use crate::engine::state::State;
use crate::engine::status::RunStatus;
use crate::rules::IncidentView;
use crate::store::{Millis, RunFilter, RunRow};

/// How long counts of runs gather before they are written: shorter where runs are counted that are no objects.
const COUNTS_LEFT_OUT: Millis = 10_000;
const COUNTS: Millis = 300_000;
/// Runs that a playbook lists.
const LAST_RUNS: u32 = 5;

/// A run with its history.
struct Told {
    row: RunRow,
    /// The other runs that the same object asked for.
    others: Vec<RunRow>,
    workflow: std::sync::Arc<Workflow>,
    state: State,
}

impl Projection {
    /// Shows one thing.
    pub(super) async fn show(&mut self, item: &Item) -> Result<Outcome, Error> {
        match item {
            Item::Run(run) => self.show_run(run).await,
            Item::Incident(incident) => self.show_incident(incident).await,
            Item::Counts(namespace, playbook) => self.show_counts(namespace, playbook).await,
            Item::Rule(workspace, rule) => self.show_rule(workspace, rule).await,
        }
    }

    async fn show_run(&mut self, run: &str) -> Result<Outcome, Error> {
        let Some(row) = self.store.run(run).await?.filter(|row| row.kind == PLAYBOOK) else {
            self.open.remove(run);
            if let Some(namespace) = self.objects.made_for(run) {
                self.objects.delete_runs(&namespace, &[run.to_owned()]).await?;
            }
            return Ok(Outcome::Done);
        };
        if let Some(first) = self.first.remove(run) {
            self.agenda.note(Item::Run(first), now());
        }
        let object = self.objects.run(&row);
        let others = match &object {
            Some(_) if is_from_object(run) => self.others(run).await?,
            Some(_) | None => Vec::new(),
        };
        let shown = match &object {
            Some(object) if is_ended(object.status.as_ref()) => Shown::End,
            Some(_) => Shown::Open,
            None if self.open.get(run).is_some_and(|open| open.made.is_some()) => Shown::Open,
            None => Shown::Nothing,
        };
        let facts = Run {
            shown,
            stands: stands(std::iter::once(&row).chain(&others)),
            from_object: is_from_object(run),
            by_hand: row.parent.is_none(),
        };
        let decision = decision::run(facts, &mut self.bucket, now());
        let is_over = facts.stands != Stands::Open;
        match decision {
            Decision::Later(wait) => return Ok(Outcome::Later(wait)),
            Decision::Create => self.make_run(row.clone()).await?,
            Decision::Report => self.report_run((row.clone(), others), object.as_deref()).await?,
            Decision::Count | Decision::Leave => {}
        }
        if is_over {
            self.open.remove(run);
        }
        if decision != Decision::Leave && is_over {
            let gather = if decision == Decision::Count {
                COUNTS_LEFT_OUT
            } else {
                COUNTS
            };
            self.agenda.note(Item::Counts(row.namespace, row.name), now() + gather);
        }
        Ok(Outcome::Done)
    }

    /// The other runs of an object whose first run this is; the end of each brings the object here again.
    async fn others(&mut self, first: &str) -> Result<Vec<RunRow>, Error> {
        let others = self.engine.split(first).await?;
        for other in others.iter().filter(|other| other.ended_at.is_none()) {
            self.first.insert(other.id.clone(), first.to_owned());
        }
        Ok(others)
    }

    async fn tell(&self, (row, others): (RunRow, Vec<RunRow>)) -> Result<Told, Error> {
        let unreadable = |error: &dyn std::fmt::Display| Error::Run(error.to_string());
        let (workflow, events) = self.engine.history(&row.id).await.map_err(|error| unreadable(&error))?;
        let state = State::fold(&workflow, &events).map_err(|error| unreadable(&error))?;
        Ok(Told {
            row,
            others,
            workflow,
            state,
        })
    }

    async fn make_run(&mut self, row: RunRow) -> Result<(), Error> {
        let told = self.tell((row, Vec::new())).await?;
        let place = (told.row.namespace.as_str(), told.row.name.as_str());
        let policy = self.policies.fresh(&self.objects, place, now()).await?;
        let subject = match &told.row.incident {
            Some(incident) => self.store.incident(incident).await?.map(|row| Subject {
                workspace: row.workspace,
                number: row.number,
            }),
            None => None,
        };
        let owner = policy.as_ref().map(|policy| &policy.owner);
        let object = run_object(&told.workflow, &told.state.opened, owner, subject.as_ref());
        let made = self.objects.create(&object, RUN).await?;
        let open = Open {
            made: Some((made.name_any(), made.uid().unwrap_or_default())),
            status: None,
        };
        self.open.insert(told.row.id.clone(), open);
        let playbook = policy.map(|policy| (policy.owner.uid, policy.owner.generation));
        self.write_run(told, Some(&made), playbook).await
    }

    async fn report_run(&mut self, rows: (RunRow, Vec<RunRow>), object: Option<&PlaybookRun>) -> Result<(), Error> {
        let told = self.tell(rows).await?;
        let needs_snapshot = object
            .and_then(|object| object.status.as_ref())
            .is_none_or(|status| status.playbook.is_none());
        let playbook = match needs_snapshot {
            true => {
                let place = (told.row.namespace.as_str(), told.row.name.as_str());
                let policy = self.policies.fresh(&self.objects, place, now()).await?;
                policy.map(|policy| (policy.owner.uid, policy.owner.generation))
            }
            false => None,
        };
        self.write_run(told, object, playbook).await
    }

    /// Writes the status of a run's object if it differs from what is there.
    async fn write_run(
        &mut self,
        told: Told,
        object: Option<&PlaybookRun>,
        playbook: Option<(String, i64)>,
    ) -> Result<(), Error> {
        let known = self.open.entry(told.row.id.clone()).or_default();
        let before = known
            .status
            .clone()
            .or_else(|| object.and_then(|object| object.status.clone()));
        let about = run_status::About {
            before: before.as_ref(),
            generation: object.map_or(Some(1), |object| object.metadata.generation),
            now: clock::timestamp(now()),
            playbook: playbook.as_ref().map(|(uid, generation)| (uid.as_str(), *generation)),
        };
        let status = run_status(&told.workflow, &told.state, about);
        let status = together(status, &told.row, &told.others, about);
        if before.as_ref() == Some(&status) {
            return Ok(());
        }
        let made = known.made.clone();
        let place = object
            .map(|object| (object.name_any(), object.uid().unwrap_or_default()))
            .or(made);
        let Some((name, uid)) = place else { return Ok(()) };
        let json = serde_json::to_value(&status)?;
        self.objects
            .write_status::<PlaybookRun>(&told.row.namespace, (&name, &uid), &json)
            .await?;
        if let Some(open) = self.open.get_mut(&told.row.id) {
            open.status = Some(status);
        }
        Ok(())
    }

    async fn show_incident(&mut self, incident: &str) -> Result<Outcome, Error> {
        let Some(view) = self.desk.view(incident).await? else {
            return Ok(Outcome::Done);
        };
        let (workspace, number) = (view.incident.workspace.clone(), view.incident.number);
        let object = self.objects.incident(&workspace, number);
        let is_severe = view.incident.severity == Severity::High;
        let object = match decision::incident(object.is_some(), is_severe, &mut self.bucket, now()) {
            Decision::Later(wait) => return Ok(Outcome::Later(wait)),
            Decision::Count | Decision::Leave => return Ok(Outcome::Done),
            Decision::Create => None,
            Decision::Report => object,
        };
        let object = match object {
            Some(object) => (*object).clone(),
            None => {
                self.objects
                    .create(&incident_object(&workspace, number), INCIDENT)
                    .await?
            }
        };
        self.write_incident(&view, &object).await?;
        Ok(Outcome::Done)
    }

    async fn write_incident(&self, view: &IncidentView, object: &Incident) -> Result<(), Error> {
        let incident = &view.incident;
        let filter = RunFilter {
            kind: Some(PLAYBOOK.to_owned()),
            incident: Some(incident.id.clone()),
            limit: u32::try_from(RUNS_MAX).unwrap_or(u32::MAX),
            ..RunFilter::default()
        };
        let runs = self.store.runs(&filter).await?;
        let wishes = self.store.setting(&Wishes::setting(&incident.id)).await?;
        let wishes: Option<Wishes> = wishes.and_then(|text| serde_json::from_str(&text).ok());
        let uid = object.uid().unwrap_or_default();
        let about = incident_status::About {
            before: object.status.as_ref(),
            object: Some((&uid, object.metadata.generation.unwrap_or(1))),
            has_wishes: object.spec != IncidentSpec::default(),
            wishes: wishes.as_ref(),
            now: clock::timestamp(now()),
            ids: &self.desk.workspaces().ids(&incident.workspace),
        };
        let status = incident_status(view, &runs, about);
        if object.status.as_ref() == Some(&status) {
            return Ok(());
        }
        let json = serde_json::to_value(&status)?;
        let place = (object.name_any(), uid.clone());
        self.objects
            .write_status::<Incident>(&incident.workspace, (&place.0, &place.1), &json)
            .await?;
        Ok(())
    }

    async fn show_counts(&mut self, namespace: &str, playbook: &str) -> Result<Outcome, Error> {
        let debt = self.bucket.debt(now());
        if debt > 0 {
            return Ok(Outcome::Later(debt));
        }
        let place = (namespace, playbook);
        let Some(policy) = self.policies.fresh(&self.objects, place, now()).await? else {
            return Ok(Outcome::Done);
        };
        self.bucket.charge(1, now());
        let tally = self.store.tally(namespace, playbook).await?;
        let filter = RunFilter {
            kind: Some(PLAYBOOK.to_owned()),
            namespace: Some(namespace.to_owned()),
            name: Some(playbook.to_owned()),
            limit: LAST_RUNS,
            ..RunFilter::default()
        };
        let last_runs: Vec<RunSummary> = self
            .store
            .runs(&filter)
            .await?
            .iter()
            .map(|row| self.summary(row))
            .collect();
        let status = json!({ "runs": counts(&tally.by_status), "lastRuns": last_runs });
        self.objects
            .write_status::<Playbook>(namespace, (playbook, &policy.owner.uid), &status)
            .await?;
        Ok(Outcome::Done)
    }

    /// Writes how a rule did, if its object does not show it yet.
    async fn show_rule(&mut self, workspace: &str, rule: &str) -> Result<Outcome, Error> {
        // Never on credit: what rules did can wait, and gathers meanwhile.
        if !self.bucket.take(1, now()) {
            return Ok(Outcome::Later(GATHER_RULES));
        }
        let Some(object) = self.objects.rule(workspace, rule).await? else {
            self.tallies.forget(workspace, rule);
            return Ok(Outcome::Done);
        };
        let uid = object.uid().unwrap_or_default();
        let tally = self.tallies.load(&self.store, workspace, rule).await?;
        let status = serde_json::to_value(tally.of(&uid).status())?;
        if tally.is_shown_by(object.data.get("status")) {
            return Ok(Outcome::Done);
        }
        self.objects
            .write_status::<AutomationRule>(workspace, (rule, &uid), &status)
            .await?;
        Ok(Outcome::Done)
    }

    fn summary(&self, row: &RunRow) -> RunSummary {
        RunSummary {
            name: self.objects.run(row).map(|object| object.name_any()),
            id: row.id.clone(),
            phase: row
                .status
                .as_deref()
                .map_or(Some(RunStatus::Running), RunStatus::parse)
                .map_or(RunPhase::Pending, phase),
            start_time: Some(time(row.created_at)),
            completion_time: row.ended_at.map(time),
        }
    }
}

fn stands<'r>(rows: impl Iterator<Item = &'r RunRow> + Clone) -> Stands {
    match standing_of(rows) {
        RunStatus::Running | RunStatus::Waiting => Stands::Open,
        RunStatus::Failed | RunStatus::TimedOut => Stands::Failed,
        RunStatus::Succeeded | RunStatus::Cancelled => Stands::Ended,
    }
}

fn counts(by_status: &[(Option<String>, i64)]) -> RunCounts {
    let mut counts = RunCounts::default();
    for (status, count) in by_status {
        match status.as_deref().map(RunStatus::parse) {
            None => counts.active = i32::try_from(*count).unwrap_or(i32::MAX),
            Some(Some(RunStatus::Succeeded)) => counts.succeeded += count,
            Some(Some(RunStatus::Cancelled)) => counts.cancelled += count,
            Some(_) => counts.failed += count,
        }
    }
    counts
}

fn incident_object(workspace: &str, number: i64) -> Incident {
    let name = incident_name(number);
    let mut object = Incident::new(&name, IncidentSpec::default());
    object.metadata.namespace = Some(workspace.to_owned());
    object.metadata.labels = Some(
        [(MANAGED_BY, RIPOSTE), (INCIDENT, name.as_str())]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    );
    object
}
