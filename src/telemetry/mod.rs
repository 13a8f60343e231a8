//! What Riposte tells of itself while it works: figures for Prometheus, and the traces of runs for OpenTelemetry.
//! Invariant: no value of a run is told, only names, times, sizes and codes.

mod calls;
mod export;
mod figures;
mod series;
mod spans;

pub use calls::Metered;
pub use export::{Exporter, UnusableEndpoint};
pub use figures::Figures;
pub use series::SERIES;
