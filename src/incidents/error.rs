//! What can go wrong with incidents.

use crate::rules::PatchError;
use crate::store;

/// Why an incident could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// No such incident.
    #[error("there is no incident '{0}'; it may lie in another workspace or have been removed")]
    UnknownIncident(String),
    /// No such alert.
    #[error("there is no alert '{0}'; it may lie in another workspace or have been removed")]
    UnknownAlert(String),
    /// No such task.
    #[error("there is no task '{0}'; it may lie in another workspace or have been removed")]
    UnknownTask(String),
    /// No such watchlist.
    #[error("there is no watchlist '{0}'; it may lie in another workspace or have been removed")]
    UnknownWatchlist(String),
    /// No such item of a watchlist.
    #[error("watchlist '{watchlist}' has no item '{item}'")]
    UnknownItem {
        /// Alias of the watchlist.
        watchlist: String,
        /// Id of the item.
        item: String,
    },
    /// A watchlist or an item of it cannot be as it is given.
    #[error("watchlist '{watchlist}' {reason}")]
    Watchlist {
        /// Alias of the watchlist.
        watchlist: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The change breaks a rule for incidents.
    #[error(transparent)]
    Refused(#[from] PatchError),
    /// A text is empty or too long.
    #[error("the {what} must have 1 to {limit} characters, it has {length}")]
    Length {
        /// Which text.
        what: &'static str,
        /// Its length in characters.
        length: usize,
        /// The limit in characters.
        limit: usize,
    },
    /// There are as many as an incident can have.
    #[error("incident '{incident}' has {limit} {what} already, more are not allowed")]
    Full {
        /// The incident.
        incident: String,
        /// Of what it is full.
        what: &'static str,
        /// How many it can have.
        limit: usize,
    },
    /// Others changed the incident again and again.
    #[error("incident '{0}' changes too often to be changed now; try again")]
    Busy(String),
    /// A stored document cannot be read.
    #[error("the stored {what} '{id}' cannot be read: {reason}")]
    Unreadable {
        /// What kind of document.
        what: &'static str,
        /// Its id.
        id: String,
        /// Why.
        reason: String,
    },
}
