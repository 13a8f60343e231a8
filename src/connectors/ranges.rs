//! Answers that come in parts: a service that answers 206 with a `Content-Range` is asked for the rest, range by range, as
//! Logic Apps does. Pure. Invariant: the parts are consecutive, of one version of the content, and bounded together.

use super::failure::Code;
use super::response::Received;
use crate::engine::call::CallError;

/// The most parts that are asked for.
const PARTS_MAX: usize = 10_000;

/// The parts of an answer so far.
pub(super) struct Parts {
    whole: Received,
    /// Length of the whole content, where the service says it.
    total: Option<usize>,
    /// Length of the first part: the others are asked for alike.
    length: usize,
    count: usize,
    bytes_max: usize,
}

/// What a `Content-Range` says: first byte, last byte, total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ContentRange {
    first: usize,
    last: usize,
    total: Option<usize>,
}

impl ContentRange {
    fn of(received: &Received) -> Option<Self> {
        let (range, total) = received.header("content-range")?.split_once('/')?;
        let range = range.trim().strip_prefix("bytes")?.trim_start_matches([' ', '=']);
        let (first, last) = range.split_once('-')?;
        Some(Self {
            first: first.trim().parse().ok()?,
            last: last.trim().parse().ok()?,
            total: total.trim().parse().ok(),
        })
    }

    fn length(&self) -> Option<usize> {
        self.last.checked_sub(self.first)?.checked_add(1)
    }
}

impl Parts {
    /// Begins with a first answer; gives it back where there is no rest to ask for.
    pub(super) fn begin(first: Received, bytes_max: usize) -> Result<Self, Received> {
        let range =
            ContentRange::of(&first).filter(|range| range.first == 0 && range.length() == Some(first.body.len()));
        match range {
            Some(range) if first.status == 206 && !first.body.is_empty() => Ok(Self {
                total: range.total,
                length: first.body.len(),
                whole: first,
                count: 1,
                bytes_max,
            }),
            Some(_) | None => Err(first),
        }
    }

    /// The range to ask for next; `None` where everything is there.
    ///
    /// # Errors
    /// The whole content is larger than may be.
    pub(super) fn next(&self) -> Result<Option<String>, CallError> {
        let have = self.whole.body.len();
        if self.total.unwrap_or(have) > self.bytes_max || have > self.bytes_max || self.count >= PARTS_MAX {
            let message = format!(
                "the parts of the answer are together more than {} bytes or {PARTS_MAX} parts; ask for less",
                self.bytes_max
            );
            return Err(Code::ResponseTooLarge.error(message, false, true));
        }
        let last = have.saturating_add(self.length) - 1;
        match self.total {
            Some(total) if have >= total => Ok(None),
            Some(total) => Ok(Some(format!("bytes={have}-{}", last.min(total - 1)))),
            None => Ok(Some(format!("bytes={have}-{last}"))),
        }
    }

    /// Takes the answer to the question for the next range. Gives back what ends the questions: everything that came, or an
    /// answer of another kind.
    ///
    /// # Errors
    /// A part that does not follow, or of content that has changed in between.
    pub(super) fn add(mut self, mut part: Received) -> Result<Result<Self, Received>, CallError> {
        // There is nothing behind the end of content whose length was not told.
        if part.status == 416 && self.total.is_none() {
            return Ok(Err(self.whole()));
        }
        if part.status != 206 {
            part.traffic += self.whole.traffic;
            return Ok(Err(part));
        }
        let broken = |what: &str| {
            let message = format!("the answer came in parts, of which {what}; ask again");
            Code::InvalidAnswer.error(message, true, true)
        };
        if part.header("etag") != self.whole.header("etag") {
            return Err(broken("one is of another version"));
        }
        let have = self.whole.body.len();
        let range = ContentRange::of(&part);
        let range = range.filter(|range| range.first == have && range.length() == Some(part.body.len()));
        let range = range.ok_or_else(|| broken("one is not the one that was asked for"))?;
        self.total = range.total.or(self.total);
        self.whole.body.extend_from_slice(&part.body);
        self.whole.traffic += part.traffic;
        self.count += 1;
        Ok(Ok(self))
    }

    /// All parts as one answer.
    pub(super) fn whole(mut self) -> Received {
        let headers = &mut self.whole.headers;
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-range"));
        for (name, value) in headers {
            if name.eq_ignore_ascii_case("content-length") {
                *value = self.whole.body.len().to_string();
            }
        }
        self.whole.status = 200;
        self.whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::call::Traffic;

    fn part(range: &str, body: &str, etag: &str) -> Received {
        let headers = [
            ("Content-Range", range),
            ("ETag", etag),
            ("Content-Length", &body.len().to_string()),
        ];
        Received {
            status: 206,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            body: body.as_bytes().to_vec(),
            traffic: Traffic::default(),
        }
    }

    fn begun(range: &str, body: &str, most: usize) -> Parts {
        Parts::begin(part(range, body, "1"), most).ok().unwrap()
    }

    #[test]
    fn parts_become_one_answer() {
        let parts = begun("bytes 0-2/8", "abc", 100);
        assert_eq!(parts.next().unwrap().as_deref(), Some("bytes=3-5"));
        let parts = parts.add(part("bytes 3-5/8", "def", "1")).unwrap().ok().unwrap();
        assert_eq!(parts.next().unwrap().as_deref(), Some("bytes=6-7"));
        let parts = parts.add(part("bytes=6-7/8", "gh", "1")).unwrap().ok().unwrap();
        assert_eq!(parts.next().unwrap(), None);
        let whole = parts.whole();
        assert_eq!((whole.status, whole.body.as_slice()), (200, &b"abcdefgh"[..]));
        assert_eq!(
            (whole.header("content-range"), whole.header("content-length")),
            (None, Some("8"))
        );
    }

    #[test]
    fn content_of_unknown_length_ends_where_nothing_follows() {
        let parts = begun("bytes 0-2/*", "abc", 100);
        assert_eq!(parts.next().unwrap().as_deref(), Some("bytes=3-5"));
        let end = Received {
            status: 416,
            headers: Vec::new(),
            body: Vec::new(),
            traffic: Traffic::default(),
        };
        let whole = parts.add(end).unwrap().err().unwrap();
        assert_eq!((whole.status, whole.body.as_slice()), (200, &b"abc"[..]));
    }

    #[test]
    fn what_does_not_follow_is_refused() {
        for (range, body, etag) in [
            ("bytes 4-6/8", "efg", "1"),
            ("bytes 3-5/8", "de", "1"),
            ("bytes 3-2/8", "", "1"),
            ("nothing", "def", "1"),
            ("bytes 3-5/8", "def", "2"),
        ] {
            let error = begun("bytes 0-2/8", "abc", 100).add(part(range, body, etag));
            assert_eq!(error.err().unwrap().code, "InvalidAnswer", "{range}");
        }
        assert_eq!(
            begun("bytes 0-2/101", "abc", 100).next().unwrap_err().code,
            "ResponseTooLarge"
        );
        for range in ["bytes 1-3/8", "bytes 0-9/8", "bytes 0-18446744073709551615/8"] {
            assert!(Parts::begin(part(range, "abc", "1"), 100).is_err(), "{range}");
        }
    }
}
