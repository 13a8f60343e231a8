//! Comments and tasks: small documents that hang on an incident. Invariant: an identity is one comment or one task, so a
//! repeated insert (a replayed action) changes nothing.

use super::error::Fault;
use super::sql::{Connection, FromRow, Row, query};
use super::{Error, Millis, Store};

/// A stored comment or task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteRow {
    /// Identity.
    pub id: String,
    /// The incident that it belongs to.
    pub incident: String,
    /// When it was made.
    pub created_at: Millis,
    /// The comment or task as JSON.
    pub document: String,
}

impl FromRow for NoteRow {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        Ok(NoteRow {
            id: row.get("id")?,
            incident: row.get("incident")?,
            created_at: row.get("created_at")?,
            document: row.get("document")?,
        })
    }
}

pub(super) async fn insert_comment(connection: &mut Connection, comment: NoteRow) -> Result<(), Fault> {
    let sql = "INSERT INTO comments (id, incident, created_at, document) VALUES ($1, $2, $3, $4)
               ON CONFLICT (id) DO NOTHING";
    write(connection, sql, comment).await
}

pub(super) async fn insert_task(connection: &mut Connection, task: NoteRow) -> Result<(), Fault> {
    let sql = "INSERT INTO tasks (id, incident, created_at, document) VALUES ($1, $2, $3, $4)
               ON CONFLICT (id) DO NOTHING";
    write(connection, sql, task).await
}

pub(super) async fn update_task(connection: &mut Connection, task: NoteRow) -> Result<(), Fault> {
    let sql = "INSERT INTO tasks (id, incident, created_at, document) VALUES ($1, $2, $3, $4)
               ON CONFLICT (id) DO UPDATE SET document = excluded.document";
    write(connection, sql, task).await
}

async fn write(connection: &mut Connection, sql: &'static str, note: NoteRow) -> Result<(), Fault> {
    let query = query(sql)
        .bind(note.id)
        .bind(note.incident)
        .bind(note.created_at)
        .bind(note.document);
    query.execute(connection).await?;
    Ok(())
}

impl Store {
    /// The comments of an incident, oldest first.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn comments(&self, incident: &str) -> Result<Vec<NoteRow>, Error> {
        let query = query("SELECT * FROM comments WHERE incident = $1 ORDER BY created_at, id");
        Ok(query.bind(incident).all(&self.readers).await?)
    }

    /// The tasks of an incident, oldest first.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn tasks(&self, incident: &str) -> Result<Vec<NoteRow>, Error> {
        let query = query("SELECT * FROM tasks WHERE incident = $1 ORDER BY created_at, id");
        Ok(query.bind(incident).all(&self.readers).await?)
    }

    /// The task with this identity.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn task(&self, id: &str) -> Result<Option<NoteRow>, Error> {
        let query = query("SELECT * FROM tasks WHERE id = $1").bind(id);
        Ok(query.optional(&self.readers).await?)
    }
}
