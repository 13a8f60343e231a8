//! A document to text, as .NET's `XmlDocument` writes it.

use super::tree::{Declaration, Doctype, Document, Kind};

/// The text of a document.
pub(super) fn document(document: &Document) -> String {
    let mut text = String::new();
    append(&mut text, document, 0);
    text
}

/// The text of a node; an element carries the namespace declarations that it needs.
pub(super) fn node(document: &Document, node: usize) -> String {
    let mut text = String::new();
    append(&mut text, document, node);
    let Some(element) = document.element(node) else {
        return text;
    };
    let declares = |prefix: &str| {
        element
            .attributes
            .iter()
            .any(|a| a.name.declared_prefix() == Some(prefix))
    };
    let mut declarations = String::new();
    let mut prefixes = vec![(element.name.prefix.as_str(), element.name.namespace.as_str())];
    prefixes.extend(
        element
            .attributes
            .iter()
            .map(|a| (a.name.prefix.as_str(), a.name.namespace.as_str())),
    );
    for (index, (prefix, namespace)) in prefixes.iter().enumerate() {
        let known = prefixes[..index].iter().any(|(other, _)| other == prefix);
        if namespace.is_empty() || known || declares(prefix) || *prefix == "xml" {
            continue;
        }
        let colon = if prefix.is_empty() { "" } else { ":" };
        declarations.push_str(&format!(" xmlns{colon}{prefix}=\"{}\"", attribute(namespace)));
    }
    text.insert_str(1 + element.name.written().len(), &declarations);
    text
}

fn append(text: &mut String, document: &Document, node: usize) {
    let content = |text: &mut String| {
        document.nodes[node]
            .children
            .iter()
            .for_each(|&child| append(text, document, child));
    };
    match &document.nodes[node].kind {
        Kind::Document => content(text),
        Kind::Element(element) => {
            let name = element.name.written();
            text.push('<');
            text.push_str(&name);
            for held in &element.attributes {
                text.push_str(&format!(" {}=\"{}\"", held.name.written(), attribute(&held.value)));
            }
            if element.empty && document.nodes[node].children.is_empty() {
                return text.push_str(" />");
            }
            text.push('>');
            content(text);
            text.push_str(&format!("</{name}>"));
        }
        Kind::Text(content) => text.push_str(&escaped(content).replace('\r', "&#xD;")),
        Kind::CData(content) => text.push_str(&format!("<![CDATA[{content}]]>")),
        Kind::Comment(content) => text.push_str(&format!("<!--{content}-->")),
        Kind::Instruction { target, data } if data.is_empty() => text.push_str(&format!("<?{target}?>")),
        Kind::Instruction { target, data } => text.push_str(&format!("<?{target} {data}?>")),
        Kind::Declaration(declaration) => append_declaration(text, declaration),
        Kind::Doctype(doctype) => append_doctype(text, doctype),
    }
}

fn append_declaration(text: &mut String, declaration: &Declaration) {
    text.push_str(&format!("<?xml version=\"{}\"", declaration.version));
    if let Some(encoding) = &declaration.encoding {
        text.push_str(&format!(" encoding=\"{encoding}\""));
    }
    if let Some(standalone) = &declaration.standalone {
        text.push_str(&format!(" standalone=\"{standalone}\""));
    }
    text.push_str("?>");
}

fn append_doctype(text: &mut String, doctype: &Doctype) {
    text.push_str(&format!("<!DOCTYPE {}", doctype.name));
    match (&doctype.public, &doctype.system) {
        (Some(public), system) => {
            let system = system.as_deref().unwrap_or_default();
            text.push_str(&format!(" PUBLIC \"{public}\" \"{system}\""));
        }
        (None, Some(system)) => text.push_str(&format!(" SYSTEM \"{system}\"")),
        (None, None) => {}
    }
    if let Some(subset) = &doctype.subset {
        text.push_str(&format!("[{subset}]"));
    }
    text.push('>');
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Text escaped as the value of an attribute.
pub(in super::super) fn attribute(text: &str) -> String {
    escaped(text)
        .replace('"', "&quot;")
        .replace('\t', "&#x9;")
        .replace('\n', "&#xA;")
        .replace('\r', "&#xD;")
}
