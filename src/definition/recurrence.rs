//! Reads schedules: the object `recurrence` of a trigger.

use jiff::civil::{DateTime, Weekday};

use super::draft::Draft;
use super::node::Node;
use super::workflow::{Frequency, Recurrence};
use crate::expression::time_zones;

/// The units with the longest interval of each.
const FREQUENCIES: [(&str, Frequency, u32); 6] = [
    ("Second", Frequency::Second, 9_999_999),
    ("Minute", Frequency::Minute, 72_000),
    ("Hour", Frequency::Hour, 12_000),
    ("Day", Frequency::Day, 500),
    ("Week", Frequency::Week, 71),
    ("Month", Frequency::Month, 16),
];

/// Stands for the schedule of a run that has begun.
const DAILY: Recurrence = Recurrence {
    frequency: Frequency::Day,
    interval: 1,
    start: None,
    time_zone: None,
    hours: Vec::new(),
    minutes: Vec::new(),
    week_days: Vec::new(),
};

const WEEK_DAYS: [(&str, Weekday); 7] = [
    ("Monday", Weekday::Monday),
    ("Tuesday", Weekday::Tuesday),
    ("Wednesday", Weekday::Wednesday),
    ("Thursday", Weekday::Thursday),
    ("Friday", Weekday::Friday),
    ("Saturday", Weekday::Saturday),
    ("Sunday", Weekday::Sunday),
];

/// Reads the recurrence of a trigger; what is wrong with it is reported.
pub(super) fn parse(draft: &mut Draft, trigger: &Node) -> Option<Recurrence> {
    let node = draft.required(trigger, "recurrence")?;
    draft.is_object(&node).then_some(())?;
    within(draft, &node)
}

/// Reads a recurrence itself.
pub(super) fn within(draft: &mut Draft, node: &Node) -> Option<Recurrence> {
    if draft.has_begun {
        return Some(DAILY);
    }
    let (frequency, interval) = interval(draft, node)?;
    let schedule = node.member("schedule").filter(|schedule| draft.is_object(schedule));
    let mut part = |name: &str, most: i8| match &schedule {
        Some(schedule) => numbers(draft, schedule, name, most),
        None => Vec::new(),
    };
    let (hours, minutes) = (part("hours", 23), part("minutes", 59));
    let week_days = schedule
        .as_ref()
        .map_or_else(Vec::new, |schedule| week_days(draft, schedule));
    let daily = matches!(frequency, Frequency::Day | Frequency::Week);
    let times_ignored = !daily && (!hours.is_empty() || !minutes.is_empty());
    if times_ignored || (frequency != Frequency::Week && !week_days.is_empty()) {
        let message =
            "hours and minutes go with the frequencies Day and Week, week days with Week; the rest has no effect";
        draft.report.warning("IgnoredOption", &node.pointer, message);
    }
    Some(Recurrence {
        frequency,
        interval,
        start: start(draft, node),
        time_zone: time_zone(draft, node),
        hours: if daily { hours } else { Vec::new() },
        minutes: if daily { minutes } else { Vec::new() },
        week_days: if frequency == Frequency::Week {
            week_days
        } else {
            Vec::new()
        },
    })
}

fn interval(draft: &mut Draft, node: &Node) -> Option<(Frequency, u32)> {
    let frequency = draft.required(node, "frequency")?;
    let text = draft.settled(&frequency)?;
    let Some((name, unit, most)) = FREQUENCIES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(&text)) else {
        let message = "a frequency is one of Second, Minute, Hour, Day, Week, Month, or a parameter with such a value";
        draft.report.error("InvalidValue", &frequency.pointer, message);
        return None;
    };
    let interval = draft.required(node, "interval")?;
    let count = draft.settled(&interval)?.parse::<u32>().ok();
    let count = count.filter(|count| (1..=*most).contains(count));
    if count.is_none() {
        let message = format!("the interval of frequency {name} is an integer from 1 to {most}");
        draft.report.error("InvalidValue", &interval.pointer, message);
    }
    Some((*unit, count?))
}

fn start(draft: &mut Draft, node: &Node) -> Option<DateTime> {
    let start = node.member("startTime")?;
    let text = draft.settled(&start)?;
    let parsed = text.trim_end_matches(['Z', 'z']).parse::<DateTime>().ok();
    if parsed.is_none() {
        let message = "a start is written YYYY-MM-DDThh:mm:ss, with Z where there is no time zone";
        draft.report.error("InvalidValue", &start.pointer, message);
    }
    parsed
}

fn time_zone(draft: &mut Draft, node: &Node) -> Option<String> {
    let zone = node.member("timeZone")?;
    let text = draft.settled(&zone)?;
    if time_zones::find(&text).is_none() {
        let message =
            format!("there is no time zone '{text}'; use a name of Windows or IANA, such as 'W. Europe Standard Time'");
        draft.report.error("InvalidValue", &zone.pointer, message);
    }
    Some(text)
}

/// A number or a list of them, as numbers or texts; sorted, each once.
fn numbers(draft: &mut Draft, schedule: &Node, name: &str, most: i8) -> Vec<i8> {
    let Some(node) = schedule.member(name) else {
        return Vec::new();
    };
    let items = if node.value.as_array().is_some() {
        node.items()
    } else {
        vec![node]
    };
    let mut numbers = Vec::new();
    for item in items {
        let Some(text) = draft.settled(&item) else { continue };
        match text.parse::<i8>() {
            Ok(number) if (0..=most).contains(&number) => numbers.push(number),
            Ok(_) | Err(_) => {
                let message = format!("'{name}' takes integers from 0 to {most}");
                draft.report.error("InvalidValue", &item.pointer, message);
            }
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn week_days(draft: &mut Draft, schedule: &Node) -> Vec<Weekday> {
    let Some(node) = schedule.member("weekDays") else {
        return Vec::new();
    };
    let mut days = Vec::new();
    draft.is_array(&node);
    for item in node.items() {
        let Some(text) = draft.settled(&item) else { continue };
        match WEEK_DAYS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&text)) {
            Some((_, day)) => days.push(*day),
            None => {
                let message = "a week day is one of Monday to Sunday";
                draft.report.error("InvalidValue", &item.pointer, message);
            }
        }
    }
    days
}
