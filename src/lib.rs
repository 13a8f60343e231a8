#![doc = include_str!("README.md")]

pub mod api;
pub mod expression;

pub mod arm;
pub mod definition;
pub mod grants;
pub mod intake;
pub mod rules;

pub mod connectors;
pub mod engine;

pub mod catalog;
pub mod incidents;
pub mod local;
pub mod rehearsal;
pub mod script;
pub mod store;
pub mod telemetry;

pub mod cluster;
pub mod controllers;
pub mod projection;

pub mod cli;
pub mod server;
