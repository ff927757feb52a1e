import type { DeviceClass, Fleet, Model } from "../../core/fleet.ts";
import { type Speed, speedOf } from "../../core/speed.ts";
import type { Workload } from "../workload.ts";
import type { Kind } from "./inventory.ts";

/** What one kind of request takes and costs on one device class, a full batch at its side. Modelled, on average. */
export type DevicePrice = {
  readonly device: DeviceClass;
  /** Devices of one engine. */
  readonly devices: number;
  readonly prefillMs: number;
  readonly prefillUsd: number;
  readonly batch: number;
  /** Time per output token in that batch, ms. */
  readonly tokenMs: number;
  readonly decodeUsd: number;
  readonly keepsTtft: boolean;
  readonly keepsTpot: boolean;
};

export type PricedKind = {
  readonly kind: Kind;
  readonly prices: readonly DevicePrice[];
  /** Cheapest device class that keeps the objective of the phase; undefined where none does. */
  readonly prefill: DevicePrice | undefined;
  readonly decode: DevicePrice | undefined;
  readonly both: DevicePrice | undefined;
};

type Slo = Fleet["slo"]["interactive"];
type Given = {
  readonly workload: Workload;
  readonly cachedTokens: Int32Array;
  readonly model: Model;
  readonly devices: Iterable<DeviceClass>;
  readonly slo: Slo;
  /** Devices per engine where a fleet says; else the fewest that hold the model and four of the longest requests. */
  readonly sizes: ReadonlyMap<string, number>;
};

/** Prices each kind of request on each device class that the model fits. */
export function priceKinds(kinds: readonly Kind[], given: Given): PricedKind[] {
  const engines = [...given.devices].flatMap((device) => {
    const devices = given.sizes.get(device.name) ?? fewest(device, given);
    return devices === undefined
      ? []
      : [{ device, devices, speed: speedOf({ devices }, device, given.model) }];
  });
  return kinds.map((kind) => {
    const prices = engines.map((engine) => priceOf(kind, engine, given));
    return {
      kind,
      prices,
      prefill: cheapest(
        prices.filter(({ keepsTtft }) => keepsTtft),
        ({ prefillUsd }) => prefillUsd,
      ),
      decode: cheapest(
        prices.filter(({ keepsTpot }) => keepsTpot),
        ({ decodeUsd }) => decodeUsd,
      ),
      both: cheapest(
        prices.filter(({ keepsTtft, keepsTpot }) => keepsTtft && keepsTpot),
        ({ prefillUsd, decodeUsd }) => prefillUsd + decodeUsd,
      ),
    };
  });
}

const MOST_DEVICES = 4096;
const MOST_BATCH = 64;
const LONGEST_AT_ONCE = 4;

function fewest(device: DeviceClass, { workload, model }: Given): number | undefined {
  const longest = workload.promptTokens.reduce(
    (most, tokens, i) => Math.max(most, tokens + (workload.outputTokens[i] as number)),
    0,
  );
  for (let devices = 1; devices <= MOST_DEVICES; devices *= 2) {
    if (speedOf({ devices }, device, model).kvTokens >= LONGEST_AT_ONCE * longest) return devices;
  }
  return undefined;
}

function priceOf(
  { requests }: Kind,
  engine: { readonly device: DeviceClass; readonly devices: number; readonly speed: Speed },
  { workload, cachedTokens, slo }: Given,
): DevicePrice {
  const { speed, device, devices } = engine;
  let [prefill, context, outputs] = [0, 0, 0];
  for (const i of requests) {
    const prompt = workload.promptTokens[i] as number;
    const output = workload.outputTokens[i] as number;
    prefill += speed.prefillMs(prompt, cachedTokens[i] as number);
    context += prompt + output / 2;
    outputs += output;
  }
  const mean = (sum: number): number => sum / Math.max(1, requests.length);
  const batch = batchOf(speed, mean(context), slo.tpotMs);
  const tokenMs = speed.stepMs(batch, batch * mean(context));
  const prefillMs = mean(prefill);
  return {
    device,
    devices,
    prefillMs,
    prefillUsd: prefillMs * speed.usdPerMs,
    batch,
    tokenMs,
    decodeUsd: (Math.max(0, mean(outputs) - 1) * tokenMs * speed.usdPerMs) / batch,
    keepsTtft: prefillMs <= slo.ttftMs,
    keepsTpot: tokenMs <= slo.tpotMs,
  };
}

/** As many as memory holds and the objective allows. */
function batchOf(speed: Speed, contextTokens: number, tpotMs: number): number {
  const fits = Math.min(MOST_BATCH, Math.floor(speed.kvTokens / contextTokens));
  let batch = Math.max(1, fits);
  while (batch > 1 && speed.stepMs(batch, batch * contextTokens) > tpotMs) batch--;
  return batch;
}

function cheapest(
  prices: readonly DevicePrice[],
  usd: (price: DevicePrice) => number,
): DevicePrice | undefined {
  return prices.toSorted((a, b) => usd(a) - usd(b))[0];
}
