//! An XML document: nodes in document order, each with its parent and children by number.

/// Deepest nesting of elements.
pub(super) const MAX_DEPTH: usize = 90;

/// Most nodes of a document.
pub(super) const MAX_NODES: usize = 1_000_000;

/// A document. Node 0 is the document itself.
pub(super) struct Document {
    pub nodes: Vec<Node>,
}

/// A node.
pub(super) struct Node {
    pub parent: usize,
    pub children: Vec<usize>,
    pub kind: Kind,
}

/// What a node is.
pub(super) enum Kind {
    Document,
    Element(Element),
    Text(String),
    CData(String),
    Comment(String),
    Instruction { target: String, data: String },
    Declaration(Declaration),
    Doctype(Doctype),
}

/// An element without its content.
pub(super) struct Element {
    pub name: Name,
    pub attributes: Vec<Attribute>,
    /// Whether it is written `<a />` when it has no content; otherwise `<a></a>`.
    pub empty: bool,
}

/// An attribute, namespace declarations too.
pub(super) struct Attribute {
    pub name: Name,
    pub value: String,
}

/// A name with its namespace.
#[derive(Clone, Default)]
pub(super) struct Name {
    /// The part before the colon, maybe empty.
    pub prefix: String,
    /// The part behind the colon.
    pub local: String,
    /// The URI of the namespace, maybe empty.
    pub namespace: String,
}

/// `<?xml version="1.0" …?>`.
#[derive(Default)]
pub(super) struct Declaration {
    pub version: String,
    pub encoding: Option<String>,
    pub standalone: Option<String>,
}

/// `<!DOCTYPE …>`.
#[derive(Default)]
pub(super) struct Doctype {
    pub name: String,
    pub public: Option<String>,
    pub system: Option<String>,
    pub subset: Option<String>,
}

impl Name {
    /// A name as it is written, without its namespace.
    pub fn split(written: &str) -> Self {
        let (prefix, local) = written.split_once(':').unwrap_or(("", written));
        Self {
            prefix: prefix.to_owned(),
            local: local.to_owned(),
            namespace: String::new(),
        }
    }

    /// The name as it is written.
    pub fn written(&self) -> String {
        if self.prefix.is_empty() {
            return self.local.clone();
        }
        format!("{}:{}", self.prefix, self.local)
    }

    /// The prefix that an attribute of this name declares; empty for the default namespace.
    pub fn declared_prefix(&self) -> Option<&str> {
        match (self.prefix.as_str(), self.local.as_str()) {
            ("", "xmlns") => Some(""),
            ("xmlns", prefix) => Some(prefix),
            _ => None,
        }
    }
}

impl Document {
    pub fn new() -> Self {
        let kind = Kind::Document;
        Self {
            nodes: vec![Node {
                parent: 0,
                children: Vec::new(),
                kind,
            }],
        }
    }

    /// Adds the next node in document order; its number.
    pub fn add(&mut self, parent: usize, kind: Kind) -> usize {
        let number = self.nodes.len();
        self.nodes.push(Node {
            parent,
            children: Vec::new(),
            kind,
        });
        self.nodes[parent].children.push(number);
        number
    }

    pub fn element(&self, node: usize) -> Option<&Element> {
        match &self.nodes[node].kind {
            Kind::Element(element) => Some(element),
            _ => None,
        }
    }

    /// The nodes below a node, in document order: those that follow it up to its last descendant.
    pub fn descendants(&self, node: usize) -> std::ops::Range<usize> {
        let mut last = node;
        while let Some(&child) = self.nodes[last].children.last() {
            last = child;
        }
        node + 1..last + 1
    }

    /// All text in a node.
    pub fn text(&self, node: usize) -> String {
        match &self.nodes[node].kind {
            Kind::Text(text) | Kind::CData(text) | Kind::Comment(text) => text.clone(),
            Kind::Instruction { data, .. } => data.clone(),
            Kind::Declaration(_) | Kind::Doctype(_) => String::new(),
            Kind::Document | Kind::Element(_) => self
                .descendants(node)
                .filter_map(|node| match &self.nodes[node].kind {
                    Kind::Text(text) | Kind::CData(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect(),
        }
    }
}
