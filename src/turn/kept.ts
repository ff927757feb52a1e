import { rawMember, splice, topLevelMembers } from "../core/json-members.ts";
import type { Kept } from "../core/session/state.ts";
import { frameData, withFrameData } from "../core/sse.ts";
import type { TurnDeps } from "./deps.ts";
import type { LegRun } from "./legs.ts";
import type { Prepared } from "./prepare.ts";

/**
 * Takes out of an answer what its decode engine says of the KV cache that it keeps, for the next turn's prefill or to be
 * kept elsewhere: that is for us, not for the client, and tells addresses of the fleet.
 */
export type KeptTaker = {
  /** A whole answer, or the data of one frame, without it. */
  take(json: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
  takeFrame(frame: Uint8Array): Uint8Array;
  /** What the session remembers, given the answer's counts; nothing when the engine told nothing usable. */
  kept(promptTokens: number, outputTokens: number): Kept | undefined;
  /** What it said, as raw JSON text. */
  handle(): string | undefined;
};

/** Undefined where the engine that answers keeps nothing. */
export function keptTaker(
  deps: TurnDeps,
  turn: Prepared,
  { grant }: LegRun,
): KeptTaker | undefined {
  const { keeps, exportsKv } = deps.capabilities(turn.dialectOf(grant.pool));
  const isBidirectional = deps.fleet.pools.get(grant.pool)?.bidirectional === true;
  const kept = isBidirectional ? keeps : undefined;
  const member = kept?.member ?? (deps.kv && exportsKv?.member);
  if (member === undefined) return undefined;
  let raw: string | undefined;
  let hasReasoned = false;
  const take = (json: Uint8Array<ArrayBuffer>) => {
    const text = decoder.decode(json);
    hasReasoned ||= REASONING.test(text);
    if (!text.includes(`"${member}"`)) return json;
    const told = rawMember(json, [member]);
    if (told === undefined) return json;
    if (told !== "null") raw = told;
    return splice(json, topLevelMembers(json), { set: {}, remove: [member] });
  };
  return {
    take,
    takeFrame(frame) {
      const data = frameData(frame);
      if (data === undefined || !data.startsWith("{")) return frame;
      const json = new Uint8Array(encoder.encode(data));
      const taken = take(json);
      return taken === json ? frame : withFrameData(frame, decoder.decode(taken));
    },
    handle: () => raw,
    kept(promptTokens, outputTokens) {
      if (kept === undefined) return undefined;
      // A template that drops reasoning writes the next prompt differently from what was decoded.
      if (raw === undefined || (hasReasoned && !turn.model.template.keepsReasoning))
        return undefined;
      const tokens = promptTokens + outputTokens - 1;
      return { engine: grant.engine, raw, tokens, until: deps.now() + kept.forMs };
    },
  };
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const REASONING = /"reasoning(?:_content)?"\s*:\s*"[^"]/;
