import type { Phase } from "../core/fleet.ts";
import type { LegKind, Usage } from "../core/leg.ts";
import type { RequestTraits } from "../core/request-traits.ts";

/** What the planner and the region service may know of a dialect. See DESIGN §7. */
export type Capabilities = {
  readonly roles: readonly Phase[];
  readonly order: "serial" | "concurrent" | "either";
  /** A decode engine can prefill what it was not handed. */
  readonly prefillsAtDecode: boolean;
  readonly keepsDecodePrefix: boolean;
  readonly firstTokenFrom: Phase;
  /** Which leg's usage tells cached tokens truly. */
  readonly cachedFrom: { readonly together: boolean; readonly disaggregated: "prefill" | "none" };
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
};

export type Dialect = {
  readonly name: string;
  /** Its engines know `cache_salt`, unless their pool says otherwise. */
  readonly takesCacheSalt: boolean;
  readonly capabilities: Capabilities;
  splits(traits: RequestTraits): boolean;
  /** Members to change in the client's body for one leg. */
  edits(
    leg: LegKind,
    context: {
      /** Names of the members the client sent. */
      readonly present: ReadonlySet<string>;
      /** A member as the client wrote it: raw JSON text, the last one of a doubled name. */
      readonly raw: (name: string) => string | undefined;
      readonly stream: boolean;
      readonly model: string;
      readonly handoff?: Handoff;
      /** Parts this tenant's cache from others'; only for engines that take one. */
      readonly cacheSalt?: string;
    },
  ): Edits;
  headers(leg: LegKind, requestId: string): Readonly<Record<string, string>>;
  /** Reads the whole body of a prefill leg's answer. */
  readPrefill(body: Uint8Array): PrefillAnswer;
  /** Whether a decode leg fetched the prefix it was handed, by its own usage; undefined when that does not tell. */
  tookHandoff(usage: Usage): boolean | undefined;
  /** When the decode leg may be ended after the client left: at once, or only at its first token. */
  readonly safeEnd: {
    readonly prefill: "at-once";
    /** P done, D not sent: send D and abort it so that P frees the blocks. */
    readonly betweenLegs: "dispatch-and-abort" | "nothing";
    readonly decodeInTransfer: "at-first-token" | "at-once";
  };
};
