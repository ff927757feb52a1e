import type { Engine, Fleet, Pool } from "../core/fleet.ts";
import { rawMember, splice, spliceText, topLevelMembers } from "../core/json-members.ts";
import type { LegHints } from "../core/leg.ts";
import { bothPhases } from "../engines/both-phases.ts";
import type { Dialect, EngineAddress, LegContext, LegMessage } from "../engines/dialect.ts";
import { ORCA_REQUEST_HEADERS } from "../engines/load/orca.ts";
import { dialectOf } from "../engines/registry.ts";
import { encodersFor } from "./encoders.ts";
import { LegBroken } from "./leg-stream.ts";
import { redact } from "./redact.ts";
import type { LegFailure, LegOrder } from "./service.ts";

export type EngineAccess = {
  readonly fleet: Fleet;
  readonly engineFetch: typeof fetch;
  /** Looks a secret up by the name `mesh.json` gives it. */
  readonly secret: (name: string) => string | undefined;
};

export type EngineRequest = {
  readonly url: string;
  readonly init: RequestInit;
  readonly dialect: Dialect;
};

/**
 * One leg as HTTP; undefined when its prefill engine has to be known better (`learned`) before it can be written.
 * Throws `LegBroken` for unknown engines.
 */
export function engineRequest(
  access: EngineAccess,
  order: LegOrder,
  learned: string | undefined,
): EngineRequest | undefined {
  const { pool, engine } = engineOf(access.fleet, order.engine);
  const dialect = dialectOf(pool.dialect);
  const members = topLevelMembers(order.body);
  const message = order.embeds
    ? embedding(order, pool)
    : dialect.write({
        leg: order.leg,
        requestId: order.requestId,
        present: new Set(members.map(({ name }) => name)),
        raw: (name) => rawMember(order.body, [name]),
        stream: order.stream,
        model: pool.modelName ?? pool.model,
        ...(order.session !== undefined && { session: order.session }),
        ...pinOf(order, pool),
        ...(order.hints && hintsOf(access.fleet, order.hints)),
        ...(order.session !== undefined &&
          pool.promptCacheKey === true && { promptCacheKey: order.session }),
        ...(order.handoff !== undefined && { handoff: { raw: order.handoff } }),
        ...(order.kept !== undefined && { kept: { raw: order.kept } }),
        ...((pool.bidirectional || order.keeps === true) && { keeps: true }),
        ...(order.cacheThreshold !== undefined && { cacheThreshold: order.cacheThreshold }),
        ...(order.cacheSalt !== undefined &&
          (pool.cacheSalt ?? dialect.takesCacheSalt) && { cacheSalt: order.cacheSalt }),
        ...splitOf(access.fleet, order, learned),
        ...pullOf(access.fleet, order, dialect),
        encoders: encodersFor(access.fleet, order),
      });
  if (message === undefined) return undefined;
  const { edits, headers } = message;
  const remove = [...edits.remove, ...ONLY_OURS];
  return {
    dialect,
    url: engine.url + order.path,
    init: {
      method: "POST",
      headers: {
        ...(pool.routed === "us" && ORCA_REQUEST_HEADERS),
        ...pool.headers,
        "content-type": "application/json",
        ...headers,
        ...keyOf(access, engine),
      },
      body: splice(order.body, members, {
        set: { ...withoutOurs(order, "vllm_xargs"), ...edits.set },
        remove,
      }),
      // An engine that answers with a redirect would choose where the prompt goes.
      redirect: "manual",
    },
  };
}

/** Engines that embed are all asked alike, whatever else their dialect has. */
function embedding(order: LegOrder, { model, modelName = model, cacheSalt }: Pool): LegMessage {
  const { stream, requestId } = order;
  const salt = cacheSalt === true && order.cacheSalt !== undefined ? order.cacheSalt : undefined;
  const edits = bothPhases({
    stream,
    model: modelName,
    raw: (name) => rawMember(order.body, [name]),
    ...(salt !== undefined && { cacheSalt: salt }),
  });
  return { edits, headers: { "x-request-id": requestId } };
}

/** The header that lets us in, where an engine has a key that is known. */
export function keyOf(
  { secret }: EngineAccess,
  { apiKeySecret }: Engine,
): Readonly<Record<string, string>> {
  const key = apiKeySecret === undefined ? undefined : secret(apiKeySecret);
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}

/** Members by which engines are told of one another: a caller's own would choose where its prompt or cache goes. */
const ONLY_OURS = [
  "kv_transfer_params",
  "ec_transfer_params",
  "disaggregated_params",
  "bootstrap_host",
  "bootstrap_port",
  "bootstrap_room",
  "cache_hit_threshold",
];

/** The caller's own object of that name without such members, where it sent one: vLLM reads them there too. */
function withoutOurs({ body }: LegOrder, name: string): Readonly<Record<string, string>> {
  const own = rawMember(body, [name]);
  return own?.startsWith("{") ? { [name]: spliceText(own, { set: {}, remove: ONLY_OURS }) } : {};
}

/** What an engine says of a failure goes to callers and receipts: its address and our key must not. */
export function withoutSecrets(
  failure: LegFailure,
  { fleet, secret }: EngineAccess,
  order: LegOrder,
): LegFailure {
  const ids = [
    order.engine,
    order.split?.prefill,
    order.split?.decode,
    order.pull,
    ...encodersFor(fleet, order).map(({ id }) => id),
  ];
  // A handle may lead to any of them.
  const isAny = order.handoff !== undefined || order.kept !== undefined;
  const engines = [...fleet.pools.values()].flatMap((pool) =>
    pool.engines.filter(({ id }) => isAny || ids.includes(id)),
  );
  const hidden = engines.flatMap(({ url, bootstrapHost = "", apiKeySecret }) => {
    const key = apiKeySecret === undefined ? undefined : secret(apiKeySecret);
    const { protocol, host, hostname } = new URL(url);
    // What stands there is a model's name, which everybody may know.
    if (!protocol.startsWith("http")) return key ? [key] : [];
    // A name without any part may be a word that means something else.
    const names = [host, hostname, bootstrapHost].filter((name) => /[.:]/.test(name));
    return [url, ...names, ...(key ? [key] : [])];
  });
  return redact(failure, hidden);
}

/** The engine of that id with its pool. Throws `LegBroken`: callers may know an older `mesh.json`. */
export function engineOf(fleet: Fleet, id: string) {
  const pool = fleet.pools.get(id.slice(0, id.lastIndexOf("/")));
  const engine = pool?.engines.find((candidate) => candidate.id === id);
  if (pool && engine) return { pool, engine };
  throw new LegBroken("unreachable", `engine ${id} is not in mesh.json any more`);
}

/** How a dialect addresses that engine. */
export function addressOf(fleet: Fleet, id: string): EngineAddress {
  const { pool, engine } = engineOf(fleet, id);
  return { ...engine, ...(pool.dpSize !== undefined && { dpSize: pool.dpSize }) };
}

/** What sends a leg to workers behind its engine's URL, where its pool allows that. */
function pinOf({ engine, pins }: LegOrder, pool: Pool): Pick<LegContext, "pin"> {
  const pin = pool.workerPins ? pins?.[engine] : undefined;
  return pin === undefined ? {} : { pin };
}

/** Whom to pull from, where its engine can, and the other is there still: it computes the prefix else. */
function pullOf(fleet: Fleet, { pull }: LegOrder, dialect: Dialect): Pick<LegContext, "pull"> {
  if (pull === undefined || dialect.capabilities.pullsPrefix !== "peer") return {};
  const isThere = fleet.pools
    .get(pull.slice(0, pull.lastIndexOf("/")))
    ?.engines.some(({ id }) => id === pull);
  return isThere ? { pull: addressOf(fleet, pull) } : {};
}

function hintsOf({ slo }: Fleet, hints: LegHints): Pick<LegContext, "hints" | "slo"> {
  return hints.priority === 0 ? { hints } : { hints, slo: slo.interactive };
}

function splitOf(
  fleet: Fleet,
  { split }: LegOrder,
  learned: string | undefined,
): Pick<LegContext, "split" | "learned"> {
  if (split === undefined) return learned === undefined ? {} : { learned };
  const prefill = addressOf(fleet, split.prefill);
  return {
    split: {
      prefill: learned === undefined ? prefill : { ...prefill, learned },
      decode: addressOf(fleet, split.decode),
      rendezvous: split.rendezvous,
    },
  };
}
