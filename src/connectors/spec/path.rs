//! Path templates such as `/domains/{domain}/comments`: matching a concrete path, and making one.
//! Invariant: a filled template has exactly the template's segments; no value can add, end or climb out of one.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Encodes text as `encodeURIComponent` does.
pub fn encode_component(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

/// Decodes `%XX` once; bytes that are no UTF-8 become the replacement character.
pub fn decode_component(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Parameter(String),
}

/// A path with named places. Names of literal segments match without regard to case, as the managed gateway has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTemplate {
    text: String,
    segments: Vec<Vec<Piece>>,
}

/// A path that a call names: its segments, decoded once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConcretePath(Vec<String>);

impl ConcretePath {
    /// The segments of an encoded path without query.
    pub fn read(path: &str) -> Self {
        Self(path.trim_start_matches('/').split('/').map(decode_component).collect())
    }
}

/// The values of a template's places, decoded once.
pub type PathValues = Vec<(String, String)>;

impl PathTemplate {
    /// Reads a template; `{name}` is a place, everything else stands for itself.
    pub fn read(text: &str) -> Self {
        let segments = text.trim_start_matches('/').split('/').map(pieces).collect();
        Self {
            text: text.to_owned(),
            segments,
        }
    }

    /// The template as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of the places in order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().flatten().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Parameter(name) => Some(name.as_str()),
        })
    }

    /// The values of the places if the path fits; no place takes an empty value.
    pub fn matches(&self, path: &ConcretePath) -> Option<PathValues> {
        if path.0.len() != self.segments.len() {
            return None;
        }
        let mut values = PathValues::new();
        for (pieces, segment) in self.segments.iter().zip(&path.0) {
            match_segment(pieces, segment, &mut values)?;
        }
        Some(values)
    }

    /// Whether a path fits, whatever its open segments (`None`) turn out to be.
    pub(super) fn could_match(&self, segments: &[Option<String>]) -> bool {
        let fits = |(pieces, segment): (&Vec<Piece>, &Option<String>)| {
            let closed = segment.as_ref();
            closed.is_none_or(|segment| match_segment(pieces, segment, &mut PathValues::new()).is_some())
        };
        self.segments.len() == segments.len() && self.segments.iter().zip(segments).all(fits)
    }

    /// Whether each open segment stands where the template has a place.
    pub(super) fn has_places(&self, segments: &[Option<String>]) -> bool {
        let is_place = |piece: &Piece| matches!(piece, Piece::Parameter(_));
        let mut pairs = self.segments.iter().zip(segments);
        pairs.all(|(pieces, segment)| segment.is_some() || pieces.iter().any(is_place))
    }

    /// How exact a template is, segment by segment: literal before mixed before a bare place.
    pub(super) fn exactness(&self) -> Vec<u8> {
        let rank = |pieces: &Vec<Piece>| match pieces.as_slice() {
            [Piece::Literal(_)] | [] => 0,
            [Piece::Parameter(_)] => 2,
            _ => 1,
        };
        self.segments.iter().map(rank).collect()
    }

    /// The path with every place filled and encoded; `None` where a value is missing, empty or a dot segment.
    pub fn fill<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Option<String> {
        let mut path = String::new();
        for pieces in &self.segments {
            path.push('/');
            let start = path.len();
            for piece in pieces {
                match piece {
                    Piece::Literal(text) => path.push_str(text),
                    Piece::Parameter(name) => {
                        path.push_str(&encode_component(value(name).filter(|text| !text.is_empty())?))
                    }
                }
            }
            if matches!(&path[start..], "." | "..") {
                return None;
            }
        }
        Some(path)
    }
}

fn pieces(segment: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = segment;
    while let Some((before, name, after)) = rest
        .split_once('{')
        .and_then(|(before, tail)| tail.split_once('}').map(|(name, after)| (before, name, after)))
    {
        if !before.is_empty() {
            pieces.push(Piece::Literal(before.to_owned()));
        }
        pieces.push(Piece::Parameter(name.to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    pieces
}

/// Each place takes the shortest text up to the next literal; the last one takes the rest.
fn match_segment(pieces: &[Piece], segment: &str, values: &mut PathValues) -> Option<()> {
    let mut rest = segment;
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Literal(text) => {
                let head = rest.get(..text.len())?;
                if !head.eq_ignore_ascii_case(text) {
                    return None;
                }
                rest = &rest[text.len()..];
            }
            Piece::Parameter(name) => {
                let end = match pieces.get(index + 1) {
                    Some(Piece::Literal(next)) if pieces.len() == index + 2 => rest.len().checked_sub(next.len())?,
                    Some(Piece::Literal(next)) => rest.find(next.as_str())?,
                    Some(Piece::Parameter(_)) | None => rest.len(),
                };
                let value = rest.get(..end).filter(|value| !value.is_empty())?;
                values.push((name.clone(), value.to_owned()));
                rest = &rest[end..];
            }
        }
    }
    rest.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(template: &str, path: &str) -> Option<Vec<String>> {
        let found = PathTemplate::read(template).matches(&ConcretePath::read(path))?;
        Some(found.into_iter().map(|(_, value)| value).collect())
    }

    #[test]
    fn paths_match_by_segments() {
        let some = |values: &[&str]| Some(values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>());
        assert_eq!(values("/domains/{d}", "/domains/a%2Fb"), some(&["a/b"]));
        assert_eq!(values("/domains/{d}", "/DOMAINS/x"), some(&["x"]));
        assert_eq!(values("/domains/{d}", "/domains/%252F"), some(&["%2F"]));
        assert_eq!(values("/users('{id}')/x", "/users('7')/x"), some(&["7"]));
        assert_eq!(values("/items/${type}", "/items/$Bug"), some(&["Bug"]));
        assert_eq!(values("/r/{a}-{b}", "/r/1-2"), some(&["1", "2"]));
        for miss in [
            "/domains",
            "/domains/",
            "/domains/x/",
            "/domains/x/y",
            "/host/x",
            "",
            "/é",
        ] {
            assert_eq!(values("/domains/{d}", miss), None, "{miss}");
        }
    }

    #[test]
    fn values_cannot_leave_their_segment() {
        let template = PathTemplate::read("/domains/{d}/comments");
        assert_eq!(
            template.fill(|_| Some("a/../b?c#d")).as_deref(),
            Some("/domains/a%2F..%2Fb%3Fc%23d/comments")
        );
        assert_eq!(template.fill(|_| Some("..")), None);
        assert_eq!(template.fill(|_| Some("")), None);
        assert_eq!(template.fill(|_| None), None);
    }
}
