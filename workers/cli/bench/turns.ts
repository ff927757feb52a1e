import type { BenchCounts } from "../../bench/counts.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { type BenchMesh, startBenchMesh } from "./bench-mesh.ts";
import { ask } from "./client.ts";
import { ASSUMED, PRICES } from "./prices.ts";
import { conversation, type Message, text } from "./prompts.ts";
import { splittingMesh } from "./turn-mesh.ts";

/** What one turn took on average: counted, and as dollars per million turns by the price list. */
export type TurnCost = {
  readonly mode: "together" | "disaggregated";
  readonly turn: "first" | "later";
  readonly turns: number;
  readonly sessionCalls: number;
  readonly sessionRows: number;
  /** Of packs of receipts, which turns share. */
  readonly receiptCalls: number;
  readonly receiptRows: number;
  /** One a leg. */
  readonly reserves: number;
  /** Everything else that a region is told, which turns share. */
  readonly regionReports: number;
  readonly regionRows: number;
  /** What regions tell, and isolates read, of all engines: by the second, not by the turn. */
  readonly fleetCalls: number;
  readonly cpuMs: number;
  readonly usdPerMillion: Readonly<Record<UsdPart, number>>;
  readonly usdPerMillionTotal: number;
};

export type UsdPart = "requests" | "cpu" | "objectCalls" | "objectTime" | "rows" | "storage";

/** Drives sessions through a mesh, all first turns and then later ones, in both modes. */
export async function benchTurns(sessions: number): Promise<TurnCost[]> {
  const costs: TurnCost[] = [];
  for (const mode of ["together", "disaggregated"] as const) {
    const mesh = await startBenchMesh((engineUrl) => splittingMesh(engineUrl, mode));
    try {
      costs.push(...(await drive(mesh, mode, sessions)));
    } finally {
      await mesh.stop();
    }
  }
  return costs;
}

const PROMPT_TOKENS = 20_000;
const LATER_TURNS = 3;
const WARM_UP = 30;
const CONCURRENCY = 8;
/** Receipts are written at most a second late, ms. */
const RECEIPTS_MS = 1500;

async function drive(mesh: BenchMesh, mode: TurnCost["mode"], sessions: number) {
  const random = seededRandom(9);
  // Until every `Receipts` object of the day is there: they are made once, not once a turn.
  for (let n = 0; n < WARM_UP; n++) {
    await turn(mesh, mode, `warm-up-${n}`, conversation(PROMPT_TOKENS, random));
  }
  const agents = Array.from({ length: sessions }, (_, n) => ({
    session: `agent-${n}`,
    messages: conversation(PROMPT_TOKENS, random),
  }));
  const first = await counted(mesh, async () => {
    await inParallel(agents, ({ session, messages }) => turn(mesh, mode, session, messages));
  });
  const later = await counted(mesh, async () => {
    await inParallel(agents, async ({ session, messages }) => {
      for (let n = 0; n < LATER_TURNS; n++) {
        messages.push({ role: "assistant", content: ANSWER });
        messages.push({ role: "user", content: text(8000, random) });
        await turn(mesh, mode, session, messages);
      }
    });
  });
  return [
    costOf(mode, "first", sessions, first, sessions),
    costOf(mode, "later", sessions * LATER_TURNS, later, 0),
  ];
}

export const ANSWER = "One answer of eight tokens for every request";

async function turn(
  mesh: BenchMesh,
  mode: TurnCost["mode"],
  session: string,
  messages: readonly Message[],
): Promise<void> {
  const body = Buffer.from(JSON.stringify({ model: "large-70b", stream: true, messages }));
  const seen = await ask(`${mesh.url}/v1/chat/completions`, body, session);
  if (seen.mode !== mode)
    throw new Error(`a turn ran ${seen.mode} where ${mode} was to be counted`);
}

export type Counted = {
  readonly counts: BenchCounts;
  readonly before: BenchCounts;
  readonly cpuMs: number;
};

/** What some work made a mesh do. */
export async function counted(mesh: BenchMesh, work: () => Promise<void>): Promise<Counted> {
  await wait(RECEIPTS_MS);
  const before = await mesh.counts();
  const cpuBefore = mesh.cpuMs();
  await work();
  await wait(RECEIPTS_MS);
  const cpuMs = mesh.cpuMs() - cpuBefore;
  return { before, counts: await mesh.counts(), cpuMs };
}

function costOf(
  mode: TurnCost["mode"],
  which: TurnCost["turn"],
  turns: number,
  { before, counts, cpuMs }: Counted,
  newSessions: number,
): TurnCost {
  const calls = (name: string) => {
    const sum = (of: BenchCounts) =>
      Object.entries(of.calls).reduce((n, [call, m]) => (call.startsWith(name) ? n + m : n), 0);
    return (sum(counts) - sum(before)) / turns;
  };
  const stored = (name: string, what: "rowsWritten" | "rowsRead" | "bytes") =>
    ((counts.storage[name]?.[what] ?? 0) - (before.storage[name]?.[what] ?? 0)) / turns;
  const sessionCalls = calls("Session.");
  const receiptCalls = calls("Receipts.");
  const reserves = calls("Region.reserve");
  const regionReports = calls("Region.") - reserves;
  const fleetCalls = calls("Fleet.");
  const sessionRows = stored("Session", "rowsWritten");
  const receiptRows = stored("Receipts", "rowsWritten");
  const regionRows = stored("Region", "rowsWritten");
  const rowsRead = ["Session", "Receipts", "Region"].reduce(
    (sum, name) => sum + stored(name, "rowsRead"),
    0,
  );
  // A session's one alarm is a call as well.
  const objectCalls =
    sessionCalls + receiptCalls + reserves + regionReports + fleetCalls + newSessions / turns;
  const gbMonths =
    (stored("Session", "bytes") * ASSUMED.sessionMonths +
      stored("Receipts", "bytes") * ASSUMED.receiptMonths) /
    1e9;
  const usd = {
    requests: PRICES.perWorkerRequest,
    cpu: (cpuMs / turns) * PRICES.perCpuMs,
    objectCalls: objectCalls * PRICES.perObjectRequest,
    objectTime: objectCalls * ASSUMED.objectSecondsPerCall * PRICES.perObjectSecond,
    rows:
      (sessionRows + receiptRows + regionRows) * PRICES.perRowWritten +
      rowsRead * PRICES.perRowRead,
    storage: gbMonths * PRICES.perGbMonth,
  };
  const perMillion = Object.fromEntries(
    Object.entries(usd).map(([part, dollars]) => [part, dollars * 1e6]),
  ) as Record<UsdPart, number>;
  return {
    mode,
    turn: which,
    turns,
    sessionCalls,
    sessionRows,
    receiptCalls,
    receiptRows,
    reserves,
    regionReports,
    regionRows,
    fleetCalls,
    cpuMs: cpuMs / turns,
    usdPerMillion: perMillion,
    usdPerMillionTotal: Object.values(perMillion).reduce((sum, part) => sum + part, 0),
  };
}

export async function inParallel<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
) {
  const waiting = [...items];
  const one = async () => {
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, one));
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
