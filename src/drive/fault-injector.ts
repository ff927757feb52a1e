import { seededRandom } from "../core/random.ts";
import { findEmulator } from "./ledgers.ts";
import type { DriveIo, DriveOptions, Emulator } from "./options.ts";

/** Sets a fault of a random engine off every so many requests: the same ones for the same seed and engines. */
export class FaultInjector {
  readonly #io: DriveIo;
  readonly #emulator: Promise<Emulator | string>;
  readonly #random: () => number;
  readonly #struck = new Map<string, number>();
  readonly #touched = new Set<string>();
  #requests = 0;

  constructor(options: DriveOptions, io: DriveIo, seed: number) {
    this.#io = io;
    this.#emulator = Promise.resolve(options.emulator ?? findEmulator(options, io));
    this.#random = seededRandom(seed);
  }

  /** Faults set off so far, by kind. */
  get struck(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#struck);
  }

  /** Called before every request; `engines` are those seen so far. */
  async beforeRequest(engines: ReadonlySet<string>): Promise<void> {
    this.#requests += 1;
    if (this.#requests % REQUESTS_PER_FAULT !== 0) return;
    const engine = this.#pick([...engines].toSorted());
    const fault = this.#pick(FAULTS);
    if (engine === undefined || fault === undefined) return;
    this.#struck.set(fault.name, (this.#struck.get(fault.name) ?? 0) + 1);
    this.#touched.add(engine);
    await this.#post(engine, fault.path, fault.body);
  }

  /** Ends what is still in force. */
  async end(): Promise<void> {
    const none = { fault: "none" };
    await Promise.all([...this.#touched].map((engine) => this.#post(engine, "faults", none)));
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random() * items.length)];
  }

  async #post(engine: string, path: string, body: object): Promise<void> {
    const emulator = await this.#emulator;
    if (typeof emulator === "string") throw new Error(`no engines to set faults of: ${emulator}`);
    const response = await this.#io.fetch(
      `${emulator.url.replace(/\/$/, "")}/${engine}/admin/${path}`,
      {
        method: "POST",
        headers: {
          authorization: `Bearer ${emulator.token}`,
          "content-type": "application/json",
        },
        body: JSON.stringify(body),
      },
    );
    await response.body?.cancel();
    if (!response.ok) throw new Error(`${engine}: setting a fault was answered ${response.status}`);
  }
}

const REQUESTS_PER_FAULT = 8;

/** Each ends by itself after the requests it names, but the last, which ends with the next fault of its engine. */
const FAULTS = [
  { name: "refuse", path: "faults", body: { fault: "refuse", times: 2 } },
  { name: "status", path: "faults", body: { fault: "status", status: 500, times: 2 } },
  { name: "429", path: "faults", body: { fault: "429", retryAfterS: 1, times: 2 } },
  { name: "cut-midstream", path: "faults", body: { fault: "cut-midstream", times: 1 } },
  { name: "restart", path: "restart", body: {} },
  { name: "slow", path: "faults", body: { fault: "slow", factor: 3, times: 10 } },
] as const;
