//! Where a store is: a folder, or a database of a PostgreSQL server. Invariant: a password is in no text that is made here.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use url::Url;

use super::Error;

/// What an address may ask; sqlx would log what it does not know, and a password that is not encoded can end up there.
const PARAMETERS: [&str; 9] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "dbname",
    "user",
    "password",
];
/// A replica that is cut off within a commit must not hold its locks for longer than others may wait for its runs.
const IDLE_IN_TRANSACTION: &str = "5s";
/// How statements are planned: a plan is made once, when tables may be small, and kept while they grow. So an index is taken
/// wherever there is one, and nothing is compiled for costs that only seem high.
const PLANS: [(&str, &str); 2] = [("enable_seqscan", "off"), ("jit", "off")];

/// Where a store is.
#[derive(Clone, Debug)]
pub enum Location {
    /// A folder with an SQLite database, which one process has open at a time.
    Folder(PathBuf),
    /// A database of a PostgreSQL server, which replicas share.
    Server(Box<Address>),
}

impl From<&Path> for Location {
    fn from(folder: &Path) -> Self {
        Location::Folder(folder.to_owned())
    }
}

impl From<&PathBuf> for Location {
    fn from(folder: &PathBuf) -> Self {
        Location::Folder(folder.clone())
    }
}

impl From<PathBuf> for Location {
    fn from(folder: PathBuf) -> Self {
        Location::Folder(folder)
    }
}

impl From<Address> for Location {
    fn from(address: Address) -> Self {
        Location::Server(Box::new(address))
    }
}

/// A database of a PostgreSQL server, and how to sign in to it.
#[derive(Clone)]
pub struct Address {
    options: PgConnectOptions,
}

impl Address {
    /// The database that a URL names: `postgres://USER@HOST:5432/DATABASE?sslmode=verify-full`. `sslmode` is as for other
    /// programs of PostgreSQL; without it the connection is encrypted where the server can. A password that is not in the
    /// URL may be in the environment (`PGPASSWORD`).
    ///
    /// # Errors
    /// [`Error::Address`] if it is no such URL.
    pub fn parse(text: &str) -> Result<Address, Error> {
        let url = Url::parse(text.trim()).map_err(|_| Error::Address)?;
        let is_known = url.query_pairs().all(|(key, _)| PARAMETERS.contains(&&*key));
        if !matches!(url.scheme(), "postgres" | "postgresql") || !is_known || url.fragment().is_some() {
            return Err(Error::Address);
        }
        let options = PgConnectOptions::from_str(url.as_str()).map_err(|_| Error::Address)?;
        let options = options
            .application_name("riposte")
            .options([("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION)])
            .options(PLANS);
        Ok(Address { options })
    }

    /// The same with this password.
    #[must_use]
    pub fn with_password(self, password: &str) -> Address {
        Address {
            options: self.options.password(password),
        }
    }

    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.options
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (options, user) = (&self.options, self.options.get_username());
        let database = options.get_database().unwrap_or(user);
        match options.get_socket() {
            Some(socket) => write!(formatter, "{database} at {} as {user}", socket.display()),
            None => {
                let (host, port) = (options.get_host(), options.get_port());
                write!(formatter, "{database} at {host}:{port} as {user}")
            }
        }
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_no_password() {
        let address = Address::parse("postgres://riposte:canary%2F1@db.example:6543/soc?sslmode=verify-full").unwrap();
        let address = address.with_password("canary2");
        assert_eq!(address.to_string(), "soc at db.example:6543 as riposte");
        let location = format!("{:?}", Location::from(address));
        assert_eq!(location, "Server(Address(soc at db.example:6543 as riposte))");
    }

    #[test]
    fn what_is_no_address_is_refused_without_a_word_of_it() {
        for wrong in [
            "riposte.db",
            "mysql://u:canary@h/d",
            "postgres://u:canary#1@h/d",
            "postgres://u:can/ary@h:1/d",
            "postgres://u@h/d?sslmode=canary",
            "postgres://u@h/d?canary=1",
        ] {
            let error = Address::parse(wrong).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{wrong}");
        }
    }
}
