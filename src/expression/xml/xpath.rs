//! XPath 1.0 over a document. Work is counted, so that no expression takes long on any document.

use std::collections::BTreeSet;

use super::super::content::{Envelope, XML};
use super::super::limits::bounded;
use super::super::value::Value;
use super::parse::document;
use super::tree::{Document, Kind};
use super::write;
use super::xpath_functions::{call, number_text, to_number};
use super::xpath_parse::{Axis, Expr, Operator, Path, Start, Step, Test, parse};

/// Most nodes that an evaluation looks at.
const MAX_WORK: usize = 5_000_000;

/// Evaluates an XPath expression on XML text: numbers, texts and truth values as they are; nodes always as an array,
/// elements as XML envelopes, others as text.
///
/// # Errors
/// XML or XPath that is not well-formed, unknown functions, too much work.
pub(in super::super) fn evaluate(xml: &str, expression: &str) -> Result<Value, String> {
    let document = document(xml)?;
    let expr = parse(expression).map_err(|reason| format!("the XPath '{expression}' is not valid: {reason}"))?;
    let mut evaluation = Evaluation {
        document: &document,
        work: MAX_WORK,
    };
    let context = Context {
        node: Node::Tree(0),
        position: 1,
        size: 1,
    };
    match evaluation.expr(&expr, context)? {
        Outcome::Text(text) => Ok(Value::from(text)),
        Outcome::Number(number) => Ok(Value::Float(number)),
        Outcome::Truth(truth) => Ok(Value::Bool(truth)),
        Outcome::Nodes(nodes) => {
            let mut size = 0;
            let mut values = Vec::new();
            for node in nodes {
                let value = evaluation.value(node);
                size += value.to_text().len();
                if size > super::super::text::MAX_TEXT {
                    return Err("the result is too large".to_owned());
                }
                values.push(value);
            }
            bounded(Value::array(values)).map_err(|error| error.message)
        }
    }
}

/// A node, in document order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    /// A node of the tree.
    Tree(usize),
    /// An attribute of an element, by their numbers.
    Attribute(usize, usize),
}

/// The value of an XPath expression.
pub(super) enum Outcome {
    Nodes(Vec<Node>),
    Text(String),
    Number(f64),
    Truth(bool),
}

/// What an expression is evaluated on.
#[derive(Clone, Copy)]
pub(super) struct Context {
    pub node: Node,
    pub position: usize,
    pub size: usize,
}

pub(super) struct Evaluation<'a> {
    pub document: &'a Document,
    work: usize,
}

impl Evaluation<'_> {
    /// Takes this much off the work that is left.
    pub fn spend(&mut self, work: usize) -> Result<(), String> {
        self.work = self
            .work
            .checked_sub(work)
            .ok_or("the XPath takes too much work on this XML")?;
        Ok(())
    }

    pub fn expr(&mut self, expr: &Expr, context: Context) -> Result<Outcome, String> {
        self.spend(1)?;
        Ok(match expr {
            Expr::Literal(text) => Outcome::Text(text.clone()),
            Expr::Number(number) => Outcome::Number(*number),
            Expr::Negative(expr) => {
                let value = self.expr(expr, context)?;
                Outcome::Number(-self.number(&value)?)
            }
            Expr::Call(name, arguments) => call(self, name, arguments, context)?,
            Expr::Path(path) => Outcome::Nodes(self.path(path, context)?),
            Expr::Binary(operator, left, right) => self.binary(*operator, left, right, context)?,
        })
    }

    fn binary(&mut self, operator: Operator, left: &Expr, right: &Expr, context: Context) -> Result<Outcome, String> {
        let first = self.expr(left, context)?;
        if matches!(operator, Operator::Or | Operator::And) {
            if truth(&first) == (operator == Operator::Or) {
                return Ok(Outcome::Truth(truth(&first)));
            }
            return Ok(Outcome::Truth(truth(&self.expr(right, context)?)));
        }
        let second = self.expr(right, context)?;
        let calculated = |calculate: fn(f64, f64) -> f64, evaluation: &mut Self| {
            Ok(Outcome::Number(calculate(
                evaluation.number(&first)?,
                evaluation.number(&second)?,
            )))
        };
        match operator {
            Operator::Add => calculated(|a, b| a + b, self),
            Operator::Subtract => calculated(|a, b| a - b, self),
            Operator::Multiply => calculated(|a, b| a * b, self),
            Operator::Divide => calculated(|a, b| a / b, self),
            Operator::Modulo => calculated(|a, b| a % b, self),
            Operator::Union => match (first, second) {
                (Outcome::Nodes(first), Outcome::Nodes(second)) => {
                    let all: BTreeSet<Node> = first.into_iter().chain(second).collect();
                    Ok(Outcome::Nodes(all.into_iter().collect()))
                }
                _ => Err("'|' joins nodes only".to_owned()),
            },
            Operator::Or
            | Operator::And
            | Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => Ok(Outcome::Truth(self.compare(operator, &first, &second)?)),
        }
    }

    /// Compares two values; nodes hold if one of them does.
    fn compare(&mut self, operator: Operator, left: &Outcome, right: &Outcome) -> Result<bool, String> {
        if let (Outcome::Truth(_), _) | (_, Outcome::Truth(_)) = (left, right) {
            let numbers = (f64::from(u8::from(truth(left))), f64::from(u8::from(truth(right))));
            return Ok(holds(operator, numbers.0, numbers.1));
        }
        let (lefts, rights) = (self.atoms(left)?, self.atoms(right)?);
        let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
        let as_numbers = !equality || matches!(left, Outcome::Number(_)) || matches!(right, Outcome::Number(_));
        self.spend(lefts.len().saturating_mul(rights.len()))?;
        Ok(lefts.iter().any(|left| {
            rights.iter().any(|right| match (as_numbers, operator) {
                (true, _) => holds(operator, to_number(left), to_number(right)),
                (false, Operator::NotEqual) => left != right,
                (false, _) => left == right,
            })
        }))
    }

    /// The texts of the nodes, or of the one value.
    fn atoms(&mut self, value: &Outcome) -> Result<Vec<String>, String> {
        match value {
            Outcome::Nodes(nodes) => nodes.iter().map(|&node| self.node_text(node)).collect(),
            other => Ok(vec![self.text(other)?]),
        }
    }

    fn path(&mut self, path: &Path, context: Context) -> Result<Vec<Node>, String> {
        let mut nodes = match &path.start {
            Start::Root => vec![Node::Tree(0)],
            Start::Context => vec![context.node],
            Start::Filter(expr, predicates) => match self.expr(expr, context)? {
                Outcome::Nodes(nodes) => self.filter(nodes, predicates)?,
                _ => return Err("a path starts from nodes only".to_owned()),
            },
        };
        for step in &path.steps {
            let mut found = BTreeSet::new();
            for node in nodes {
                found.extend(self.step(step, node)?);
            }
            nodes = found.into_iter().collect();
        }
        Ok(nodes)
    }

    fn step(&mut self, step: &Step, node: Node) -> Result<Vec<Node>, String> {
        let all = self.axis(step.axis, node);
        self.spend(all.len() + 1)?;
        let fitting = all.into_iter().filter(|&node| self.fits(step, node)).collect();
        self.filter(fitting, &step.predicates)
    }

    /// The nodes for which all predicates hold; a number means the position.
    fn filter(&mut self, mut nodes: Vec<Node>, predicates: &[Expr]) -> Result<Vec<Node>, String> {
        for predicate in predicates {
            let size = nodes.len();
            let mut kept = Vec::new();
            for (index, node) in nodes.into_iter().enumerate() {
                let position = index + 1;
                let holds = match self.expr(predicate, Context { node, position, size })? {
                    Outcome::Number(number) => number == position as f64,
                    other => truth(&other),
                };
                if holds {
                    kept.push(node);
                }
            }
            nodes = kept;
        }
        Ok(nodes)
    }

    /// The nodes on an axis, the nearest first.
    fn axis(&self, axis: Axis, node: Node) -> Vec<Node> {
        let nodes = &self.document.nodes;
        let (number, is_attribute) = match node {
            Node::Tree(number) => (number, false),
            Node::Attribute(number, _) => (number, true),
        };
        let tree = |numbers: &mut dyn Iterator<Item = usize>| numbers.map(Node::Tree).collect::<Vec<_>>();
        let siblings = || {
            let all = &nodes[nodes[number].parent].children;
            let own = all.iter().position(|&sibling| sibling == number && !is_attribute);
            own.map_or((&all[..0], &all[..0]), |own| (&all[..own], &all[own + 1..]))
        };
        let ancestors = || {
            let first = if is_attribute {
                Some(number)
            } else {
                (number > 0).then(|| nodes[number].parent)
            };
            std::iter::successors(first, |&ancestor| (ancestor > 0).then(|| nodes[ancestor].parent))
        };
        match axis {
            Axis::Myself => vec![node],
            Axis::Parent => tree(&mut ancestors().take(1)),
            Axis::Ancestor => tree(&mut ancestors()),
            Axis::AncestorOrSelf => [vec![node], tree(&mut ancestors())].concat(),
            Axis::DescendantOrSelf if is_attribute => vec![node],
            Axis::DescendantOrSelf => [vec![node], tree(&mut self.document.descendants(number))].concat(),
            Axis::FollowingSibling => tree(&mut siblings().1.iter().copied()),
            Axis::PrecedingSibling => tree(&mut siblings().0.iter().rev().copied()),
            Axis::Following => tree(&mut (self.document.descendants(number).end..nodes.len())),
            Axis::Preceding => {
                let above: Vec<usize> = ancestors().collect();
                tree(&mut (1..number).rev().filter(|before| !above.contains(before)))
            }
            Axis::Child | Axis::Descendant | Axis::Attribute if is_attribute => Vec::new(),
            Axis::Child => tree(&mut nodes[number].children.iter().copied()),
            Axis::Descendant => tree(&mut self.document.descendants(number)),
            Axis::Attribute => {
                let attributes = self
                    .document
                    .element(number)
                    .map_or(&[][..], |element| &element.attributes);
                let declares = |index: &usize| attributes[*index].name.declared_prefix().is_some();
                let numbers = (0..attributes.len()).filter(|index| !declares(index));
                numbers.map(|index| Node::Attribute(number, index)).collect()
            }
        }
    }

    fn fits(&self, step: &Step, node: Node) -> bool {
        let kind = match node {
            Node::Tree(number) => Some(&self.document.nodes[number].kind),
            Node::Attribute(..) => None,
        };
        // The declaration and the document type are no nodes of XPath.
        if matches!(kind, Some(Kind::Declaration(_) | Kind::Doctype(_))) {
            return false;
        }
        let principal = match kind {
            Some(Kind::Element(_)) => step.axis != Axis::Attribute,
            Some(_) => false,
            None => step.axis == Axis::Attribute,
        };
        match &step.test {
            Test::Node => true,
            Test::Any => principal,
            Test::Name(name) => {
                let found = self.name(node);
                principal && found.is_some_and(|found| found.namespace.is_empty() && found.local == *name)
            }
            Test::Text => matches!(kind, Some(Kind::Text(_) | Kind::CData(_))),
            Test::Comment => matches!(kind, Some(Kind::Comment(_))),
            Test::Instruction(wanted) => match kind {
                Some(Kind::Instruction { target, .. }) => wanted.as_ref().is_none_or(|wanted| wanted == target),
                _ => false,
            },
        }
    }

    /// The name of an element or attribute.
    pub fn name(&self, node: Node) -> Option<&super::tree::Name> {
        match node {
            Node::Tree(number) => self.document.element(number).map(|element| &element.name),
            Node::Attribute(number, index) => {
                let element = self.document.element(number)?;
                element.attributes.get(index).map(|attribute| &attribute.name)
            }
        }
    }

    /// The text in a node.
    pub fn node_text(&mut self, node: Node) -> Result<String, String> {
        match node {
            Node::Tree(number) => {
                self.spend(self.document.descendants(number).len() + 1)?;
                let text = self.document.text(number);
                self.spend(text.len() / 64)?;
                Ok(text)
            }
            Node::Attribute(number, index) => {
                let element = self.document.element(number);
                let attribute = element.and_then(|element| element.attributes.get(index));
                Ok(attribute.map(|attribute| attribute.value.clone()).unwrap_or_default())
            }
        }
    }

    /// The value as text; of nodes the first's.
    pub fn text(&mut self, value: &Outcome) -> Result<String, String> {
        Ok(match value {
            Outcome::Nodes(nodes) => match nodes.first() {
                Some(&node) => self.node_text(node)?,
                None => String::new(),
            },
            Outcome::Text(text) => text.clone(),
            Outcome::Number(number) => number_text(*number),
            Outcome::Truth(truth) => truth.to_string(),
        })
    }

    /// The value as a number.
    pub fn number(&mut self, value: &Outcome) -> Result<f64, String> {
        Ok(match value {
            Outcome::Number(number) => *number,
            Outcome::Truth(truth) => f64::from(u8::from(*truth)),
            Outcome::Nodes(_) | Outcome::Text(_) => to_number(&self.text(value)?),
        })
    }

    fn value(&mut self, node: Node) -> Value {
        match node {
            Node::Tree(number) if matches!(self.document.nodes[number].kind, Kind::Element(_) | Kind::Document) => {
                Envelope::new(XML, write::node(self.document, number)).into()
            }
            Node::Tree(number) => Value::from(self.document.text(number)),
            Node::Attribute(..) => Value::from(self.node_text(node).unwrap_or_default()),
        }
    }
}

/// The value as a truth value.
pub(super) fn truth(value: &Outcome) -> bool {
    match value {
        Outcome::Nodes(nodes) => !nodes.is_empty(),
        Outcome::Text(text) => !text.is_empty(),
        Outcome::Number(number) => *number != 0.0 && !number.is_nan(),
        Outcome::Truth(truth) => *truth,
    }
}

fn holds(operator: Operator, left: f64, right: f64) -> bool {
    match operator {
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        Operator::Less => left < right,
        Operator::LessOrEqual => left <= right,
        Operator::Greater => left > right,
        Operator::GreaterOrEqual => left >= right,
        Operator::Or
        | Operator::And
        | Operator::Add
        | Operator::Subtract
        | Operator::Multiply
        | Operator::Divide
        | Operator::Modulo
        | Operator::Union => false,
    }
}
