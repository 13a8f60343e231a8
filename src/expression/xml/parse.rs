//! XML text to a document. Strict about well-formedness; white-space-only text between markup is dropped.

use super::tree::{Attribute, Declaration, Doctype, Document, Element, Kind, MAX_DEPTH, MAX_NODES, Name};

/// The namespace of the prefix `xml`.
const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// Most attributes of an element.
const MAX_ATTRIBUTES: usize = 1_000;
/// Most namespaces that are declared at one place.
const MAX_NAMESPACES: usize = 100;

/// Parses a document.
///
/// # Errors
/// Text that is not well-formed XML 1.0 with namespaces, or is nested too deep.
pub(super) fn document(text: &str) -> Result<Document, String> {
    let mut parser = Parser {
        rest: text.strip_prefix('\u{feff}').unwrap_or(text),
        document: Document::new(),
        open: vec![0],
        namespaces: vec![("xml".to_owned(), XML_NAMESPACE.to_owned())],
        scopes: Vec::new(),
    };
    parser.declaration()?;
    while !parser.rest.is_empty() {
        parser.next()?;
    }
    parser.finish()
}

struct Parser<'a> {
    rest: &'a str,
    document: Document,
    /// The open elements, below them the document.
    open: Vec<usize>,
    /// Declared prefixes with their namespaces, the innermost last.
    namespaces: Vec<(String, String)>,
    /// How many of `namespaces` held outside each open element.
    scopes: Vec<usize>,
}

impl<'a> Parser<'a> {
    fn finish(self) -> Result<Document, String> {
        if let Some(element) = self.open.last().and_then(|&node| self.document.element(node)) {
            return Err(format!("the element '{}' is not closed", element.name.written()));
        }
        if self.document.nodes[0]
            .children
            .iter()
            .all(|&child| self.document.element(child).is_none())
        {
            return Err("Root element is missing".to_owned());
        }
        Ok(self.document)
    }

    fn parent(&self) -> usize {
        self.open.last().copied().unwrap_or(0)
    }

    fn add(&mut self, kind: Kind) -> usize {
        self.document.add(self.parent(), kind)
    }

    /// Takes the text up to `end`, and `end`.
    fn until(&mut self, end: &str, what: &str) -> Result<&'a str, String> {
        let (text, rest) = self
            .rest
            .split_once(end)
            .ok_or_else(|| format!("{what} is not closed by '{end}'"))?;
        self.rest = rest;
        Ok(text)
    }

    fn next(&mut self) -> Result<(), String> {
        if self.document.nodes.len() >= MAX_NODES {
            return Err(format!("the document has more than {MAX_NODES} nodes"));
        }
        if let Some(rest) = self.rest.strip_prefix("<!--") {
            self.rest = rest;
            let comment = self.until("-->", "a comment")?;
            if comment.contains("--") || comment.ends_with('-') {
                return Err("a comment contains '--'".to_owned());
            }
            let kind = Kind::Comment(newlines(comment));
            self.add(kind);
        } else if let Some(rest) = self.rest.strip_prefix("<![CDATA[") {
            self.rest = rest;
            let text = self.until("]]>", "a CDATA section")?;
            self.inside_root("a CDATA section")?;
            self.add(Kind::CData(newlines(text)));
        } else if let Some(rest) = self.rest.strip_prefix("<!DOCTYPE") {
            self.rest = rest;
            self.doctype()?;
        } else if let Some(rest) = self.rest.strip_prefix("<?") {
            self.rest = rest;
            self.instruction()?;
        } else if let Some(rest) = self.rest.strip_prefix("</") {
            self.rest = rest;
            self.close()?;
        } else if let Some(rest) = self.rest.strip_prefix('<') {
            self.rest = rest;
            self.element()?;
        } else {
            self.text()?;
        }
        Ok(())
    }

    fn inside_root(&self, what: &str) -> Result<(), String> {
        if self.open.len() > 1 {
            Ok(())
        } else {
            Err(format!("{what} stands outside of the root element"))
        }
    }

    fn text(&mut self) -> Result<(), String> {
        let (raw, rest) = self.rest.split_at(self.rest.find('<').unwrap_or(self.rest.len()));
        self.rest = rest;
        if raw.contains("]]>") {
            return Err("text contains ']]>'".to_owned());
        }
        if raw.chars().all(is_space) {
            return Ok(());
        }
        self.inside_root("text")?;
        let text = unescaped(&newlines(raw))?;
        self.add(Kind::Text(text));
        Ok(())
    }

    /// `<?xml …?>` at the very start.
    fn declaration(&mut self) -> Result<(), String> {
        let Some(rest) = self
            .rest
            .strip_prefix("<?xml")
            .filter(|rest| rest.starts_with(is_space))
        else {
            return Ok(());
        };
        self.rest = rest;
        let mut inner = Self {
            rest: self.until("?>", "the XML declaration")?,
            document: Document::new(),
            open: Vec::new(),
            namespaces: Vec::new(),
            scopes: Vec::new(),
        };
        let mut declaration = Declaration::default();
        let mut order = 0;
        while inner.skip_space() && !inner.rest.is_empty() {
            let (name, value) = inner.attribute()?;
            let position = ["version", "encoding", "standalone"]
                .iter()
                .position(|known| *known == name);
            match position {
                Some(0) if value == "1.0" && order == 0 => declaration.version = value,
                Some(1) if order == 1 => declaration.encoding = Some(value),
                Some(2) if order >= 1 && matches!(value.as_str(), "yes" | "no") => declaration.standalone = Some(value),
                _ => return Err(format!("the XML declaration has a wrong '{name}'")),
            }
            order = position.map_or(order, |position| position + 1);
        }
        if declaration.version.is_empty() || !inner.rest.is_empty() {
            return Err("the XML declaration has no version 1.0".to_owned());
        }
        self.add(Kind::Declaration(declaration));
        Ok(())
    }

    fn instruction(&mut self) -> Result<(), String> {
        let text = self.until("?>", "a processing instruction")?;
        let (target, data) = text.split_once(is_space).unwrap_or((text, ""));
        if !is_name(target) || target.eq_ignore_ascii_case("xml") {
            return Err(format!("'{target}' is no name of a processing instruction here"));
        }
        let kind = Kind::Instruction {
            target: target.to_owned(),
            data: newlines(data.trim_start_matches(is_space)),
        };
        self.add(kind);
        Ok(())
    }

    fn doctype(&mut self) -> Result<(), String> {
        let late = |kind: &Kind| matches!(kind, Kind::Element(_) | Kind::Doctype(_));
        if self.document.nodes.iter().any(|node| late(&node.kind)) || !self.skip_space() {
            return Err("the document type stands in a wrong place".to_owned());
        }
        let mut doctype = Doctype {
            name: self.name()?.to_owned(),
            ..Doctype::default()
        };
        self.skip_space();
        if let Some(rest) = self.rest.strip_prefix("SYSTEM") {
            self.rest = rest;
            doctype.system = Some(self.quoted()?);
        } else if let Some(rest) = self.rest.strip_prefix("PUBLIC") {
            self.rest = rest;
            doctype.public = Some(self.quoted()?);
            doctype.system = Some(self.quoted()?);
        }
        self.skip_space();
        if let Some(rest) = self.rest.strip_prefix('[') {
            self.rest = rest;
            doctype.subset = Some(lone_returns(self.subset()?));
            self.skip_space();
        }
        self.rest = self
            .rest
            .strip_prefix('>')
            .ok_or("the document type is not closed by '>'")?;
        self.add(Kind::Doctype(doctype));
        Ok(())
    }

    /// The internal subset up to its `]`, which may stand in quotes and comments.
    fn subset(&mut self) -> Result<&'a str, String> {
        let text = self.rest;
        let mut quote = None;
        let mut skip_to = 0;
        for (index, c) in text.char_indices() {
            if index < skip_to {
                continue;
            }
            match (quote, c) {
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), c) if open == c => quote = None,
                (None, '<') if text[index..].starts_with("<!--") => {
                    let end = text[index + 4..]
                        .find("-->")
                        .ok_or("a comment is not closed by '-->'")?;
                    skip_to = index + 4 + end + 3;
                }
                (None, ']') => {
                    self.rest = &text[index + 1..];
                    return Ok(&text[..index]);
                }
                _ => {}
            }
        }
        Err("the internal subset is not closed by ']'".to_owned())
    }

    fn element(&mut self) -> Result<(), String> {
        let written = self.name()?.to_owned();
        if self.open.len() == 1
            && self.document.nodes[0]
                .children
                .iter()
                .any(|&node| self.document.element(node).is_some())
        {
            return Err("There are multiple root elements".to_owned());
        }
        if self.open.len() > MAX_DEPTH {
            return Err(format!("elements are nested deeper than {MAX_DEPTH}"));
        }
        let mut attributes: Vec<Attribute> = Vec::new();
        let empty = loop {
            let space = self.skip_space();
            if let Some(rest) = self.rest.strip_prefix("/>") {
                self.rest = rest;
                break true;
            }
            if let Some(rest) = self.rest.strip_prefix('>') {
                self.rest = rest;
                break false;
            }
            if !space {
                return Err(format!("the element '{written}' is not written well"));
            }
            let (name, value) = self.attribute()?;
            let name = Name::split(&name);
            if attributes.iter().any(|other| other.name.written() == name.written()) {
                return Err(format!("the attribute '{}' stands twice", name.written()));
            }
            attributes.push(Attribute { name, value });
            if attributes.len() > MAX_ATTRIBUTES {
                return Err(format!(
                    "the element '{written}' has more than {MAX_ATTRIBUTES} attributes"
                ));
            }
        };
        self.start(&written, attributes, empty)
    }

    /// Adds an element with its names resolved.
    fn start(&mut self, written: &str, mut attributes: Vec<Attribute>, empty: bool) -> Result<(), String> {
        let outside = self.namespaces.len();
        for attribute in &attributes {
            if let Some(prefix) = attribute.name.declared_prefix() {
                if !prefix.is_empty() && attribute.value.is_empty() {
                    return Err(format!("the prefix '{prefix}' is declared without a namespace"));
                }
                self.namespaces.push((prefix.to_owned(), attribute.value.clone()));
            }
        }
        if self.namespaces.len() > MAX_NAMESPACES {
            return Err(format!(
                "more than {MAX_NAMESPACES} namespaces are declared at one place"
            ));
        }
        let mut name = Name::split(written);
        name.namespace = self.namespace(&name.prefix)?;
        for Attribute { name, .. } in &mut attributes {
            if !name.prefix.is_empty() && name.prefix != "xmlns" {
                name.namespace = self.namespace(&name.prefix)?;
            }
        }
        let element = self.add(Kind::Element(Element {
            name,
            attributes,
            empty,
        }));
        if empty {
            self.namespaces.truncate(outside);
        } else {
            self.open.push(element);
            self.scopes.push(outside);
        }
        Ok(())
    }

    fn namespace(&self, prefix: &str) -> Result<String, String> {
        let declared = self.namespaces.iter().rev().find(|(declared, _)| declared == prefix);
        match declared {
            Some((_, namespace)) => Ok(namespace.clone()),
            None if prefix.is_empty() => Ok(String::new()),
            None => Err(format!("'{prefix}' is an undeclared prefix")),
        }
    }

    fn close(&mut self) -> Result<(), String> {
        let written = self.name()?;
        self.skip_space();
        self.rest = self
            .rest
            .strip_prefix('>')
            .ok_or_else(|| format!("the end of '{written}' is not closed by '>'"))?;
        let element = self.open.last().and_then(|&node| self.document.element(node));
        match element.map(|element| element.name.written()) {
            Some(open) if open == written => {
                self.open.pop();
                let outside = self.scopes.pop().unwrap_or(1);
                self.namespaces.truncate(outside);
                Ok(())
            }
            Some(open) => Err(format!("the element '{open}' is closed by '{written}'")),
            None => Err(format!("'{written}' is closed but not open")),
        }
    }

    /// `name="value"`.
    fn attribute(&mut self) -> Result<(String, String), String> {
        let name = self.name()?.to_owned();
        self.skip_space();
        self.rest = self
            .rest
            .strip_prefix('=')
            .ok_or_else(|| format!("the attribute '{name}' has no value"))?;
        let raw = self.quoted()?;
        if raw.contains('<') {
            return Err(format!("the value of the attribute '{name}' contains '<'"));
        }
        let spaced: String = newlines(&raw)
            .chars()
            .map(|c| if is_space(c) { ' ' } else { c })
            .collect();
        Ok((name, unescaped(&spaced)?))
    }

    fn quoted(&mut self) -> Result<String, String> {
        self.skip_space();
        let quote = match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => quote,
            _ => return Err("a quoted value is missing".to_owned()),
        };
        self.rest = &self.rest[1..];
        self.until(&quote.to_string(), "a quoted value").map(str::to_owned)
    }

    fn name(&mut self) -> Result<&'a str, String> {
        let end = self.rest.find(|c| !is_name_char(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if !is_name(name) {
            return Err(match self.rest.chars().next() {
                Some(c) => format!("a name cannot begin with '{c}'"),
                None => "a name is missing".to_owned(),
            });
        }
        self.rest = rest;
        Ok(name)
    }

    /// Skips white space; whether there was some.
    fn skip_space(&mut self) -> bool {
        let rest = self.rest.trim_start_matches(is_space);
        let skipped = rest.len() < self.rest.len();
        self.rest = rest;
        skipped
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Whether a text is a name with at most one colon, which stands inside.
pub(super) fn is_name(name: &str) -> bool {
    let mut parts = name.split(':');
    let part = |part: &str| part.starts_with(is_name_start) && part.chars().all(is_name_char);
    parts.by_ref().take(2).all(part) && parts.next().is_none()
}

/// Whether a character may begin a name.
pub(super) fn is_name_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

/// Whether a character may stand in a name.
pub(super) fn is_name_char(c: char) -> bool {
    is_name_start(c) || c.is_numeric() || matches!(c, '-' | '.' | ':' | '\u{b7}' | '\u{300}'..='\u{36f}')
}

/// Whether a character may stand in XML 1.0.
pub(super) fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

fn newlines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// In an internal subset only a lone carriage return becomes a newline.
fn lone_returns(text: &str) -> String {
    text.replace("\r\n", "\u{0}")
        .replace('\r', "\n")
        .replace('\u{0}', "\r\n")
}

/// Text with its references replaced.
///
/// # Errors
/// A reference to what is not declared, or to a character that XML does not allow.
pub(in super::super) fn unescaped(text: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        let (name, behind) = behind.split_once(';').ok_or("a reference is not closed by ';'")?;
        plain.push_str(before);
        plain.push(reference(name).ok_or_else(|| format!("the entity '{name}' is not declared"))?);
        rest = behind;
    }
    plain.push_str(rest);
    match plain.chars().find(|&c| !is_xml_char(c)) {
        None => Ok(plain),
        Some(c) => Err(format!("the character U+{:04X} cannot stand in XML", c as u32)),
    }
}

fn reference(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}
