import type { Fleet, Link, Model, Pool, Rule } from "../fleet.ts";
import type { Discount } from "./discount.ts";
import type { PlanInput } from "./plan-input.ts";

/** What stays the same over all placements of one plan. */
export type Scope = {
  readonly input: PlanInput;
  readonly model: Model;
  readonly promptTokens: number;
  /** At least 1, but for what only prefills. */
  readonly outputTokens: number;
  readonly uploadMs: number;
  readonly valuePerMs: number;
  /** Most prefix tokens that any engine of the model is believed to hold; set once the legs are known. */
  bestHeld: number;
  /** The largest discount that a hosted pool gives this session for its prefix; set once the legs are known. */
  discount: Discount | undefined;
  /** Pools that a matching rule prefers; empty means no preference. */
  readonly preferred: ReadonlySet<string>;
  readonly rules: readonly Rule[];
  readonly refusals: Record<string, number>;
};

/** The scope of a plan, or undefined when the fleet does not know the model. */
export function scopeOf(input: PlanInput): Scope | undefined {
  const { fleet, ask, labels } = input;
  const model = fleet.models.get(fleet.modelNames.get(ask.model) ?? ask.model);
  if (model === undefined) return undefined;
  const rules = fleet.rules.filter((rule) => matches(rule, labels));
  return {
    input,
    model,
    promptTokens: Math.max(1, ask.promptTokens),
    outputTokens: model.kind === "embedding" ? 0 : Math.max(1, ask.expectedOutputTokens),
    uploadMs: (input.uploadMsPerMB * ask.bodyBytes) / 1e6,
    valuePerMs: (fleet.prices.valueOfTimeUsdPerS[labels.urgency] * (input.valueScale ?? 1)) / 1000,
    bestHeld: 0,
    discount: undefined,
    preferred: new Set(rules.flatMap((rule) => rule.prefer ?? [])),
    rules,
    refusals: {},
  };
}

/** Counts refused placements under the name of the filter that refused them. */
export function refuse(scope: Scope, filter: string, count = 1): void {
  scope.refusals[filter] = (scope.refusals[filter] ?? 0) + count;
}

/** The link from one pool to another that KV cache can cross: the fastest, if there are several. */
export function linkBetween(links: readonly Link[], from: string, to: string): Link | undefined {
  let best: Link | undefined;
  for (const link of links) {
    if (link.from !== from || link.to !== to) continue;
    if (best === undefined || link.perFlowGbps > best.perFlowGbps) best = link;
  }
  return best;
}

/** Whether any other pool can hand a pool its prompts. */
export function isFed(fleet: Fleet, { id }: Pick<Pool, "id">): boolean {
  let pools = fed.get(fleet);
  if (pools === undefined) fed.set(fleet, (pools = feedsOf(fleet)));
  return pools.has(id);
}

function feedsOf({ links }: Fleet): ReadonlySet<string> {
  return new Set(links.flatMap(({ from, to }) => (from === to ? [] : [to])));
}

/** A fleet does not change; the next `mesh.json` is another one. */
const fed = new WeakMap<Fleet, ReadonlySet<string>>();

function matches(rule: Rule, labels: PlanInput["labels"]): boolean {
  for (const axis of ["phase", "context", "urgency", "size", "place"] as const) {
    const wanted = rule.when[axis];
    if (wanted !== undefined && wanted !== labels[axis]) return false;
  }
  return true;
}
