import type { LedgerEntry } from "../../workers/emulator/ledger.ts";
import type { LocalMesh } from "../../workers/local/mesh.ts";
import { until } from "./until.ts";

/** What an emulated engine tells behind its admin token. */
export type EngineState = {
  readonly engine: string;
  readonly engineId: string;
  readonly entries: readonly LedgerEntry[];
  /** Legs that have not ended. */
  readonly open: number;
  readonly running: number;
  readonly blocksHeld: number;
  readonly leasedBlocks: number;
  /** Of those, what somebody is fetching. */
  readonly fetchedBlocks: number;
  /** Pieces of media that it was asked to encode, and how many of them it had encoded before. */
  readonly encodedMedia: number;
  readonly cachedMedia: number;
  /** Emulated time that it has spent in iterations, ms. */
  readonly busyMs: number;
};

/** A ledger entry, and the engine it is of. */
export type Leg = LedgerEntry & { readonly engine: string };

/** The emulated engines of a mesh, by `pool/number`. */
export class Engines {
  readonly #mesh: LocalMesh;
  readonly names: readonly string[];

  constructor(mesh: LocalMesh, names: readonly string[]) {
    this.#mesh = mesh;
    this.names = names;
  }

  async state(engine: string): Promise<EngineState> {
    return (await (await this.#admin(engine, "ledger")).json()) as EngineState;
  }

  states(): Promise<EngineState[]> {
    return Promise.all(this.names.map((engine) => this.state(engine)));
  }

  async fault(engine: string, fault: string, more: Record<string, number> = {}): Promise<void> {
    await this.#admin(engine, "faults", { fault, ...more });
  }

  async restart(engine: string): Promise<void> {
    await this.#admin(engine, "restart", {});
  }

  async settings(
    engine: string,
    settings: Record<string, number | boolean | string>,
  ): Promise<void> {
    await this.#admin(engine, "settings", settings);
  }

  /** Of `among`, the engine that was sent most legs that `counts`; throws when none was sent any. */
  async busiest(among: readonly string[], counts: (entry: LedgerEntry) => boolean) {
    const states = await Promise.all(among.map((engine) => this.state(engine)));
    const legs = states.map(({ engine, entries }) => ({
      engine,
      n: entries.filter(counts).length,
    }));
    const [first] = legs.toSorted((a, b) => b.n - a.n);
    if (first === undefined || first.n === 0) throw new Error(`none was asked of ${among.join()}`);
    return first.engine;
  }

  /** Legs that began since then, in order. */
  async legsSince(since: number): Promise<Leg[]> {
    const states = await this.states();
    return states
      .flatMap(({ engine, entries }) => entries.map((entry) => Object.assign({ engine }, entry)))
      .filter(({ startedAt }) => startedAt >= since)
      .toSorted((a, b) => a.startedAt - b.startedAt);
  }

  /** Resolves when no engine has an open leg. */
  async noneOpen(): Promise<void> {
    await until(
      "no open legs",
      async () => {
        const states = await this.states();
        return states.every(({ open }) => open === 0) ? true : undefined;
      },
      2000,
    );
  }

  /** Resolves when no engine has an open leg, a held block or a lease; throws with who has after `withinMs`. */
  async quiet(withinMs = 2000): Promise<void> {
    let busy: EngineState[] = [];
    await until(
      "quiet engines",
      async () => {
        busy = (await this.states()).filter((state) => !isQuiet(state));
        return busy.length === 0 ? true : undefined;
      },
      withinMs,
      25,
    ).catch(() => {
      const told = busy.map(({ entries, ...state }) => ({
        ...state,
        entries: entries.filter(({ status }) => status === "running"),
      }));
      throw new Error(`engines still busy after ${withinMs} ms: ${JSON.stringify(told)}`);
    });
  }

  #admin(engine: string, action: string, body?: unknown): Promise<Response> {
    return fetch(`${this.#mesh.emulatorUrl}/${engine}/admin/${action}`, {
      headers: { authorization: `Bearer ${this.#mesh.emulatorToken}` },
      ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
    });
  }
}

function isQuiet({ open, blocksHeld, leasedBlocks }: EngineState): boolean {
  return open === 0 && blocksHeld === 0 && leasedBlocks === 0;
}
