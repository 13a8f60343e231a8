//! Examples of functions as lines of text in their rows: the manual shows them and the tests execute them, so they are
//! true. A line is `expression => JSON of its value` or `expression => error: part of the message`; a line
//! `given {…}` is the context of the lines below it, as `riposte eval --context` takes it.

/// An example of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// JSON of what the expression sees, if it needs anything.
    pub context: Option<&'static str>,
    /// The expression, without `@`.
    pub expression: &'static str,
    /// What comes of it.
    pub outcome: Outcome,
}

/// What comes of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The JSON of the value.
    Value(&'static str),
    /// An error whose message contains this.
    Error(&'static str),
}

/// The examples of a text.
pub(super) fn read(text: &'static str) -> impl Iterator<Item = Example> {
    let mut context = None;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.filter_map(move |line| {
        if let Some(given) = line.strip_prefix("given ") {
            context = Some(given);
            return None;
        }
        // A line without an arrow is an example of a wrong value: its test fails.
        let (expression, outcome) = line.split_once(" => ").unwrap_or((line, ""));
        let outcome = match outcome.strip_prefix("error: ") {
            Some(part) => Outcome::Error(part),
            None => Outcome::Value(outcome),
        };
        Some(Example {
            context,
            expression,
            outcome,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_holds_for_the_lines_below_it() {
        let text = "a() => 1\ngiven {\"item\": 2}\n\n  item() => error: no item => here\nodd\n";
        let example = |context, expression, outcome| Example {
            context,
            expression,
            outcome,
        };
        let given = Some("{\"item\": 2}");
        assert_eq!(
            read(text).collect::<Vec<_>>(),
            [
                example(None, "a()", Outcome::Value("1")),
                example(given, "item()", Outcome::Error("no item => here")),
                example(given, "odd", Outcome::Value("")),
            ]
        );
    }
}
