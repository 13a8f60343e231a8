//! A store on a PostgreSQL server, which replicas share: its connection for writing is made anew when it breaks, and what
//! failed without a trace is repeated. Invariant: nobody is told that a transaction failed that may have been committed.

use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgPoolOptions;
use tokio::time::timeout;

use super::batch::{self, Outcome};
use super::sql::{Connection, Pool, query};
use super::{Address, Error, Transaction, schema};

/// Connections that read, and one that listens.
const READERS: u32 = 9;
/// How long a reader waits for a connection, or the writer for the server to be back, before it fails.
const REACH: Duration = Duration::from_secs(10);
/// How long a broken connection rests before it is tried again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a batch may take. A connection that is cut off without a word would else hold the writer for ever.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a batch is tried that fails without a trace.
const ATTEMPTS: u32 = 5;

/// The open database of a server.
pub(super) struct Server {
    address: Address,
    /// The name of this store among those that share the database.
    name: String,
    connection: Option<Connection>,
}

/// Why a batch was not committed.
enum Failure {
    /// It left no trace, and may succeed if it is repeated: a deadlock, or a connection that broke before the commit.
    Passing(sqlx::Error),
    /// The database refused it.
    Refused(sqlx::Error),
    /// The server is not reached.
    Away(Error),
    /// It took too long before the commit.
    Late,
    /// The connection broke during the commit.
    Unknown,
}

impl Server {
    /// Opens a database, and makes its tables if they are new. Gives it with the connections that read.
    pub(super) async fn open(address: Address, name: String) -> Result<(Server, Pool), Error> {
        let mut connection = connect(&address).await?;
        schema::migrate(&mut connection).await?;
        let readers = PgPoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(REACH)
            .connect_lazy_with(address.options().clone());
        let server = Server {
            address,
            name,
            connection: Some(connection),
        };
        Ok((server, Pool::Postgres(readers)))
    }

    /// Commits transactions at once. Where the data of one is refused as late as with all of them, each is committed for
    /// itself.
    pub(super) async fn commit(&mut self, transactions: Vec<Transaction>) -> Result<Vec<Outcome>, Error> {
        match self.commit_together(&transactions).await {
            Err(Failure::Refused(error)) if transactions.len() > 1 && batch::is_about_its_data(&error) => {
                let mut outcomes = Vec::with_capacity(transactions.len());
                for transaction in transactions {
                    let outcome = self.commit_together(&[transaction]).await;
                    outcomes.extend(outcome.unwrap_or_else(|failure| vec![Err(failure.into())]));
                }
                Ok(outcomes)
            }
            outcome => Ok(outcome?),
        }
    }

    async fn commit_together(&mut self, transactions: &[Transaction]) -> Result<Vec<Outcome>, Failure> {
        let mut attempt = 1;
        loop {
            match self.try_commit(transactions).await {
                Err(Failure::Passing(error)) if attempt < ATTEMPTS => {
                    tracing::debug!(%error, attempt, "a batch is repeated");
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// Commits once. A connection that may be of no more use is dropped.
    async fn try_commit(&mut self, transactions: &[Transaction]) -> Result<Vec<Outcome>, Failure> {
        let mut connection = self.reach().await?;
        let applied = timeout(PATIENCE, self.apply(&mut connection, transactions.to_vec())).await;
        let outcomes = match applied.map_err(|_| Failure::Late)? {
            Ok(outcomes) => outcomes,
            Err(error) if is_broken(&error) => return Err(Failure::Passing(error)),
            Err(error) => {
                if batch::execute(&mut connection, "ROLLBACK").await.is_ok() {
                    self.connection = Some(connection);
                }
                return Err(match is_conflict(&error) {
                    true => Failure::Passing(error),
                    false => Failure::Refused(error),
                });
            }
        };
        match timeout(PATIENCE, batch::execute(&mut connection, "COMMIT")).await {
            Ok(Ok(())) => {
                self.connection = Some(connection);
                Ok(outcomes)
            }
            Ok(Err(error)) if is_conflict(&error) => Err(Failure::Passing(error)),
            Ok(Err(error)) if !is_broken(&error) => Err(Failure::Refused(error)),
            Ok(Err(_)) | Err(_) => Err(Failure::Unknown),
        }
    }

    async fn apply(
        &self,
        connection: &mut Connection,
        transactions: Vec<Transaction>,
    ) -> Result<Vec<Outcome>, sqlx::Error> {
        let outcomes = batch::apply_all(connection, transactions).await?;
        let notify = query("SELECT pg_notify($1, $2)").bind(batch::CHANNEL);
        notify.bind(&self.name).execute(connection).await?;
        Ok(outcomes)
    }

    /// The connection, made anew if the last one broke.
    async fn reach(&mut self) -> Result<Connection, Failure> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let begun = tokio::time::Instant::now();
        loop {
            match connect(&self.address).await {
                Ok(connection) => return Ok(connection),
                Err(error) if begun.elapsed() > REACH => return Err(Failure::Away(error)),
                Err(error) => tracing::warn!(%error, "the database is tried again"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    pub(super) async fn close(self) {
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "the connection to the database did not close cleanly");
        }
    }
}

async fn connect(address: &Address) -> Result<Connection, Error> {
    let unreachable = |reason: String| Error::Unreachable {
        address: address.to_string(),
        reason,
    };
    match timeout(REACH, address.options().connect()).await {
        Ok(Ok(connection)) => Ok(Connection::Postgres(connection)),
        Ok(Err(error)) => Err(unreachable(error.to_string())),
        Err(_) => Err(unreachable("it does not answer".to_owned())),
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Passing(error) | Failure::Refused(error) => error.into(),
            Failure::Away(error) => error,
            Failure::Late => Error::Database(format!("a commit took longer than {} s", PATIENCE.as_secs())),
            Failure::Unknown => Error::Unknown,
        }
    }
}

/// Whether the connection is of no more use: it broke, or the server ends it (classes 08 and 57, and a session that
/// idled within a transaction).
fn is_broken(error: &sqlx::Error) -> bool {
    match error.as_database_error() {
        Some(error) => error
            .code()
            .is_some_and(|code| code.starts_with("08") || code.starts_with("57P") || code == "25P03"),
        None => !matches!(error, sqlx::Error::RowNotFound | sqlx::Error::ColumnDecode { .. }),
    }
}

/// Whether other transactions stood in the way: serialization failures and deadlocks.
fn is_conflict(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code == "40001" || code == "40P01")
}
