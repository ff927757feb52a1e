/** What one class of Durable Object's storage was asked to do, in what is billed. */
export type StorageCounts = {
  rowsWritten: number;
  rowsRead: number;
  /** Of all databases together. */
  bytes: number;
};

/** Everything counted since the start. */
export type BenchCounts = {
  /** Calls by object class and method, such as `Session.open`. */
  readonly calls: Readonly<Record<string, number>>;
  readonly storage: Readonly<Record<string, StorageCounts>>;
};
