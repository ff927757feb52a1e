import { isRecord } from "../../../../src/sim/tokens.ts";
import type { Leg } from "../../ledger.ts";

/** Which leg `kv_transfer_params` asks for. */
export function legOf(body: Readonly<Record<string, unknown>>): Leg {
  const params = body["kv_transfer_params"];
  if (!isRecord(params)) return "both";
  if (params["do_remote_decode"] === true) return "prefill";
  return params["do_remote_prefill"] === true ? "decode" : "both";
}
