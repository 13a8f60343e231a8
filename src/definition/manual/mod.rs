//! The manual of action and trigger types as data: what each does, its members, an example that tests run. The page for
//! people and the JSON schema for editors are made of it.

mod actions;
mod page;
mod schema;
mod triggers;

pub use actions::ACTIONS;
pub use page::{page, sections};
pub use schema::schema;
pub use triggers::TRIGGERS;

/// A type of action or trigger.
#[derive(Debug)]
pub struct Type {
    /// Its name, as `type` writes it.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Its own members beside `type`, `inputs` and what all have.
    pub members: &'static [Member],
    /// The members of `inputs`.
    pub inputs: &'static [Member],
    /// Whether `inputs` may be anything.
    pub any_inputs: bool,
    /// What `outputs('Name')` gives.
    pub outputs: &'static str,
    /// One of it, as JSON.
    pub example: &'static str,
}

/// A member of an object.
#[derive(Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What it is.
    pub doc: &'static str,
}

/// A member that must be there.
const fn required(name: &'static str, doc: &'static str) -> Member {
    Member {
        name,
        required: true,
        doc,
    }
}

/// A member that may be left out.
const fn optional(name: &'static str, doc: &'static str) -> Member {
    Member {
        name,
        required: false,
        doc,
    }
}

/// A type without members of its own.
const fn named(name: &'static str, doc: &'static str, outputs: &'static str, example: &'static str) -> Type {
    Type {
        name,
        doc,
        members: &[],
        inputs: &[],
        any_inputs: false,
        outputs,
        example,
    }
}

impl Type {
    const fn members(mut self, members: &'static [Member]) -> Self {
        self.members = members;
        self
    }

    const fn inputs(mut self, inputs: &'static [Member]) -> Self {
        self.inputs = inputs;
        self
    }

    const fn any_inputs(mut self) -> Self {
        self.any_inputs = true;
        self
    }
}

/// What every action may have.
pub const COMMON: &[Member] = &[
    optional(
        "runAfter",
        "the actions beside this one that it waits for, each with the statuses that let it run: `{\"A\": [\"Succeeded\"]}`",
    ),
    optional("limit", "`timeout`, an ISO 8601 duration; for an Until also `count`"),
    optional(
        "runtimeConfiguration",
        "`concurrency`, `secureData`, `staticResult`, `paginationPolicy`",
    ),
    optional("operationOptions", "options by name, separated by commas"),
    optional(
        "trackedProperties",
        "an object that is evaluated and recorded when the action ends; `action()` is the action itself",
    ),
    optional("description", "a text for people"),
    optional(
        "metadata",
        "anything; `\"riposte.dev/safe-to-repeat\": true` allows that the call is repeated when its outcome was lost",
    ),
    optional("kind", "a variant of the type"),
];
