import type { Probe } from "./cache-reports.ts";
import type { RegionService } from "./service.ts";

/** Receipts wait for a probe: an engine that is too busy for it, or stalled, leaves them a figure short. */
const PROBE_TIMEOUT_MS = 1000;

/** Probes of engines that legs reach by `run`. */
export function probeBy(run: RegionService["run"]): Probe {
  return async (engine, body) => {
    const order = {
      v: 1,
      ticket: "",
      engine,
      leg: "both",
      requestId: `probe_${crypto.randomUUID()}`,
      path: "/v1/chat/completions",
      body,
      stream: false,
      firstTokenTimeoutMs: PROBE_TIMEOUT_MS,
      idleTimeoutMs: PROBE_TIMEOUT_MS,
    } as const;
    const answer = await run(order, new AbortController().signal);
    if (!answer.ok && answer.failure.kind === "caller") return "refused";
    if (!answer.ok || answer.kind !== "answering") return undefined;
    return new Uint8Array(await new Response(answer.body).arrayBuffer());
  };
}
