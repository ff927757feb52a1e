import type { StorageCounts } from "./counts.ts";

/**
 * Counts what an object's own storage is asked, in place: SQL by the cursors' own counts, and one row for each key and
 * alarm, as the price list has it.
 */
export function countStorage(storage: DurableObjectStorage, counts: StorageCounts): void {
  const { sql, kv } = storage;
  const read: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
  let bytes = 0;
  // A cursor knows what it read once it was read, and tells its own object only.
  const collect = () => {
    for (const cursor of read.splice(0)) counts.rowsRead += cursor.rowsRead;
    counts.bytes += sql.databaseSize - bytes;
    bytes = sql.databaseSize;
  };
  const exec = (...args: Parameters<SqlStorage["exec"]>) => {
    const cursor = sql.exec(...args);
    collect();
    counts.rowsWritten += cursor.rowsWritten;
    read.push(cursor);
    return cursor;
  };
  const counting = (what: "rowsWritten" | "rowsRead", target: object, method: unknown) => {
    return (...args: unknown[]): unknown => {
      counts[what] += 1;
      const result: unknown = Reflect.apply(method as Call, target, args);
      collect();
      return result;
    };
  };
  define(storage, "sql", wrap(sql, { exec }));
  const keys = {
    put: counting("rowsWritten", kv, kv.put),
    get: counting("rowsRead", kv, kv.get),
  };
  define(storage, "kv", wrap(kv, keys));
  define(storage, "put", counting("rowsWritten", storage, storage.put));
  define(storage, "setAlarm", counting("rowsWritten", storage, storage.setAlarm));
  define(storage, "get", counting("rowsRead", storage, storage.get));
  define(storage, "list", counting("rowsRead", storage, storage.list));
}

type Call = (...args: never[]) => unknown;

/** The same object, with some methods in place of its own. */
function wrap<Target extends object>(target: Target, methods: Readonly<Record<string, unknown>>) {
  return new Proxy(target, {
    get(_target, key) {
      if (typeof key === "string" && key in methods) return methods[key];
      const member: unknown = Reflect.get(target, key);
      return typeof member === "function" ? (member as Call).bind(target as never) : member;
    },
  });
}

function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true });
}
