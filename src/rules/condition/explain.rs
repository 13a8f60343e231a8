//! Why a rule does not apply, in one bounded line for a person. Texts of incidents are hostile, so they are quoted with
//! control characters escaped.

use std::fmt;

use super::{Scope, change_of, property};
use crate::api::automation_rule::{
    ArrayType, Condition, GroupOperator, Operator, PropertyArrayChangedCondition, PropertyArrayCondition,
    PropertyChangedCondition, PropertyCondition,
};

/// How many texts are shown.
const SHOWN: usize = 5;
/// How many characters of a text are shown.
const SHOWN_CHARACTERS: usize = 80;

/// The first thing that keeps a rule from applying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// Position of the condition in the rule, from 0; `None` if the rule is limited to other analytics rules.
    pub position: Option<usize>,
    text: String,
}

impl fmt::Display for Unmet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(formatter, "condition {} does not hold: {}", position + 1, self.text),
            None => formatter.write_str(&self.text),
        }
    }
}

impl Unmet {
    pub(super) fn analytics_rules(wanted: &[String], found: &[String]) -> Self {
        Self {
            position: None,
            text: format!("limited to the analytics rules {}, but {}", quoted(wanted), but(found)),
        }
    }

    pub(super) fn condition(position: usize, condition: &Condition, scope: &Scope) -> Self {
        let text = match condition {
            Condition::Property(condition) => of_property(condition, scope),
            Condition::PropertyChanged(condition) => of_change(condition, scope),
            Condition::PropertyArrayChanged(condition) => of_growth(condition),
            Condition::PropertyArray(condition) => of_list(condition),
            Condition::Boolean(group) => match group.operator {
                GroupOperator::Or => {
                    format!(
                        "none of the {} members of the Or group holds",
                        group.inner_conditions.len()
                    )
                }
                GroupOperator::And => "a member of the And group does not hold".to_owned(),
            },
        };
        Self {
            position: Some(position),
            text,
        }
    }
}

fn of_property(condition: &PropertyCondition, scope: &Scope) -> String {
    let wanted = comparison(
        condition.property_name.as_str(),
        condition.operator,
        &condition.property_values,
    );
    format!(
        "{wanted}, but {}",
        but(&property::values(condition.property_name, scope))
    )
}

fn of_change(condition: &PropertyChangedCondition, scope: &Scope) -> String {
    let name = condition.property_name.as_str();
    let Some(change) = change_of(condition.property_name, scope.subject) else {
        return format!("{name} did not change");
    };
    let how = condition.change_type.unwrap_or_default().as_str();
    let wanted = comparison(how, condition.operator.unwrap_or_default(), &condition.property_values);
    format!(
        "{name} {wanted}, but it changed from {} to {}",
        quoted(&change.from),
        quoted(&change.to)
    )
}

fn of_growth(condition: &PropertyArrayChangedCondition) -> String {
    format!("nothing was added to {}", condition.array_type.as_str())
}

fn of_list(condition: &PropertyArrayCondition) -> String {
    let list = match condition.array_type {
        ArrayType::CustomDetails => "custom details",
        ArrayType::CustomDetailValues => "values of custom details",
        ArrayType::IncidentLabels => "labels",
    };
    format!(
        "the {list} do not satisfy it ({})",
        condition.array_condition_type.as_str()
    )
}

fn comparison(name: &str, operator: Operator, values: &[String]) -> String {
    format!("{name} {} {}", operator.as_str(), quoted(values))
}

fn but(found: &[String]) -> String {
    match found {
        [] => "there is none".to_owned(),
        found => format!("it is {}", quoted(found)),
    }
}

fn quoted(texts: &[String]) -> String {
    let shown = texts.iter().take(SHOWN).map(|text| {
        let cut: String = text.chars().take(SHOWN_CHARACTERS).collect();
        format!("{cut:?}")
    });
    let mut shown: Vec<_> = shown.collect();
    if texts.len() > SHOWN {
        shown.push(format!("{} more", texts.len() - SHOWN));
    }
    shown.join(", ")
}
