//! Temporary.
use jiff::Timestamp;
use super::NativeOperation;
use crate::connectors::spec::Match;
use crate::engine::call::{Answer, Call, CallError};
use crate::incidents::Desk;
/// x
#[derive(Clone)]
pub struct Performer { _desk: Desk }
impl Performer {
    /// x
    pub fn new(desk: Desk) -> Self { Self { _desk: desk } }
    /// x
    pub async fn perform(&self, _n: NativeOperation, _f: &Match<'_>, _c: &Call, _now: Timestamp) -> Result<Answer, CallError> { Ok(Answer::default()) }
}
