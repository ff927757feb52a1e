import { isRecord } from "../../src/sim/tokens.ts";
import { readFault, type Fault } from "./faults.ts";
import { failure } from "./problem.ts";

/** What tests may do to an engine. */
export type AdminTarget = {
  ledger(): unknown;
  clearLedger(): void;
  setFault(fault: Fault): void;
  restart(): void;
  change(settings: Settings): void;
};

export type Settings = {
  readonly kvTokens?: number;
  /** Usage tells cached tokens; each dialect has a default of its own. */
  readonly usageDetails?: boolean;
  /** It computes every prompt, says that all of it was cached, and that it has nothing to do. */
  readonly lies?: boolean;
  /** How long it keeps blocks for a decode engine that does not fetch them, emulated ms; each dialect has its own. */
  readonly leaseMs?: number;
  /** Of all links to the engine. */
  readonly linkGbps?: number;
  /** What becomes of a vLLM request whose blocks could not be fetched; it fails unless told. */
  readonly kvLoadFailurePolicy?: "fail" | "recompute";
  /** A decode engine whose family keeps no prefixes keeps them. */
  readonly keepsDecodePrefix?: boolean;
  /** Of the engine's software, where it speaks otherwise: `1.0` of TensorRT-LLM. */
  readonly version?: string;
  /** Requests and tokens a minute that a hosted API lets through, where not as the mesh has it. */
  readonly rpm?: number;
  readonly tpm?: number;
  /** What a gateway of llm-d drops for being saturated. */
  readonly sheds?: (typeof SHEDS)[number];
  /** Whatever a context engine of TensorRT-LLM is asked, its first token is its last. */
  readonly endsAtFirstToken?: boolean;
  /** What is wrong with the KV cache events that it tells. */
  readonly kvEvents?: (typeof KV_EVENTS)[number];
  /** What becomes of the states that a llama.cpp engine gives out over HTTP. */
  readonly kvStreams?: (typeof KV_STREAMS)[number];
};

const KV_STREAMS = ["whole", "cut", "corrupt"] as const;

const SHEDS = ["nothing", "sheddable", "all"] as const;
const KV_EVENTS = ["whole", "gaps", "duplicates"] as const;

/** Serves the paths below `/admin`. */
export async function admin(
  request: Request,
  below: string,
  token: string | undefined,
  target: AdminTarget,
): Promise<Response> {
  const given = request.headers.get("authorization");
  if (!token || given !== `Bearer ${token}`) {
    return failure(401, "invalid_api_key", "The admin token is missing or wrong.");
  }
  const action = `${request.method} ${below}`;
  if (action === "GET /admin/ledger") return Response.json(target.ledger());
  if (action === "DELETE /admin/ledger") target.clearLedger();
  else if (action === "POST /admin/restart") target.restart();
  else if (action === "POST /admin/faults") {
    const fault = readFault(await json(request));
    if (!fault) return failure(400, "invalid_body", "No such fault.");
    target.setFault(fault);
  } else if (action === "POST /admin/settings") {
    const settings = readSettings(await json(request));
    if (!settings) return failure(400, "invalid_body", "The settings are malformed.");
    target.change(settings);
  } else return failure(404, "not_found", "No such admin path.");
  return Response.json({ ok: true });
}

async function json(request: Request): Promise<unknown> {
  return request.json().catch(() => undefined);
}

function readSettings(body: unknown): Settings | undefined {
  if (!isRecord(body)) return undefined;
  const { kvTokens, usageDetails, lies, leaseMs, linkGbps, keepsDecodePrefix } = body;
  const policy = body["kvLoadFailurePolicy"];
  return {
    ...familySettings(body),
    ...(typeof kvTokens === "number" && kvTokens > 0 && { kvTokens }),
    ...(typeof lies === "boolean" && { lies }),
    ...(typeof usageDetails === "boolean" && { usageDetails }),
    ...(typeof keepsDecodePrefix === "boolean" && { keepsDecodePrefix }),
    ...((policy === "fail" || policy === "recompute") && { kvLoadFailurePolicy: policy }),
    ...(typeof leaseMs === "number" && leaseMs > 0 && { leaseMs }),
    ...(typeof linkGbps === "number" && linkGbps > 0 && { linkGbps }),
  };
}

/** Settings that one family of engines knows. */
function familySettings(body: Readonly<Record<string, unknown>>): Settings {
  const { version, endsAtFirstToken, rpm, tpm } = body;
  const kvEvents = KV_EVENTS.find((one) => one === body["kvEvents"]);
  const kvStreams = KV_STREAMS.find((one) => one === body["kvStreams"]);
  const sheds = SHEDS.find((one) => one === body["sheds"]);
  return {
    ...(typeof version === "string" && { version }),
    ...(typeof endsAtFirstToken === "boolean" && { endsAtFirstToken }),
    ...(kvEvents && { kvEvents }),
    ...(kvStreams && { kvStreams }),
    ...(sheds && { sheds }),
    ...(typeof rpm === "number" && rpm > 0 && { rpm }),
    ...(typeof tpm === "number" && tpm > 0 && { tpm }),
  };
}
