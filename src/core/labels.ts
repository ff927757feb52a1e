import type { Fleet, Labels, Model } from "./fleet.ts";

/** Prompt tokens to compute per expected output token from which a request is prefill-heavy. */
const PREFILL_HEAVY = 8;

/** A request's labels on the five axes, from what is known before it runs. */
export function classify(facts: {
  readonly fleet: Pick<Fleet, "labels">;
  readonly model: Model;
  readonly promptTokens: number;
  readonly uncachedTokens: number;
  readonly expectedOutputTokens: number;
  readonly serviceTier?: string;
  /** What the tenant's requests are unless they say. */
  readonly tenantUrgency?: Labels["urgency"];
}): Labels {
  const { labels } = facts.fleet;
  return {
    phase: phaseOf(facts.uncachedTokens / facts.expectedOutputTokens),
    context: contextOf(facts.promptTokens, labels),
    urgency: urgencyOf(facts.serviceTier, facts.tenantUrgency),
    size: facts.model.params <= labels.smallUpToParams ? "small" : "large",
    place: "anywhere",
  };
}

function urgencyOf(
  serviceTier: string | undefined,
  byDefault: Labels["urgency"] = "interactive",
): Labels["urgency"] {
  if (serviceTier === "flex") return "batch";
  return serviceTier === "priority" ? "interactive" : byDefault;
}

const VALUES = {
  phase: ["prefill-heavy", "balanced", "decode-heavy"],
  context: ["short", "medium", "long", "ultra"],
  urgency: ["interactive", "batch"],
  size: ["small", "large"],
} as const;

const PLACES = "anywhere, edge-bound, edge-bound:<region>, or a jurisdiction such as eu";
const PLACE = /^(anywhere|edge-bound(:[a-z0-9-]+)?|[a-z]{2,12})$/;

/**
 * Reads `phaseway-labels`, such as `phase=prefill-heavy, urgency=batch`. A mistake says which values there are;
 * `places` are those of the mesh.
 */
export function parseLabelOverride(
  header: string,
  places: string = PLACES,
):
  | { readonly ok: true; readonly labels: Partial<Labels> }
  | { readonly ok: false; readonly message: string } {
  const labels: Record<string, string> = {};
  for (const entry of header.split(",")) {
    const text = entry.trim();
    if (text === "") continue;
    const [axis = "", value = ""] = text.split("=").map((part) => part.trim().replaceAll('"', ""));
    const message = problemWith(axis, value, places);
    if (message !== undefined) return { ok: false, message };
    labels[axis] = value;
  }
  return { ok: true, labels: labels as Partial<Labels> };
}

/** The labels as the header spells them. */
export function formatLabels(labels: Labels): string {
  const { phase, context, urgency, size, place } = labels;
  return Object.entries({ phase, context, urgency, size, place })
    .map(([axis, value]) => `${axis}="${value}"`)
    .join(", ");
}

function problemWith(axis: string, value: string, places: string): string | undefined {
  if (axis === "place") {
    return PLACE.test(value)
      ? undefined
      : `phaseway-labels: place is one of ${places}; got \`${value}\`.`;
  }
  if (!Object.hasOwn(VALUES, axis)) {
    const axes = [...Object.keys(VALUES), "place"].join(", ");
    return `phaseway-labels: there is no axis \`${axis}\`; the axes are ${axes}.`;
  }
  const allowed: readonly string[] = VALUES[axis as keyof typeof VALUES];
  if (allowed.includes(value)) return undefined;
  return `phaseway-labels: ${axis} is one of ${allowed.join(", ")}; got \`${value}\`.`;
}

function phaseOf(ratio: number): Labels["phase"] {
  if (ratio > PREFILL_HEAVY) return "prefill-heavy";
  return ratio < 1 ? "decode-heavy" : "balanced";
}

function contextOf(tokens: number, from: Fleet["labels"]): Labels["context"] {
  if (tokens >= from.ultraFrom) return "ultra";
  if (tokens >= from.longFrom) return "long";
  return tokens >= from.mediumFrom ? "medium" : "short";
}
