import { createDurable } from "itty-durable";

/**
 * The snapshot of one object: loaded once, rewritten whole. Transport stays native RPC, so none of itty-durable's
 * routing is used. Give it nothing but `ctx`: it writes its own fields onto that, so one record per object.
 */
export class IttyRecord extends recordClass() {
  /** JSON-plain, of any earlier shape after a load. */
  snapshot: unknown = undefined;
  /** Version of the object's tables, kept here because a row of its own would be billed. */
  schema: unknown = 0;
}

/** The part of an itty object relied on; itty-durable's own types are shapeless. */
export type PersistedRecord = {
  loadFromStorage(): Promise<void>;
  persist(): Promise<void>;
};

function recordClass(): new (ctx: DurableObjectState) => PersistedRecord {
  return createDurable() as unknown as new (ctx: DurableObjectState) => PersistedRecord;
}
