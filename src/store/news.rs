//! Tells of commits: those of this store, and those of others that share its database. PostgreSQL notifies of them at the
//! commit; should that get lost, it is a second later that something may have happened.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;

use super::batch::CHANNEL;

/// How often others are taken to have committed.
const TICK: Duration = Duration::from_secs(1);

/// Who is told.
#[derive(Debug)]
pub(super) struct News {
    /// Changes after each commit.
    pub(super) commits: watch::Sender<u64>,
    /// Changes after each commit of others.
    pub(super) elsewhere: watch::Sender<u64>,
}

impl News {
    /// This store has committed.
    pub(super) fn committed(&self) {
        self.commits.send_modify(|count| *count += 1);
    }

    fn committed_elsewhere(&self) {
        self.committed();
        self.elsewhere.send_modify(|count| *count += 1);
    }
}

/// Tells once a second that others may have committed.
pub(super) async fn tick(news: Arc<News>) {
    loop {
        tokio::time::sleep(TICK).await;
        news.committed_elsewhere();
    }
}

/// Tells when others have committed; `own` is the name by which this store notifies.
pub(super) async fn listen(pool: PgPool, own: String, news: Arc<News>) {
    loop {
        if let Err(error) = try_listen(&pool, &own, &news).await {
            tracing::debug!(%error, "commits of other replicas are seen up to a second later");
        }
        tokio::time::sleep(TICK).await;
    }
}

async fn try_listen(pool: &PgPool, own: &str, news: &News) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        let notification = listener.recv().await?;
        if notification.payload() != own {
            news.committed_elsewhere();
        }
    }
}
