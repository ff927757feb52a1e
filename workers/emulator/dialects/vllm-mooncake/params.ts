import { isRecord } from "../../../../src/sim/tokens.ts";
import { BOOTSTRAP_PORT } from "../bootstrap.ts";
import type { EngineRequest } from "../dialect.ts";

/** Where a decode leg is told to get its prefix. */
export type Source = {
  readonly transfer: string;
  /** Empty for connectors that only know a host. */
  readonly engineId: string;
  readonly host: string;
  readonly port: number;
};

/** What both legs call a transfer; older connectors go by the request id. */
export function transferOf({
  body,
  headers,
}: Pick<EngineRequest, "body" | "headers">): string | undefined {
  const params = body["kv_transfer_params"];
  const id = isRecord(params) ? params["transfer_id"] : undefined;
  if (typeof id === "string" && id !== "") return `transfer ${id}`;
  const requestId = headers.get("x-request-id");
  return requestId === null ? undefined : `request ${requestId}`;
}

/** Undefined when something is missing: then the engine logs it, and computes the prompt itself. */
export function readSource(request: Pick<EngineRequest, "body" | "headers">): Source | undefined {
  const params = request.body["kv_transfer_params"];
  const transfer = transferOf(request);
  if (!isRecord(params) || transfer === undefined) return undefined;
  if (params["transfer_id"] === undefined) {
    const host = params["bootstrap_server_host"];
    const port = params["bootstrap_server_port"] ?? BOOTSTRAP_PORT;
    return typeof host === "string"
      ? { transfer, engineId: "", host, port: Number(port) }
      : undefined;
  }
  const engineId = params["remote_engine_id"];
  const address = params["remote_bootstrap_addr"];
  if (typeof engineId !== "string" || typeof address !== "string") return undefined;
  if (!URL.canParse(address)) return { transfer, engineId, host: "", port: 0 };
  const { hostname, port } = new URL(address);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return { transfer, engineId, host, port: Number(port || 80) };
}
