import type { Receipt } from "../../src/core/receipt.ts";

/** A receipt of a turn in which nothing in particular happened. */
export function receiptOf(id: string, session: string, change: Partial<Receipt> = {}): Receipt {
  return {
    object: "receipt",
    version: 1,
    id,
    tenant: "acme",
    session,
    turn: 1,
    edge: "ams",
    model: "tiny",
    labels: {
      phase: "balanced",
      context: "short",
      urgency: "interactive",
      size: "small",
      place: "anywhere",
    },
    mode: "together",
    status: "completed",
    createdAt: 1000,
    endedAt: 2000,
    promptTokens: 10,
    outputTokens: 5,
    segments: [],
    work: [],
    waste: { legs: 0, promptTokens: 0, outputTokens: 0 },
    candidates: [],
    refusals: {},
    predicted: {},
    actual: {},
    ...change,
  };
}
