//! The limits of playbooks, in one table, so that who runs the program can set others. Defaults are those of Logic
//! Apps. Invariant: no limit exceeds its row's highest value, which memory and stack stand.

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the table says what each is")]
pub enum Limit {
    Actions,
    Nesting,
    Variables,
    Cases,
    Retries,
    ForeachConcurrency,
    ForeachDefaultConcurrency,
    Runs,
    WaitingRuns,
    ForeachItems,
    UntilRounds,
    SplitItems,
    PageItems,
    ArrayItems,
    TextLength,
    CallSeconds,
    MessageBytes,
}

/// A row of the table of limits.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What it is about.
    pub limit: Limit,
    /// Its name in settings.
    pub name: &'static str,
    /// Its value where nothing is set: that of Logic Apps.
    pub usual: u32,
    /// The highest value that it can be set to.
    pub highest: u32,
    /// What it counts.
    pub what: &'static str,
}

const fn row(limit: Limit, name: &'static str, usual: u32, highest: u32, what: &'static str) -> Row {
    Row {
        limit,
        name,
        usual,
        highest,
        what,
    }
}

/// Every limit, in the order of [`Limit`].
pub const TABLE: [Row; 17] = [
    row(Limit::Actions, "actions", 500, 5_000, "actions of a playbook"),
    // Each level is up to four levels of JSON, and readers of JSON go 128 deep.
    row(Limit::Nesting, "nesting", 8, 24, "blocks around an action"),
    row(Limit::Variables, "variables", 250, 5_000, "variables of a playbook"),
    row(Limit::Cases, "cases", 25, 500, "cases of a Switch"),
    row(Limit::Retries, "retries", 90, 1_000, "retries of a call"),
    row(
        Limit::ForeachConcurrency,
        "foreach-concurrency",
        50,
        500,
        "elements that a Foreach may handle at once",
    ),
    row(
        Limit::ForeachDefaultConcurrency,
        "foreach-default-concurrency",
        20,
        500,
        "elements that it handles at once where nothing is said",
    ),
    row(Limit::Runs, "runs", 100, 10_000, "runs at once that a trigger may set"),
    row(
        Limit::WaitingRuns,
        "waiting-runs",
        200,
        100_000,
        "waiting runs that a trigger may set",
    ),
    row(
        Limit::ForeachItems,
        "foreach-items",
        100_000,
        1_000_000,
        "elements of a Foreach",
    ),
    row(Limit::UntilRounds, "until-rounds", 5_000, 100_000, "rounds of an Until"),
    row(
        Limit::SplitItems,
        "split-items",
        100_000,
        1_000_000,
        "runs that one splitOn makes",
    ),
    row(
        Limit::PageItems,
        "page-items",
        100_000,
        1_000_000,
        "items that pagination gathers",
    ),
    row(
        Limit::ArrayItems,
        "array-items",
        100_000,
        1_000_000,
        "items of an array variable",
    ),
    row(
        Limit::TextLength,
        "text-length",
        104_857_600,
        536_870_912,
        "bytes of a string variable",
    ),
    row(
        Limit::CallSeconds,
        "call-seconds",
        120,
        3_600,
        "seconds of one attempt of a call",
    ),
    // What is no text is kept as Base64, and a value of the store has at most a billion bytes.
    row(
        Limit::MessageBytes,
        "message-bytes",
        104_857_600,
        536_870_912,
        "bytes of an answer",
    ),
];

impl Limit {
    /// The row of a name.
    pub fn named(name: &str) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.name == name)
    }
}

/// The values of all limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits([u32; TABLE.len()]);

impl Default for Limits {
    fn default() -> Self {
        Self(TABLE.map(|row| row.usual))
    }
}

impl Limits {
    /// The value of a limit.
    pub fn of(&self, limit: Limit) -> u32 {
        self.0[limit as usize]
    }

    /// The value of a limit, as sizes are counted.
    pub fn size(&self, limit: Limit) -> usize {
        usize::try_from(self.of(limit)).unwrap_or(usize::MAX)
    }

    /// The same limits with another value of one.
    ///
    /// # Errors
    /// The value is 0 or higher than the limit can be.
    pub fn with(mut self, row: &Row, value: u32) -> Result<Self, String> {
        let (name, highest) = (row.name, row.highest);
        if !(1..=highest).contains(&value) {
            return Err(format!("the limit `{name}` is a number from 1 to {highest}"));
        }
        self.0[row.limit as usize] = value;
        Ok(self)
    }

    /// The limits of a run that has begun: whatever was allowed of its text is still. What its evaluation meets is
    /// limited as now.
    pub(super) fn begun(self) -> Self {
        let text = [
            Limit::Actions,
            Limit::Nesting,
            Limit::Variables,
            Limit::Cases,
            Limit::Retries,
            Limit::ForeachConcurrency,
            Limit::Runs,
            Limit::WaitingRuns,
            Limit::PageItems,
        ];
        let mut limits = self;
        for limit in text {
            limits.0[limit as usize] = TABLE[limit as usize].highest;
        }
        limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_order_of_the_limits() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.limit as usize, index, "{}", row.name);
            assert!((1..=row.highest).contains(&row.usual), "{}", row.name);
            assert_eq!(Limit::named(row.name).map(|found| found.limit), Some(row.limit));
        }
    }

    #[test]
    fn a_limit_stays_within_its_bounds() {
        let actions = Limit::named("actions").unwrap();
        let limits = Limits::default();
        assert_eq!(limits.with(actions, 1_000).unwrap().of(Limit::Actions), 1_000);
        assert!(limits.with(actions, 0).is_err());
        assert!(limits.with(actions, 5_001).is_err());
    }
}
