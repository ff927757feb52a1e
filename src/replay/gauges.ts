import type { FleetEngine } from "./fleet-engine.ts";
import type { EngineSetup } from "./fleet-setup.ts";
import type { EngineGauges } from "./policy.ts";

/** One engine's gauges as policies see them; refreshed in place. */
export class Gauges implements EngineGauges {
  readonly engine: number;
  readonly id: string;
  readonly pool: string;
  readonly region: string;
  readonly model: string;
  readonly roles: EngineGauges["roles"];
  readonly speed: EngineGauges["speed"];
  readonly kvTokens: number;
  readonly maxBatch: number;
  readonly chunkTokens: number;
  up = true;
  queuedTokens = 0;
  queuedMs = 0;
  waiting = 0;
  running = 0;
  decoding = 0;
  decodingTokens = 0;
  kvUsedTokens = 0;

  constructor(engine: number, setup: EngineSetup) {
    this.engine = engine;
    this.id = setup.id;
    this.pool = setup.pool;
    this.region = setup.region;
    this.model = setup.model;
    this.roles = setup.roles;
    this.speed = setup.speed;
    this.kvTokens = setup.kvTokens;
    this.maxBatch = setup.maxBatch;
    this.chunkTokens = setup.chunkTokens;
  }

  /** Brings the gauges to what the sample told, `atMs`. */
  read(sample: GaugeSample, from: number, atMs: number): void {
    this.queuedTokens = sample[from] as number;
    this.queuedMs = (sample[from + 1] as number) + Math.max(0, (sample[from + 2] as number) - atMs);
    this.waiting = sample[from + 3] as number;
    this.running = sample[from + 4] as number;
    this.decoding = sample[from + 5] as number;
    this.decodingTokens = sample[from + 6] as number;
    this.kvUsedTokens = sample[from + 7] as number;
  }
}

export type GaugeSample = Float64Array;

/** Numbers in one sample. */
export const SAMPLE = 8;

/** The sample of an engine that nothing was ever sent to. */
export const IDLE: readonly number[] = [0, 0, -Infinity, 0, 0, 0, 0, 0];

/** Writes what an engine's gauges are at this moment. */
export function sampleGauges(
  engine: FleetEngine,
  blockTokens: number,
  to: GaugeSample,
  from: number,
): void {
  to[from] = engine.queued.tokens;
  to[from + 1] = engine.queued.ms;
  to[from + 2] = engine.chunksUntil;
  to[from + 3] = engine.waiting;
  to[from + 4] = engine.running;
  to[from + 5] = engine.batch.size;
  to[from + 6] = engine.batch.contextTokens;
  to[from + 7] = engine.cache.held * blockTokens;
}
