//! The store: alerts, incidents, comments, tasks and the journals of runs, in SQL. One writer commits many transactions
//! with one fsync (group commit). It knows keys, sequences and times; documents, events and payloads are opaque text.
//! Invariant: a run that has not ended always has a wake-up time.

/// Identity of a run: a UUID v7 in text, so runs sort by their start.
pub type RunId = String;

/// Milliseconds since the Unix epoch, UTC.
pub type Millis = i64;

/// All or nothing: the operations that one commit makes durable together.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    /// In order.
    pub operations: Vec<Operation>,
}

/// One change.
#[derive(Clone, Debug)]
pub enum Operation {
    /// A new alert; refused with [`Refusal::DuplicateAlert`] if its deduplication key is known in the workspace.
    InsertAlert(AlertRow),
    /// A new incident; the store gives it the next number of its workspace and version 1.
    InsertIncident(IncidentRow),
    /// A changed incident; refused with [`Refusal::StaleIncident`] unless the stored version is `expected_version`.
    UpdateIncident {
        /// The version that the change was computed on.
        expected_version: i64,
        /// The changed incident; its version becomes `expected_version + 1`.
        row: IncidentRow,
    },
    /// An alert joins an incident; joining twice is no error.
    LinkAlert {
        /// The alert.
        alert: String,
        /// The incident.
        incident: String,
    },
    /// Like alerts join one incident until `expires_at`. Refused with [`Refusal::GroupTaken`] while another
    /// incident holds the unexpired key; holding it already is no error and keeps the older expiry.
    ClaimGroup {
        /// Workspace of the key.
        workspace: String,
        /// Grouping key of the alerts.
        key: String,
        /// The incident that holds the key.
        incident: String,
        /// The time of the claim.
        now: Millis,
        /// When the key is free again.
        expires_at: Millis,
    },
    /// Frees the grouping key that an incident holds, so that the next like alert opens a new incident.
    ReleaseGroup {
        /// The incident.
        incident: String,
    },
    /// A new comment; the same id twice is one comment.
    InsertComment(NoteRow),
    /// A new task; the same id twice is one task.
    InsertTask(NoteRow),
    /// A changed task.
    UpdateTask(NoteRow),
    /// A new run with its first events.
    CreateRun(NewRun),
    /// Events of a run; refused with [`Refusal::StaleRun`] unless it has exactly `expected_seq` events and has not ended.
    Append(Append),
    /// A definition that runs pin, stored once under its hash.
    PutDefinition {
        /// SHA-256 of the text, in hex.
        hash: String,
        /// The definition.
        text: String,
    },
    /// A setting of the store itself, such as the events that `dev` has replayed.
    PutSetting {
        /// Name.
        key: String,
        /// Value.
        value: String,
    },
}

/// A stored alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRow {
    /// Identity.
    pub id: String,
    /// Workspace.
    pub workspace: String,
    /// Deduplication key, unique in the workspace.
    pub dedup_key: String,
    /// When it came.
    pub created_at: Millis,
    /// The alert as JSON.
    pub document: String,
}

/// A stored incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentRow {
    /// Identity.
    pub id: String,
    /// Workspace.
    pub workspace: String,
    /// Number in the workspace; ignored by writes.
    pub number: i64,
    /// Version; ignored by writes.
    pub version: i64,
    /// `New`, `Active` or `Closed`.
    pub status: String,
    /// `High`, `Medium`, `Low` or `Informational`.
    pub severity: String,
    /// When it was made.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
    /// The incident as JSON; number and version in it are ignored.
    pub document: String,
}

/// A stored comment or task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteRow {
    /// Identity.
    pub id: String,
    /// The incident that it belongs to.
    pub incident: String,
    /// When it was made.
    pub created_at: Millis,
    /// The comment or task as JSON.
    pub document: String,
}

/// A new run.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Identity.
    pub id: RunId,
    /// What kind of run it is: `playbook` or `evaluation`.
    pub kind: String,
    /// Namespace of the playbook, or workspace of the evaluation.
    pub namespace: String,
    /// The playbook, or the kind of event that is evaluated.
    pub name: String,
    /// The incident that it is about, if any.
    pub incident: Option<String>,
    /// The run that started it, if any.
    pub parent: Option<RunId>,
    /// Hash of the definition that it pins, if any.
    pub definition: Option<String>,
    /// When it was made.
    pub created_at: Millis,
    /// When it next needs attention.
    pub wake_at: Millis,
    /// Its first events.
    pub events: Vec<EventRow>,
    /// Payloads that these events refer to.
    pub payloads: Vec<PayloadRow>,
}

/// One event of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// When it happened.
    pub at: Millis,
    /// The event as JSON; opaque to the store.
    pub body: String,
}

/// A value beside the journal: too large for an event, or sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadRow {
    /// Number in the run; events refer to it.
    pub id: i64,
    /// Whether `bytes` is ciphertext, erased when the run ends well.
    pub sealed: bool,
    /// The value as JSON, or its ciphertext.
    pub bytes: Vec<u8>,
}

/// More events of a run.
#[derive(Clone, Debug)]
pub struct Append {
    /// The run.
    pub run: RunId,
    /// How many events the run has.
    pub expected_seq: i64,
    /// The next events.
    pub events: Vec<EventRow>,
    /// Payloads that these events refer to.
    pub payloads: Vec<PayloadRow>,
    /// The state after these events, if a snapshot is due; opaque to the store.
    pub snapshot: Option<String>,
    /// What becomes of the run.
    pub next: Next,
}

/// What becomes of a run after an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It goes on and needs attention at this time at the latest.
    WakeAt(Millis),
    /// It has ended.
    End {
        /// Its final status, such as `Succeeded`.
        status: String,
        /// When.
        at: Millis,
        /// When its sealed values are erased; `at` for a run that ended well.
        erase_at: Millis,
    },
}

/// Why a transaction was refused; nothing of it was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The alert is known already.
    #[error("the alert is known as '{0}'")]
    DuplicateAlert(String),
    /// The incident changed since it was read.
    #[error("incident '{0}' changed since it was read")]
    StaleIncident(String),
    /// Another incident holds the grouping key.
    #[error("incident '{0}' holds the grouping key")]
    GroupTaken(String),
    /// The run has other events than expected, or has ended.
    #[error("run '{0}' has moved on")]
    StaleRun(RunId),
}

/// What a read or write came to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The transaction was refused.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The database failed.
    #[error("the store failed: {0}")]
    Database(String),
    /// The database was written by a newer Riposte.
    #[error("the store was written by a newer version of riposte; use that version or another data folder")]
    Newer,
    /// Another process has the store open.
    #[error("another process has the store at '{0}' open; stop it, or use another data folder")]
    Locked(String),
    /// A sealed value could not be opened.
    #[error("a sealed value cannot be opened: the sealing key is not the one it was sealed with")]
    Unsealable,
}
