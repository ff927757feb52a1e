import { fileURLToPath } from "node:url";
import type { Json } from "miniflare";
import { parseMesh } from "../../../src/config/parse.ts";
import { dialects } from "../../../src/engines/registry.ts";
import { meshFleet } from "../../../src/replay/mesh-fleet.ts";
import type { FleetSetup } from "../../../src/replay/fleet-setup.ts";
import { Simulation } from "../../../src/replay/simulation.ts";
import { chatTokens } from "../../../src/sim/tokens.ts";
import { readTraces } from "../../../src/traces/read.ts";
import { readSessions } from "../../../src/traces/requests/read.ts";
import { traceFiles } from "../trace-files.ts";
import { ask } from "./client.ts";
import { type Played, playedWorkload } from "./played-workload.ts";
import { startEmulators } from "./emulators.ts";
import { worldOf } from "./synthetic-mesh.ts";

/** One figure by the wall clock, from emulated engines over HTTP, and as the replay has it. */
export type Agreement = {
  readonly figure: "TTFT" | "E2E";
  readonly requests: number;
  readonly emulatorMs: number;
  readonly replayMs: number;
};

const TRACE = fileURLToPath(new URL("../../../test/traces/mooncake", import.meta.url));
const ENGINES = 4;
const MODEL = "large-70b";

/** Plays a slice of a trace against emulated engines in real time, and replays it; requests go to engines in turn. */
export async function benchAgreement(): Promise<Agreement[]> {
  const requests = await readSlice();
  const mesh = meshOf();
  const parsed = parseMesh(mesh, dialects);
  if (!parsed.ok) throw new TypeError(`mesh: ${parsed.problems[0]?.path}`);
  const replayed = await inReplay(requests, meshFleet(parsed.fleet, MODEL));
  const emulated = await inEmulators(requests, mesh as Json);
  const count = requests.length;
  return [
    {
      figure: "TTFT",
      requests: count,
      emulatorMs: mean(emulated.map(({ ttftMs }) => ttftMs)),
      replayMs: mean(replayed.map(({ ttftMs }) => ttftMs)),
    },
    {
      figure: "E2E",
      requests: count,
      emulatorMs: mean(emulated.map(({ totalMs }) => totalMs)),
      replayMs: mean(replayed.map(({ totalMs }) => totalMs)),
    },
  ];
}

type Took = { readonly ttftMs: number; readonly totalMs: number };

async function inReplay(requests: readonly Played[], fleet: FleetSetup): Promise<Took[]> {
  const inTurn = {
    name: "in-turn",
    instances: "fleet" as const,
    create: () => ({
      route: ({ index }: { readonly index: number }) =>
        ({ kind: "send", engine: index % ENGINES }) as const,
    }),
  };
  const workload = await playedWorkload(requests);
  const run = new Simulation(workload, fleet, inTurn, { seed: 1, edges: 1, staleMs: 0 });
  run.run();
  const { arrivedAt, firstTokenAt, endedAt } = run.outcomes;
  return requests.map((_, i) => ({
    ttftMs: (firstTokenAt[i] ?? NaN) - (arrivedAt[i] ?? NaN),
    totalMs: (endedAt[i] ?? NaN) - (arrivedAt[i] ?? NaN),
  }));
}

async function inEmulators(requests: readonly Played[], mesh: Json): Promise<Took[]> {
  const emulators = await startEmulators(mesh);
  const send = (engine: number, messages: Played["messages"], maxTokens: number) => {
    const body = { model: MODEL, stream: true, max_tokens: maxTokens, messages };
    const url = `${emulators.url}/${POOL}/${engine}/v1/chat/completions`;
    return ask(url, Buffer.from(JSON.stringify(body)));
  };
  try {
    // Objects and connections come to life before the clock starts.
    const hello = [{ role: "user", content: "hello" }];
    await Promise.all(requests.map((_, i) => send(i % ENGINES, hello, 2)));
    const startedAt = performance.now();
    return await Promise.all(
      requests.map(async ({ atMs, messages, outputTokens }, i) => {
        await wait(startedAt + atMs - performance.now());
        return send(i % ENGINES, messages, outputTokens);
      }),
    );
  } finally {
    await emulators.stop();
  }
}

async function readSlice(): Promise<Played[]> {
  const startsMs: number[] = [];
  for await (const { startMs = 0 } of readSessions(traceFiles([TRACE]))) startsMs.push(startMs);
  const spread = apart(startsMs);
  const requests: Played[] = [];
  for await (const { turns } of readTraces(traceFiles([TRACE]))) {
    const [turn] = turns;
    if (turn === undefined) continue;
    const messages = turn.messages([]);
    requests.push({
      atMs: spread[requests.length] ?? 0,
      messages,
      tokens: chatTokens({ messages }),
      outputTokens: turn.maxTokens,
    });
  }
  return requests;
}

/**
 * Requests of one moment, spread until the next: sent at once the shortest would be there first, as reading a prompt
 * takes time, and which is first decides the TTFT of all.
 */
function apart(startsMs: readonly number[]): number[] {
  const moments = [...new Set(startsMs)];
  return startsMs.map((atMs, i) => {
    const together = startsMs.filter((other) => other === atMs).length;
    const next = moments.find((moment) => moment > atMs) ?? atMs + LAST_SPREAD_MS;
    return atMs + ((next - atMs) * (i - startsMs.indexOf(atMs))) / together;
  });
}

const LAST_SPREAD_MS = 3000;
const POOL = "pool";

function meshOf() {
  return {
    ...worldOf([MODEL]),
    regions: { here: { lat: 39, lon: -77.5 } },
    pools: {
      [POOL]: {
        model: MODEL,
        device: "h200",
        devices: 4,
        region: "here",
        dialect: "openai",
        roles: ["prefill", "decode"],
        routed: "us",
        kvTokens: 1_000_000,
        engines: Array.from({ length: ENGINES }, (_, n) => ({
          id: String(n),
          url: `http://127.0.0.1:9100/${POOL}/${n}`,
        })),
      },
    },
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0) / values.length;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
