import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { DECODE, llamaMesh, PREFILL } from "../../workers/local/llama/mesh.ts";
import {
  answers,
  type LlamaEngine,
  spawnEngine,
  startEngines,
  stopEngines,
} from "../../workers/local/llama/processes.ts";
import { shapeOf } from "../../workers/local/llama/shape.ts";
import { type LocalMesh, startMesh } from "../../workers/local/mesh.ts";
import type { MeshFile } from "../../workers/local/rewrite-engines.ts";
import { meshFile } from "../support/mesh-file.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/until.ts";
import { writeTinyGguf } from "./tiny-gguf.ts";

export const PREFILLS = [`${PREFILL}/0`, `${PREFILL}/1`] as const;
export const DECODES = [`${DECODE}/0`, `${DECODE}/1`] as const;
/** Of no mesh: what it answers is what a single engine would. */
const ALONE = "alone";

/** Tokens that a sequence can hold, a prompt of 3,000 and its answer. */
const CONTEXT = 4096;
/** A lease, the sweep after it, and some time to spare. */
const LEASE_MS = 60_000;

/** Engines of a tiny model as processes, a mesh of them, and what tests do to either. */
export class LlamaFleet {
  readonly mesh: LocalMesh;
  /** What stands before each prefill engine where others fetch from it, by its name. */
  readonly proxies: ReadonlyMap<string, TcpProxy>;
  readonly #folder: string;
  readonly #engines: Map<string, LlamaEngine>;

  private constructor(
    mesh: LocalMesh,
    folder: string,
    engines: readonly LlamaEngine[],
    proxies: ReadonlyMap<string, TcpProxy>,
  ) {
    this.mesh = mesh;
    this.proxies = proxies;
    this.#folder = folder;
    this.#engines = new Map(engines.map((engine) => [engine.name, engine]));
  }

  static async start({
    model: shape,
    pools = {},
    meshOf = splitting,
  }: FleetOptions = {}): Promise<LlamaFleet> {
    const folder = mkdtempSync(join(tmpdir(), "phaseway-mesh-test-"));
    const model = join(folder, "tiny.gguf");
    writeTinyGguf(model, shape);
    // Where engines keep their files of state.
    const states = join(folder, "states");
    mkdirSync(states);
    process.env["TMPDIR"] = states;
    const proxies = new Map<string, TcpProxy>();
    for (const name of PREFILLS) proxies.set(name, await TcpProxy.start());
    // Several threads would spin for one another on a busy machine.
    const options = ["--threads", "1", "--context", String(CONTEXT), "--sequences", "4"];
    const engines = await startEngines(
      model,
      [...PREFILLS, ...DECODES, ALONE].map((name) => {
        const origin = proxies.get(name)?.url;
        return { name, options, ...(origin !== undefined && { origin }) };
      }),
    );
    for (const { name, url } of engines) {
      const proxy = proxies.get(name);
      if (proxy) proxy.targetPort = Number(new URL(url).port);
    }
    const mesh = await startMesh({
      mesh: await meshOf(engines, pools),
      roundTrips: false,
    });
    return new LlamaFleet(mesh, folder, engines, proxies);
  }

  async stop(): Promise<void> {
    await this.mesh.stop();
    await stopEngines([...this.#engines.values()]);
    for (const proxy of this.proxies.values()) await proxy.stop();
    rmSync(this.#folder, { recursive: true });
  }

  /** Ends an engine as the system does one that takes too much, and starts it anew where it was. */
  async kill(name: string): Promise<void> {
    const engine = this.#engine(name);
    const gone = once(engine.process, "exit");
    engine.process.kill("SIGKILL");
    await gone;
    const again = { ...engine, process: spawnEngine(engine.args) };
    this.#engines.set(name, again);
    await answers(again);
  }

  /** What a single engine says to that, with nothing cached. */
  async alone(body: object): Promise<Said> {
    const response = await fetch(`${this.#engine(ALONE).url}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ ...body, cache_salt: crypto.randomUUID() }),
    });
    const { choices, usage } = (await response.json()) as Whole;
    return {
      text: choices[0]?.message.content ?? "",
      promptTokens: usage.prompt_tokens,
      outputTokens: usage.completion_tokens,
    };
  }

  /** A figure of an engine's metrics page. */
  async metric(name: string, figure: string): Promise<number> {
    const page = await (await fetch(`${this.#engine(name).url}/metrics`)).text();
    const line = page.split("\n").find((one) => new RegExp(`^llamacpp:${figure}[ {]`).test(one));
    if (line === undefined) throw new Error(`${name} does not tell ${figure}`);
    return Number(line.split(" ").at(-1));
  }

  /** Resolves when nothing of any request is left in the engines: no sequence, no handle, no file. */
  async quiet(): Promise<void> {
    for (const name of [...PREFILLS, ...DECODES]) {
      for (const figure of LEFT) {
        const isNone = async () => (await this.metric(name, figure)) === 0 || undefined;
        await until(`${figure} of ${name} to be none`, isNone, LEASE_MS, 250);
      }
    }
    await until("no file of state", () => this.files().length === 0 || undefined, LEASE_MS, 250);
  }

  /** Files of state that lie anywhere. */
  files(): string[] {
    const states = join(this.#folder, "states");
    return readdirSync(states)
      .filter((name) => name.startsWith("phaseway-llama-"))
      .flatMap((name) => readdirSync(join(states, name)));
  }

  #engine(name: string): LlamaEngine {
    const engine = this.#engines.get(name);
    if (!engine) throw new Error(`no engine ${name}`);
    return engine;
  }
}

/** One fleet for the tests of a file; read what it returns inside tests and hooks only. */
export function useLlamaFleet(options: FleetOptions = {}): { readonly fleet: LlamaFleet } {
  let fleet: LlamaFleet | undefined;
  beforeAll(async () => {
    fleet = await LlamaFleet.start(options);
  });
  afterAll(() => fleet?.stop());
  return {
    get fleet() {
      if (fleet === undefined) throw new Error("the fleet has not started yet");
      return fleet;
    },
  };
}

export type FleetOptions = {
  /** Shape of the tiny model. */
  readonly model?: Parameters<typeof writeTinyGguf>[1];
  /** Members of every pool beside what a local mesh of llama.cpp engines has. */
  readonly pools?: object;
  /** The mesh that they run in; one in which every request is split unless told. */
  readonly meshOf?: MeshOf;
};

export type Said = {
  readonly text: string;
  readonly promptTokens: number;
  readonly outputTokens: number;
};

type Whole = {
  readonly choices: readonly { readonly message: { readonly content: string } }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
};

/** Gauges that fall to zero once all is over. */
const LEFT = ["num_requests_running", "num_requests_waiting", "kv_handles", "kv_file_bytes"];

/** A mesh of these engines; `more` are members of each pool. */
export type MeshOf = (engines: readonly LlamaEngine[], more: object) => Promise<MeshFile>;

/** Engines that do both phases, are said to be slow at prompts, and can pull from one another. */
export async function pulling(engines: readonly LlamaEngine[]): Promise<MeshFile> {
  const urls = engines.flatMap(({ name, url }) =>
    DECODES.some((one) => one === name) ? [url] : [],
  );
  const pool = { urls, threads: 1 };
  const shape = await shapeOf(engines[0]?.url ?? "");
  const mesh = llamaMesh(meshFile(), shape, { prefill: pool, decode: pool });
  const { devices, pools, links } = mesh as unknown as Parts;
  const [link] = links;
  return {
    ...mesh,
    devices: { [DECODE]: { ...devices[DECODE], flops: 6e8 } },
    pools: { [DECODE]: { ...pools[DECODE], bidirectional: false } },
    links: [{ ...link, from: DECODE, to: DECODE }],
  } as unknown as MeshFile;
}

type Parts = {
  readonly devices: Record<string, object>;
  readonly pools: Record<string, object>;
  readonly links: readonly object[];
};

/** A mesh whose numbers make every split win: engines that decode are said to be hundreds of times slower at prefill. */
async function splitting(engines: readonly LlamaEngine[], more: object): Promise<MeshFile> {
  const pool = (names: readonly string[]) => ({
    urls: engines.filter(({ name }) => names.includes(name)).map(({ url }) => url),
    threads: 1,
  });
  const shape = await shapeOf(engines[0]?.url ?? "");
  const pools = { prefill: pool(PREFILLS), decode: pool(DECODES) };
  const mesh = llamaMesh(meshFile(), shape, pools);
  const all = Object.entries(mesh.pools).map(([name, one]) => [
    name,
    { ...(one as object), ...more },
  ]);
  const { devices } = mesh as unknown as { readonly devices: Record<string, object> };
  return {
    ...mesh,
    pools: Object.fromEntries(all),
    devices: {
      [PREFILL]: { ...devices[PREFILL], flops: 1e11 },
      [DECODE]: { ...devices[DECODE], flops: 6e8 },
    },
  } as MeshFile;
}
