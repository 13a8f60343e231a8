//! Lists that come in pages: what a page says of the next one, and all pages as one answer, as Logic Apps gives them.
//! Pure. Invariant: pages end, whatever the service says: by their number, and by their size together.

use super::failure::Code;
use crate::engine::call::{Answer, CallError};
use crate::expression::{Object, Value};

/// The members of a page that hold the address of the next one.
const LINKS: &[&str] = &["nextLink", "@odata.nextLink"];
/// The most items that are gathered, as in Logic Apps.
const ITEMS_MAX: usize = 100_000;
/// The most pages that are fetched.
const PAGES_MAX: usize = 1_000;

/// The pages of a list so far.
pub(super) struct Pages {
    first: Answer,
    items: Vec<Value>,
    /// Where the next page is, if there is one.
    link: Option<String>,
    wanted: usize,
    count: usize,
    bytes: usize,
    bytes_max: usize,
}

impl Pages {
    /// Pages after a first one, until there are as many items as `wanted`, or more bytes than `bytes_max`.
    pub(super) fn new(first: Answer, wanted: u32, bytes_max: usize) -> Self {
        let wanted = usize::try_from(wanted).unwrap_or(ITEMS_MAX).min(ITEMS_MAX);
        let (items, link) = read(&first);
        let bytes = size(&first);
        Self {
            first,
            items,
            link,
            wanted,
            count: 1,
            bytes,
            bytes_max,
        }
    }

    /// Where the next page is, if there is one and it is wanted.
    pub(super) fn next(&self) -> Option<&str> {
        let goes_on = self.items.len() < self.wanted && self.count < PAGES_MAX;
        self.link.as_deref().filter(|_| goes_on)
    }

    /// Takes a page in.
    ///
    /// # Errors
    /// The pages together are too large.
    pub(super) fn add(&mut self, page: &Answer) -> Result<(), CallError> {
        self.bytes += size(page);
        if self.bytes > self.bytes_max {
            let message = format!(
                "the pages of the answer are together larger than {} bytes; ask for fewer items",
                self.bytes_max
            );
            return Err(Code::ResponseTooLarge.error(message, false, true));
        }
        let (items, link) = read(page);
        // A page that leads to itself would be fetched for ever.
        self.link = link.filter(|link| self.link.as_deref() != Some(link));
        self.items.extend(items);
        self.first.traffic += page.traffic;
        self.count += 1;
        Ok(())
    }

    /// All pages as one answer: the first one, with the items of all.
    pub(super) fn merged(self) -> Answer {
        if self.count == 1 {
            return self.first;
        }
        let mut body = Object::new();
        let first = self.first.body.as_ref().and_then(Value::as_object);
        for (name, member) in first.into_iter().flat_map(Object::iter) {
            if !LINKS.contains(&&**name) {
                body.insert(name.clone(), member.clone());
            }
        }
        body.insert("value", Value::array(self.items));
        if let Some(link) = self.link {
            body.insert(LINKS[0], link);
        }
        Answer {
            body: Some(body.into()),
            ..self.first
        }
    }
}

/// The items of a page, and where the next one is.
fn read(page: &Answer) -> (Vec<Value>, Option<String>) {
    let body = page.body.as_ref();
    let items = body.and_then(|body| body.get("value")).and_then(Value::as_array);
    let Some(items) = items else {
        return (Vec::new(), None);
    };
    let link = |name: &&str| body?.get(name)?.as_str().filter(|link| !link.is_empty());
    (items.to_vec(), LINKS.iter().find_map(link).map(str::to_owned))
}

fn size(page: &Answer) -> usize {
    page.body.as_ref().map_or(0, |body| body.to_json().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Answer {
        Answer {
            status: 200,
            body: Some(Value::from_json(text).unwrap()),
            ..Answer::default()
        }
    }

    #[test]
    fn pages_become_one_answer() {
        let mut pages = Pages::new(
            page(r#"{"@odata.context":"c","value":[1,2],"@odata.nextLink":"/2"}"#),
            4,
            1_000,
        );
        assert_eq!(pages.next(), Some("/2"));
        pages.add(&page(r#"{"value":[3],"nextLink":"/3"}"#)).unwrap();
        assert_eq!(pages.next(), Some("/3"));
        pages.add(&page(r#"{"value":[4,5],"nextLink":"/4"}"#)).unwrap();
        assert_eq!(pages.next(), None, "there are as many as are wanted");
        let body = pages.merged().body.unwrap().to_json();
        assert_eq!(body, r#"{"@odata.context":"c","value":[1,2,3,4,5],"nextLink":"/4"}"#);
    }

    #[test]
    fn pages_end_whatever_the_service_says() {
        let mut pages = Pages::new(page(r#"{"value":[],"nextLink":"/same"}"#), 9, 1_000);
        pages.add(&page(r#"{"value":[],"nextLink":"/same"}"#)).unwrap();
        assert_eq!(pages.next(), None);
        let mut pages = Pages::new(page(r#"{"value":[],"nextLink":"/0"}"#), 9, usize::MAX);
        let mut fetched = 1;
        while pages.next().is_some() {
            pages
                .add(&page(&format!(r#"{{"value":[],"nextLink":"/{fetched}"}}"#)))
                .unwrap();
            fetched += 1;
        }
        assert_eq!(fetched, PAGES_MAX);
        let mut pages = Pages::new(page(r#"{"value":[1],"nextLink":"/2"}"#), 9, 60);
        let large = page(&format!(r#"{{"value":["{}"]}}"#, "x".repeat(60)));
        assert_eq!(pages.add(&large).unwrap_err().code, "ResponseTooLarge");
    }

    #[test]
    fn an_answer_that_is_no_page_stays_as_it_is() {
        for text in [
            r#"{"value":"text","nextLink":"/2"}"#,
            "[1]",
            r#"{"value":[1],"nextLink":""}"#,
        ] {
            let pages = Pages::new(page(text), 9, 1_000);
            assert_eq!(pages.next(), None, "{text}");
            assert_eq!(pages.merged().body.unwrap().to_json(), text);
        }
    }
}
