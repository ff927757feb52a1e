import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createApp } from "../../src/http/app.ts";
import type { Mesh } from "../../src/http/env.ts";
import type { TurnSettings } from "../../src/turn/deps.ts";
import { createMesh, type EdgeEnv } from "../../workers/edge/mesh.ts";
import { createFakeEngine, type FakeEngine } from "./fake-engine.ts";
import { testMesh } from "./test-mesh.ts";

/** An edge's HTTP face over real objects and a fake engine. */
export async function createEdge(options: EdgeOptions = {}): Promise<Edge> {
  const engine = createFakeEngine();
  const app = createApp();
  const edgeEnv = {
    SESSIONS: env.SESSIONS,
    RECEIPTS: env.RECEIPTS,
    ONCE: env.ONCE,
    ...(options.regions !== false && { REGIONS: ownRegions() }),
    MESH: testMesh,
    PHASEWAY_KEYS: JSON.stringify(await Promise.all(Object.entries(KEYS).map(hashed))),
    PHASEWAY_SECRET: "a secret of more than thirty-two characters",
    EDGE: "ams",
    ENGINE_KEY,
    TURN_SETTINGS: { ...options.turnSettings },
    ...options.env,
  };
  const mesh = await createMesh(edgeEnv, { engineFetch: engine.fetch });
  const contexts: ExecutionContext[] = [];
  const edge: Edge = {
    engine,
    routes: app.routes.map(({ method, path }) => ({ method, path })),
    async call(path, init = {}) {
      const request = new Request(`https://edge.test${path}`, init);
      const context = createExecutionContext();
      contexts.push(context);
      const own = { ...mesh.forRequest(request, edgeEnv), ...options.mesh };
      return app.fetch(request, { MESH_OF_REQUEST: own }, context);
    },
    chat(body, headers = {}) {
      return edge.call("/v1/chat/completions", {
        method: "POST",
        headers: { ...AUTH, ...headers },
        body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
      });
    },
    async settled() {
      await Promise.all(contexts.splice(0).map(waitOnExecutionContext));
    },
  };
  return edge;
}

export type EdgeOptions = {
  readonly mesh?: Partial<Mesh>;
  readonly turnSettings?: Partial<TurnSettings>;
  /** False binds no Region objects: the edge grants engines itself. */
  readonly regions?: boolean;
  /** Bindings in place of its own. */
  readonly env?: Partial<EdgeEnv>;
};

export type Edge = {
  readonly engine: FakeEngine;
  readonly routes: readonly { readonly method: string; readonly path: string }[];
  call(path: string, init?: RequestInit): Promise<Response>;
  /** Posts a chat completion with a good key. */
  chat(body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Resolves when everything that outlives the answers is done. */
  settled(): Promise<void>;
};

/** Tenants and their keys. */
export const KEYS = { acme: "sk-acme", rival: "sk-rival" };
export const AUTH = { authorization: `Bearer ${KEYS.acme}` };
export const RIVAL = { authorization: `Bearer ${KEYS.rival}` };
/** What the mesh shows its engines. */
export const ENGINE_KEY = "sk-upstream-0123456789";

/** The least a chat request can be, with other members. */
export function ask(members: Record<string, unknown> = {}) {
  return {
    model: "small",
    messages: [{ role: "user", content: "Where did you run?" }],
    ...members,
  };
}

/** Regions of this edge alone: what another one's engines did is not its business. */
function ownRegions(): NonNullable<EdgeEnv["REGIONS"]> {
  const { REGIONS } = env;
  const prefix = crypto.randomUUID();
  return {
    idFromName: (name) => REGIONS.idFromName(`${prefix} ${name}`),
    get: (id) => REGIONS.get(id),
    jurisdiction: (jurisdiction) => REGIONS.jurisdiction(jurisdiction),
  };
}

async function hashed([tenant, key]: [string, string]) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key));
  const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0"));
  return { tenant, sha256: hex.join("") };
}
