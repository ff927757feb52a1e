import type { Context } from "hono";
import { parseChat } from "../apps/chat/parse.ts";
import { apiError, openaiError, type ApiError } from "../apps/errors.ts";
import { formatLabels, parseLabelOverride } from "../core/labels.ts";
import { placesOf } from "../core/places.ts";
import { answerTurn } from "../turn/answer.ts";
import type { Turn } from "../turn/deps.ts";
import { prepare } from "../turn/prepare.ts";
import { formatSessionId } from "../turn/session-id.ts";
import { sessionRef } from "../turn/session-name.ts";
import type { HttpEnv } from "./env.ts";
import { readBody } from "./read-body.ts";
import { failureRenderer } from "./render-failure.ts";
import { sessionKey } from "./session-key.ts";

/** Of a keyed hash: enough to tell tenants apart, too few to be a salt. */
const TAG_DIGITS = 16;

/** `POST /v1/chat/completions`: parses at the border, then lets the turn run. */
export async function chatRoute(c: Context<HttpEnv>): Promise<Response> {
  const mesh = c.get("mesh");
  const requestId = c.get("requestId");
  const fail = (error: ApiError) => openaiError(error, requestId);
  const deps = mesh.turnDeps((work) => c.executionCtx.waitUntil(work));
  const startedAt = deps.now();
  const bytes = await readBody(c.req.raw, mesh.maxBodyBytes);
  if (bytes === "cut-off") {
    return fail(apiError("invalid_json", "The body ended before it was complete."));
  }
  if (bytes === "too-large") {
    return fail(apiError("body_too_large", `The body is over ${mesh.maxBodyBytes} bytes.`));
  }
  const parsed = parseChat(bytes);
  if (!parsed.ok) return fail(parsed.error);
  const { request } = parsed;
  if (!mesh.fleet.modelNames.has(request.model)) {
    const known = [...mesh.fleet.modelNames.keys()].join(", ");
    return fail(
      apiError(
        "model_not_found",
        `The model \`${request.model}\` does not exist. This mesh has: ${known}.`,
        "model",
      ),
    );
  }
  const override = parseLabelOverride(
    c.req.header("phaseway-labels") ?? "",
    placesOf(mesh.fleet.regions),
  );
  if (!override.ok) return fail(apiError("invalid_label", override.message, "phaseway-labels"));
  const workload = c.req.header("phaseway-workload");
  const turn: Turn = {
    requestId,
    receiptId: await mesh.receipts.mintId(c.get("tenant")),
    tenant: c.get("tenant"),
    tenantTag: (await mesh.saltOf(c.get("tenant"), "tenant tag")).slice(0, TAG_DIGITS),
    request,
    signal: c.req.raw.signal,
    startedAt,
    ...(workload !== undefined && { workload: workload.slice(0, 128) }),
    explain: c.req.header("phaseway-explain") === "full" ? "full" : "short",
  };
  const key = await sessionKey(c.req.raw.headers, request, turn.tenant, mesh.ids);
  const ref = await sessionRef(turn, key);
  const salt = await mesh.saltOf(turn.tenant, request.cacheSalt ?? "");
  const prepared = await prepare(deps, turn, ref, salt, override.labels);
  const response = await answerTurn(deps, prepared, failureRenderer(requestId));
  const headers = new Headers(response.headers);
  headers.set("phaseway-receipt", turn.receiptId);
  headers.set("phaseway-labels", formatLabels(prepared.labels));
  if (prepared.session.name !== undefined) {
    headers.set(
      "phaseway-session",
      await formatSessionId(deps, prepared.session.name, prepared.session.opened?.branch ?? 0),
    );
  }
  return new Response(response.body, { status: response.status, headers });
}
