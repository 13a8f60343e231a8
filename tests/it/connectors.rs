//! Tests of connectors.
