import { rawMembers, splice, topLevelMembers } from "../core/json-members.ts";

/** An answer as far as its client has it. */
export type Delivered = {
  readonly text: string;
  /** As many as can be told: one for each chunk that brought any, where nothing better is known. */
  readonly tokens: number;
};

/** What asks another engine for the rest of an answer. */
export type SequelRequest = {
  readonly bytes: Uint8Array;
  /** White space at the end of what was delivered, which is said again: chat templates cut it off. */
  readonly owed: string;
  /** Tokens of the answer that are not asked for again. */
  readonly from: number;
  /** All that the caller allows was said, but not that this was the end of it. */
  readonly isSpent: boolean;
  /** What goes on is drawn by chance, or by counts that an engine keeps of what it said itself. */
  readonly isSampledAnew: boolean;
};

/** The rest of an answer as a request of its own; undefined where its text does not tell what it was. */
export function sequelRequest(
  body: Uint8Array,
  { text, tokens }: Delivered,
): SequelRequest | undefined {
  const said = text.trimEnd();
  const members = topLevelMembers(body);
  const raw = rawMembers(body, members);
  const messages = raw("messages")?.trimEnd();
  // Templates take reasoning out of what was said.
  if (said === "" || /<\/?think/.test(said) || !messages?.endsWith("]")) return undefined;
  const owed = text.slice(said.length);
  const from = Math.max(0, tokens - (owed === "" ? 0 : 1));
  const last = `,{"role":"assistant","content":${JSON.stringify(said)}}]`;
  const limits = limitsOf(raw, from);
  const set = {
    ...limits.set,
    messages: messages.slice(0, -1) + last,
    continue_final_message: "true",
    add_generation_prompt: "false",
  };
  return {
    bytes: splice(body, members, { set, remove: [] }),
    owed,
    from,
    isSpent: limits.isSpent,
    isSampledAnew: isSampled(raw),
  };
}

/** How many tokens may and must still come, of what the caller said of that. */
function limitsOf(raw: Raw, from: number) {
  const set: Record<string, string> = {};
  let isSpent = false;
  for (const name of ["max_tokens", "max_completion_tokens"]) {
    const most = numberOf(raw(name));
    if (most === undefined) continue;
    set[name] = String(Math.max(1, most - from));
    isSpent ||= most <= from;
  }
  for (const name of ["min_tokens", "min_completion_tokens"]) {
    const least = numberOf(raw(name));
    if (least !== undefined) set[name] = String(Math.max(0, least - from));
  }
  return { set, isSpent };
}

/** Engines sample unless told. */
function isSampled(raw: Raw): boolean {
  return numberOf(raw("temperature")) !== 0 || PENALTIES.some((name) => numberOf(raw(name)));
}

const PENALTIES = ["presence_penalty", "frequency_penalty"];

type Raw = ReturnType<typeof rawMembers>;

function numberOf(raw: string | undefined): number | undefined {
  return raw !== undefined && /^-?\d/.test(raw) ? Number(raw) : undefined;
}
