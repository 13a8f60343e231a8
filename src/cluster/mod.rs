//! Riposte in a cluster: what it may do there. The permissions are data, so that the chart, the documentation and the
//! tests all tell the same.

pub mod rbac;
