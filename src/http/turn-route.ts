import type { Context } from "hono";
import type { AppApi } from "../apps/app-api.ts";
import type { ChatRequest } from "../core/chat-request.ts";
import type { Labels } from "../core/fleet.ts";
import { formatLabels, parseLabelOverride } from "../core/labels.ts";
import { placesOf } from "../core/places.ts";
import { answerTurn } from "../turn/answer.ts";
import type { Turn, TurnDeps } from "../turn/deps.ts";
import { prepare } from "../turn/prepare.ts";
import { formatSessionId } from "../turn/session-id.ts";
import { keyedName, type SessionRef, sessionRef } from "../turn/session-name.ts";
import type { HttpEnv } from "./env.ts";
import { parsedBody } from "./parsed-body.ts";
import { recall, type RecalledRequest, sessionOfItem } from "./recall.ts";
import { refuse } from "./refuse.ts";
import { renderAnswer } from "./render-answer.ts";
import { failureRenderer } from "./render-failure.ts";
import { sessionKey } from "./session-key.ts";
import { placeFor } from "./stored-answer.ts";

/** Of a keyed hash: enough to tell tenants apart, too few to be a salt. */
const TAG_DIGITS = 16;

/** A `POST` of that API: parses at the border, lets the turn run, renders its answer. */
export function turnRoute(api: AppApi): (c: Context<HttpEnv>) => Promise<Response> {
  return async function takeTurn(c) {
    const mesh = c.get("mesh");
    const deps = mesh.turnDeps((work) => c.executionCtx.waitUntil(work));
    const startedAt = deps.now();
    const read = await parsedBody(c, api.parse);
    if (read instanceof Response) return read;
    const recalled = await recall(c, read);
    if (recalled instanceof Response) return recalled;
    const { parsed } = recalled;
    const override = parseLabelOverride(
      c.req.header("phaseway-labels") ?? "",
      placesOf(mesh.fleet.regions),
    );
    if (!override.ok) return refuse(c, "invalid_label", override.message, "phaseway-labels");
    const answer = () => answerOf(c, api, recalled, override.labels, { deps, startedAt });
    const { embeds, bytes } = parsed.request;
    const cache = embeds ? mesh.embeddingCacheOf(c.get("keyHash")) : undefined;
    if (cache === undefined) return answer();
    // A place that was asked for is where the vectors have to be made.
    const labels = JSON.stringify(override.labels);
    return cache.answer({ tenant: c.get("tenant"), labels, bytes }, answer);
  };
}

async function answerOf(
  c: Context<HttpEnv>,
  api: AppApi,
  recalled: RecalledRequest,
  labels: Partial<Labels>,
  { deps, startedAt }: { readonly deps: TurnDeps; readonly startedAt: number },
): Promise<Response> {
  const { parsed, goesOn } = recalled;
  const turn = await turnOf(c, parsed.request, startedAt);
  const { requestId } = turn;
  const ref = await refOf(c, turn, recalled);
  const stored = parsed.stores ? await placeFor(c, turn, ref, goesOn) : undefined;
  const salt = await c.get("mesh").saltOf(turn.tenant, parsed.request.cacheSalt ?? "");
  const prepared = await prepare(deps, turn, ref, salt, labels);
  const answered = await answerTurn(
    deps,
    prepared,
    failureRenderer(requestId, api.errors, api.promptParam),
  );
  const { promptTokens } = prepared.ask;
  const response = await renderAnswer(
    answered,
    parsed.answer?.({ requestId, promptTokens, startedAt, now: deps.now, ...stored }),
    (error) => api.errors.respond(error, requestId),
  );
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

async function refOf(
  c: Context<HttpEnv>,
  turn: Turn,
  { parsed, session }: RecalledRequest,
): Promise<SessionRef> {
  if (session !== undefined) return { kind: "inferred", name: session };
  const { request } = turn;
  // Vectors are no turn of a conversation, though an agent sends its session with everything.
  const key = request.embeds
    ? undefined
    : await sessionKey(c.req.raw.headers, request, turn.tenant, c.get("mesh").ids);
  const given = key === undefined ? await sessionOfItem(c, parsed.follows) : undefined;
  if (given !== undefined) return { kind: "inferred", name: given };
  const ref = await sessionRef(turn, key);
  // What is stored is named before the answer that would name its session.
  return ref.kind === "unknown" && parsed.stores
    ? { kind: "new", name: await keyedName(turn.tenant, turn.requestId) }
    : ref;
}

async function turnOf(c: Context<HttpEnv>, request: ChatRequest, startedAt: number): Promise<Turn> {
  const mesh = c.get("mesh");
  const tenant = c.get("tenant");
  const workload = c.req.header("phaseway-workload");
  const once = c.get("once");
  return {
    requestId: c.get("requestId"),
    receiptId: await mesh.receipts.mintId(tenant),
    tenant,
    tenantTag: (await mesh.saltOf(tenant, "tenant tag")).slice(0, TAG_DIGITS),
    request,
    signal: c.req.raw.signal,
    startedAt,
    ...(once !== undefined && { once }),
    ...(workload !== undefined && { workload: workload.slice(0, 128) }),
    explain: c.req.header("phaseway-explain") === "full" ? "full" : "short",
  };
}
