import type { Phase } from "../core/fleet.ts";
import type { Coupling, LegHints, LegKind, Told, Usage } from "../core/leg.ts";
import type { BrokenOff, RequestTraits } from "../core/request-traits.ts";
import type { KvEventSource } from "./load/kv-events.ts";
import type { LoadSource } from "./load/sources.ts";

/** What the planner and the region service may know of a dialect. See DESIGN §7. */
export type Capabilities = {
  readonly roles: readonly Phase[];
  /** How the legs of a split request meet. */
  readonly coupling: Coupling;
  readonly order: "serial" | "concurrent" | "either";
  /** A decode engine can prefill what it was not handed. */
  readonly prefillsAtDecode: boolean;
  readonly keepsDecodePrefix: boolean;
  /**
   * How a cached prefix comes to an engine before prefill: by a `handle` that another gave out; from a `store` that they
   * share; from a `peer` it is told of, which sends the longest that it has (see `LegContext.pull`).
   */
  readonly pullsPrefix: "none" | "handle" | "store" | "peer";
  /** Its endpoints serve nothing but chats; absent where they serve more. */
  readonly isChatOnly?: boolean;
  readonly firstTokenFrom: Phase;
  /** Which leg's usage tells cached tokens truly. */
  readonly cachedFrom: {
    readonly together: boolean;
    readonly disaggregated: Phase | "none";
  };
};

/** A splice of the client's body: top-level members to set (raw JSON text) or to remove. Everything else is copied. */
export type Edits = {
  readonly set: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
};

/** What a finished prefill leg hands to the decode leg: an opaque JSON text, passed on byte for byte. */
export type Handoff = { readonly raw: string };

export type PrefillAnswer = {
  readonly handoff: Handoff | undefined;
  readonly usage: Usage | undefined;
  /** The engine has already said all there is to say: the whole answer, as the client may see it. */
  readonly final?: Uint8Array;
};

/** One engine as the other leg's engine has to know it; from `mesh.json` alone. */
export type EngineAddress = {
  readonly url: string;
  readonly bootstrapHost?: string;
  readonly bootstrapPort?: number;
  /** Ranks of data parallelism that share its URL; 1 unless told. */
  readonly dpSize?: number;
  /** What it was asked once (see `Dialect.learns`), as raw JSON text. */
  readonly learned?: string;
};

/** What the legs of one split request know of each other. */
export type Split = {
  readonly prefill: EngineAddress;
  readonly decode: EngineAddress;
  /** Names this try at the request, for both engines: a decimal integer from 1 to 2^53 - 1. */
  readonly rendezvous: string;
};

/** One leg as its dialect has to write it down. */
export type LegContext = {
  readonly leg: LegKind;
  readonly requestId: string;
  /** Names of the members the client sent. */
  readonly present: ReadonlySet<string>;
  /** A member as the client wrote it: raw JSON text, the last one of a doubled name. */
  readonly raw: (name: string) => string | undefined;
  readonly stream: boolean;
  /** The engine's own name for the model. */
  readonly model: string;
  /** Tells one conversation from another, and nothing else. */
  readonly session?: string;
  /** Parts this tenant's cache from others'; only for engines that take one. */
  readonly cacheSalt?: string;
  readonly hints?: LegHints;
  /** What was promised of its latencies; absent for batch work. */
  readonly slo?: { readonly ttftMs: number; readonly tpotMs: number };
  /** What an earlier answer told (see `Dialect.told`), for engines behind one URL that served this session last. */
  readonly pin?: string;
  /** Brings requests of one conversation to where their prefix is cached; only for engines that take one. */
  readonly promptCacheKey?: string;
  readonly handoff?: Handoff;
  /** What the decode engine of an earlier turn gave out, for a prefill that may fetch the prefix from there. */
  readonly kept?: Handoff;
  /** An engine that has to be asked keeps what it answers, for the next turn's prefill or to be exported. */
  readonly keeps?: boolean;
  /** Whom to pull the prompt's cached prefix from before prefill; only for engines that pull from a `peer`. */
  readonly pull?: EngineAddress;
  readonly split?: Split;
  /** What encodes the media of the prompt (see `Dialect.encodes`), a name for each piece and in that order. */
  readonly encoders?: readonly EngineAddress[];
  /** What the engine of a prefill leg that no split names was asked once (see `Dialect.learns`), as raw JSON text. */
  readonly learned?: string;
  /** Least share of the prompt that a decode engine must hold to go ahead, 0..1. */
  readonly cacheThreshold?: number;
};

/** A leg's request, as far as it differs from the client's. */
export type LegMessage = {
  readonly edits: Edits;
  readonly headers: Readonly<Record<string, string>>;
};

/** It is asked. `read` throws `SyntaxError` for an answer that does not tell. */
export type AskedOf = {
  url(engine: EngineAddress): string;
  read(body: Uint8Array): string;
  /** Stands for the answer of an engine that knows no such question (404); absent where it has to. */
  readonly unknown?: string;
};

/** It tells with every handle it gives out. */
export type ToldBy = { fromHandoff(raw: string): string };

/** What a state is encrypted with, and which tenant's it is. */
export type KvSeal = { /** 32 bytes in base64. */ readonly key: string; readonly salt: string };

export type KvRequest = {
  readonly method: "GET" | "POST";
  /** Below the engine's URL. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
};

/** How the KV cache of a request that was asked to keep it (`LegContext.keeps`) leaves an engine and comes back. */
export type ExportsKv = {
  /** Top-level member of an answer, or of one of its frames, that tells a handle. */
  readonly member: string;
  /** What that member tells of the state; undefined where it gives no handle, or is none of ours. */
  told(raw: string): { readonly tokens: number; readonly bytes: number } | undefined;
  /** Asks for the state under a handle: answered with a stream that its engines alone can read. */
  read(handle: string, seal: KvSeal): KvRequest;
  /** Gives such a stream to an engine, as its body. */
  write(seal: KvSeal): KvRequest;
  /** The handle that the answer to that tells, for a leg's `handoff` or `kept`; throws `SyntaxError` without one. */
  written(body: Uint8Array): string;
  /** Statuses that say that no engine like it will ever take the state. */
  readonly spoiled: readonly number[];
  /** Asked for what differs in every life of its process; absent where it cannot be told. */
  readonly instance?: { readonly path: string; read(body: Uint8Array): string | undefined };
};

export type Dialect = {
  readonly name: string;
  /** Its engines can pass a KV cache to one another: a pool of them may have one phase alone. */
  readonly handsOff: boolean;
  /** They do so through a store that they share: `stores` of `mesh.json` may name it. */
  readonly sharesStore?: boolean;
  /** What its engines' URLs begin with in place of `http`: it is a hosted API's, and its pools route themselves. */
  readonly scheme?: string;
  /** Its engines know `cache_salt`, unless their pool says otherwise. */
  readonly takesCacheSalt: boolean;
  /** Its engines know `continue_final_message`, unless their pool says otherwise. */
  readonly continues: boolean;
  readonly capabilities: Capabilities;
  /** Whether the answer of another engine that knows it can be the rest of one that was plain text so far. */
  canContinue(request: BrokenOff): boolean;
  splits(traits: RequestTraits): boolean;
  /** Undefined for a decode leg whose prefill engine is not known well enough yet: prefill has to come first. */
  write(leg: LegContext): LegMessage | undefined;
  /** Reads the whole body of a prefill leg's answer. */
  readPrefill(body: Uint8Array): PrefillAnswer;
  /** Whether a decode leg fetched the prefix it was handed, by its own usage; undefined when that does not tell. */
  tookHandoff(usage: Usage): boolean | undefined;
  /** Whether a decode leg's answer, or one frame of it, says that its engine holds too little to go ahead. */
  declines?(json: string): boolean;
  /** Its engines answer 400 to a split whose other leg, or transfer, failed: only a whole request is judged by that. */
  readonly failsAsCallers?: boolean;
  /** Whether an error of one leg's engine, as it words it, is about the other leg's engine or the way to it. */
  blamesOther?(error: string): boolean;
  /** Its engines can have media encoded elsewhere; absent where they cannot. */
  readonly encodes?: {
    /** Types of the content parts that are. */
    readonly types: ReadonlySet<string>;
    /** Whether an error, as its engine words it, is about an engine that should have encoded. */
    blames(error: string): boolean;
  };
  /** What an answer, or one frame of it, tells of the engines that its endpoint chose, or of what its engine fetched. */
  told?(json: string): Told | undefined;
  /** Top-level members of its answers that are for us: taken out for clients who sent no member of that name. */
  readonly unasked?: readonly string[];
  /** How a decode engine of a `bidirectional` pool says, with its answer, where the next prefill may fetch it all. */
  readonly keeps?: {
    /** Top-level member of the answer or of one of its frames. */
    readonly member: string;
    /** How long it can be counted on, ms. */
    readonly forMs: number;
  };
  /** Its engines' KV cache can be kept elsewhere; absent where it cannot. */
  readonly exportsKv?: ExportsKv;
  /** How a prefill engine is got to know, once and again after it failed: `EngineAddress.learned`, raw JSON text. */
  readonly learns?: AskedOf | ToldBy;
  /** Where its engines tell their load, the best first; their metrics page unless told. */
  readonly load?: readonly LoadSource[];
  /** Where they tell what changed in their cache; absent where they do not. */
  readonly kvEvents?: KvEventSource;
  /** When the decode leg may be ended after the client left: at once, or only at its first token. */
  readonly safeEnd: {
    readonly prefill: "at-once";
    /** P done, D not sent: send D and abort it so that P frees the blocks. */
    readonly betweenLegs: "dispatch-and-abort" | "nothing";
    readonly decodeInTransfer: "at-first-token" | "at-once";
  };
};
