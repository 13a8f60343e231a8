//! What a request says beside its path: how long a list is, what it leaves out, and in which form it is wanted. Pure.
//! Invariant: a parameter that would change the answer and is not served is refused by name, never passed over.

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode};

use super::request::Collection;
use super::status::Failure;
use crate::engine::status::RunStatus;
use crate::store::Millis;

/// How many things a list has if nobody says.
const LIMIT_DEFAULT: u32 = 500;
/// How many things a list has at most.
const LIMIT_MAX: u32 = 1_000;
/// Parameters that are not served.
const REFUSED: &[&str] = &["labelSelector", "continue"];
/// Parameters that are not served when they are true.
const REFUSED_IF_TRUE: &[&str] = &["watch"];

/// A field that lists can be narrowed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// The playbook of a run.
    Playbook,
    /// The incident of a run, by its id.
    Incident,
    /// The status of an incident, a run or an approval.
    Status,
    /// The name of an object.
    Name,
}

/// The fields by the names that selectors give them.
const FIELDS: &[(&str, Field)] = &[
    ("spec.playbook", Field::Playbook),
    ("spec.incident", Field::Incident),
    ("status.status", Field::Status),
    ("metadata.name", Field::Name),
];

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selection {
    /// How many at most.
    pub(super) limit: u32,
    /// What the fields must be.
    pub(super) fields: Vec<(Field, String)>,
    /// How runs must stand: a final status, or `None` for those that have not ended; empty for any.
    pub(super) statuses: Vec<Option<String>>,
    /// When runs must have begun, at the earliest.
    pub(super) since: Option<Millis>,
}

impl Selection {
    /// Reads the query of a list.
    pub(super) fn read(query: &str, collection: Collection) -> Result<Self, Failure> {
        let mut selection = Self {
            limit: LIMIT_DEFAULT,
            fields: Vec::new(),
            statuses: Vec::new(),
            since: None,
        };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            refuse(&name, &value)?;
            match &*name {
                "limit" => selection.limit = limit(&value)?,
                "fieldSelector" => selection.fields = fields(&value, collection)?,
                "status" if collection == Collection::Runs => selection.statuses = statuses(&value)?,
                "since" if collection == Collection::Runs => selection.since = Some(time(&value)?),
                _ => {}
            }
        }
        if let (Collection::Runs, Some(status)) = (collection, selection.field(Field::Status)) {
            selection.statuses = statuses(&status)?;
        }
        Ok(selection)
    }

    /// The value that a field must have.
    pub(super) fn field(&self, field: Field) -> Option<String> {
        let mut fields = self.fields.iter();
        fields
            .find(|(known, _)| *known == field)
            .map(|(_, value)| value.clone())
    }
}

/// Refuses a change that is only to be tried: there is no such thing as half a start.
pub(super) fn refuse_dry_run(query: &str) -> Result<(), Failure> {
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    match parameters.any(|(name, _)| name == "dryRun") {
        true => Err(Failure::malformed("`dryRun` is not supported here; leave it out")),
        false => Ok(()),
    }
}

/// A number in the query.
pub(super) fn number(query: &str, wanted: &str) -> Result<Option<usize>, Failure> {
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    let found = parameters.find(|(name, _)| name == wanted);
    let malformed = |_| Failure::malformed(format!("`{wanted}` must be a whole number, 0 or more"));
    found.map(|(_, value)| value.parse().map_err(malformed)).transpose()
}

fn refuse(name: &str, value: &str) -> Result<(), Failure> {
    let is_on = REFUSED_IF_TRUE.contains(&name) && !matches!(value, "false" | "0");
    let is_given = REFUSED.contains(&name) && !value.is_empty();
    if is_on || is_given {
        let message = format!("`{name}` is not supported here; leave it out");
        return Err(Failure::malformed(message));
    }
    Ok(())
}

/// The statuses of a list, such as `Failed,TimedOut`. A run that goes on is stored without one.
fn statuses(value: &str) -> Result<Vec<Option<String>>, Failure> {
    let read = |name: &str| match RunStatus::parse_any_case(name) {
        Some(RunStatus::Running | RunStatus::Waiting) => Ok(None),
        Some(status) => Ok(Some(status.as_str().to_owned())),
        None => Err(Failure::malformed(format!(
            "'{name}' is no status of a run; use Running, Succeeded, Failed, Cancelled or TimedOut"
        ))),
    };
    value.split(',').map(read).collect()
}

fn time(value: &str) -> Result<Millis, Failure> {
    let time: Result<jiff::Timestamp, _> = value.parse();
    let malformed = |_| Failure::malformed("`since` must be a time such as 2026-01-31T08:00:00Z");
    time.map(jiff::Timestamp::as_millisecond).map_err(malformed)
}

fn limit(value: &str) -> Result<u32, Failure> {
    let malformed = |_| Failure::malformed("`limit` must be a whole number, 0 or more");
    match value.parse::<u32>().map_err(malformed)? {
        0 => Ok(LIMIT_DEFAULT),
        limit => Ok(limit.min(LIMIT_MAX)),
    }
}

fn fields(selector: &str, collection: Collection) -> Result<Vec<(Field, String)>, Failure> {
    let served = |field: Field| match collection {
        Collection::Runs => matches!(field, Field::Playbook | Field::Incident | Field::Status),
        Collection::Incidents | Collection::Approvals => matches!(field, Field::Status),
        Collection::Objects(_) => matches!(field, Field::Name),
    };
    let terms = selector.split(',').filter(|term| !term.is_empty());
    let read = |term: &str| {
        let (name, value) = term.split_once('=')?;
        let (_, field) = FIELDS.iter().find(|(known, _)| *known == name.trim_end_matches('='))?;
        let value = value.trim_start_matches('=').to_owned();
        served(*field).then_some((*field, value))
    };
    let refused = |term: &str| {
        let served: Vec<String> = FIELDS
            .iter()
            .filter(|(_, field)| served(*field))
            .map(|(name, _)| format!("`{name}=…`"))
            .collect();
        let message = format!(
            "field selector '{term}' is not supported here; use {}",
            served.join(" or ")
        );
        Failure::malformed(message)
    };
    terms.map(|term| read(term).ok_or_else(|| refused(term))).collect()
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Objects.
    Json,
    /// A `Table` of `meta.k8s.io/v1`, which kubectl prints as it is.
    Table(Millis),
}

/// The first form of the `Accept` header that is served. `now` is what ages in tables are counted from.
pub(super) fn form(headers: &HeaderMap, now: Millis) -> Result<Form, Failure> {
    let accepted: Vec<&str> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .collect();
    if accepted.is_empty() {
        return Ok(Form::Json);
    }
    let mut forms = accepted.into_iter().filter_map(|range| one_form(range, now));
    let refused = "answers come as application/json or as application/json;as=Table;v=v1;g=meta.k8s.io";
    forms
        .next()
        .ok_or_else(|| Failure::new(StatusCode::NOT_ACCEPTABLE, refused))
}

fn one_form(range: &str, now: Millis) -> Option<Form> {
    let mut parts = range.split(';').map(str::trim);
    let essence = parts.next()?;
    if !matches!(essence, "application/json" | "application/*" | "*/*") {
        return None;
    }
    let of = |name: &str| {
        let mut parameters = parts.clone().filter_map(|part| part.split_once('='));
        parameters.find(|(known, _)| *known == name).map(|(_, value)| value)
    };
    match of("as") {
        None => Some(Form::Json),
        Some("Table") if of("v") == Some("v1") && of("g") == Some("meta.k8s.io") => Some(Form::Table(now)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form_of(accept: &str) -> Result<Form, u16> {
        let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
        form(&headers, 7).map_err(|failure| failure.code())
    }

    #[test]
    fn the_first_form_that_is_served_is_taken() {
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        assert_eq!(form_of(kubectl), Ok(Form::Table(7)));
        assert_eq!(
            form_of("application/vnd.kubernetes.protobuf, application/json"),
            Ok(Form::Json)
        );
        assert_eq!(
            form_of("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io, */*"),
            Ok(Form::Json)
        );
        assert_eq!(form_of("*/*"), Ok(Form::Json));
        assert_eq!(form(&HeaderMap::new(), 7), Ok(Form::Json));
        assert_eq!(form_of("application/yaml"), Err(406));
    }

    #[test]
    fn a_selection_is_read_or_refused_by_name() {
        let read = |query: &str| Selection::read(query, Collection::Runs).map_err(|failure| format!("{failure:?}"));
        let selection =
            read("limit=5&fieldSelector=spec.playbook%3D%3Dclose,spec.incident=x&timeoutSeconds=9").unwrap();
        assert_eq!(selection.limit, 5);
        assert_eq!(selection.field(Field::Playbook).as_deref(), Some("close"));
        assert_eq!(selection.field(Field::Incident).as_deref(), Some("x"));
        assert_eq!(read("limit=0").unwrap().limit, LIMIT_DEFAULT);
        assert_eq!(read("limit=9999").unwrap().limit, LIMIT_MAX);
        assert!(read("labelSelector=&watch=false").is_ok());
        let failed = read("status=failed,TimedOut,Running&since=1970-01-01T00:00:01Z").unwrap();
        let names: Vec<_> = failed.statuses.iter().map(Option::as_deref).collect();
        assert_eq!(names, [Some("Failed"), Some("TimedOut"), None]);
        assert_eq!(failed.since, Some(1_000));
        let selected = read("fieldSelector=status.status%3DSucceeded").unwrap();
        assert_eq!(selected.statuses, [Some("Succeeded".to_owned())]);
        for (query, named) in [
            ("labelSelector=a%3Db", "`labelSelector`"),
            ("watch=true", "`watch`"),
            ("continue=x", "`continue`"),
            ("limit=-1", "`limit`"),
            ("status=Broken", "'Broken'"),
            ("since=yesterday", "`since`"),
            ("fieldSelector=status.phase%3DFailed", "status.phase=Failed"),
            ("fieldSelector=spec.playbook!%3Dx", "spec.playbook!=x"),
        ] {
            let refused = read(query).unwrap_err();
            assert!(refused.contains(named), "{refused}");
        }
        assert!(refuse_dry_run("dryRun=All").is_err());
    }
}
