//! The raw content of a watchlist: CSV text, its first line after those to skip the names of the columns.
//! Invariant: every item has every column, and nothing of the content is dropped without a word.

use std::collections::HashSet;

use super::BadRequest;
use crate::expression::Object;

/// The largest content, in bytes (Sentinel: 3.8 MB without a storage account).
const MAX_BYTES: usize = 3_800_000;
/// The most values of a content, empty ones included, so that a wide header over short lines cannot fill the memory.
const MAX_VALUES: usize = 1_000_000;

/// The character between the values of a line in content of this media type.
///
/// # Errors
/// Content of another type than CSV or TSV.
pub(super) fn separator(media: &str) -> Result<char, BadRequest> {
    match media.split(';').next().unwrap_or_default().trim() {
        "text/csv" => Ok(','),
        "text/tsv" => Ok('\t'),
        other => Err(BadRequest(format!(
            "contentType '{other}' is neither text/csv nor text/tsv"
        ))),
    }
}

/// The items of a content. Quotes hold separators and line breaks, and `""` stands for one; empty lines are no items.
///
/// # Errors
/// Content that is too large, columns without or with the same name, or a line with more values than columns.
pub(super) fn items(content: &str, separator: char, lines_to_skip: usize) -> Result<Vec<Object>, BadRequest> {
    if content.len() > MAX_BYTES {
        return Err(BadRequest(format!(
            "rawContent has {} bytes, more than {MAX_BYTES}; split it over several calls",
            content.len()
        )));
    }
    let mut rest = content.trim_start_matches('\u{feff}');
    for _ in 0..lines_to_skip {
        rest = rest.split_once('\n').map_or("", |(_, after)| after);
    }
    let mut records = Records { rest, separator };
    let Some(header) = records.next() else {
        return Ok(Vec::new());
    };
    let columns = columns(header)?;
    let rows = records.enumerate();
    rows.map(|(index, record)| item(&columns, record, index + 1)).collect()
}

fn columns(header: Vec<String>) -> Result<Vec<String>, BadRequest> {
    let columns: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    let mut seen = HashSet::new();
    for name in &columns {
        if name.is_empty() {
            let message = "a column of rawContent has no name; its first line after those to skip must name each";
            return Err(BadRequest(message.to_owned()));
        }
        if !seen.insert(name.to_lowercase()) {
            return Err(BadRequest(format!("rawContent has two columns '{name}'")));
        }
    }
    Ok(columns)
}

fn item(columns: &[String], record: Vec<String>, number: usize) -> Result<Object, BadRequest> {
    if record.len() > columns.len() {
        return Err(BadRequest(format!(
            "item {number} of rawContent has {} values for {} columns",
            record.len(),
            columns.len()
        )));
    }
    if number.saturating_mul(columns.len()) > MAX_VALUES {
        let message = format!("rawContent has more than {MAX_VALUES} values; split it over several calls");
        return Err(BadRequest(message));
    }
    let values = record.into_iter().chain(std::iter::repeat(String::new()));
    Ok(columns.iter().map(String::as_str).zip(values).collect())
}

/// The records of a text, one after the other.
struct Records<'a> {
    rest: &'a str,
    separator: char,
}

impl Iterator for Records<'_> {
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Vec<String>> {
        self.rest = self.rest.trim_start_matches(['\r', '\n']);
        if self.rest.is_empty() {
            return None;
        }
        let mut record = Vec::new();
        loop {
            record.push(self.value());
            let mut after = self.rest.chars();
            match after.next() {
                Some(next) if next == self.separator => self.rest = after.as_str(),
                Some(_) | None => return Some(record),
            }
        }
    }
}

impl Records<'_> {
    /// The next value; what follows it is a separator, a line break or the end.
    fn value(&mut self) -> String {
        let mut value = String::new();
        if let Some(quoted) = self.rest.strip_prefix('"') {
            self.rest = quoted;
            while let Some((before, after)) = self.rest.split_once('"') {
                value.push_str(before);
                self.rest = after;
                match after.strip_prefix('"') {
                    Some(more) => {
                        value.push('"');
                        self.rest = more;
                    }
                    None => return value + self.plain(),
                }
            }
        }
        value + self.plain()
    }

    fn plain(&mut self) -> &str {
        let separator = self.separator;
        let is_end = |c: char| c == separator || c == '\n' || c == '\r';
        let (value, rest) = self.rest.split_at(self.rest.find(is_end).unwrap_or(self.rest.len()));
        self.rest = rest;
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Value;

    fn read(content: &str, skip: usize) -> Result<String, String> {
        let items = items(content, ',', skip).map_err(|error| error.0)?;
        Ok(Value::array(items.into_iter().map(Value::from)).to_json())
    }

    #[test]
    fn content_is_read_as_csv() {
        let cases = [
            ("a,b\r\n1,2\r\n\r\n3,\r\n", 0, r#"[{"a":"1","b":"2"},{"a":"3","b":""}]"#),
            ("\u{feff}a, b \n1", 0, r#"[{"a":"1","b":""}]"#),
            ("# made by hand\na\n1", 1, r#"[{"a":"1"}]"#),
            ("a,b\n\"x, \"\"y\"\"\nz\",2", 0, r#"[{"a":"x, \"y\"\nz","b":"2"}]"#),
            ("a\n\"open\n", 0, "[{\"a\":\"open\"}]"),
            ("a\n\"x\"y", 0, r#"[{"a":"xy"}]"#),
            ("a,b", 0, "[]"),
            ("", 3, "[]"),
        ];
        for (content, skip, expected) in cases {
            assert_eq!(read(content, skip).as_deref(), Ok(expected), "{content:?}");
        }
    }

    #[test]
    fn content_that_would_lose_something_is_refused() {
        for (content, reason) in [
            ("a,\n1,2", "no name"),
            ("a,A\n1,2", "two columns"),
            ("a\n1\n2,3", "item 2"),
        ] {
            let error = read(content, 0).unwrap_err();
            assert!(error.contains(reason), "{content:?}: {error}");
        }
        assert!(read(&"a".repeat(MAX_BYTES + 1), 0).unwrap_err().contains("bytes"));
        let header: Vec<String> = (0..1_000).map(|number| format!("c{number}")).collect();
        let wide = header.join(",") + &"\n1".repeat(1_001);
        assert!(read(&wide, 0).unwrap_err().contains("values"));
        assert!(separator("application/xml").is_err());
        assert_eq!(separator("text/tsv; charset=utf-8"), Ok('\t'));
    }
}
