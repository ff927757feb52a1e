/** Append-only: the place in the list is the schema's version. Never change one that has been deployed. */
export const sessionMigrations: readonly string[] = [
  "CREATE TABLE IF NOT EXISTS turns (n INTEGER PRIMARY KEY, body TEXT NOT NULL)",
];

/** Append-only, as above. Apart from the session's, as most sessions store none: a table is billed as two rows. */
export const responseMigrations: readonly string[] = [
  "CREATE TABLE IF NOT EXISTS responses (n INTEGER PRIMARY KEY, at INTEGER NOT NULL, previous INTEGER, items BLOB NOT NULL, rest BLOB NOT NULL)",
];

/** Append-only, as above, and apart for the same reason. */
export const conversationMigrations: readonly string[] = [
  "CREATE TABLE IF NOT EXISTS conversation (n INTEGER PRIMARY KEY, head INTEGER, body TEXT NOT NULL)",
];

/** Append-only, as above. */
export const receiptMigrations: readonly string[] = [
  // `ids` before `body`, so that a search by id does not read the bodies' overflow pages.
  "CREATE TABLE IF NOT EXISTS packs (n INTEGER PRIMARY KEY, at INTEGER NOT NULL, ids TEXT NOT NULL, body TEXT NOT NULL)",
];

/** Append-only, as above. */
export const regionMigrations: readonly string[] = [
  // Without row ids, as their index would be billed as a row of its own.
  "CREATE TABLE IF NOT EXISTS leases (ticket TEXT PRIMARY KEY, body TEXT NOT NULL, keys BLOB NOT NULL, tokens BLOB NOT NULL) WITHOUT ROWID",
  "CREATE TABLE IF NOT EXISTS checkpoint (n INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL)",
];

/** Runs what tables of version `from` lack and answers with their version now. */
export function migrate(sql: SqlStorage, migrations: readonly string[], from: number): number {
  for (const migration of migrations.slice(from)) sql.exec(migration);
  return Math.max(from, migrations.length);
}

/** A version as it was stored; 0 where nothing sensible was. */
export function parseSchema(stored: unknown): number {
  return typeof stored === "number" && Number.isInteger(stored) && stored > 0 ? stored : 0;
}
