import type { FleetSetup, RunOptions } from "../../../src/replay/fleet-setup.ts";
import type { PolicyResult } from "../../../src/replay/replay.ts";

/** `--restart` as it was given: an engine's number or id, and when. */
export type AskedRestart = { readonly engine: string; readonly atS: number };

/** Reads `engine@seconds`; undefined where it is something else. */
export function askedRestart(word: string): AskedRestart | undefined {
  const [, engine, seconds] = /^(.+)@(\d+(?:\.\d+)?)$/.exec(word) ?? [];
  return engine === undefined ? undefined : { engine, atS: Number(seconds) };
}

/** The same for the engines of one fleet. */
export function restartsOf(
  asked: readonly AskedRestart[],
  { engines }: FleetSetup,
): NonNullable<RunOptions["restarts"]> {
  return asked.map(({ engine: name, atS }) => {
    const engine = engines.findIndex(({ id }, at) => id === name || String(at) === name);
    if (engine >= 0) return { engine, atMs: atS * 1000 };
    throw new Error(
      `--restart: no engine is called ${name}; they are numbered 0 to ${engines.length - 1}, or called ${engines[0]?.id} to ${engines.at(-1)?.id}`,
    );
  });
}

/** What restarts took from each policy, in words; empty where there were none. */
export function restartText(
  asked: readonly AskedRestart[],
  results: readonly PolicyResult[],
): string {
  if (asked.length === 0) return "";
  const which = asked.map(({ engine, atS }) => `${engine} at ${atS} s`).join(", ");
  const lines = results.map(({ policy, means }) => {
    const legs = (means["restart_lost_legs"] ?? 0).toFixed(0);
    const again = (means["restart_rerouted"] ?? 0).toFixed(0);
    const tokens = Math.round((means["restart_lost_cached_tokens"] ?? 0) / 1000);
    return `  ${policy}: ${legs} legs lost, ${again} requests routed again, ${tokens}k cached tokens lost\n`;
  });
  return `restarts of engine ${which}:\n${lines.join("")}`;
}
