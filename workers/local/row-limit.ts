/** Of one row, string or blob, as deployed; Miniflare takes four times as much. */
export const ROW_BYTES = 2_000_000;

/**
 * Has an object's storage refuse what is too large for a row once deployed, in place: a key's value, a bound value, and
 * all bound values of one statement together, as they are one row in every statement of ours.
 */
export function limitRows(storage: DurableObjectStorage): void {
  const { sql, kv } = storage;
  const exec = (query: string, ...bindings: SqlStorageValue[]) => {
    refuseOver(bindings.reduce<number>((sum, value) => sum + bytesOf(value), 0));
    return sql.exec(query, ...bindings);
  };
  const put = (target: object, method: unknown) => {
    return (...args: unknown[]): unknown => {
      // The key counts as well.
      refuseOver(args.slice(0, 2).reduce<number>((sum, value) => sum + bytesOf(value), 0));
      return Reflect.apply(method as Call, target, args);
    };
  };
  define(storage, "sql", withMethod(sql, "exec", exec));
  define(storage, "kv", withMethod(kv, "put", put(kv, kv.put)));
  define(storage, "put", put(storage, storage.put));
}

type Call = (...args: never[]) => unknown;

function refuseOver(bytes: number): void {
  if (bytes > ROW_BYTES) throw new Error(`string or blob too big: SQLITE_TOOBIG (${bytes} bytes)`);
}

const encoder = new TextEncoder();

/** About as many as its serialised form takes. */
function bytesOf(value: unknown): number {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value === "string") return encoder.encode(value).byteLength;
  if (typeof value !== "object" || value === null) return 8;
  return Object.entries(value).reduce((sum, [key, one]) => sum + key.length + bytesOf(one), 0);
}

/** The same object, with one method in place of its own. */
function withMethod<Target extends object>(target: Target, name: string, method: unknown): Target {
  return new Proxy(target, {
    get(_target, key) {
      if (key === name) return method;
      const member: unknown = Reflect.get(target, key);
      return typeof member === "function" ? (member as Call).bind(target as never) : member;
    },
  });
}

function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true });
}
