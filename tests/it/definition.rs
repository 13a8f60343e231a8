//! Tests of definition.
