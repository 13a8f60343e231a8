//! A graph that is laid out as SVG in the page. Invariant: markup is constant, names are text, and a link leads to an
//! anchor of the page.

use super::layout::Pair;
use super::{Drawing, HEAD, LABEL, Line, Room, Shape};
use crate::definition::workflow::RunAfterStatus;
use crate::definition::{ActionId, Workflow};
use crate::engine::view::Standing;
use crate::server::page::{Page, colour, span};

/// Letters of a name that fit in a line of a box, and the width of one in wider boxes.
const LETTERS: usize = 22;
const LETTER: f64 = 8.0;
/// Around everything, so that lines of boxes are not cut.
const EDGE: f64 = 2.0;

/// What it scrolls in. The empty element stands in the middle, where graphs begin; browsers that can show it first.
const OPENING: &str = "<div class=\"graph\" role=\"region\" aria-label=\"Graph of the actions\" tabindex=\"0\"><i></i>\
    <svg role=\"group\"";
const ABOUT: &str = "><title>Graph of the actions</title>\
    <desc>What waits for what, from above to below. The list of actions says the same in words.</desc>";
/// The tip of each line.
const TIP: &str = "<defs><marker id=\"tip\" viewBox=\"0 0 10 10\" refX=\"10\" refY=\"5\" markerWidth=\"7\" \
    markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0 10 5 0 10z\"/></marker></defs>";

/// What a graph is drawn with.
pub(super) struct Artist<'a> {
    pub(super) workflow: &'a Workflow,
    pub(super) standings: &'a [Standing],
    /// Whether the list below has an anchor for an action.
    pub(super) is_listed: &'a dyn Fn(ActionId) -> bool,
}

impl Artist<'_> {
    pub(super) fn draw(&self, page: &mut Page, drawing: &Drawing) {
        let size = drawing.layout.size;
        page.markup(OPENING);
        attribute(page, " width=\"", size.x + EDGE * 2.0);
        attribute(page, " height=\"", size.y + EDGE * 2.0);
        page.markup(ABOUT).markup(TIP);
        self.block(page, drawing, Pair { x: EDGE, y: EDGE });
        page.markup("</svg></div>");
        if has_dashes(drawing) {
            page.element(
                "small",
                "A dashed line: also, or only, after a failure, a time-out or a skip.",
            );
        }
    }

    /// A block whose upper left corner is here.
    fn block(&self, page: &mut Page, drawing: &Drawing, at: Pair) {
        for (line, points) in drawing.lines.iter().zip(&drawing.layout.lines) {
            self.line(page, drawing, line, points, at);
        }
        for (shape, place) in drawing.boxes.iter().zip(&drawing.layout.places) {
            self.shape(page, shape, sum(at, *place));
        }
    }

    fn line(&self, page: &mut Page, drawing: &Drawing, line: &Line, points: &[Pair], at: Pair) {
        let Some((first, others)) = points.split_first() else {
            return;
        };
        page.markup(if is_dashed(line) {
            "<path class=\"dashed\" d=\"M"
        } else {
            "<path d=\"M"
        });
        let mut here = sum(at, *first);
        pair(page, here);
        for (place, point) in others.iter().enumerate() {
            let next = sum(at, *point);
            // Beside the boxes of a layer it is upright; between layers it swings to where it goes on.
            if place % 2 == 1 {
                let half = f64::midpoint(here.y, next.y);
                page.markup("C");
                pair(page, Pair { x: here.x, y: half });
                pair(page, Pair { x: next.x, y: half });
            } else {
                page.markup("L");
            }
            pair(page, next);
            here = next;
        }
        let name = |place: usize| drawing.boxes.get(place).map_or("", |shape| self.name(shape.action));
        let after: Vec<&str> = line.after.iter().map(|status| word(*status)).collect();
        let text = format!(
            "{} after {} has {}",
            name(line.ends.1),
            name(line.ends.0),
            after.join(", ")
        );
        page.markup("\" marker-end=\"url(#tip)\">")
            .element("title", &text)
            .markup("</path>");
    }

    fn shape(&self, page: &mut Page, shape: &Shape, at: Pair) {
        let standing = self.standings.get(shape.action.0 as usize);
        let status = standing.map_or("", |standing| standing.status);
        let is_begun = standing.is_some_and(|standing| standing.executions > 0);
        let colour = if is_begun { colour(status) } else { "dim" };
        page.markup("<g class=\"").markup(colour).markup("\">");
        self.frame(page, shape, at);
        self.begin_link(page, shape.action);
        let note = standing
            .map(|standing| note(standing, shape.is_folded))
            .unwrap_or_default();
        let name = self.name(shape.action);
        page.element("title", &format!("{name}: {note}"));
        self.head(page, shape, at);
        let lines = match shape.rooms.is_empty() {
            true => lines(name, LETTERS),
            false => vec![beginning(name, fitting(shape.size.x - 24.0))],
        };
        let tops: &[f64] = match (shape.rooms.is_empty(), lines.len()) {
            (false, _) => &[20.0, 37.0],
            (true, 1) => &[27.0, 46.0],
            (true, _) => &[20.0, 35.0, 53.0],
        };
        for (line, top) in lines.iter().zip(tops) {
            text(
                page,
                "<text",
                Pair {
                    x: at.x + 14.0,
                    y: at.y + top,
                },
                line,
            );
        }
        if let Some(top) = tops.last() {
            let at = Pair {
                x: at.x + 14.0,
                y: at.y + top,
            };
            text(page, "<text class=\"small\"", at, &note);
        }
        page.markup("</a>");
        for room in &shape.rooms {
            self.room(page, room, at);
        }
        page.markup("</g>");
    }

    /// The frame around what is inside.
    fn frame(&self, page: &mut Page, shape: &Shape, at: Pair) {
        if !shape.rooms.is_empty() {
            page.markup("<rect class=\"frame\" rx=\"8\"");
            area(page, at, shape.size);
        }
    }

    /// The part that is the link: the box, or the head of a frame; with a stripe in the colour of the status.
    fn head(&self, page: &mut Page, shape: &Shape, at: Pair) {
        let is_leaf = shape.rooms.is_empty();
        page.markup(if is_leaf {
            "<rect class=\"box\" rx=\"6\""
        } else {
            "<rect class=\"head\" rx=\"6\""
        });
        let height = if is_leaf { shape.size.y } else { HEAD };
        area(
            page,
            at,
            Pair {
                x: shape.size.x,
                y: height,
            },
        );
        page.markup("<rect class=\"stripe\" rx=\"2\"");
        let inner = Pair {
            x: at.x + 4.0,
            y: at.y + 6.0,
        };
        area(
            page,
            inner,
            Pair {
                x: 4.0,
                y: height - 12.0,
            },
        );
    }

    fn room(&self, page: &mut Page, room: &Room, at: Pair) {
        let corner = sum(at, room.at);
        if !room.label.is_empty() {
            let at = Pair {
                x: corner.x,
                y: corner.y - LABEL / 2.0,
            };
            text(
                page,
                "<text class=\"label\"",
                at,
                &beginning(&room.label, fitting(room.width)),
            );
        }
        self.block(page, &room.drawing, corner);
    }

    /// To the details of an action, or of what it stands in where it has none.
    fn begin_link(&self, page: &mut Page, action: ActionId) {
        let mut here = Some(action);
        while let Some(id) = here {
            if (self.is_listed)(id) {
                page.markup("<a href=\"#a").text(&id.0.to_string()).markup("\">");
                return;
            }
            here = self.workflow.block(self.workflow.action(id).block).owner;
        }
        page.markup("<a>");
    }

    fn name(&self, action: ActionId) -> &str {
        &self.workflow.action(action).name
    }
}

fn has_dashes(drawing: &Drawing) -> bool {
    let mut rooms = drawing.boxes.iter().flat_map(|shape| &shape.rooms);
    drawing.lines.iter().any(is_dashed) || rooms.any(|room| has_dashes(&room.drawing))
}

/// Whether it is not only success that lets the next action run.
fn is_dashed(line: &Line) -> bool {
    line.after.iter().any(|status| *status != RunAfterStatus::Succeeded)
}

fn word(status: RunAfterStatus) -> &'static str {
    match status {
        RunAfterStatus::Succeeded => "succeeded",
        RunAfterStatus::Failed => "failed",
        RunAfterStatus::Skipped => "been skipped",
        RunAfterStatus::TimedOut => "timed out",
    }
}

/// Where an action stands, in a few words.
fn note(standing: &Standing, is_folded: bool) -> String {
    let mut words = vec![if standing.is_held { "Held" } else { standing.status }.to_owned()];
    words.extend(standing.took.filter(|took| *took > 0).map(span));
    if standing.executions > 1 {
        words.push(format!("{} times", standing.executions));
    }
    if is_folded {
        words.push("more inside".to_owned());
    }
    words.join(" · ")
}

/// How many letters fit in a width.
fn fitting(width: f64) -> usize {
    let mut letters = 0_u32;
    while f64::from(letters + 1) * LETTER <= width && letters < 200 {
        letters += 1;
    }
    letters as usize
}

/// A name in at most two lines, parted where a word ends if one does.
fn lines(name: &str, most: usize) -> Vec<String> {
    if length(name) <= most {
        return vec![name.to_owned()];
    }
    let fits = beginning_of(name, most);
    let ends = fits
        .char_indices()
        .rev()
        .find(|(_, letter)| matches!(letter, '_' | ' ' | '-' | '.' | '('));
    // A break in the first half would waste more than it helps.
    let end = ends
        .map(|(at, letter)| at + letter.len_utf8())
        .filter(|at| *at > fits.len() / 2);
    let (first, second) = name.split_at(end.unwrap_or(fits.len()));
    vec![first.to_owned(), beginning(second, most)]
}

/// The beginning of a text, with a sign that it goes on.
fn beginning(text: &str, most: usize) -> String {
    if length(text) <= most {
        return text.to_owned();
    }
    format!("{}…", beginning_of(text, most.saturating_sub(1)))
}

fn beginning_of(text: &str, most: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, letter)| {
        used += breadth(*letter);
        used > most
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

fn length(text: &str) -> usize {
    text.chars().map(breadth).sum()
}

/// Letters of some scripts are twice as wide.
fn breadth(letter: char) -> usize {
    if u32::from(letter) < 0x1100 { 1 } else { 2 }
}

fn sum(one: Pair, other: Pair) -> Pair {
    Pair {
        x: one.x + other.x,
        y: one.y + other.y,
    }
}

fn text(page: &mut Page, begin: &'static str, at: Pair, text: &str) {
    page.markup(begin);
    attribute(page, " x=\"", at.x);
    attribute(page, " y=\"", at.y);
    page.markup(">").text(text).markup("</text>");
}

/// The attributes of a rectangle, and its end.
fn area(page: &mut Page, at: Pair, size: Pair) {
    attribute(page, " x=\"", at.x);
    attribute(page, " y=\"", at.y);
    attribute(page, " width=\"", size.x);
    attribute(page, " height=\"", size.y);
    page.markup("/>");
}

fn attribute(page: &mut Page, begin: &'static str, value: f64) {
    page.markup(begin).text(&format!("{value:.0}")).markup("\"");
}

fn pair(page: &mut Page, at: Pair) {
    page.text(&format!(" {:.0} {:.0}", at.x, at.y));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_parted_at_words_and_cut() {
        let cases: [(&str, &[&str]); 5] = [
            ("Short", &["Short"]),
            ("Get_incident_details_again", &["Get_incident_details_", "again"]),
            ("Abcdefghijklmnopqrstuvwxyz", &["Abcdefghijklmnopqrstuv", "wxyz"]),
            (
                "A_Bcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
                &["A_Bcdefghijklmnopqrstu", "vwxyzabcdefghijklmnop…"],
            ),
            (
                "調査対象のインシデントを取得する処理",
                &["調査対象のインシデント", "を取得する処理"],
            ),
        ];
        for (name, shown) in cases {
            assert_eq!(lines(name, LETTERS), shown, "{name}");
        }
        assert_eq!(beginning("abc", 2), "a…");
        assert_eq!(fitting(-5.0), 0);
    }
}
