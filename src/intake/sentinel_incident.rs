//! Incidents as Microsoft Sentinel writes them: the body of the incident trigger, its `object`, or what "Get incident"
//! answers. Alerts, comments and tasks lie inside; `relatedEntities` belong to the incident as a whole.

use super::bounds::{self, MAX_ALERTS_PER_INCIDENT, MAX_COMMENTS, MAX_TASKS};
use super::node::Node;
use super::{DecodeError, Delivery, NativeIncident, identity, sentinel_alert};
use crate::api::automation_rule::{Classification, ClassificationReason, IncidentStatus, Owner, OwnerType};
use crate::rules::{Comment, Incident, Label, Task};

pub(super) fn recognises(body: &Node<'_>) -> bool {
    let schema = body
        .get("objectSchemaType")
        .and_then(|node| node.value.as_str().map(str::to_owned));
    let is_incident = |node: &Node<'_>| {
        let properties = node.get("properties");
        properties.is_some_and(|node| node.has("title") && (node.has("severity") || node.has("incidentNumber")))
    };
    schema.is_some_and(|schema| schema.eq_ignore_ascii_case("Incident"))
        || body.get("object").as_ref().is_some_and(is_incident)
        || is_incident(body)
}

pub(super) fn read(body: &Node<'_>, delivery: Delivery<'_>) -> Result<NativeIncident, DecodeError> {
    let object = body.get("object").unwrap_or_else(|| body.clone());
    let missing = || object.error("an incident must have `properties`");
    let properties = object.get("properties").ok_or_else(missing)?;
    if !properties.value.is_object() {
        return Err(properties.expected("an object"));
    }
    let own_id = own_id(&object, &properties)?;
    let key = identity::dedup_key("sentinel", own_id.as_deref(), || {
        identity::hash([properties.value.to_string()])
    });
    let id = identity::id(delivery.workspace, "incident", &key);
    let alerts = properties.list("Alerts")?;
    let alerts: Result<Vec<_>, DecodeError> = alerts
        .iter()
        .take(MAX_ALERTS_PER_INCIDENT)
        .map(|alert| sentinel_alert::read(alert, delivery))
        .collect();
    let mut incident = incident(&properties, delivery)?;
    incident.id.clone_from(&id);
    incident.provider_incident_id = properties
        .text(&["providerIncidentId"])?
        .or(own_id)
        .map(|id| bounds::name(&id));
    Ok(NativeIncident {
        incident,
        alerts: alerts?,
        comments: comments(&properties, &id, delivery)?,
        tasks: tasks(&properties, &id, delivery)?,
        dedup_key: key,
    })
}

/// The GUID of the incident: its name, or the end of its ARM id.
fn own_id(object: &Node<'_>, properties: &Node<'_>) -> Result<Option<String>, DecodeError> {
    let from_arm = object
        .text(&["id"])?
        .and_then(|id| id.rsplit('/').next().map(str::to_owned));
    let name = object.text(&["name"])?.or(from_arm);
    let name = name.map(|name| name.to_lowercase());
    Ok(name.or(properties
        .text(&["incidentNumber"])?
        .map(|number| format!("number-{number}"))))
}

fn incident(properties: &Node<'_>, delivery: Delivery<'_>) -> Result<Incident, DecodeError> {
    let title = properties
        .text(&["title"])?
        .ok_or_else(|| properties.error("an incident must have a `title`"))?;
    let created = properties.time(&["createdTimeUtc"])?.unwrap_or_else(|| delivery.time());
    let first = properties.time(&["firstActivityTimeUtc", "firstActivityTimeGenerated"])?;
    let last = properties.time(&["lastActivityTimeUtc", "lastActivityTimeGenerated"])?;
    let related = properties.get("relatedEntities");
    let entities = related.map_or(Ok(Default::default()), |node| sentinel_alert::read_entities(&node))?;
    Ok(Incident {
        workspace: delivery.workspace.to_owned(),
        number: properties
            .get("incidentNumber")
            .and_then(|node| node.value.as_i64())
            .unwrap_or_default(),
        title: bounds::title(&title),
        description: bounds::description(&properties.text(&["description"])?.unwrap_or_default()),
        first_activity_time: first.unwrap_or_else(|| created.clone()),
        last_activity_time: last.unwrap_or_else(|| created.clone()),
        last_modified_time: properties
            .time(&["lastModifiedTimeUtc"])?
            .unwrap_or_else(|| created.clone()),
        created_time: created,
        related_analytic_rules: properties.names(&["relatedAnalyticRuleIds"])?,
        entities: entities.0,
        ..work(properties)?
    })
}

/// Where the work on the incident stands.
fn work(properties: &Node<'_>) -> Result<Incident, DecodeError> {
    let additional = properties.get("additionalData");
    let names = |name: &str| additional.as_ref().map_or(Ok(Vec::new()), |node| node.names(&[name]));
    let status = properties.one_of(&["status"], IncidentStatus::ALL, IncidentStatus::as_str)?;
    let comment = properties.text(&["classificationComment"])?;
    Ok(Incident {
        severity: sentinel_alert::severity(properties)?,
        status: status.unwrap_or_default(),
        classification: properties.one_of(&["classification"], Classification::ALL, Classification::as_str)?,
        classification_reason: properties.one_of(
            &["classificationReason"],
            ClassificationReason::ALL,
            ClassificationReason::as_str,
        )?,
        classification_comment: comment.map(|text| bounds::description(&text)),
        owner: owner(properties)?,
        labels: labels(properties)?,
        provider_name: bounds::name(
            &properties
                .text(&["providerName"])?
                .unwrap_or_else(|| "Microsoft Sentinel".into()),
        ),
        alert_product_names: names("alertProductNames")?,
        tactics: names("tactics")?,
        techniques: names("techniques")?,
        ..Incident::default()
    })
}

fn owner(properties: &Node<'_>) -> Result<Owner, DecodeError> {
    let Some(owner) = properties.get("owner") else {
        return Ok(Owner::default());
    };
    let text = |name: &str| Ok(owner.text(&[name])?.map(|text| bounds::name(&text)));
    Ok(Owner {
        object_id: text("objectId")?,
        email: text("email")?,
        assigned_to: text("assignedTo")?,
        user_principal_name: text("userPrincipalName")?,
        owner_type: owner.one_of(&["ownerType"], OwnerType::ALL, OwnerType::as_str)?,
    })
}

fn labels(properties: &Node<'_>) -> Result<Vec<Label>, DecodeError> {
    let mut names = Vec::new();
    for node in properties.list("labels")? {
        let kind = node.text(&["labelType"])?.unwrap_or_else(|| "User".to_owned());
        let name = if node.value.is_object() {
            node.text(&["labelName"])?
        } else {
            Some(node.as_text()?)
        };
        names.extend(name.map(|name| (bounds::name(&name), bounds::name(&kind))));
    }
    let unique = bounds::names(names.iter().map(|(name, _)| name));
    let kind_of = |name: &String| {
        names
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, kind)| kind.clone())
    };
    let label = |name: String| Label {
        label_type: kind_of(&name).unwrap_or_default(),
        label_name: name,
    };
    Ok(unique.into_iter().map(label).collect())
}

/// A comment or task with its members, which lie in `properties` or beside them.
fn note<'a>(node: &Node<'a>) -> Node<'a> {
    node.get("properties").unwrap_or_else(|| node.clone())
}

fn note_id(node: &Node<'_>, note: &Node<'_>, incident: &str) -> Result<String, DecodeError> {
    let own = node
        .text(&["name", "id"])?
        .unwrap_or_else(|| identity::hash([note.value.to_string()]));
    Ok(identity::id(incident, "note", &own))
}

fn comments(properties: &Node<'_>, incident: &str, delivery: Delivery<'_>) -> Result<Vec<Comment>, DecodeError> {
    let nodes = properties.list("Comments")?;
    let read = |node: &Node<'_>| {
        let comment = note(node);
        let Some(message) = comment.text(&["message"])? else {
            return Ok(None);
        };
        let author = match comment.get("author") {
            Some(author) if author.value.is_object() => author.text(&["name", "email", "userPrincipalName"])?,
            Some(author) => Some(author.as_text()?),
            None => None,
        };
        Ok(Some(Comment {
            id: note_id(node, &comment, incident)?,
            incident: incident.to_owned(),
            message: bounds::cut(&message, bounds::MAX_COMMENT),
            author: bounds::name(&author.unwrap_or_else(|| "Microsoft Sentinel".to_owned())),
            created_time: comment.time(&["createdTimeUtc"])?.unwrap_or_else(|| delivery.time()),
        }))
    };
    nodes
        .iter()
        .take(MAX_COMMENTS)
        .filter_map(|node| read(node).transpose())
        .collect()
}

fn tasks(properties: &Node<'_>, incident: &str, delivery: Delivery<'_>) -> Result<Vec<Task>, DecodeError> {
    let nodes = properties.list("tasks")?;
    let read = |node: &Node<'_>| {
        let task = note(node);
        let Some(title) = task.text(&["title"])? else {
            return Ok(None);
        };
        let created = task.time(&["createdTimeUtc"])?.unwrap_or_else(|| delivery.time());
        Ok(Some(Task {
            id: note_id(node, &task, incident)?,
            incident: incident.to_owned(),
            title: bounds::cut(title.trim(), 150),
            description: bounds::description(&task.text(&["description"])?.unwrap_or_default()),
            completed: task
                .text(&["status"])?
                .is_some_and(|status| status.eq_ignore_ascii_case("Completed")),
            created_by: "Microsoft Sentinel".to_owned(),
            last_modified_time: task.time(&["lastModifiedTimeUtc"])?.unwrap_or_else(|| created.clone()),
            created_time: created,
        }))
    };
    nodes
        .iter()
        .take(MAX_TASKS)
        .filter_map(|node| read(node).transpose())
        .collect()
}
