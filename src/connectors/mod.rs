//! TODO
pub mod response;
