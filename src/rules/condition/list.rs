//! Conditions on the items of a list: labels, custom details and the values of a custom detail.

use super::{Scope, Test};
use crate::api::automation_rule::{
    ArrayConditionType, ArrayType, DetailValueCondition, DetailValuesCondition, ItemCondition, PropertyArrayCondition,
};

/// One item of a list.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item<'a> {
    /// A label.
    Label(&'a str),
    /// A custom detail of one alert.
    Detail {
        /// Its key.
        key: &'a str,
        /// Its values.
        values: &'a [String],
    },
    /// One value of a custom detail.
    DetailValue(&'a str),
}

/// The items of a list; inside of a custom detail its values are meant, elsewhere those of all details.
fn items<'a>(list: ArrayType, scope: &Scope<'a>) -> Vec<Item<'a>> {
    match (list, scope.item) {
        (ArrayType::IncidentLabels, _) => {
            let labels = scope.subject.view.incident.labels.iter();
            labels.map(|label| Item::Label(&label.label_name)).collect()
        }
        (ArrayType::CustomDetails, _) => details(scope).collect(),
        (ArrayType::CustomDetailValues, Some(Item::Detail { values, .. })) => {
            values.iter().map(|value| Item::DetailValue(value)).collect()
        }
        (ArrayType::CustomDetailValues, Some(Item::Label(_) | Item::DetailValue(_)) | None) => details(scope)
            .flat_map(|detail| match detail {
                Item::Detail { values, .. } => values,
                Item::Label(_) | Item::DetailValue(_) => &[],
            })
            .map(|value| Item::DetailValue(value))
            .collect(),
    }
}

/// The custom details of the alerts.
pub(super) fn details<'a>(scope: &Scope<'a>) -> impl Iterator<Item = Item<'a>> {
    let details = scope.subject.alerts().flat_map(|alert| &alert.custom_details);
    details.map(|(key, values)| Item::Detail { key, values })
}

/// Whether any item, or every item, satisfies all conditions.
fn test_items(list: ArrayType, how_many: ArrayConditionType, conditions: &[impl Test], scope: &Scope) -> bool {
    let satisfied = |item: Item| {
        let inner = Scope {
            subject: scope.subject,
            item: Some(item),
        };
        conditions.iter().all(|condition| condition.test(&inner))
    };
    let mut items = items(list, scope).into_iter();
    match how_many {
        ArrayConditionType::AnyItem => items.any(satisfied),
        ArrayConditionType::AllItems => items.all(satisfied),
    }
}

impl Test for PropertyArrayCondition {
    fn test(&self, scope: &Scope) -> bool {
        test_items(self.array_type, self.array_condition_type, &self.item_conditions, scope)
    }
}

impl Test for DetailValuesCondition {
    fn test(&self, scope: &Scope) -> bool {
        test_items(self.array_type, self.array_condition_type, &self.item_conditions, scope)
    }
}

impl Test for ItemCondition {
    fn test(&self, scope: &Scope) -> bool {
        match self {
            Self::Property(condition) => condition.test(scope),
            Self::PropertyArray(condition) => condition.test(scope),
        }
    }
}

impl Test for DetailValueCondition {
    fn test(&self, scope: &Scope) -> bool {
        match self {
            Self::Property(condition) => condition.test(scope),
        }
    }
}
