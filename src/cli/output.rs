//! What people see: colours, symbols, hostile text made harmless, and the tree of a run.

use std::io::{IsTerminal, Write};

use crate::engine::view::Line;

/// How output is dressed.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether colours are used.
    pub color: bool,
    /// Whether lines can be drawn again.
    pub live: bool,
}

/// The colours in use, by meaning.
#[derive(Clone, Copy, Debug)]
pub enum Tone {
    /// Something that went well.
    Good,
    /// Something that failed.
    Bad,
    /// Something that waits or was left out.
    Quiet,
    /// A heading.
    Strong,
    /// Something to look at.
    Warn,
}

impl Style {
    /// For standard output: colours and live drawing on a terminal, unless `NO_COLOR` is set.
    pub fn stdout() -> Self {
        Self::of(std::io::stdout().is_terminal())
    }

    /// The same for standard error.
    pub fn stderr() -> Self {
        Self::of(std::io::stderr().is_terminal())
    }

    fn of(terminal: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            color: terminal && wanted,
            live: terminal,
        }
    }

    /// Text in a tone.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Quiet => "2",
            Tone::Strong => "1",
            Tone::Warn => "33",
        };
        if self.color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// A status with its symbol.
    pub fn status(self, status: &str) -> String {
        let (tone, symbol) = match status {
            "Succeeded" => (Tone::Good, "✓"),
            "Failed" | "TimedOut" => (Tone::Bad, "✗"),
            "Skipped" | "Cancelled" => (Tone::Quiet, "–"),
            "Running" => (Tone::Warn, "▶"),
            "Waiting" => (Tone::Warn, "…"),
            _ => (Tone::Quiet, "·"),
        };
        self.paint(tone, symbol)
    }

    /// One line of the tree of a run.
    pub fn line(self, line: &Line) -> String {
        let indent = "   ".repeat(line.depth);
        if line.status.is_empty() {
            return format!("{indent}{}", self.paint(Tone::Quiet, &clean(&line.name)));
        }
        let mut text = format!("{indent}{} {}", self.status(line.status), clean(&line.name));
        if let Some(took) = line.took {
            text += &self.paint(Tone::Quiet, &format!("  {}", duration(took)));
        }
        if !line.note.is_empty() {
            let tone = if line.status == "Failed" {
                Tone::Bad
            } else {
                Tone::Quiet
            };
            text += &format!("  {}", self.paint(tone, &clean(&line.note)));
        }
        text
    }
}

/// Text from outside without what a terminal would obey: control characters are shown, not sent.
pub fn clean(text: &str) -> String {
    let is_unsafe = |character: char| {
        character.is_control()
            || ('\u{200e}'..='\u{200f}').contains(&character)
            || ('\u{202a}'..='\u{202e}').contains(&character)
    };
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => out.push(' '),
            character if is_unsafe(character) => out.extend(character.escape_unicode()),
            character => out.push(character),
        }
    }
    out
}

/// A comment as text: the tags of its HTML subset left out.
pub fn plain(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        out.push_str(&rest[..start]);
        match rest[start..].find('>') {
            Some(end) => {
                out.push(' ');
                rest = &rest[start + end + 1..];
            }
            None => {
                rest = &rest[start..];
                break;
            }
        }
    }
    out.push_str(rest);
    let text = out
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
    clean(text.split_whitespace().collect::<Vec<_>>().join(" ").as_str())
}

/// Milliseconds for people.
pub fn duration(millis: i64) -> String {
    match millis {
        ..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{:.1} s", millis as f64 / 1_000.0),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// The last lines of the output, drawn anew when they change. Without a terminal nothing is drawn before the end.
#[derive(Debug)]
pub struct Live {
    style: Style,
    drawn: usize,
}

impl Live {
    /// A live part below what is printed.
    pub fn new(style: Style) -> Self {
        Self { style, drawn: 0 }
    }

    /// Draws these lines instead of the last ones, if the output is a terminal.
    pub fn draw(&mut self, lines: &[String]) {
        if self.style.live {
            let text = self.erase() + &joined(lines);
            self.drawn = lines.len();
            print(&text);
        }
    }

    /// Prints lines that stay, above the live part, which is empty then.
    pub fn print(&mut self, lines: &[String]) {
        let text = self.erase() + &joined(lines);
        self.drawn = 0;
        print(&text);
    }

    /// What takes the last lines away.
    fn erase(&self) -> String {
        if self.drawn == 0 {
            String::new()
        } else {
            format!("\u{1b}[{}A\u{1b}[J", self.drawn)
        }
    }
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    // A reader that went away is no failure.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_moves_no_cursor() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}c\nd"), "a\\u{1b}[2Jb\\u{202e}c d");
        assert_eq!(
            plain("<p>Bad &lt;b&gt;<br>\n<script>x</script> 1 < 2"),
            "Bad <b> x 1 < 2"
        );
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(duration(42), "42 ms");
        assert_eq!(duration(1_500), "1.5 s");
        assert_eq!(duration(61_000), "1 min 1 s");
    }
}
