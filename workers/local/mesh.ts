import { createHash, randomBytes } from "node:crypto";

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";
import type { TurnSettings } from "../../src/turn/deps.ts";
import { bundleWorker } from "./bundle.ts";
import { regionBindingName } from "../../src/core/shards.ts";
import { EDGES, type Place } from "./geography.ts";
import type { ClockBinding, LocalBinding } from "./local-binding.ts";
import { freePort } from "./ports.ts";
import { type MeshFile, onEmulator, withKvTokens } from "./rewrite-engines.ts";

/** Starts edges, objects and emulated engines in one Miniflare on this machine; resolves when they answer. */
export async function startMesh(options: MeshOptions = {}): Promise<LocalMesh> {
  process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
  process.env["WRANGLER_SEND_METRICS"] = "false";
  const setup = await prepare(options);
  const temporary =
    options.stateDir === undefined ? await mkdtemp(join(tmpdir(), "phaseway-")) : "";
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: HOST,
      port: 0,
      cf: { colo: EDGES[0].colo },
      log: new Log(LogLevel.WARN),
      telemetry: { enabled: false },
      resourcePersistencePath: options.stateDir ?? temporary,
      workers: [
        ...setup.edges.map((edge) => edgeWorker(edge, setup)),
        ...setup.regionWorkers.map((region) => regionWorker(region, setup)),
        objects(setup),
        emulator(setup),
      ],
    }),
  );
  const stop = async () => {
    await miniflare.dispose();
    if (temporary !== "") await rm(temporary, { recursive: true, force: true });
  };
  const edges: { name: string; url: string }[] = [];
  try {
    await miniflare.ready;
    for (const { name } of setup.edges) {
      edges.push({ name, url: (await miniflare.unsafeGetDirectURL(`edge-${name}`)).origin });
    }
    for (const { url } of edges) await healthy(url);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    edges,
    key: setup.key,
    emulatorUrl: setup.emulatorUrl,
    emulatorToken: setup.emulatorToken,
    evict: (className, name) => {
      const isElsewhere = className === "Region" && setup.regionWorkers.length > 0;
      const script = isElsewhere ? `region-${name.split("@", 1)[0]}` : "objects";
      return miniflare.unsafeEvictDurableObject(script, className, { name });
    },
    stop,
  };
}

export type MeshOptions = {
  /** Of the first edge; the others follow on the next ports. 0, the default, takes free ports. */
  readonly port?: number;
  /** Where the emulator listens when that port is free; 0, the default, takes a free one. */
  readonly emulatorPort?: number;
  /** Multiplies emulated durations and round trips: 0.01 runs a hundred times faster. */
  readonly timeFactor?: number;
  /** KV cache tokens of every engine, in the mesh as edges see it too, instead of what its device would hold. */
  readonly kvTokens?: number;
  /** Contents of a `mesh.json`, instead of the one in the repository. */
  readonly mesh?: MeshFile;
  /** False puts edges, objects and engines in one place. */
  readonly roundTrips?: boolean;
  /** False lets each edge grant engines from what it knows itself, instead of Region objects. */
  readonly regions?: boolean;
  /** True gives every region a worker of its own, in which its legs run. */
  readonly regionWorkers?: boolean;
  /** API keys beside `sk-phaseway-local`, and the tenants they belong to. */
  readonly keys?: readonly { readonly tenant: string; readonly key: string }[];
  /** Timers of a turn other than the edge's own, in real ms whatever `timeFactor` is. */
  readonly turnSettings?: Partial<TurnSettings>;
  /** Folder that keeps the objects' state; without it the state lives as long as the mesh. */
  readonly stateDir?: string;
};

export type LocalMesh = {
  readonly edges: { readonly name: string; readonly url: string }[];
  readonly key: string;
  readonly emulatorUrl: string;
  readonly emulatorToken: string;
  /** Takes a Durable Object out of memory, as the platform does with any that is idle. */
  evict(
    className: "Session" | "Receipts" | "Once" | "Region" | "Fleet",
    name: string,
  ): Promise<void>;
  stop(): Promise<void>;
};

/** Exists in local meshes only. */
export const LOCAL_KEY = "sk-phaseway-local";

const HOST = "127.0.0.1";
const ROOT = new URL("../../", import.meta.url);
const READY_TIMEOUT_MS = 15_000;
const COMPATIBILITY = {
  compatibilityDate: "2026-11-02",
  compatibilityFlags: ["enable_request_signal"],
};

type Setup = Awaited<ReturnType<typeof prepare>>;

async function prepare(options: MeshOptions) {
  const { timeFactor = 1 } = options;
  const source = await readFile(new URL("mesh.json", ROOT), "utf8");
  const mesh = options.mesh ?? (JSON.parse(source) as MeshFile);
  const [edgeCode, regionCode, emulatorCode, emulatorPort] = await Promise.all([
    bundleWorker(new URL("workers/local/edge.ts", ROOT)),
    options.regionWorkers ? bundleWorker(new URL("workers/local/region.ts", ROOT)) : "",
    bundleWorker(new URL("workers/emulator/index.ts", ROOT)),
    freePort(HOST, options.emulatorPort ?? 0),
  ]);
  const emulatorUrl = `http://${HOST}:${emulatorPort}`;
  const first = options.port ?? 0;
  const edges = EDGES.map((edge, n) => ({ ...edge, port: first === 0 ? 0 : first + n }));
  return {
    edges,
    edgeCode,
    regionCode,
    regionWorkers: options.regionWorkers ? Object.keys(mesh.regions) : [],
    emulatorCode,
    emulatorPort,
    emulatorUrl,
    emulatorToken: randomBytes(16).toString("hex"),
    key: LOCAL_KEY,
    keys: [{ tenant: "local", key: LOCAL_KEY }, ...(options.keys ?? [])],
    mesh: withKvTokens(onEmulator(mesh, emulatorUrl), options.kvTokens),
    timeFactor,
    clock: { startedAt: Date.now(), timeFactor } satisfies ClockBinding,
    roundTrips: options.roundTrips ?? true,
    regions: options.regions ?? true,
    turnSettings: { ...options.turnSettings },
  };
}

function localBinding({ lat, lon }: Place, setup: Setup): LocalBinding {
  return {
    lat,
    lon,
    roundTrips: setup.roundTrips,
    timeFactor: setup.timeFactor,
    key: setup.key,
    emulatorUrl: setup.emulatorUrl,
    emulatorToken: setup.emulatorToken,
  };
}

function edgeWorker(edge: Setup["edges"][number], setup: Setup) {
  const regions = setup.regionWorkers.map((id) => [regionBindingName(id), `region-${id}`] as const);
  return {
    ...COMPATIBILITY,
    name: `edge-${edge.name}`,
    modules: [{ type: "ESModule" as const, path: "edge.mjs", contents: setup.edgeCode }],
    bindings: { ...edgeBindings(setup), EDGE: edge.name, LOCAL: localBinding(edge, setup) },
    r2Buckets: KV_BLOBS,
    // Where regions have workers the edge has no other way to their engines.
    serviceBindings: regions.length > 0 ? Object.fromEntries(regions) : { EMULATOR: "emulator" },
    durableObjects: {
      SESSIONS: { className: "Session", scriptName: "objects", useSQLite: true },
      RECEIPTS: { className: "Receipts", scriptName: "objects", useSQLite: true },
      ONCE: { className: "Once", scriptName: "objects", useSQLite: true },
      ...(setup.regions && {
        REGIONS: { className: "Region", scriptName: "objects", useSQLite: true },
        FLEETS,
      }),
    },
    unsafeDirectSockets: [{ host: HOST, port: edge.port }],
  };
}

function regionWorker(id: string, setup: Setup) {
  return {
    ...COMPATIBILITY,
    name: `region-${id}`,
    modules: [{ type: "ESModule" as const, path: "region.mjs", contents: setup.regionCode }],
    bindings: {
      MESH: setup.mesh,
      CLOCK: setup.clock,
      LOCAL: localBinding(setup.mesh.regions[id] as Place, setup),
    },
    serviceBindings: { EMULATOR: "emulator" },
    durableObjects: {
      REGIONS: { className: "Region", useSQLite: true },
      FLEETS,
    },
  };
}

const FLEETS = { className: "Fleet", scriptName: "objects", useSQLite: true };

function objects(setup: Setup) {
  return {
    ...COMPATIBILITY,
    name: "objects",
    modules: [{ type: "ESModule" as const, path: "objects.mjs", contents: setup.edgeCode }],
    bindings: edgeBindings(setup),
    r2Buckets: KV_BLOBS,
    durableObjects: {
      SESSIONS: { className: "Session", useSQLite: true },
      RECEIPTS: { className: "Receipts", useSQLite: true },
      ONCE: { className: "Once", useSQLite: true },
      REGIONS: { className: "Region", useSQLite: true },
      FLEETS: { className: "Fleet", useSQLite: true },
    },
  };
}

/** One bucket for all: edges write to it, and sessions erase what is theirs. */
const KV_BLOBS = { KV_BLOBS: "kv-blobs" };

function emulator(setup: Setup) {
  return {
    ...COMPATIBILITY,
    name: "emulator",
    modules: [{ type: "ESModule" as const, path: "emulator.mjs", contents: setup.emulatorCode }],
    bindings: {
      MESH: setup.mesh,
      TIME_FACTOR: setup.timeFactor,
      EMULATOR_TOKEN: setup.emulatorToken,
    },
    durableObjects: {
      // An idle object goes away after seconds, and all an engine holds with it; idle engines keep their cache.
      ENGINES: { className: "EmulatedEngine", useSQLite: true, unsafePreventEviction: true },
    },
    unsafeDirectSockets: [{ host: HOST, port: setup.emulatorPort }],
  };
}

function edgeBindings({ keys, mesh, clock, turnSettings }: Setup) {
  return {
    MESH: mesh,
    CLOCK: clock,
    TURN_SETTINGS: turnSettings,
    PHASEWAY_KEYS: JSON.stringify(keys.map(({ tenant, key }) => ({ tenant, sha256: sha256(key) }))),
    // The same at every start, so that ids minted before a restart still name their objects.
    PHASEWAY_SECRET: sha256("a local mesh has no secrets"),
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

async function healthy(url: string): Promise<void> {
  const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(READY_TIMEOUT_MS) });
  if (response.status !== 200) {
    throw new Error(`${url}/healthz answered ${response.status}: ${await response.text()}`);
  }
}
