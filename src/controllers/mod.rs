//! Controllers: each kind's object is compared with what it names, and its status says what came of it. All read alike:
//! `dereference -> validate -> build -> apply -> update_status`; a kind that makes nothing has no `build` and `apply`.
//! Invariants: a spec is never written; a status is written by the holder of the Lease only, and only if it differs.

pub mod condition;
pub mod error;
pub mod incident;
pub mod live;
pub mod playbook_run;
