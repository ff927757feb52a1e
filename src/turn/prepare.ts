import { cachedTokens } from "../core/hosted/cached.ts";
import { classify } from "../core/labels.ts";
import {
  answerKey,
  CHARS_PER_COUNTED_TOKEN,
  linkTokens,
  plainChars,
  promptChain,
  type Chain,
} from "../core/prefix.ts";
import type { Labels, Model } from "../core/fleet.ts";
import type { Ask } from "../core/plan/placement.ts";
import { TURNS_AHEAD } from "../core/plan/rounds.ts";
import type { OpenAnswer } from "../rpc/session-messages.ts";
import type { Turn, TurnDeps } from "./deps.ts";
import type { SessionRef } from "./session-name.ts";

/** A turn with everything known of it before planning. */
export type Prepared = Turn & {
  readonly model: Model;
  /** Parts this tenant's caches from others'. */
  readonly salt: string;
  readonly chain: Chain;
  readonly linkTokens: Uint32Array;
  /** Identifies the assistant messages of this request, the last eight. */
  readonly answers: readonly string[];
  readonly session: {
    readonly ref: SessionRef;
    readonly name: string | undefined;
    readonly opened: OpenAnswer | undefined;
  };
  /** Engine id → prompt tokens its session believes it holds. */
  readonly held: Readonly<Record<string, number>>;
  readonly labels: Labels;
  readonly ask: Ask;
  readonly dialectOf: (pool: string) => string;
};

/** Opens the session, measures the prompt and classifies it: steps 3 and 4 of a request's life. */
export async function prepare(
  deps: TurnDeps,
  turn: Turn,
  ref: SessionRef,
  salt: string,
  overrides: Partial<Labels>,
): Promise<Prepared> {
  const { request } = turn;
  const model = modelOf(deps, request.model);
  const chain = chainOf(request, model, salt);
  const answers = answersIn(request.messages);
  const { name, opened } = await openSession(deps, turn, ref, { model, chain, answers });
  const charsPerToken = isCounted(request)
    ? CHARS_PER_COUNTED_TOKEN
    : opened?.stats.charsPerToken || deps.charsPerToken.get(model.id);
  const tokens = linkTokens(chain, charsPerToken);
  const promptTokens = Math.ceil(chain.totalChars / charsPerToken);
  const held = heldTokens(deps, opened, tokens, promptTokens);
  const longest = longestTokens(request, charsPerToken);
  const ask = { ...measure(request, opened, model, promptTokens), ...longest };
  const labels = {
    ...classify({
      fleet: deps.fleet,
      model,
      promptTokens: longest.longestTokens ?? promptTokens,
      uncachedTokens: promptTokens - Math.max(0, ...Object.values(held)),
      expectedOutputTokens: ask.expectedOutputTokens,
      ...(request.serviceTier !== undefined && { serviceTier: request.serviceTier }),
    }),
    ...overrides,
  };
  const kept = opened?.kept && { engine: opened.kept.engine, tokens: opened.kept.tokens };
  return {
    ...turn,
    model,
    salt,
    chain,
    linkTokens: tokens,
    answers,
    session: { ref, name, opened },
    held,
    labels,
    ask: {
      ...ask,
      splittable: isSplittable(deps, turn, model),
      ...(request.prompts !== undefined && { isPlain: true }),
      ...(kept && { kept }),
    },
    dialectOf: (pool: string) => deps.fleet.pools.get(pool)?.dialect ?? "",
  };
}

function modelOf({ fleet }: TurnDeps, name: string): Model {
  const model = fleet.models.get(fleet.modelNames.get(name) ?? "");
  if (model === undefined) throw new TypeError(`model \`${name}\` was not checked at the border`);
  return model;
}

/** What the session of a turn knows of it, where the turn names one. */
async function openSession(
  deps: TurnDeps,
  turn: Turn,
  ref: SessionRef,
  { model, chain, answers }: Pick<Prepared, "model" | "chain" | "answers">,
) {
  if (ref.kind === "unknown") return { name: undefined, opened: undefined };
  if (ref.kind === "new") return { name: ref.name, opened: undefined };
  const opened = await deps.sessions.open(ref.name, {
    v: 1,
    tenant: turn.tenant,
    model: model.id,
    chain: chain.bytes,
    answers,
    inferred: ref.kind === "inferred",
    now: deps.now(),
  });
  return { name: ref.name, opened };
}

/** Whether every dialect that its model is spoken to in can split such a request. */
function isSplittable({ fleet, capabilities }: TurnDeps, { request }: Turn, model: Model): boolean {
  return [...fleet.pools.values()].every(
    ({ model: of, dialect }) => of !== model.id || capabilities(dialect).splits(request.traits),
  );
}

function chainOf(request: Turn["request"], model: Model, salt: string): Chain {
  const chain = promptChain({
    model,
    salt,
    messages: request.messages,
    ...(request.prompts !== undefined && { prompts: request.prompts }),
    ...(request.tools !== undefined && { tools: request.tools }),
    ...(request.templateKnobs !== undefined && { templateKnobs: request.templateKnobs }),
  });
  // Nothing goes on from what was made into a vector: it is long, and no prefix of anything.
  return request.embeds ? { ...chain, bytes: new Uint8Array(), chars: new Uint32Array() } : chain;
}

/** Its prompts came as tokens: how many there are is known. */
export function isCounted({ prompts }: Turn["request"]): boolean {
  return prompts !== undefined && prompts.every((prompt) => typeof prompt !== "string");
}

/** Several prompts of one request each have the whole context window. */
function longestTokens(
  { prompts = [] }: Turn["request"],
  charsPerToken: number,
): Pick<Ask, "longestTokens"> {
  if (prompts.length <= 1) return {};
  const longest = prompts.reduce((most, prompt) => Math.max(most, plainChars(prompt)), 0);
  return { longestTokens: Math.ceil(longest / charsPerToken) };
}

function answersIn(messages: readonly unknown[]): string[] {
  return messages
    .filter((message) => (message as { role?: unknown }).role === "assistant")
    .slice(-8)
    .map((message) => answerKey(message as Parameters<typeof answerKey>[0]));
}

/** What each engine holds of this prompt: at least the links it held, and what it generated after them. */
function heldTokens(
  { fleet, now }: TurnDeps,
  opened: OpenAnswer | undefined,
  tokens: Uint32Array,
  promptTokens: number,
): Record<string, number> {
  const held: Record<string, number> = {};
  for (const { engine, links, tokens: counted, at } of opened?.holdings ?? []) {
    const estimated = links > 0 ? (tokens[links - 1] ?? 0) : 0;
    const best = Math.min(promptTokens, Math.max(estimated, counted));
    const pool = fleet.pools.get(engine.slice(0, engine.lastIndexOf("/")));
    const left = pool?.routed === "itself" ? cachedTokens(pool, best, now() - at) : best;
    held[engine] = Math.max(held[engine] ?? 0, left);
  }
  return held;
}

function measure(
  request: Turn["request"],
  opened: OpenAnswer | undefined,
  model: Model,
  promptTokens: number,
): Ask {
  const stats = opened?.stats;
  const known = stats !== undefined && stats.turns > 0;
  const limit = request.maxTokens ?? Infinity;
  const guess = known ? stats.outputPerTurn : Math.min(limit, model.defaultOutputTokens);
  return {
    model: model.id,
    promptTokens,
    expectedOutputTokens: request.embeds ? 0 : Math.max(1, Math.round(Math.min(guess, limit))),
    bodyBytes: request.bytes.byteLength,
    splittable: true,
    // A conversation that has lasted n turns is expected to last as many again.
    remainingTurns: request.embeds
      ? 0
      : Math.max(Math.min(50, (stats?.turns ?? 0) + 1), request.comesBack ? TURNS_AHEAD : 0),
    tokensPerTurn: known ? Math.max(1, stats.newPromptPerTurn) : 500,
    ...(known && stats.gapMs > 0 && { gapMs: stats.gapMs }),
  };
}
