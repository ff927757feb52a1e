import type { LegOrder } from "../../../src/region/service.ts";

/** A leg of both phases for the first engine of a pool `p`, with some members replaced. */
export function legOrder(change: Partial<LegOrder> = {}): LegOrder {
  return {
    v: 1,
    ticket: "t",
    engine: "p/0",
    leg: "both",
    requestId: "req_1",
    path: "/v1/chat/completions",
    body: new TextEncoder().encode('{"model":"large","messages":[]}'),
    stream: false,
    firstTokenTimeoutMs: 1000,
    idleTimeoutMs: 1000,
    ...change,
  };
}
