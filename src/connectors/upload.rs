//! Content that goes out in parts, as Logic Apps sends it (`transferMode: Chunked`): an empty request announces it, the
//! service says where it takes the parts, and each part goes there by PATCH. Pure.

use super::failure::Code;
use super::request::HttpRequest;
use crate::engine::call::{Answer, CallError};
use crate::expression::Value;

/// Length of a part where the service asks for none.
const PART: usize = 4 * 1024 * 1024;
/// The longest part that a service may ask for, and the shortest.
const PARTS: std::ops::RangeInclusive<usize> = 1_024..=52_428_800;

/// An upload under way.
pub(super) struct Upload {
    /// The request as if it went out whole, its body included.
    request: HttpRequest,
    part: usize,
    sent: usize,
}

impl Upload {
    pub(super) fn new(request: HttpRequest) -> Self {
        Self {
            request,
            part: PART,
            sent: 0,
        }
    }

    /// The request that announces the content.
    pub(super) fn announcement(&self) -> HttpRequest {
        let mut request = HttpRequest {
            body: Vec::new(),
            ..self.without_body()
        };
        request.set_header("x-ms-transfer-mode", "chunked");
        request.set_header("x-ms-content-length", self.request.body.len().to_string());
        request
    }

    /// Takes the answer to the announcement: where the parts go.
    ///
    /// # Errors
    /// The service does not say where.
    pub(super) fn announced(&mut self, answer: &Answer) -> Result<(), CallError> {
        let location = text(answer, "Location").and_then(|location| self.request.url.join(location).ok());
        let Some(location) = location else {
            let message = "the service takes no content in parts: it answered the announcement without a Location; remove \
                           `contentTransfer`";
            return Err(Code::InvalidAnswer.error(message, false, true));
        };
        self.request.move_to(location);
        self.asked_for(answer);
        Ok(())
    }

    /// The request with the next part; `None` where everything was sent.
    pub(super) fn next(&self) -> Option<HttpRequest> {
        let body = &self.request.body;
        let end = self.sent.saturating_add(self.part).min(body.len());
        if self.sent >= end {
            return None;
        }
        let mut request = HttpRequest {
            method: "PATCH".to_owned(),
            body: body[self.sent..end].to_vec(),
            ..self.without_body()
        };
        // Written as Logic Apps documents it.
        request.set_header(
            "Content-Range",
            format!("bytes={}-{}/{}", self.sent, end - 1, body.len()),
        );
        Some(request)
    }

    /// Takes the answer to a part: how far the service has the content.
    ///
    /// # Errors
    /// The service has no more than before, or more than there is.
    pub(super) fn took(&mut self, answer: &Answer) -> Result<(), CallError> {
        let length = self.request.body.len();
        let end = self.sent.saturating_add(self.part).min(length);
        let last = text(answer, "Range").and_then(|range| range.rsplit('-').next()?.trim().parse::<usize>().ok());
        let has = last.map_or(end, |last| last.saturating_add(1));
        if has <= self.sent || has > length {
            let message = format!("the service has {has} bytes of the content after {end} were sent; send it again");
            return Err(Code::InvalidAnswer.error(message, true, true));
        }
        self.sent = has;
        self.asked_for(answer);
        Ok(())
    }

    fn asked_for(&mut self, answer: &Answer) {
        let asked = text(answer, "x-ms-chunk-size").and_then(|size| size.trim().parse::<usize>().ok());
        self.part = asked.map_or(self.part, |size| size.clamp(*PARTS.start(), *PARTS.end()));
    }

    fn without_body(&self) -> HttpRequest {
        HttpRequest {
            method: self.request.method.clone(),
            url: self.request.url.clone(),
            headers: self.request.headers.clone(),
            credentials: self.request.credentials.clone(),
            body: Vec::new(),
        }
    }
}

fn text<'a>(answer: &'a Answer, header: &str) -> Option<&'a str> {
    answer.headers.get(header).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::connectors::response;

    fn answer(headers: &[(&str, &str)]) -> Answer {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        response::answer(200, &headers.collect::<Vec<_>>(), b"")
    }

    fn upload(length: usize) -> Upload {
        Upload::new(HttpRequest {
            method: "POST".to_owned(),
            url: Url::parse("https://a.example/files").unwrap(),
            headers: vec![("Authorization".to_owned(), "s3cret".to_owned())],
            credentials: vec!["Authorization".to_owned()],
            body: vec![7; length],
        })
    }

    #[test]
    fn parts_go_where_and_as_large_as_the_service_says() {
        let mut upload = upload(2_500);
        let first = upload.announcement();
        assert_eq!((first.method.as_str(), first.body.len()), ("POST", 0));
        assert_eq!(first.header("x-ms-content-length"), Some("2500"));
        upload
            .announced(&answer(&[("Location", "/files/1"), ("x-ms-chunk-size", "1024")]))
            .unwrap();
        let mut seen = Vec::new();
        while let Some(part) = upload.next() {
            assert_eq!(
                (part.method.as_str(), part.url.as_str()),
                ("PATCH", "https://a.example/files/1")
            );
            assert_eq!(part.header("authorization"), Some("s3cret"));
            seen.push((part.header("content-range").unwrap().to_owned(), part.body.len()));
            let taken = if seen.len() == 1 { "bytes=0-1023" } else { "" };
            upload.took(&answer(&[("Range", taken)])).unwrap();
        }
        let expected = [
            ("bytes=0-1023/2500", 1_024),
            ("bytes=1024-2047/2500", 1_024),
            ("bytes=2048-2499/2500", 452),
        ];
        assert_eq!(seen, expected.map(|(range, length)| (range.to_owned(), length)));
    }

    #[test]
    fn another_host_gets_no_credentials() {
        let mut upload = upload(10);
        upload
            .announced(&answer(&[("Location", "https://b.example/1")]))
            .unwrap();
        let part = upload.next().unwrap();
        assert_eq!((part.header("authorization"), part.credentials.len()), (None, 0));
    }

    #[test]
    fn a_service_that_breaks_the_protocol_is_refused() {
        assert_eq!(upload(10).announced(&answer(&[])).unwrap_err().code, "InvalidAnswer");
        let mut upload = upload(10);
        upload.announced(&answer(&[("Location", "/1")])).unwrap();
        assert!(upload.took(&answer(&[("Range", "bytes=0-10")])).is_err());
        upload.took(&answer(&[("Range", "bytes=0-4")])).unwrap();
        assert!(upload.took(&answer(&[("Range", "bytes=0-4")])).is_err());
    }
}
