/** Headers of requests and answers, by name, as components of the document. */

export const ALL_ANSWERS = ["x-request-id", "server-timing"] as const;

export const TURN_ANSWERS = [
  "phaseway-session",
  "phaseway-receipt",
  "phaseway-route",
  "phaseway-labels",
] as const;

const ANSWER_TEXTS = {
  "x-request-id": "Names the request, in errors and in our logs.",
  "request-id": "The same, where Anthropic's SDKs look for it.",
  "server-timing":
    "Milliseconds: in all, and of a turn to its first token (`ttft`) and of its prefill.",
  "phaseway-session":
    "The session that the turn belongs to. A first turn whose session is told only by its answer has none; its receipt does.",
  "phaseway-receipt": "Names the receipt that tells where every token ran, and why.",
  "phaseway-route": "The mode and engines that the turn was planned with, or ran on.",
  "phaseway-labels": "What the turn was classified as, on five axes.",
  allow: "The methods that the path takes.",
  "retry-after": "Whole seconds to wait before it is worth asking again.",
};

const REQUEST_TEXTS = {
  "phaseway-session": "The session to go on with: an id of ours or any key of yours.",
  "phaseway-labels": "Overrides labels, such as `urgency=batch, place=edge-bound`.",
  "phaseway-workload": "Names the use case, for inventories; at most 128 characters are kept.",
  "idempotency-key":
    "Runs the request once: another of the same key gets the same answer, and one with another body a 422.",
  "phaseway-explain": "`full` puts every placement that was weighed into the receipt.",
};

const text = { type: "string" };

/** `components.headers`. */
export const headerComponents = Object.fromEntries(
  Object.entries(ANSWER_TEXTS).map(([name, description]) => [name, { description, schema: text }]),
);

/** `components.parameters`: the headers that turns may carry. */
export const parameterComponents = Object.fromEntries(
  Object.entries(REQUEST_TEXTS).map(([name, description]) => [
    name,
    { name, in: "header", description, schema: text },
  ]),
);

/** References to such headers, by name. */
export function headersOf(names: readonly string[]) {
  return Object.fromEntries(
    names.map((name) => [name, { $ref: `#/components/headers/${name}` }] as const),
  );
}
