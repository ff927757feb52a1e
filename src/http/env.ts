import type { ErrorShape } from "../apps/errors.ts";
import type { IdMinter } from "../core/ids.ts";
import type { Fleet } from "../core/fleet.ts";
import type { Receipt } from "../core/receipt.ts";
import type { OnceAsk, OnceEnd, OnceReply } from "../rpc/once-messages.ts";
import type { StoredItems } from "../core/stored-response.ts";
import type {
  ConverseAsk,
  RecallAnswer,
  RecallAsk,
  SessionView,
  StoreAsk,
} from "../rpc/session-messages.ts";
import type { SessionCursor } from "./session-list.ts";
import type { Turn, TurnDeps } from "../turn/deps.ts";
import type { EmbeddingCache } from "./embedding-cache.ts";

/** What the HTTP face needs of the mesh; the worker supplies it for each request. */
export type Mesh = {
  readonly fleet: Fleet;
  readonly edge: string;
  readonly ids: IdMinter;
  readonly maxBodyBytes: number;
  /** Longest answer that is kept under its idempotency key. */
  readonly maxKeptAnswerBytes: number;
  /** How long a request waits for an earlier one of its idempotency key. */
  readonly onceWaitMs: number;
  /** The tenant of a key, by its SHA-256 in hex. */
  readonly tenantOf: (keyHash: string) => string | undefined;
  /** Where answers to embeddings are kept for that key's tenant, if its entry allows it. */
  readonly embeddingCacheOf: (keyHash: string) => EmbeddingCache | undefined;
  /** Root salt of a tenant's caches; differs by what the client sent as `cache_salt`. */
  readonly saltOf: (tenant: string, cacheSalt: string) => Promise<string>;
  readonly turnDeps: (waitUntil: (work: Promise<unknown>) => void) => TurnDeps;
  readonly sessions: {
    view(name: string, tenant: string, id: string): Promise<SessionView | undefined>;
    /** Makes `fork` begin where `name` is, or one branch of it; false when that is not there. */
    fork(name: string, tenant: string, fork: string, branch: number | undefined): Promise<boolean>;
    /** With every answer that is kept under an idempotency key of it. */
    erase(name: string, tenant: string): Promise<boolean>;
    /** False when the response could not be stored. */
    store(name: string, ask: StoreAsk): Promise<boolean>;
    /** Nothing for another tenant's session; `lost` when its object does not answer. */
    recall(name: string, ask: RecallAsk): Promise<RecallAnswer | "lost" | undefined>;
    /** True when the response was there, and has other items now. */
    replace(name: string, tenant: string, number: number, items: StoredItems): Promise<boolean>;
    /** False when the conversation could not be made, changed or ended. */
    converse(name: string, ask: ConverseAsk): Promise<boolean>;
    /** True when the response was there. */
    forget(name: string, tenant: string, number: number): Promise<boolean>;
    /** Sessions that have receipts, the last used first; some of them may be gone. */
    list(tenant: string, limit: number, after: SessionCursor | undefined): Promise<SessionPage>;
  };
  /** Idempotency keys, by the name of their object; undefined when that does not answer. */
  readonly once: {
    claim(name: string, ask: OnceAsk): Promise<Extract<OnceReply, { ok: true }> | undefined>;
    renew(name: string, run: string): Promise<unknown>;
    end(name: string, end: OnceEnd): Promise<unknown>;
  };
  readonly receipts: {
    mintId(tenant: string): Promise<string>;
    read(id: string, tenant: string): Promise<Receipt | undefined>;
  };
};

export type SessionPage = {
  /** With the day on which it was used. */
  readonly sessions: readonly { readonly id: string; readonly day: string }[];
  /** Absent at the end. */
  readonly next?: SessionCursor;
};

export type HttpEnv = {
  Bindings: { MESH_OF_REQUEST: Mesh };
  Variables: {
    mesh: Mesh;
    requestId: string;
    tenant: string;
    /** SHA-256 of the caller's key, in hex. */
    keyHash: string;
    /** How errors look to this caller. */
    errors: ErrorShape;
    /** Of a request with an idempotency key. */
    once?: Turn["once"];
  };
};
