//! Hostile text in HTML. Invariant: whatever a text holds, it comes out as text: no tag, no attribute, no entity of its
//! own, no character that reorders or hides what stands around it.

/// Elements that end a line.
const LINES: &[&str] = &[
    "br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table",
];
/// Elements whose content is no text.
const HIDDEN: &[&str] = &["script", "style"];
/// Entities that comments use; others stay as they are.
const ENTITIES: &[(&str, &str)] = &[
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&apos;", "'"),
    ("&nbsp;", " "),
    ("&amp;", "&"),
];

/// Adds a text to a page.
pub(super) fn push(page: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            '\n' | '\t' => page.push(letter),
            letter if is_deceptive(letter) => page.push(char::REPLACEMENT_CHARACTER),
            letter => page.push(letter),
        }
    }
}

/// Control characters, and those that change the direction of what follows.
fn is_deceptive(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text of a comment, which is written in a subset of HTML: without its tags, lines kept.
pub(super) fn text_of(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        rest = from;
        let Some(tag) = Tag::read(from) else {
            match from.find('>') {
                // No further tag can end, so what is left is text.
                None => break,
                Some(_) => {
                    text.push('<');
                    rest = &from[1..];
                    continue;
                }
            }
        };
        rest = &from[tag.length..];
        if tag.is_in(HIDDEN) && !tag.closes {
            rest = after_content(rest, &tag.name);
        }
        if tag.is_in(LINES) && !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
    }
    text.push_str(rest);
    decoded(text.trim())
}

/// One tag at the beginning of a text.
struct Tag {
    name: String,
    closes: bool,
    length: usize,
}

impl Tag {
    fn read(text: &str) -> Option<Self> {
        let inside = text.strip_prefix('<')?;
        let closes = inside.starts_with('/');
        let begins = inside.strip_prefix('/').unwrap_or(inside);
        if !begins.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '!') {
            return None;
        }
        let length = text.find('>')? + 1;
        let name = begins.split(|letter: char| !letter.is_ascii_alphanumeric()).next();
        Some(Self {
            name: name.unwrap_or_default().to_ascii_lowercase(),
            closes,
            length,
        })
    }

    fn is_in(&self, names: &[&str]) -> bool {
        names.contains(&self.name.as_str())
    }
}

/// What follows the content of an element that is no text; nothing if it never ends.
fn after_content<'a>(text: &'a str, name: &str) -> &'a str {
    let is_end = |rest: &str| {
        let found = rest.get(2..2 + name.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(name))
    };
    let mut ends = text.match_indices("</").map(|(at, _)| &text[at..]);
    ends.find(|rest| is_end(rest)).unwrap_or_default()
}

fn decoded(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity));
        let (length, letter) = known.map_or((1, "&"), |(entity, letter)| (entity.len(), *letter));
        decoded.push_str(letter);
        rest = &rest[length..];
    }
    decoded.push_str(rest);
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(text: &str) -> String {
        let mut page = String::new();
        push(&mut page, text);
        page
    }

    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(
            pushed("<img src=x onerror='a()'>\"&amp;"),
            "&lt;img src=x onerror=&#39;a()&#39;&gt;&quot;&amp;amp;"
        );
        assert_eq!(
            pushed("a\u{202e}b\u{0}c\u{1b}[31m\nd"),
            "a\u{fffd}b\u{fffd}c\u{fffd}[31m\nd"
        );
    }

    #[test]
    fn the_text_of_a_comment_keeps_words_and_lines() {
        let cases = [
            ("<p>One</p><p>Two<br>Three</p>", "One\nTwo\nThree"),
            ("<a href=\"javascript:x\">link</a> &lt;b&gt; &amp;lt;", "link <b> &lt;"),
            ("a < b > c <", "a < b > c <"),
            ("x<script>alert(1)</SCRIPT>y", "xy"),
            ("x<script>alert(1)", "x"),
            ("x <b unclosed", "x <b unclosed"),
            ("<!-- note -->z", "z"),
            ("", ""),
        ];
        for (html, text) in cases {
            assert_eq!(text_of(html), text, "{html}");
        }
    }
}
