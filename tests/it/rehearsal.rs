//! Rehearsals: whole playbooks against mocks and examples, in virtual time.

mod corpus;
mod drive;
