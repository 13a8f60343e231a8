//! Pages for people: an incident, a run, an approval. Plain HTML without scripts, in one look, for small screens, dark
//! rooms and keyboards. Everything on them may come from an attacker, so every text passes [`html::push`].
//! Invariant: markup is constant; what is not constant is text, or the path of a page of our own.

pub(super) mod approval;
mod graph;
mod hold;
pub(super) mod incident;
pub(super) mod run;
mod timeline;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::html;
use crate::engine::clock::timestamp;
use crate::store::Millis;

const STYLE: &str = include_str!("style.css");

/// What a page may do beside being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Nothing.
    None,
    /// It sends a form to its own address.
    Own,
}

/// A page as it grows.
struct Page {
    html: String,
    form: Form,
    status: StatusCode,
}

impl Page {
    fn new(title: &str) -> Self {
        let mut page = Self {
            html: String::new(),
            form: Form::None,
            status: StatusCode::OK,
        };
        page.markup("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
        page.markup("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>");
        page.text(title).markup("</title><style>").markup(STYLE);
        page.markup("</style></head><body><main>");
        page
    }

    fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.html.push_str(markup);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        html::push(&mut self.html, text);
        self
    }

    /// An element with a text in it.
    fn element(&mut self, name: &'static str, text: &str) -> &mut Self {
        self.markup("<").markup(name).markup(">").text(text);
        self.markup("</").markup(name).markup(">")
    }

    /// A row of a table of facts, unless there is nothing to say.
    fn row(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.markup("<tr><th scope=\"row\">").text(name);
            self.markup("</th><td>").text(text).markup("</td></tr>");
        }
    }

    /// A row that leads to a page of our own.
    fn row_to(&mut self, name: &str, segments: &[&str], text: &str) {
        self.markup("<tr><th scope=\"row\">").text(name).markup("</th><td>");
        self.link(segments, text).markup("</td></tr>");
    }

    /// A link to a page of our own, by the segments of its path.
    fn link(&mut self, segments: &[&str], text: &str) -> &mut Self {
        self.markup("<a href=\"");
        for segment in segments {
            let encoded = utf8_percent_encode(segment, NON_ALPHANUMERIC).to_string();
            self.markup("/").text(&encoded.replace("%2D", "-").replace("%2E", "."));
        }
        self.markup("\">").text(text).markup("</a>")
    }

    /// A status in its colour.
    fn state(&mut self, state: &str) -> &mut Self {
        self.markup("<span class=\"state ").markup(colour(state)).markup("\">");
        self.text(state).markup("</span>")
    }

    /// A time as people read it.
    fn time(&mut self, time: &str) -> &mut Self {
        self.markup("<time>").text(&moment(time)).markup("</time>")
    }

    /// A heading with what is under it, if there is anything.
    fn section<T>(&mut self, title: &str, items: &[T], show: impl Fn(&mut Self, &T)) {
        if items.is_empty() {
            return;
        }
        self.element("h2", &format!("{title} ({})", items.len()));
        for item in items {
            self.markup("<article>");
            show(self, item);
            self.markup("</article>");
        }
    }
}

impl IntoResponse for Page {
    fn into_response(mut self) -> Response {
        self.markup("</main></body></html>");
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let form = match self.form {
            Form::None => "'none'",
            Form::Own => "'self'",
        };
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action {form}; frame-ancestors 'none'"
        );
        let headers = [
            (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
            (CONTENT_SECURITY_POLICY, policy),
        ];
        (self.status, headers, self.html).into_response()
    }
}

/// The colour of a status.
fn colour(state: &str) -> &'static str {
    match state {
        "Succeeded" | "Closed" | "Decided" => "good",
        "Failed" | "TimedOut" | "High" => "bad",
        "Running" | "Waiting" | "Active" | "Medium" | "Pending" => "busy",
        "New" | "Low" => "calm",
        _ => "dim",
    }
}

/// A time as people read it; what is no time stays as it is.
fn moment(time: &str) -> String {
    match time.parse::<Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => time.to_owned(),
    }
}

/// A time of the store as people read it.
fn moment_at(at: Millis) -> String {
    moment(&timestamp(at).to_string())
}

/// How long something took, as people say it.
fn span(millis: Millis) -> String {
    let seconds = millis.max(0) / 1_000;
    match seconds {
        ..10 => format!("{}.{:03} s", seconds, millis.max(0) % 1_000),
        10..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min {} s", seconds / 60, seconds % 60),
        7_200..172_800 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} days {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_for_people() {
        assert_eq!(moment("2026-03-01T12:00:00.1234567Z"), "2026-03-01 12:00:00 UTC");
        assert_eq!(moment("<soon>"), "<soon>");
        let spans = [
            (-1, "0.000 s"),
            (1_250, "1.250 s"),
            (61_000, "61 s"),
            (3_725_000, "62 min 5 s"),
        ];
        for (millis, text) in spans
            .into_iter()
            .chain([(90_000_000, "25 h 0 min"), (900_000_000, "10 days 10 h")])
        {
            assert_eq!(span(millis), text);
        }
    }

    #[test]
    fn a_link_leads_to_a_page_of_our_own() {
        let mut page = Page::new("");
        page.html.clear();
        page.link(&["runs", "../\"><x>"], "<go>");
        let link = "<a href=\"/runs/..%2F%22%3E%3Cx%3E\">&lt;go&gt;</a>";
        assert_eq!(page.html, link);
    }
}
