//! YAML text -> tree, from the events of the parser. The nesting of open collections is a list, not recursion.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};
use serde_json::Value;

use super::node::{Budget, Content, Member, Node, Style, too_deep};
use super::{Document, MAX_DEPTH, Position, Problem, scalar};

/// Reads every document of a YAML text.
pub(super) fn parse(text: &Arc<str>) -> Result<Vec<Document>, Problem> {
    let mut documents = Vec::new();
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            Problem::new(
                position(*error.marker()),
                "Syntax",
                format!("this is not YAML: {}", error.info()),
            )
        })?;
        if let Event::DocumentEnd = event {
            let (root, warnings) = builder.finish();
            if let Some(root) = root.filter(|root| !is_empty(root)) {
                documents.push(Document::new(root, text, warnings)?);
            }
        } else {
            builder.event(event, span)?;
        }
    }
    Ok(documents)
}

fn is_empty(root: &Node) -> bool {
    matches!(root.content, Content::Scalar { value: Value::Null, .. })
}

fn position(marker: Marker) -> Position {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Position {
        line: number(marker.line().max(1)),
        column: number(marker.col()).saturating_add(1),
    }
}

/// A collection whose end has not come yet.
struct Open {
    position: Position,
    anchor: usize,
    height: usize,
    kind: OpenKind,
}

enum OpenKind {
    Sequence(Vec<Arc<Node>>),
    Mapping {
        members: Members,
        key: Option<Key>,
        flow: bool,
    },
}

/// A key whose value has not come yet.
struct Key {
    text: String,
    position: Position,
    is_merge: bool,
}

/// The members of a mapping, and those that merge keys add.
#[derive(Default)]
struct Members {
    own: Vec<Member>,
    places: HashMap<String, Position>,
    merged: Vec<Member>,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Arc<Node>>,
    root: Option<Arc<Node>>,
    warnings: Vec<Problem>,
    budget: Budget,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        let place = position(span.start);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned().ok_or_else(|| {
                    Problem::new(
                        place,
                        "UnsupportedYaml",
                        "an alias stands inside the value that it names",
                    )
                })?;
                self.alias(node, place)
            }
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), place),
            Event::SequenceStart(anchor, tag) => {
                check_tag(tag.as_deref(), "seq", place)?;
                self.start(place, anchor, OpenKind::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                check_tag(tag.as_deref(), "map", place)?;
                let flow = span.end.index() > span.start.index();
                self.start(
                    place,
                    anchor,
                    OpenKind::Mapping {
                        members: Members::default(),
                        key: None,
                        flow,
                    },
                )
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(place),
        }
    }

    /// Hands over the document and begins another.
    fn finish(&mut self) -> (Option<Node>, Vec<Problem>) {
        let done = std::mem::take(self);
        drop(done.anchors);
        (done.root.and_then(Arc::into_inner), done.warnings)
    }

    fn start(&mut self, position: Position, anchor: usize, kind: OpenKind) -> Result<(), Problem> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(position));
        }
        if self.awaits_key() {
            return Err(no_text_key(position));
        }
        self.open.push(Open {
            position,
            anchor,
            height: 1,
            kind,
        });
        Ok(())
    }

    fn end(&mut self, place: Position) -> Result<(), Problem> {
        let Some(open) = self.open.pop() else {
            return Err(Problem::new(place, "Syntax", "a collection ends that did not begin"));
        };
        let content = match open.kind {
            OpenKind::Sequence(items) => Content::Sequence(items),
            OpenKind::Mapping { members, flow, .. } => Content::Mapping {
                members: members.all(),
                flow,
            },
        };
        let node = Node {
            position: open.position,
            height: open.height,
            content,
        };
        self.place(Arc::new(node), open.anchor)
    }

    fn awaits_key(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Open {
                kind: OpenKind::Mapping { key: None, .. },
                ..
            })
        )
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        place: Position,
    ) -> Result<(), Problem> {
        let plain = style == ScalarStyle::Plain && tag.is_none();
        if plain && let Some(other) = scalar::trap(text) {
            let message = format!("`{text}` without quotes is text here but {other} for kubectl; quote it");
            self.warnings.push(Problem::new(place, "AmbiguousScalar", message));
        }
        if self.awaits_key() {
            let key = Key {
                text: text.to_owned(),
                position: place,
                is_merge: plain && text == "<<",
            };
            return self.key(key);
        }
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        let value = typed(text, style, tag, place)?;
        self.place(
            Arc::new(Node {
                position: place,
                height: 1,
                content: Content::Scalar { value, style },
            }),
            anchor,
        )
    }

    fn alias(&mut self, node: Arc<Node>, place: Position) -> Result<(), Problem> {
        if !self.awaits_key() {
            return self.place(node, 0);
        }
        match &node.content {
            Content::Scalar {
                value: Value::String(text),
                ..
            } => {
                let text = text.clone();
                self.key(Key {
                    text,
                    position: place,
                    is_merge: false,
                })
            }
            Content::Scalar { .. } | Content::Sequence(_) | Content::Mapping { .. } => Err(no_text_key(place)),
        }
    }

    fn key(&mut self, new: Key) -> Result<(), Problem> {
        let Some(Open {
            kind: OpenKind::Mapping { members, key, .. },
            ..
        }) = self.open.last_mut()
        else {
            return Ok(());
        };
        if let Some(first) = members.places.insert(new.text.clone(), new.position) {
            let message = format!("key `{}` is given twice, first at {first}; remove one", new.text);
            return Err(Problem::new(new.position, "DuplicateKey", message));
        }
        *key = Some(new);
        Ok(())
    }

    /// Puts a complete value where it belongs.
    fn place(&mut self, node: Arc<Node>, anchor: usize) -> Result<(), Problem> {
        self.budget.value(node.position)?;
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.height = open.height.max(node.height + 1);
        if open.height > MAX_DEPTH {
            return Err(too_deep(node.position));
        }
        match &mut open.kind {
            OpenKind::Sequence(items) => items.push(node),
            OpenKind::Mapping { members, key, .. } => match key.take() {
                Some(key) if key.is_merge => members.merge(&node, &mut self.budget)?,
                Some(key) => members.own.push(Member {
                    key: key.text,
                    position: key.position,
                    value: node,
                }),
                None => return Err(no_text_key(node.position)),
            },
        }
        Ok(())
    }
}

impl Members {
    /// Takes the members of what a merge key names: an object, or a list of objects of which earlier ones win.
    fn merge(&mut self, node: &Node, budget: &mut Budget) -> Result<(), Problem> {
        let refused = || {
            Problem::new(
                node.position,
                "UnsupportedYaml",
                "`<<` needs an object or a list of objects",
            )
        };
        let sources: Vec<&Node> = match &node.content {
            Content::Mapping { .. } => vec![node],
            Content::Sequence(items) => items.iter().map(Arc::as_ref).collect(),
            Content::Scalar { .. } => return Err(refused()),
        };
        for source in sources {
            let Content::Mapping { members, .. } = &source.content else {
                return Err(refused());
            };
            for member in members {
                budget.value(member.position)?;
                budget.text(member.position, member.key.len())?;
                self.merged.push(member.clone());
            }
        }
        Ok(())
    }

    /// Own members, then merged ones that no earlier one hides.
    fn all(self) -> Vec<Member> {
        let mut members = self.own;
        if self.merged.is_empty() {
            return members;
        }
        let mut seen: HashSet<String> = members.iter().map(|member| member.key.clone()).collect();
        for member in self.merged {
            if seen.insert(member.key.clone()) {
                members.push(member);
            }
        }
        members
    }
}

fn no_text_key(position: Position) -> Problem {
    Problem::new(position, "UnsupportedYaml", "a key must be text")
}

/// The value of a scalar under its tag.
fn typed(text: &str, style: Style, tag: Option<&Tag>, place: Position) -> Result<Value, Problem> {
    let resolved = || {
        scalar::resolve(text).ok_or_else(|| {
            let message = format!("`{text}` is a number that JSON cannot hold; quote it if it is meant as text");
            Problem::new(place, "UnsupportedYaml", message)
        })
    };
    let Some(tag) = tag else {
        return if style == Style::Plain {
            resolved()
        } else {
            Ok(Value::String(text.to_owned()))
        };
    };
    if tag.handle.is_empty() && tag.suffix == "!" || tag.is_yaml_core_schema() && tag.suffix == "str" {
        return Ok(Value::String(text.to_owned()));
    }
    let value = resolved()?;
    let fits = match tag.suffix.as_str() {
        "null" => value.is_null(),
        "bool" => value.is_boolean(),
        "int" => value.is_i64() || value.is_u64(),
        "float" => value.is_number(),
        _ => false,
    };
    if tag.is_yaml_core_schema() && fits {
        return Ok(value);
    }
    Err(bad_tag(tag, place))
}

fn check_tag(tag: Option<&Tag>, expected: &str, place: Position) -> Result<(), Problem> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == expected) => Err(bad_tag(tag, place)),
        _ => Ok(()),
    }
}

fn bad_tag(tag: &Tag, place: Position) -> Problem {
    let message = format!("tag `{}{}` does not fit here; remove it", tag.handle, tag.suffix);
    Problem::new(place, "UnsupportedYaml", message)
}
