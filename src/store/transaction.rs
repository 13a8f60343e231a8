//! What a transaction is made of. The store applies the operations in order and knows nothing of what they mean.
//! Invariant: a transaction is stored whole or not at all.

use super::{
    ActivityRow, AlertRow, Append, ApprovalChange, BrakeUse, DeliveryRow, IncidentRow, MessageRow, Millis, NewRun,
    NoteRow, Partition, RunId, ScheduleKey, ScheduleRow, SubscriptionKey, SubscriptionRow, WatchlistChange,
};

/// All or nothing: the operations that one commit makes durable together.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    /// In order.
    pub operations: Vec<Operation>,
}

/// One change.
#[derive(Clone, Debug)]
pub enum Operation {
    /// A new alert; refused with [`super::Refusal::DuplicateAlert`] if its deduplication key is known in the workspace.
    InsertAlert(AlertRow),
    /// A new incident; the store gives it the next number of its workspace and version 1.
    InsertIncident(IncidentRow),
    /// A changed incident; refused with [`super::Refusal::StaleIncident`] unless the stored version is `expected_version`.
    UpdateIncident {
        /// The version that the change was computed on.
        expected_version: i64,
        /// The changed incident; its version becomes `expected_version + 1`.
        row: IncidentRow,
    },
    /// What a change did to an incident, beside that change; the same version twice is one.
    InsertActivity(ActivityRow),
    /// An alert joins an incident; joining twice is no error.
    LinkAlert {
        /// The alert.
        alert: String,
        /// The incident.
        incident: String,
    },
    /// An alert leaves an incident; one that is not in it is no error.
    UnlinkAlert {
        /// The alert.
        alert: String,
        /// The incident.
        incident: String,
    },
    /// Like alerts join one incident until `expires_at`. Refused with [`super::Refusal::GroupTaken`] while another
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
    /// A changed task; one that is not known yet is inserted.
    UpdateTask(NoteRow),
    /// A change of a watchlist or its items.
    ChangeWatchlist(WatchlistChange),
    /// A new run with its first events; refused with [`super::Refusal::StaleRun`] if its identity is known already.
    CreateRun(NewRun),
    /// Refused with [`super::Refusal::Full`] if more runs of a playbook than this have not ended, new ones counted.
    LimitRuns {
        /// Namespace of the playbook.
        namespace: String,
        /// The playbook.
        name: String,
        /// How many may be open.
        most: u32,
    },
    /// A call that a brake is to let through; refused with [`super::Refusal::Braked`] if as many count as may.
    UseBrake(BrakeUse),
    /// Events of a run; refused with [`super::Refusal::StaleRun`] unless it has exactly `expected_seq` events and has not ended.
    Append(Append),
    /// Something that came to the callback URL of an action; its run is due then. Refused with
    /// [`super::Refusal::StaleRun`] if the run does not exist or has ended, with [`super::Refusal::Delivered`] if
    /// something came for the action before, or it is taken.
    Deliver(DeliveryRow),
    /// A run needs attention at this time at the latest; one that has ended is no error.
    Wake {
        /// The run.
        run: RunId,
        /// When.
        at: Millis,
    },
    /// What came for an action is taken, or nothing is taken any more.
    Take {
        /// The run.
        run: RunId,
        /// The execution of the action.
        node: String,
        /// When.
        at: Millis,
    },
    /// A change of what people are asked.
    ChangeApproval(ApprovalChange),
    /// A new or changed schedule; refused with [`super::Refusal::StaleSchedule`] unless the stored version is the one
    /// before its own, or there is none for version 1.
    PutSchedule(ScheduleRow),
    /// A schedule that is no more.
    DropSchedule(ScheduleKey),
    /// A new or changed subscription; refused with [`super::Refusal::StaleSubscription`] unless the stored version is the
    /// one before its own, or there is none for version 1.
    PutSubscription(SubscriptionRow),
    /// A subscription that is taken back; refused as above unless the stored version is this one.
    DropSubscription {
        /// Whose it was.
        key: SubscriptionKey,
        /// The version that is stored.
        version: i64,
    },
    /// A message for a batch; the same identity twice is one message.
    InsertMessage {
        /// Where it waits.
        partition: Partition,
        /// The message; its position is given by the store.
        message: MessageRow,
    },
    /// Messages leave their batch; refused with [`super::Refusal::StaleBatch`] unless all of them are there.
    TakeMessages {
        /// Their places.
        positions: Vec<i64>,
    },
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
    /// The same, unless the setting changed since it was read: then refused with [`super::Refusal::StaleSetting`].
    ChangeSetting {
        /// Name.
        key: String,
        /// The value that was read; `None` where there was none.
        before: Option<String>,
        /// Value.
        value: String,
    },
    /// Forgets the log of changes before a position that whoever shows them has acknowledged. The last change stays.
    DropChanges {
        /// The position that stays.
        before: i64,
    },
    /// Erases the sealed payloads of ended runs whose time has come, of some runs at most; see
    /// [`super::Store::erase_due`].
    EraseDue {
        /// The time.
        now: Millis,
    },
    /// Forgets what is no longer kept.
    Forget(Forget),
}

/// What is forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forget {
    /// Ended runs with their journals and values. Refused with [`super::Refusal::StaleRun`] unless all of them exist and
    /// have ended. Definitions stay: other runs pin the same.
    Runs {
        /// The runs.
        runs: Vec<RunId>,
        /// Whether the log of changes says so, for who shows the runs elsewhere.
        is_told: bool,
    },
    /// Alerts, and that they joined incidents. Refused with [`super::Refusal::StaleIncident`] if one of these is not
    /// closed, or changed after the time.
    Alerts {
        /// The alerts.
        alerts: Vec<String>,
        /// The time.
        unchanged_since: Millis,
    },
}

/// What a commit gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// The incidents that the transaction made, and the numbers that they got, in order.
    pub incident_numbers: Vec<(String, i64)>,
    /// How many sealed payloads an [`Operation::EraseDue`] erased.
    pub erased_payloads: u64,
    /// Whether an [`Operation::EraseDue`] may have left some for the next.
    pub has_more: bool,
}
