import type { Asked } from "./renderer.ts";
import type { Stop } from "./stop.ts";
import type { MessageUsage } from "./usage.ts";

/** Clients send thinking back only when it is signed; nothing here is, and nothing is checked. */
export const SIGNATURE = "unsigned";

/** A message with everything that Anthropic's always have. */
export function messageOf(
  { id, model }: Pick<Asked, "id" | "model">,
  content: readonly object[],
  stop: Stop | undefined,
  usage: MessageUsage,
): object {
  return {
    id,
    type: "message",
    role: "assistant",
    model,
    content,
    container: null,
    stop_reason: stop?.stop_reason ?? null,
    stop_sequence: stop?.stop_sequence ?? null,
    stop_details: stop === undefined ? null : detailsOf(stop),
    usage: { ...usage, cache_creation: null, inference_geo: null, service_tier: null, speed: null },
  };
}

/** Engines do not say why they refuse. */
export function detailsOf({ stop_reason: reason }: Stop): object | null {
  return reason === "refusal" ? { type: "refusal", category: null, explanation: null } : null;
}

/** A block that calls a tool of the client's. */
export function toolUse(id: string, name: string, input: unknown): object {
  return { type: "tool_use", id, name, input, caller: { type: "direct" } };
}
