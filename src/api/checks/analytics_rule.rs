//! Checks of analytics rules, as Microsoft Sentinel makes them when a rule is saved. The query itself is not read here.

use crate::api::analytics_rule::{AnalyticsRuleKind, AnalyticsRuleSpec, MatchingMethod, seconds};
use crate::api::cel;
use crate::api::finding::Finding;

use super::unique;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

/// Checks an analytics rule.
pub(in crate::api) fn analytics_rule(spec: &AnalyticsRuleSpec) -> Vec<Finding> {
    let mut findings = Vec::new();
    schedule(spec, &mut findings);
    if let Some(text) = &spec.start_time_utc
        && text.parse::<jiff::Timestamp>().is_err()
    {
        let message = "`startTimeUtc` is no RFC 3339 time; write it like `2026-12-31T23:00:00Z`";
        findings.push(Finding::new("/spec/startTimeUtc", "InvalidTime", message));
    }
    bounds(
        "/spec/suppressionDuration",
        spec.suppression_duration.as_deref(),
        DAY,
        &mut findings,
    );
    for (index, mapping) in spec.entity_mappings.iter().enumerate() {
        let pointer = format!("/spec/entityMappings/{index}/fieldMappings");
        let identifiers = mapping.field_mappings.iter().map(|field| &field.identifier);
        unique(&pointer, "identifier", identifiers, &mut findings);
    }
    grouping(spec, &mut findings);
    findings
}

fn schedule(spec: &AnalyticsRuleSpec, findings: &mut Vec<Finding>) {
    let is_whole = spec.query_frequency.is_some()
        && spec.query_period.is_some()
        && spec.trigger_operator.is_some()
        && spec.trigger_threshold.is_some();
    if spec.kind == AnalyticsRuleKind::Scheduled && !is_whole {
        findings.push(Finding::new("/spec", "MissingField", cel::NEEDS_SCHEDULE));
    }
    let frequency = bounds(
        "/spec/queryFrequency",
        spec.query_frequency.as_deref(),
        14 * DAY,
        findings,
    );
    let period = bounds("/spec/queryPeriod", spec.query_period.as_deref(), 14 * DAY, findings);
    if let (Some(frequency), Some(period)) = (frequency, period) {
        if period < frequency {
            let message = "`queryPeriod` must be at least `queryFrequency`; what lies between is never seen";
            findings.push(Finding::new("/spec/queryPeriod", "PeriodTooShort", message));
        }
        if period >= 2 * DAY && frequency < 60 * MINUTE {
            let message = "a `queryPeriod` of two days or more needs a `queryFrequency` of an hour or more";
            findings.push(Finding::new("/spec/queryFrequency", "FrequencyTooShort", message));
        }
    }
}

/// A duration of at least five minutes, in seconds; nothing where it is absent or wrong.
fn bounds(pointer: &str, text: Option<&str>, most: u64, findings: &mut Vec<Finding>) -> Option<u64> {
    let read = seconds(text?);
    let wrong = match read {
        None => Some(cel::NO_DURATION.to_owned()),
        Some(read) if read < 5 * MINUTE => Some("the duration must be at least 5 minutes".to_owned()),
        Some(read) if read > most => Some(format!("the duration must be at most {} days", most / DAY)),
        Some(_) => None,
    };
    findings.extend(wrong.map(|message| Finding::new(pointer, "InvalidDuration", message)));
    read
}

fn grouping(spec: &AnalyticsRuleSpec, findings: &mut Vec<Finding>) {
    let incident = spec.incident_configuration.as_ref();
    let Some(grouping) = incident.and_then(|incident| incident.grouping_configuration.as_ref()) else {
        return;
    };
    let pointer = "/spec/incidentConfiguration/groupingConfiguration";
    let lookback = grouping.lookback_duration.as_deref();
    bounds(&format!("{pointer}/lookbackDuration"), lookback, 7 * DAY, findings);
    let selects_nothing = grouping.group_by_entities.is_empty()
        && grouping.group_by_alert_details.is_empty()
        && grouping.group_by_custom_details.is_empty();
    if grouping.enabled && grouping.matching_method == MatchingMethod::Selected && selects_nothing {
        findings.push(Finding::new(pointer, "NothingSelected", cel::SELECTED_NEEDS_GROUPS));
    }
}
