//! `--limit NAME=VALUE`: other limits of playbooks than those of Logic Apps, for every command that reads playbooks.

use crate::api::nearest;
use crate::definition::Limits;
use crate::definition::limits::{Limit, Row, TABLE};

/// What the option does.
const HELP: &str = "Hold playbooks to another limit than Logic Apps has; may be given several times";

/// The option.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct LimitArguments {
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = parse, help = HELP, long_help = long_help())]
    given: Vec<(Row, u32)>,
}

impl LimitArguments {
    /// The limits: the usual ones, and those that were given.
    pub fn get(&self) -> Limits {
        let given = self.given.iter();
        // What was parsed is within its bounds.
        given.fold(Limits::default(), |limits, (row, value)| {
            limits.with(row, *value).unwrap_or(limits)
        })
    }
}

fn long_help() -> String {
    let rows = TABLE.map(|row| {
        let (name, what, usual, highest) = (row.name, row.what, row.usual, row.highest);
        format!("\n- {name}: {what}; {usual}, at most {highest}")
    });
    format!("{HELP}{}", rows.concat())
}

fn parse(text: &str) -> Result<(Row, u32), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as actions=1000")?;
    let row = Limit::named(name).ok_or_else(|| {
        let near = nearest(name, TABLE.iter().map(|row| row.name));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        format!("there is no limit `{name}`{hint}")
    })?;
    // What is no number is out of bounds too.
    let value = value.parse().unwrap_or(0);
    Limits::default().with(row, value)?;
    Ok((*row, value))
}
