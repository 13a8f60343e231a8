-- Watchlists of a workspace by their alias, whatever its case; the version says how often one was written.
CREATE TABLE watchlists (
    id TEXT NOT NULL PRIMARY KEY,
    workspace TEXT NOT NULL,
    alias TEXT NOT NULL COLLATE NOCASE,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (workspace, alias)
) STRICT;

-- Their items, in the order in which they came.
CREATE TABLE watchlist_items (
    position INTEGER PRIMARY KEY,
    watchlist TEXT NOT NULL REFERENCES watchlists (id),
    id TEXT NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (watchlist, id)
) STRICT;
CREATE INDEX watchlist_items_by_position ON watchlist_items (watchlist, position);
