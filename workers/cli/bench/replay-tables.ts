import type { Agreement } from "./agreement.ts";
import type { PublishedRow } from "./published.ts";
import type { ReplaySpeed } from "./replaying.ts";
import { table } from "./table.ts";

/** How many requests a second are simulated. */
export function replayTable(speeds: readonly ReplaySpeed[]): string[] {
  return [
    "replay: simulated requests per second, 16 engines, 50 edges (aim: 50,000 beside the policy's own time)",
    table(
      ["policy", "stale ms", "requests/s"],
      speeds.map((one) => [one.policy, String(one.staleMs), one.requestsPerS.toFixed(0)]),
    ),
  ];
}

/** How far replay and emulated engines are apart. */
export function agreementTable(figures: readonly Agreement[]): string[] {
  const requests = figures[0]?.requests ?? 0;
  return [
    `agreement: ${requests} requests of the Mooncake slice on 4 engines, over HTTP in real time and simulated, mean ms (aim: within 10 %)`,
    table(
      ["figure", "emulator", "replay", "apart"],
      figures.map(({ figure, emulatorMs, replayMs }) => [
        figure,
        emulatorMs.toFixed(0),
        replayMs.toFixed(0),
        apart(emulatorMs, replayMs),
      ]),
    ),
    "Requests go to the engines in turn, those of one moment spread until the next; emulated engines run at the speed of real ones.",
  ];
}

function apart(emulatorMs: number, replayMs: number): string {
  const share = Math.abs(replayMs / emulatorMs - 1);
  return `${(share * 100).toFixed(1)} %, ${share <= 0.1 ? "within" : "NOT within"} 10 %`;
}

/** llm-d's published benchmark beside its replay. */
export function publishedTable(rows: readonly PublishedRow[]): string[] {
  const digits = (value: number | undefined, count: number) => value?.toFixed(count) ?? "";
  return [
    "llm-d: its published workload at 73 % of the cache of 8 pods, measured there and simulated here, answers of 450 tokens (as observed) and 1,000 (as configured)",
    table(
      ["policy", "answers", "TTFT s", "there", "p90", "there", "tokens/s", "there"],
      rows.map(({ policy, outputTokens, published, simulated }) => [
        policy,
        String(outputTokens),
        simulated.ttftMeanS.toFixed(2),
        digits(published?.ttftMeanS, 2),
        simulated.ttftP90S.toFixed(2),
        digits(published?.ttftP90S, 2),
        simulated.outputPerS.toFixed(0),
        digits(published?.outputPerS, 0),
      ]),
    ),
  ];
}
