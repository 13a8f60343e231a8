//! Statements for both databases: a text with its values, run on a connection or a pool of SQLite or PostgreSQL. The text
//! is the same for both wherever they agree; else there is one for each. sqlx's own `Any` knows too few types for this.
//! Invariant: what a statement means does not depend on the database.

use std::fmt::Write as _;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    AssertSqlSafe, Connection as _, Decode, PgConnection, PgPool, Postgres, Row as _, SqlSafeStr, SqlStr, Sqlite, Type,
};
use sqlx::{SqliteConnection, SqlitePool};

/// A connection to one of the databases.
#[derive(Debug)]
pub(super) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Connection {
    pub(super) fn is_postgres(&self) -> bool {
        matches!(self, Connection::Postgres(_))
    }

    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Connection::Sqlite(connection) => connection.close().await,
            Connection::Postgres(connection) => connection.close().await,
        }
    }
}

/// Connections that read.
#[derive(Clone, Debug)]
pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    pub(super) async fn close(&self) {
        match self {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

/// Where a statement is run.
pub(super) enum On<'a> {
    Connection(&'a mut Connection),
    Pool(&'a Pool),
}

impl<'a> From<&'a mut Connection> for On<'a> {
    fn from(connection: &'a mut Connection) -> Self {
        On::Connection(connection)
    }
}

impl<'a> From<&'a Pool> for On<'a> {
    fn from(pool: &'a Pool) -> Self {
        On::Pool(pool)
    }
}

/// The text of a statement.
#[derive(Debug)]
pub(super) enum Text {
    /// One that both databases understand.
    Same(&'static str),
    /// One for each.
    Each {
        sqlite: &'static str,
        postgres: &'static str,
    },
    /// One that is put together for both.
    Made(String),
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Text::Same(text)
    }
}

/// A statement about the texts of a JSON list in `$1`: that something is one of them stands between the two parts of the
/// text. PostgreSQL gets them as an array, for which it takes an index however small it believes the table to be.
macro_rules! in_list {
    ($before:literal, $after:literal) => {
        $crate::store::sql::Text::Each {
            sqlite: concat!($before, "IN (SELECT value FROM json_each($1))", $after),
            postgres: concat!(
                $before,
                "= ANY (ARRAY(SELECT json_array_elements_text($1::json)))",
                $after
            ),
        }
    };
}
pub(super) use in_list;

/// A value of a statement.
#[derive(Debug)]
pub(super) enum Value {
    Text(Option<String>),
    Int(Option<i64>),
    Bytes(Option<Vec<u8>>),
}

/// How Rust's types become values.
macro_rules! values {
    ($($from:ty => $variant:ident($value:ident -> $into:expr)),* $(,)?) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                Value::$variant($into)
            }
        })*
    };
}
values! {
    String => Text(value -> Some(value)),
    &str => Text(value -> Some(value.to_owned())),
    &String => Text(value -> Some(value.clone())),
    Option<String> => Text(value -> value),
    i64 => Int(value -> Some(value)),
    u32 => Int(value -> Some(i64::from(value))),
    bool => Int(value -> Some(i64::from(value))),
    Option<i64> => Int(value -> value),
    Vec<u8> => Bytes(value -> Some(value)),
    Option<Vec<u8>> => Bytes(value -> value),
}

/// A statement with its values, in the order of its parameters `$1`, `$2` and so on.
#[derive(Debug)]
pub(super) struct Query {
    text: Text,
    values: Vec<Value>,
}

pub(super) fn query(text: impl Into<Text>) -> Query {
    Query {
        text: text.into(),
        values: Vec::new(),
    }
}

/// A statement that is put together from here on.
pub(super) fn made(beginning: &str) -> Query {
    query(Text::Made(beginning.to_owned()))
}

impl Query {
    /// Gives the next parameter its value.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds a piece to a text that is put together.
    pub(super) fn push(&mut self, piece: &str) {
        if let Text::Made(text) = &mut self.text {
            text.push_str(piece);
        }
    }

    /// Adds the next parameter to a text that is put together.
    pub(super) fn push_bind(&mut self, value: impl Into<Value>) {
        self.values.push(value.into());
        if let Text::Made(text) = &mut self.text {
            // Writing to a String never fails.
            let _ = write!(text, "${}", self.values.len());
        }
    }

    /// Runs it, and says how many rows it concerned.
    pub(super) async fn execute(self, on: &mut Connection) -> Result<u64, sqlx::Error> {
        Ok(match on {
            Connection::Sqlite(connection) => self.sqlite().execute(connection).await?.rows_affected(),
            Connection::Postgres(connection) => self.postgres().execute(connection).await?.rows_affected(),
        })
    }

    /// All rows that it gives.
    pub(super) async fn all<T: FromRow>(self, on: impl Into<On<'_>>) -> Result<Vec<T>, sqlx::Error> {
        let of_sqlite = |rows: Vec<SqliteRow>| rows.iter().map(|row| T::from_row(Row::Sqlite(row))).collect();
        let of_postgres = |rows: Vec<PgRow>| rows.iter().map(|row| T::from_row(Row::Postgres(row))).collect();
        match on.into() {
            On::Connection(Connection::Sqlite(connection)) => of_sqlite(self.sqlite().fetch_all(connection).await?),
            On::Connection(Connection::Postgres(connection)) => {
                of_postgres(self.postgres().fetch_all(connection).await?)
            }
            On::Pool(Pool::Sqlite(pool)) => of_sqlite(self.sqlite().fetch_all(pool).await?),
            On::Pool(Pool::Postgres(pool)) => of_postgres(self.postgres().fetch_all(pool).await?),
        }
    }

    /// The first row that it gives, if any.
    pub(super) async fn optional<T: FromRow>(self, on: impl Into<On<'_>>) -> Result<Option<T>, sqlx::Error> {
        let of_sqlite = |row: Option<SqliteRow>| row.map(|row| T::from_row(Row::Sqlite(&row))).transpose();
        let of_postgres = |row: Option<PgRow>| row.map(|row| T::from_row(Row::Postgres(&row))).transpose();
        match on.into() {
            On::Connection(Connection::Sqlite(connection)) => {
                of_sqlite(self.sqlite().fetch_optional(connection).await?)
            }
            On::Connection(Connection::Postgres(connection)) => {
                of_postgres(self.postgres().fetch_optional(connection).await?)
            }
            On::Pool(Pool::Sqlite(pool)) => of_sqlite(self.sqlite().fetch_optional(pool).await?),
            On::Pool(Pool::Postgres(pool)) => of_postgres(self.postgres().fetch_optional(pool).await?),
        }
    }

    /// The one row that it gives.
    pub(super) async fn one<T: FromRow>(self, on: impl Into<On<'_>>) -> Result<T, sqlx::Error> {
        self.optional(on).await?.ok_or(sqlx::Error::RowNotFound)
    }
}

/// The statement as one of the databases has it.
macro_rules! statement {
    ($name:ident: $database:ty, $arguments:ty) => {
        impl Query {
            fn $name(self) -> sqlx::query::Query<'static, $database, $arguments> {
                let text = match self.text {
                    Text::Same(text) | Text::Each { $name: text, .. } => SqlStr::from_static(text),
                    Text::Made(text) => AssertSqlSafe(text).into_sql_str(),
                };
                let bind = |query: sqlx::query::Query<'static, $database, $arguments>, value| match value {
                    Value::Text(value) => query.bind(value),
                    Value::Int(value) => query.bind(value),
                    Value::Bytes(value) => query.bind(value),
                };
                self.values.into_iter().fold(sqlx::query(text), bind)
            }
        }
    };
}
statement!(sqlite: Sqlite, SqliteArguments);
statement!(postgres: Postgres, PgArguments);

/// A row of one of the databases.
#[derive(Clone, Copy)]
pub(super) enum Row<'a> {
    Sqlite(&'a SqliteRow),
    Postgres(&'a PgRow),
}

/// The type of a column in both databases.
pub(super) trait Column:
    for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
{
}

impl<T> Column for T where T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres> {}

impl Row<'_> {
    /// The value of a column.
    pub(super) fn get<T: Column>(self, column: &str) -> Result<T, sqlx::Error> {
        match self {
            Row::Sqlite(row) => row.try_get(column),
            Row::Postgres(row) => row.try_get(column),
        }
    }

    /// The value of the column at a place, from 0.
    pub(super) fn at<T: Column>(self, place: usize) -> Result<T, sqlx::Error> {
        match self {
            Row::Sqlite(row) => row.try_get(place),
            Row::Postgres(row) => row.try_get(place),
        }
    }

    /// Whether a column of 0 and 1 is 1.
    pub(super) fn flag(self, column: &str) -> Result<bool, sqlx::Error> {
        Ok(self.get::<i64>(column)? != 0)
    }
}

/// What is read from a row.
pub(super) trait FromRow: Sized {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error>;
}

/// Types that are read from the only column.
macro_rules! scalars {
    ($($scalar:ty),*) => {
        $(impl FromRow for $scalar {
            fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
                row.at(0)
            }
        })*
    };
}
scalars!(String, i64, Option<i64>);

impl<A: Column, B: Column> FromRow for (A, B) {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        Ok((row.at(0)?, row.at(1)?))
    }
}
