import type { Fleet, Pool, Region } from "../core/fleet.ts";
import { phasesOf } from "../core/phases.ts";
import type { Calibration } from "./calibrations.ts";
import type { EngineSetup, FleetSetup } from "./fleet-setup.ts";
import { rttBetween } from "./well-known-places.ts";

/** Equal engines of a calibration in one region, `rttMs` away from edges that stand at `AWAY`. */
export function calibratedFleet(calibration: Calibration, engines: number, rttMs = 0): FleetSetup {
  const { model, speed, portBytesPerMs, setupMs } = calibration;
  const pool = poolOf(calibration, engines);
  const setups = pool.engines.map(({ id }): EngineSetup => ({
    id,
    pool: pool.id,
    region: pool.region,
    model: model.id,
    device: calibration.device,
    roles: phasesOf(pool),
    speed,
    kvTokens: speed.kvTokens,
    kvBytesPerToken: model.kvBytesPerToken,
    maxBatch: calibration.maxBatch,
    chunkTokens: calibration.chunkTokens,
    promptsPerIteration: calibration.promptsPerIteration,
    decodes: calibration.decodes,
    portBytesPerMs,
  }));
  return {
    mesh: meshOf(calibration, pool),
    speeds: new Map([[pool.id, speed]]),
    engines: setups,
    links: [
      {
        from: pool.id,
        to: pool.id,
        bytesPerMs: Infinity,
        perFlowBytesPerMs: portBytesPerMs,
        setupMs,
        usdPerGB: 0,
      },
    ],
    rttMs(from, to) {
      if (from === AWAY || to === AWAY) return from === to ? 0 : rttMs;
      return rttBetween(REGIONS, from, to);
    },
  };
}

/** Where the engines are. */
export const HERE: Region = { id: "here", lat: 39, lon: -77.5 };
const REGIONS: ReadonlyMap<string, Region> = new Map([[HERE.id, HERE]]);

/** Where edges stand that are a round trip away from the engines. */
export const AWAY = "away";

function poolOf({ model, device, speed, maxBatch }: Calibration, engines: number): Pool {
  const id = "pool";
  return {
    id,
    model: model.id,
    device,
    devices: 1,
    region: HERE.id,
    dialect: "replay",
    roles: ["prefill", "decode"],
    routed: "us",
    kvLayout: model.id,
    kvTokens: speed.kvTokens,
    maxBatch,
    hypothetical: false,
    engines: Array.from({ length: engines }, (_, n) => ({ id: `${id}/${n}`, pool: id, url: "" })),
  };
}

function meshOf({ model, slo, name }: Calibration, pool: Pool): Fleet {
  return {
    version: name,
    regions: REGIONS,
    models: new Map([[model.id, model]]),
    modelNames: new Map([[model.id, model.id]]),
    devices: new Map(),
    pools: new Map([[pool.id, pool]]),
    links: [],
    rules: [],
    labels: { mediumFrom: 4096, longFrom: 32_768, ultraFrom: 262_144, smallUpToParams: 9e9 },
    slo: { interactive: slo, batch: { deadlineMs: 600_000 } },
    prices: {
      valueOfTimeUsdPerS: { interactive: 0.001, batch: 0.00001 },
      missPenaltyUsd: 0.002,
      joulePriceUsd: 0,
    },
  };
}
