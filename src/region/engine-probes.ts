import type { KvTold } from "../core/grant/kv-events.ts";
import type { Probe, Probed } from "../core/grant/probes.ts";
import type { Clock } from "../core/clock.ts";
import { METRICS } from "../engines/load/sources.ts";
import { dialectOf } from "../engines/registry.ts";
import type { RegionEvent } from "../rpc/region-messages.ts";
import { type EngineAccess, engineOf, keyOf } from "./engine-request.ts";
import { kvTold } from "./kv-told.ts";
import { readSmall } from "./read-small.ts";
import { toldLoad } from "./told-load.ts";

/** Asks engines how they are, where their dialect says; what a source is not there for is remembered. */
export class EngineProbes {
  readonly #access: EngineAccess;
  readonly #clock: Pick<Clock, "now">;
  /** How many of an engine's sources it does not have. */
  readonly #missing = new Map<string, number>();
  /** Engines that have no cache events. */
  readonly #eventless = new Set<string>();

  constructor(access: EngineAccess, clock: Pick<Clock, "now">) {
    this.#access = access;
    this.#clock = clock;
  }

  /** One after another, as connections are few; each is told as soon as it is heard. Never throws. */
  async each(probes: readonly Probe[], tell: (probe: Probe, heard: Probed) => void): Promise<void> {
    const leasedAt = this.#clock.now();
    for (const probe of probes) {
      const heard = await this.#ask(probe.engine).catch(() => ({ isWell: false }));
      const kv = await this.#drain(probe).catch(() => undefined);
      tell(probe, { ...heard, kv, afterMs: this.#clock.now() - leasedAt });
    }
  }

  async #ask(id: string): Promise<Heard> {
    const { pool } = engineOf(this.#access.fleet, id);
    const sources = dialectOf(pool.dialect).load ?? [METRICS];
    for (let at = this.#missing.get(id) ?? 0; at < sources.length; at += 1) {
      const source = sources[at] ?? METRICS;
      const response = await this.#send(id, source.path);
      if (!NOT_THERE.has(response.status)) {
        if (!response.ok) return told(response);
        const type = response.headers.get("content-type") ?? "";
        const body = response.body ? await readSmall(response.body) : new Uint8Array();
        return { isWell: true, load: toldLoad(source.read(new TextDecoder().decode(body), type)) };
      }
      await response.body?.cancel();
      this.#missing.set(id, at + 1);
    }
    return told(await this.#send(id, "/health"));
  }

  /** Reads what its engine tells of its cache once and to nobody else. */
  async #drain({ engine, kvCursors = [] }: Probe): Promise<KvTold | undefined> {
    const { kvEvents } = dialectOf(engineOf(this.#access.fleet, engine).pool.dialect);
    if (kvEvents === undefined || this.#eventless.has(engine)) return undefined;
    const response = await this.#send(engine, kvEvents.path, "POST");
    if (NOT_THERE.has(response.status)) this.#eventless.add(engine);
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      return undefined;
    }
    const body = new TextDecoder().decode(await readSmall(response.body));
    return kvTold(kvEvents.read(body, kvCursors));
  }

  #send(id: string, path: string, method = "GET"): Promise<Response> {
    const { pool, engine } = engineOf(this.#access.fleet, id);
    return this.#access.engineFetch(engine.url + path, {
      method,
      headers: { ...pool.headers, ...keyOf(this.#access, engine) },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: "manual",
    });
  }
}

/** What a probe heard as its region is told it. */
export function probedEvent({ ticket, engine }: Probe, heard: Probed): RegionEvent {
  const { afterMs, load, isWell, kv } = heard;
  return {
    ticket,
    event: "probed",
    engine,
    pool: engine.slice(0, engine.lastIndexOf("/")),
    afterMs,
    ...(load !== undefined && { told: { load, afterMs } }),
    ...(isWell !== undefined && { isWell }),
    ...(kv !== undefined && { kv }),
  };
}

type Heard = Pick<Probed, "load" | "isWell">;

const TIMEOUT_MS = 1000;
const NOT_THERE: ReadonlySet<number> = new Set([404, 405, 501]);

/** An engine that answers is well, and one that fails is not; what it refuses says neither. */
async function told(response: Response): Promise<Heard> {
  await response.body?.cancel();
  if (response.ok) return { isWell: true };
  return response.status >= 500 ? { isWell: false } : {};
}
