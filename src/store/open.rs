//! Opens a store, wherever it is, and starts its writer.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::folder::Folder;
use super::load::Load;
use super::news::{self, News};
use super::server::Server;
use super::sql::Pool;
use super::writer::{Link, Writer};
use super::{Error, Lease, Location, Store, Timings};

/// Transactions that may wait for the writer; more senders wait for room.
const QUEUE: usize = 1024;

impl Store {
    /// Opens the store in a folder or on a server, and makes it if it is new.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process has the folder open, [`Error::Newer`] if a newer Riposte wrote it, and
    /// [`Error::Database`] or [`Error::Unreachable`] if the folder or the database cannot be used.
    pub async fn open(location: impl Into<Location>) -> Result<Store, Error> {
        let (commits, seen) = watch::channel(0);
        let (elsewhere, told) = watch::channel(0);
        let news = Arc::new(News { commits, elsewhere });
        let mut tasks = JoinSet::new();
        let (link, readers, elsewhere, lease) = match location.into() {
            Location::Folder(folder) => {
                let (folder, readers) = Folder::open(&folder).await?;
                (Link::Folder(Box::new(folder)), readers, None, Lease::alone())
            }
            Location::Server(address) => {
                let name = uuid::Uuid::new_v4().to_string();
                let lease = Lease::shared(name.clone(), (*address).clone());
                let (server, readers) = Server::open(*address, name.clone()).await?;
                if let Pool::Postgres(pool) = &readers {
                    tasks.spawn(news::listen(pool.clone(), name, news.clone()));
                    tasks.spawn(news::tick(news.clone()));
                }
                (Link::Server(Box::new(server)), readers, Some(told), lease)
            }
        };
        let timings = Timings::default();
        let (writer, jobs) = mpsc::channel(QUEUE);
        let load = Load::new();
        tokio::spawn(
            Writer {
                link,
                jobs,
                load: load.clone(),
                news,
                readers: readers.clone(),
                tasks,
                timings: timings.clone(),
            }
            .work(),
        );
        Ok(Store {
            writer,
            readers,
            commits: seen,
            elsewhere,
            lease,
            load,
            timings,
        })
    }
}
