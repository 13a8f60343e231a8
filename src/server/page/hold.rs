//! What holds the calls of a run before they are made: what it is, since when, and what a person can do.

use super::{Page, moment_at, span};
use crate::engine::view::Hold;
use crate::store::{Millis, RunRow};

/// Code of what a pause holds, which ends for many runs at once.
const PAUSED: &str = "ActionsPaused";
/// How many actions are told of.
const HOLDS_MAX: usize = 20;

/// Adds what is held to the page of its run.
pub(super) fn show(page: &mut Page, row: &RunRow, holds: &[Hold], now: Millis) {
    for hold in holds.iter().take(HOLDS_MAX) {
        page.markup("<div class=\"notice busy\" role=\"status\"><p><a href=\"#a")
            .text(&hold.action.0.to_string());
        page.markup("\">").text(&hold.name).markup("</a> is held");
        if hold.executions > 1 {
            page.text(&format!(" {} times", hold.executions));
        }
        page.text(": ");
        page.text(&hold.message).text(" ").element("small", &hold.code);
        page.markup("</p>").markup("<p>").text(&times(hold, now)).markup("</p>");
        page.element("p", advice(hold));
        if hold.is_brake {
            page.element("pre", &commands(hold, row));
        }
        page.markup("</div>");
    }
    if let Some(more) = holds.len().checked_sub(HOLDS_MAX).filter(|more| *more > 0) {
        let text =
            format!("{more} more actions are held. They are listed as Waiting, with the code of what holds them.");
        page.element("p", &text);
    }
}

/// Since when it is held, and what comes next.
fn times(hold: &Hold, now: Millis) -> String {
    let since = format!("Held since {}, for {}", moment_at(hold.since), span(now - hold.since));
    // It asks more often than it says so; see `Event::Held`.
    let next = match hold.next_at > now {
        true => format!("It asks again by {}", moment_at(hold.next_at)),
        false => "It asks again and again".to_owned(),
    };
    let end = hold
        .until
        .map(|until| format!(" Its time-out ends it at {}.", moment_at(until)));
    format!("{since}. {next}.{}", end.unwrap_or_default())
}

fn advice(hold: &Hold) -> &'static str {
    match (hold.is_brake, hold.code.as_str()) {
        (true, PAUSED) => "The call has not been made. End the pause, or let this action alone go on:",
        (true, _) => "The call has not been made. Look at its inputs below. To let it go on:",
        (false, _) => "The call has not been made. It goes on by itself; nothing is to be done.",
    }
}

fn commands(hold: &Hold, row: &RunRow) -> String {
    let (run, namespace) = (&row.id, &row.namespace);
    let release = format!("riposte release {run} {} -n {namespace}", quoted(&hold.name));
    match hold.code.as_str() {
        PAUSED => format!("riposte unpause -n {namespace}\n{release}"),
        _ => release,
    }
}

/// A word of a shell: people copy it, and names may hold anything.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_word_of_a_shell() {
        let cases = [
            ("Isolate_machine", "Isolate_machine"),
            ("Isolate machine", "'Isolate machine'"),
            ("a'; rm -rf ~ #", "'a'\\''; rm -rf ~ #'"),
            ("-n", "'-n'"),
            ("$(id)", "'$(id)'"),
        ];
        for (name, word) in cases {
            assert_eq!(quoted(name), word);
        }
    }
}
