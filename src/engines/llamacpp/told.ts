import { rawMember } from "../../core/json-members.ts";
import type { Told } from "../../core/leg.ts";
import { FETCHED, PARAMS } from "./params.ts";

/** What came of a state that was to be fetched, from an answer or one frame of it; undefined where it tells nothing. */
export function told(json: string): Told | undefined {
  if (!json.includes(`"${FETCHED}"`)) return undefined;
  try {
    return read(new TextEncoder().encode(json));
  } catch (error) {
    // A frame that is no JSON is for others to judge.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Where engines are is nobody's business: what they tell goes into receipts. */
const URLS = /https?:\/\/[^\s"'`,;)]*[^\s"'`,;):.]/g;

function read(json: Uint8Array): Told | undefined {
  const why: unknown = JSON.parse(rawMember(json, [PARAMS, FETCHED, "failed"]) ?? "null");
  if (typeof why === "string") return { fetched: { failed: why.replace(URLS, "another engine") } };
  const number = (name: string) => Number(rawMember(json, [PARAMS, FETCHED, name]) ?? NaN);
  const [tokens, bytes, ms] = [number("tokens"), number("bytes"), number("ms")];
  return tokens >= 0 && bytes >= 0 && ms >= 0 ? { fetched: { tokens, bytes, ms } } : undefined;
}
