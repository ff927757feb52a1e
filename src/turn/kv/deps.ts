import type { KvTier } from "../../core/kv-export/tiers.ts";
import type { KvEngines } from "../../region/kv-service.ts";
import type { KeepKvAsk, StoredKv } from "../../rpc/session-messages.ts";

/** What a turn needs to keep KV cache outside of engines; a mesh may do without. */
export type KvDeps = {
  readonly engines: KvEngines;
  readonly tiers: KvTiers;
  /** 32 bytes in base64: a key of this tenant's, another one for each state. */
  readonly keyOf: (tenant: string, id: string) => Promise<string>;
};

export type KvTiers = {
  readonly offered: readonly KvTier[];
  /** How long a session is kept without a turn, ms. */
  readonly keptMs: number;
  /** Keeps a state whole or not at all. Never throws. */
  keep(session: string, ask: KeepKvAsk, body: ReadableStream<Uint8Array>): Promise<KeptKv>;
  /** The bytes of a stored state; undefined where they are gone. Never throws. */
  open(
    session: string,
    tenant: string,
    kv: StoredKv,
  ): Promise<ReadableStream<Uint8Array> | undefined>;
};

/** Its bytes as they were stored, or why nothing was. */
export type KeptKv =
  | { readonly ok: true; readonly bytes: number }
  | { readonly ok: false; readonly why: string };
