/** Which phase of a request one leg runs. */
export type LegKind = "prefill" | "decode" | "both";

/**
 * How the legs of a split request meet: prefill answers with a handle that decode is sent (`handoff`); both are sent at
 * once with a name we make (`rendezvous`); decode is sent first and declines when it holds too little (`decode-first`);
 * one request to the decode engine names the prefill engine, and what stands beside it runs both (`sidecar`).
 */
export type Coupling = "handoff" | "rendezvous" | "decode-first" | "sidecar";

/** Token counts as an engine reported them. */
export type Usage = {
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Absent when the engine did not say: unknown, never 0. */
  readonly cachedTokens?: number;
};

/** What an endpoint told of the engines behind it that it chose itself, or an engine of what it fetched. */
export type Told = {
  /** The engines that prefilled and decoded, by the endpoint's own names. */
  readonly prefill?: string;
  readonly decode?: string;
  readonly ttftMs?: number;
  readonly itlMs?: number;
  /** What came of a KV cache that it was to fetch from another engine. */
  readonly fetched?: Fetched;
  /** What sends a later request to the same engines: JSON text of the dialect's own. */
  readonly pin?: string;
};

/** Tokens and bytes of the KV cache that came, and how long that took; or why none did, in the engine's words. */
export type Fetched =
  | { readonly tokens: number; readonly bytes: number; readonly ms: number }
  | { readonly failed: string };

/** What a scheduler behind an engine's URL may know of a request. */
export type LegHints = {
  /** 0 is batch work, 1 interactive, 2 interactive that paid to go first. */
  readonly priority: 0 | 1 | 2;
  /** Output tokens expected, at least 1. */
  readonly outputTokens: number;
  /** Tells tenants from one another, and nothing else. */
  readonly tenant?: string;
};
