//! Tests of arm.
