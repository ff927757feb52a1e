import { rawMember, spliceText } from "../../../../src/core/json-members.ts";
import { isRecord } from "../../../../src/sim/tokens.ts";
import { usageOf } from "../../shapes.ts";
import type { EngineRequest, EngineSide, Speech, Taken } from "../dialect.ts";
import type { Answered, ToPrefill } from "./messages.ts";
import { prefillerAt } from "./prefiller.ts";

/** What stands before a decode engine: it has the prompt prefilled where a header says, and hands decode the result. */
export async function besideDecode(
  hostPort: string,
  request: EngineRequest,
  engine: Speech,
  side: EngineSide,
): Promise<Taken | Response> {
  const found = prefillerAt(hostPort, side.config);
  if (found === "forbidden") {
    const told = "Forbidden: prefill target not allowed by SSRF protection\n";
    return new Response(told, { status: 403 });
  }
  const answered = await prefilled(found.engine, request, side);
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
  { api, headers, text, signal }: EngineRequest,
  { meet, later }: EngineSide,
): Promise<Answered | undefined> {
  if (engine === undefined) return undefined;
  const id = crypto.randomUUID();
  const tell = (message: ToPrefill): Promise<unknown> => meet(engine, message);
  const leave = (): void => later(tell({ kind: "leave", id }));
  signal.addEventListener("abort", leave, { once: true });
  const requestId = headers.get("x-request-id");
  const body = spliceText(text, PREFILL_ONLY);
  const answer = await tell({ kind: "complete", id, api, requestId, body }).catch(() => undefined);
  signal.removeEventListener("abort", leave);
  // An engine of this dialect answers with nothing but this.
  return answer as Answered | undefined;
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
