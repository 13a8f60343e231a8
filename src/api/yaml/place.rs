//! Places inside a string: which line and column of the text a byte of the value comes from.

use super::Position;
use super::node::{Content, Node, Style};

/// The place of a byte of a string's value; `None` where the way of writing does not tell it simply.
pub(super) fn inside(text: &str, node: &Node, byte: usize) -> Option<Position> {
    let Content::Scalar { value, style } = &node.content else {
        return None;
    };
    let value = value.as_str()?;
    let before = value.get(..byte)?;
    let start = node.position;
    let source = &text[byte_offset(text, start)..];
    match style {
        Style::Plain => on_one_line(source, start, before.chars().count()),
        Style::Single => {
            let quotes = before.matches('\'').count();
            on_one_line(source, start, 1 + before.chars().count() + quotes)
        }
        Style::Double => double_quoted(source, start, before.len()),
        Style::Literal => literal(start, value, before),
        Style::Folded => None,
    }
}

/// The byte of a text at a position; the end of its line or of the text where the position is beyond.
pub fn byte_offset(text: &str, position: Position) -> usize {
    let mut start = 0;
    for _ in 1..position.line {
        match line_end(&text[start..]) {
            Some((_, next)) => start += next,
            None => return text.len(),
        }
    }
    let line = &text[start..];
    let line = &line[..line_end(line).map_or(line.len(), |(end, _)| end)];
    let columns = position.column.saturating_sub(1) as usize;
    start + line.char_indices().nth(columns).map_or(line.len(), |(at, _)| at)
}

/// Where the first line ends, and where the next begins.
fn line_end(text: &str) -> Option<(usize, usize)> {
    let end = text.find(['\n', '\r'])?;
    let next = if text[end..].starts_with("\r\n") {
        end + 2
    } else {
        end + 1
    };
    Some((end, next))
}

fn on_one_line(source: &str, start: Position, characters: usize) -> Option<Position> {
    let fits = source
        .chars()
        .take(characters)
        .all(|character| !matches!(character, '\n' | '\r'));
    fits.then(|| forward(start, characters))
}

fn forward(start: Position, characters: usize) -> Position {
    let columns = u32::try_from(characters).unwrap_or(u32::MAX);
    Position {
        line: start.line,
        column: start.column.saturating_add(columns),
    }
}

/// Walks the escapes of a double-quoted text until as many bytes of the value have passed.
fn double_quoted(source: &str, start: Position, bytes: usize) -> Option<Position> {
    let mut characters = source.chars().skip(1);
    let (mut column, mut passed, mut high_surrogate) = (1, 0, None);
    while passed < bytes {
        let character = characters.next()?;
        column += 1;
        match character {
            '\n' | '\r' => return None,
            '\\' => {
                let escape = characters.next()?;
                column += 1;
                let digits = match escape {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    '\n' | '\r' => return None,
                    _ => 0,
                };
                let code: String = characters.by_ref().take(digits).collect();
                column += digits;
                passed += escaped_length(escape, &code, &mut high_surrogate)?;
            }
            plain => passed += plain.len_utf8(),
        }
    }
    Some(forward(start, column))
}

/// How many bytes of UTF-8 an escape stands for; the first half of a surrogate pair for none.
fn escaped_length(escape: char, code: &str, high_surrogate: &mut Option<u32>) -> Option<usize> {
    if code.is_empty() {
        return Some(if matches!(escape, 'N' | '_') {
            2
        } else if matches!(escape, 'L' | 'P') {
            3
        } else {
            1
        });
    }
    let code = u32::from_str_radix(code, 16).ok()?;
    if (0xd800..0xdc00).contains(&code) {
        *high_surrogate = Some(code);
        return Some(0);
    }
    if high_surrogate.take().is_some() {
        return Some(4);
    }
    char::from_u32(code).map(char::len_utf8)
}

/// The lines of a literal block are the lines of its value; the block begins with the first line that is not empty.
fn literal(start: Position, value: &str, before: &str) -> Option<Position> {
    let leading = value.len() - value.trim_start_matches('\n').len();
    let line = before.matches('\n').count().checked_sub(leading)?;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    let line = start.line.checked_add(u32::try_from(line).ok()?)?;
    Some(forward(Position { line, ..start }, column))
}
