import { rawMember, spliceText } from "../../../../src/core/json-members.ts";
import { isRecord } from "../../../../src/sim/tokens.ts";
import { usageOf } from "../../shapes.ts";
import type { EngineRequest, EngineSide, Speech, Taken } from "../dialect.ts";
import { encodersAt, prefillerAt } from "./addresses.ts";
import { askElsewhere } from "./ask-elsewhere.ts";
import { encoded } from "./encoded.ts";
import type { Answered } from "./messages.ts";

/**
 * What stands before a decode engine: it has media encoded and the prompt prefilled where headers say, and hands decode
 * the result.
 */
export async function besideDecode(
  request: EngineRequest,
  engine: Speech,
  side: EngineSide,
): Promise<Taken | Response> {
  const hostPort = request.headers.get("x-prefiller-host-port");
  const found = hostPort ? prefillerAt(hostPort, side.config) : undefined;
  if (found === "forbidden") {
    const told = "Forbidden: prefill target not allowed by SSRF protection\n";
    return new Response(told, { status: 403 });
  }
  const encoders = encodersAt(request.headers.get("x-encoder-hosts-ports") ?? "", side.config);
  const failed = await encoded(encoders, request, side);
  if (failed) return failed;
  return found ? afterPrefill(found.engine, request, engine, side) : engine.take(request);
}

async function afterPrefill(
  prefill: string | undefined,
  request: EngineRequest,
  engine: Speech,
  side: EngineSide,
): Promise<Taken | Response> {
  const answered = await prefilled(prefill, request, side);
  if (answered && isCallersFault(answered.status)) {
    const headers = { "content-type": answered.contentType };
    return new Response(answered.body, { status: answered.status, headers });
  }
  // Decode computes the prompt, and nobody is told.
  if (!answered || answered.status >= 300) return engine.take(request);
  const bytes = new TextEncoder().encode(answered.body);
  const params = rawMember(bytes, ["kv_transfer_params"]);
  const taken = await engine.take(withParams(request, params));
  if (taken instanceof Response) return taken;
  const cached = cachedIn(answered.body);
  return { ...taken, usage: (run) => usageOf(run, cached) };
}

/** Statuses that are for whoever asked; every other is the prefill engine's own trouble. */
function isCallersFault(status: number): boolean {
  return status >= 400 && status <= 451;
}

async function prefilled(
  engine: string | undefined,
  request: EngineRequest,
  side: EngineSide,
): Promise<Answered | undefined> {
  if (engine === undefined) return undefined;
  const requestId = request.headers.get("x-request-id");
  const body = spliceText(request.text, PREFILL_ONLY);
  return askElsewhere({ engine, requestId, body }, request, side);
}

const PREFILL_ONLY = {
  set: {
    kv_transfer_params: `{"do_remote_decode":true,"do_remote_prefill":false,"remote_engine_id":null,"remote_block_ids":null,"remote_host":null,"remote_port":null}`,
    stream: "false",
    max_tokens: "1",
    max_completion_tokens: "1",
  },
  remove: ["stream_options"],
};

/** An answer without parameters is not worth an error: decode does without. */
function withParams(request: EngineRequest, params: string | undefined): EngineRequest {
  if (params === undefined) return request;
  const text = spliceText(request.text, { set: { kv_transfer_params: params }, remove: [] });
  return { ...request, text, body: JSON.parse(text) as Record<string, unknown> };
}

/** What prefill found in its cache, by its own usage. */
function cachedIn(body: string): number {
  const { usage } = JSON.parse(body) as { readonly usage?: unknown };
  const details = isRecord(usage) ? usage["prompt_tokens_details"] : undefined;
  return isRecord(details) ? Number(details["cached_tokens"] ?? 0) : 0;
}
