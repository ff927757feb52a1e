import type { Fleet } from "../../src/core/fleet.ts";
import { createIdMinter } from "../../src/core/ids.ts";
import { speedsOf } from "../../src/core/plan/speeds.ts";
import type { Receipts } from "../../src/durable/receipts.ts";
import type { Once } from "../../src/durable/once.ts";
import type { Session } from "../../src/durable/session.ts";
import { EmbeddingCache } from "../../src/http/embedding-cache.ts";
import type { Mesh } from "../../src/http/env.ts";
import type { Clock } from "../../src/core/clock.ts";
import { planCapabilities } from "../../src/region/plan-capabilities.ts";
import type { FleetStub, Namespace, ObjectPlace, RegionStub } from "../../src/rpc/objects.ts";
import { ReceiptBuffer } from "../../src/rpc/receipt-buffer.ts";
import { defaultTurnSettings, type TurnDeps, type TurnSettings } from "../../src/turn/deps.ts";
import { RoundTrips } from "../../src/turn/round-trips.ts";
import { TokenRates } from "../../src/turn/token-rates.ts";
import { ConfigurationError, fleetOf } from "./fleet.ts";
import { kvKeys } from "./kv-keys.ts";
import { kvTiersOf, type KvTiersEnv } from "./kv-tiers.ts";
import { type Caller, parseKeys } from "./keys.ts";
import { REAL_TIME } from "./real-time.ts";
import { kvEnginesOf, regionsOf } from "./regions.ts";
import { type WorkersAi, withWorkersAi } from "./workers-ai.ts";
import { onceStore, receiptStore, sessionStore } from "./stores.ts";

export type EdgeEnv = Pick<KvTiersEnv, "KV_BLOBS" | "KV_TENANT_BYTES" | "SESSION_TTL_S"> & {
  readonly SESSIONS: DurableObjectNamespace<Session>;
  readonly RECEIPTS: DurableObjectNamespace<Receipts>;
  readonly ONCE: DurableObjectNamespace<Once>;
  /** Without it each isolate grants engines from what it knows itself. */
  readonly REGIONS?: Namespace<RegionStub>;
  /** Without it an isolate knows of a region what that told it itself. */
  readonly FLEETS?: Namespace<FleetStub>;
  /** Contents of `mesh.json`, in place of the bundled one. */
  readonly MESH?: unknown;
  /** JSON list of `{ tenant, sha256, cachesEmbeddings? }`: who may call, by the hex SHA-256 of the key. */
  readonly PHASEWAY_KEYS?: string;
  /** Signs ids and salts caches. At least 32 characters. */
  readonly PHASEWAY_SECRET?: string;
  /** Name of this edge; else the colo of each request. */
  readonly EDGE?: string;
  /** Engines of pools that speak `workers-ai`. */
  readonly AI?: WorkersAi;
  /** Longest request body; 32 MiB when absent. */
  readonly MAX_BODY_BYTES?: string;
  /** Longest answer that is kept under its idempotency key; 8 MiB when absent. */
  readonly IDEMPOTENCY_MAX_BYTES?: string;
  /** Days a receipt is kept; 30 when absent. */
  readonly RECEIPT_TTL_DAYS?: string;
  readonly TURN_SETTINGS?: Partial<TurnSettings>;
};

export { ConfigurationError } from "./fleet.ts";

export type EdgeOptions = {
  readonly engineFetch?: typeof fetch;
  /** A local mesh may run faster than the world. */
  readonly clock?: Clock;
  /** False keeps round trips as coordinates say: where time is short, calls would seem long. */
  readonly measuresRoundTrips?: boolean;
};

/** Of all tenants together: an isolate has 128 MB for everything. */
const EMBEDDING_CACHE_BYTES = 16 * 1024 * 1024;

/** Everything of an edge that outlives a request. Throws when a deployed mesh lacks its secrets or its `mesh.json` is wrong. */
export async function createMesh(env: EdgeEnv, options: EdgeOptions) {
  const fleet = fleetOf(env.MESH);
  const secret = requireSecret(env);
  const callers = callersOf(env);
  const embeddings = new EmbeddingCache(EMBEDDING_CACHE_BYTES);
  const ids = await createIdMinter(secret);
  const speeds = speedsOf(fleet);
  const clock = options.clock ?? REAL_TIME;
  const access = {
    fleet,
    engineFetch: withWorkersAi(
      options.engineFetch ?? ((input, init) => fetch(input, init)),
      env.AI,
    ),
    secret: (name: string) => secretOf(env, name),
  };
  const regions = regionsOf(env, { ...access, speeds, random: Math.random, clock });
  const kvEngines = kvEnginesOf(env, access);
  const keyOf = await kvKeys(secret);
  const buffer = new ReceiptBuffer();
  const tokenRates = new TokenRates();
  const trips = new Map<string, RoundTrips>();

  function forRequest(request: Request, now: EdgeEnv): Mesh {
    const edge = edgeName(request, now);
    const rtt = trips.get(edge) ?? new RoundTrips(fleet, placeOf(fleet, edge, request));
    trips.set(edge, rtt);
    const place = objectPlace(fleet, edge);
    const sessions = sessionStore(now, place, Number(now.RECEIPT_TTL_DAYS) || 30);
    const receipts = receiptStore(now, ids, buffer, place);
    return {
      fleet,
      edge,
      ids,
      maxBodyBytes: bytesOf(now.MAX_BODY_BYTES, 32 * MIB),
      onceWaitMs: 25_000,
      maxKeptAnswerBytes: bytesOf(now.IDEMPOTENCY_MAX_BYTES, 8 * MIB),
      tenantOf: (hash) => callers.get(hash)?.tenant,
      embeddingCacheOf: (hash) => (callers.get(hash)?.cachesEmbeddings ? embeddings : undefined),
      saltOf: (tenant, cacheSalt) => salt(secret, tenant, cacheSalt),
      sessions,
      receipts,
      once: onceStore(now, place),
      turnDeps: (waitUntil) => ({
        fleet,
        speeds,
        capabilities: planCapabilities,
        ...regions(waitUntil, options.measuresRoundTrips === false ? seeded(rtt) : rtt),
        sessions,
        kv: { engines: kvEngines, tiers: kvTiersOf(now, place), keyOf },
        receipts: { add: (receipt) => receipts.add(receipt, waitUntil) },
        rtt,
        edge,
        ids,
        charsPerToken: tokenRates,
        now: clock.now,
        random: Math.random,
        waitUntil,
        settings: { ...defaultTurnSettings, ...now.TURN_SETTINGS },
      }),
    };
  }
  return { forRequest };
}

const MIB = 1024 * 1024;

function bytesOf(setting: string | undefined, otherwise: number): number {
  const bytes = Number(setting);
  return bytes > 0 ? bytes : otherwise;
}

function requireSecret(env: EdgeEnv): string {
  if ((env.PHASEWAY_SECRET?.length ?? 0) >= 32) return env.PHASEWAY_SECRET ?? "";
  throw new ConfigurationError(
    "PHASEWAY_SECRET is missing or shorter than 32 characters. Set it with: openssl rand -hex 32 | npx wrangler secret put PHASEWAY_SECRET",
  );
}

function callersOf({ PHASEWAY_KEYS }: EdgeEnv): ReadonlyMap<string, Caller> {
  const parsed = parseKeys(PHASEWAY_KEYS);
  if (parsed.ok) return parsed.callers;
  throw new ConfigurationError(
    `PHASEWAY_KEYS ${parsed.problem}. It is a JSON list of {"tenant","sha256"}, one for each API key: sha256 is the hex SHA-256 of the key. Set it with: npx wrangler secret put PHASEWAY_KEYS`,
  );
}

function secretOf(env: EdgeEnv, name: string): string | undefined {
  const value = (env as unknown as Record<string, unknown>)[name];
  return typeof value === "string" ? value : undefined;
}

function edgeName(request: Request, env: EdgeEnv): string {
  const colo = request.cf?.["colo"];
  return env.EDGE ?? (typeof colo === "string" ? colo.toLowerCase() : "unknown");
}

/** Where the edge is: its own region's coordinates, else the client's, which are near. */
function placeOf(fleet: Fleet, edge: string, request: Request) {
  const own = fleet.regions.get(edge);
  if (own !== undefined) return own;
  const lat = Number(request.cf?.["latitude"]);
  const lon = Number(request.cf?.["longitude"]);
  return Number.isFinite(lat) && Number.isFinite(lon) ? { lat, lon } : undefined;
}

/** New objects are made where `mesh.json` says this edge is, else where Cloudflare finds it near the caller. */
function objectPlace(fleet: Fleet, edge: string): ObjectPlace {
  const hint = fleet.regions.get(edge)?.hint;
  return hint === undefined ? {} : { hint: hint as DurableObjectLocationHint };
}

/** Round trips that stay as they are. */
function seeded(rtt: RoundTrips): TurnDeps["rtt"] {
  return { ms: (region) => rtt.ms(region), observe() {} };
}

const encoder = new TextEncoder();

/** Hex HMAC of the tenant and what the client sent as `cache_salt`. */
async function salt(secret: string, tenant: string, cacheSalt: string): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, [
    "sign",
  ]);
  const mac = await crypto.subtle.sign("HMAC", key, encoder.encode(`${tenant}\n${cacheSalt}`));
  return [...new Uint8Array(mac, 0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
