//! Grouping keys: which incident like alerts join, and until when. They live beside the incidents so that two senders
//! of like alerts cannot open two incidents. Invariant: an unexpired key has one holder.

use super::error::Fault;
use super::sql::{Connection, query};
use super::{Error, Millis, Refusal, Store};

/// What a claim says; see [`super::Operation::ClaimGroup`].
pub(super) struct Claim {
    pub(super) workspace: String,
    pub(super) key: String,
    pub(super) incident: String,
    pub(super) now: Millis,
    pub(super) expires_at: Millis,
}

pub(super) async fn claim(connection: &mut Connection, claim: Claim) -> Result<(), Fault> {
    let claimed = query(
        "INSERT INTO group_claims (workspace, key, incident, expires_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (workspace, key) DO UPDATE SET incident = excluded.incident, expires_at = CASE
             WHEN group_claims.expires_at > $5 THEN group_claims.expires_at ELSE excluded.expires_at END
         WHERE group_claims.expires_at <= $5 OR group_claims.incident = excluded.incident",
    )
    .bind(claim.workspace.as_str())
    .bind(claim.key.as_str())
    .bind(claim.incident)
    .bind(claim.expires_at)
    .bind(claim.now)
    .execute(&mut *connection)
    .await?;
    if claimed == 1 {
        return Ok(());
    }
    let holder = query("SELECT incident FROM group_claims WHERE workspace = $1 AND key = $2")
        .bind(claim.workspace)
        .bind(claim.key)
        .one(connection)
        .await?;
    Err(Refusal::GroupTaken(holder).into())
}

pub(super) async fn release(connection: &mut Connection, incident: String) -> Result<(), Fault> {
    query("DELETE FROM group_claims WHERE incident = $1")
        .bind(incident)
        .execute(connection)
        .await?;
    Ok(())
}

impl Store {
    /// The incident that holds a grouping key of a workspace at this time, if any.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn group_holder(&self, workspace: &str, key: &str, now: Millis) -> Result<Option<String>, Error> {
        let query = query("SELECT incident FROM group_claims WHERE workspace = $1 AND key = $2 AND expires_at > $3");
        Ok(query
            .bind(workspace)
            .bind(key)
            .bind(now)
            .optional(&self.readers)
            .await?)
    }
}
