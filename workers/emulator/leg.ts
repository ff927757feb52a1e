import { isRecord } from "../../src/sim/tokens.ts";

export type Leg = "prefill" | "decode" | "both";

/** Which leg a body for a NIXL engine asks for. */
export function legOf(body: unknown): Leg {
  const params = isRecord(body) ? body["kv_transfer_params"] : undefined;
  if (!isRecord(params)) return "both";
  if (params["do_remote_decode"] === true) return "prefill";
  return params["do_remote_prefill"] === true ? "decode" : "both";
}
