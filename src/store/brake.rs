//! How often calls under a brake were let through: counted here, because the count must survive the process and be one
//! for all replicas. Invariant: in no window more calls are let through than the brake says, and a call counts once.

use super::error::Fault;
use super::sql::{Connection, query};
use super::{Millis, Refusal};

/// A call that a brake is to let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrakeUse {
    /// The brake.
    pub brake: String,
    /// The call; the same twice counts once.
    pub call: String,
    /// When.
    pub at: Millis,
    /// How long it counts, in milliseconds.
    pub window: Millis,
    /// How many may count at the same time.
    pub most: u32,
}

pub(super) async fn count(connection: &mut Connection, wish: BrakeUse) -> Result<(), Fault> {
    let old = query("DELETE FROM brake_uses WHERE brake = $1 AND at <= $2");
    let old = old.bind(&wish.brake).bind(wish.at - wish.window);
    old.execute(&mut *connection).await?;
    // It counts from when it is let through last: in between it may have waited for something else.
    let known = query("UPDATE brake_uses SET at = $3 WHERE brake = $1 AND call = $2");
    let known = known.bind(&wish.brake).bind(&wish.call).bind(wish.at);
    if known.execute(&mut *connection).await? > 0 {
        return Ok(());
    }
    let used = query("SELECT count(*) FROM brake_uses WHERE brake = $1").bind(&wish.brake);
    let used: i64 = used.one(&mut *connection).await?;
    if used >= i64::from(wish.most) {
        return Err(Refusal::Braked(wish.brake).into());
    }
    let insert = query("INSERT INTO brake_uses (brake, call, at) VALUES ($1, $2, $3)");
    let insert = insert.bind(wish.brake).bind(wish.call).bind(wish.at);
    insert.execute(connection).await?;
    Ok(())
}
