import type { Simulation } from "./simulation.ts";

/** What a run cost, per million prompt and output tokens served. */
export type CostFigures = {
  readonly usdPerMTok: number;
  readonly joulesPerMTok: number;
  readonly byDevice: Readonly<Record<string, DeviceFigures>>;
};

export type DeviceFigures = {
  readonly engines: number;
  readonly busyShare: number;
  readonly usdPerMTok: number;
  readonly joulesPerMTok: number;
};

/** Engines are paid for the whole time, used or not; energy is counted while they compute. */
export function costFigures(run: Simulation, spanMs: number, tokens: number): CostFigures {
  const byDevice: Record<string, { engines: number; busyMs: number; usd: number; joules: number }> =
    {};
  for (const [number, { device, speed }] of run.setup.engines.entries()) {
    const busyMs = run.fleet.engines[number]?.busyMs ?? 0;
    const figures = (byDevice[device] ??= { engines: 0, busyMs: 0, usd: 0, joules: 0 });
    figures.engines++;
    figures.busyMs += busyMs;
    figures.usd += spanMs * speed.usdPerMs;
    figures.joules += (busyMs * speed.watts) / 1000;
  }
  const perMTok = (sum: number): number => (tokens === 0 ? 0 : (sum / tokens) * 1e6);
  const devices = Object.entries(byDevice);
  const usd = devices.reduce((sum, [, one]) => sum + one.usd, run.fleet.network.usd);
  return {
    usdPerMTok: perMTok(usd),
    joulesPerMTok: perMTok(devices.reduce((sum, [, { joules }]) => sum + joules, 0)),
    byDevice: Object.fromEntries(
      devices.map(([device, { engines, busyMs, usd: paid, joules }]) => [
        device,
        {
          engines,
          busyShare: busyMs / (engines * spanMs),
          usdPerMTok: perMTok(paid),
          joulesPerMTok: perMTok(joules),
        },
      ]),
    ),
  };
}
