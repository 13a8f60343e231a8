//! x
use super::value::{Object, Value};
pub(super) fn to_json(_: &str) -> Result<Value, String> {
    Err("x".into())
}
pub(super) fn normalize(_: &str) -> Result<String, String> {
    Err("x".into())
}
pub(super) fn from_object(_: &Object) -> Result<String, String> {
    Err("x".into())
}
