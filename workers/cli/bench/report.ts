import type { Added } from "./added.ts";
import { ASSUMED } from "./prices.ts";
import type { Agreement } from "./agreement.ts";
import type { GrantTimes } from "./granting.ts";
import type { IndexMemory } from "./index-memory.ts";
import { type Crossover, crossoverText } from "./kv-crossover.ts";
import type { Forecasts } from "./llama.ts";
import { llamaTable } from "./llama-table.ts";
import type { PublishedRow } from "./published.ts";
import { agreementTable, publishedTable, replayTable } from "./replay-tables.ts";
import type { LongSession } from "./long-sessions.ts";
import type { RegionLoad } from "./region-load.ts";
import type { ReplaySpeed } from "./replaying.ts";
import { table } from "./table.ts";
import { indexText, regionTable } from "./region-tables.ts";
import type { Spread } from "./time-calls.ts";
import type { TurnCost } from "./turns.ts";

/** Everything the bench measured; what was not asked for is absent. */
export type BenchReport = {
  readonly plan?: readonly {
    readonly pools: number;
    readonly eligible: number;
    readonly us: Spread;
  }[];
  readonly grant?: readonly GrantTimes[];
  readonly index?: IndexMemory;
  readonly region?: RegionLoad;
  readonly replay?: readonly ReplaySpeed[];
  readonly agreement?: readonly Agreement[];
  readonly published?: readonly PublishedRow[];
  readonly kvExport?: readonly Crossover[];
  readonly turns?: readonly TurnCost[];
  readonly sessions?: readonly LongSession[];
  readonly ttft?: readonly Added[];
  readonly llama?: readonly Forecasts[];
};

/** The report as tables for a terminal. */
export function benchText(report: BenchReport): string {
  const {
    plan,
    grant,
    index,
    region,
    replay,
    agreement,
    published,
    kvExport,
    turns,
    sessions,
    ttft,
    llama,
  } = report;
  const parts: string[] = [];
  if (plan !== undefined) {
    parts.push(
      "plan: one request of 30k tokens over a fleet, µs a call (aim: under 100)",
      table(
        ["pools", "of its model", "mean", "p50", "p99"],
        plan.map(({ pools, eligible, us }) => [String(pools), String(eligible), ...spread(us, 0)]),
      ),
    );
  }
  if (grant !== undefined) {
    parts.push(
      "grant: the same request among the engines of one pool whose caches are full, µs a call (aim: p50 under 50 for 64, 400 for 1,000); and reserve while others wait in its queue",
      table(
        [
          "engines",
          "links a prompt",
          "links in all",
          "mean",
          "p50",
          "p99",
          "waiting",
          "p50",
          "p99",
        ],
        grant.map((one) => [
          ...[one.engines, one.promptLinks, one.links].map((count) => count.toFixed(0)),
          ...spread(one.us, 0),
          ...[one.waiting, one.queuedUs.p50, one.queuedUs.p99].map((count) => count.toFixed(0)),
        ]),
      ),
    );
  }
  if (index !== undefined) parts.push(...indexText(index));
  if (region !== undefined) parts.push(...regionTable(region));
  if (replay !== undefined) parts.push(...replayTable(replay));
  if (agreement !== undefined) parts.push(...agreementTable(agreement));
  if (published !== undefined) parts.push(...publishedTable(published));
  if (kvExport !== undefined) {
    parts.push(
      "kv-export: tokens of a conversation from which bringing its KV cache back beats computing it again, as exports are decided: by model, device and link, as many as R2 takes",
      crossoverText(kvExport),
    );
  }
  if (turns !== undefined) parts.push(...turnTables(turns));
  if (sessions !== undefined) parts.push(...sessionTable(sessions));
  if (ttft !== undefined) parts.push(...addedTables(ttft));
  if (llama !== undefined) parts.push(...llamaTable(llama));
  return parts.join("\n\n");
}

function turnTables(turns: readonly TurnCost[]): string[] {
  const named = (cost: TurnCost) => [cost.mode, cost.turn];
  const [first] = turns;
  const parts = Object.keys(first?.usdPerMillion ?? {}) as (keyof TurnCost["usdPerMillion"])[];
  return [
    "turns: counted per turn (aim: 2 Session RPCs, one reserve a leg, at most 5 rows on the first turn and 2 on a later one)",
    table(
      ["mode", "turn", "turns", ...COUNTED.map(([name]) => name)],
      turns.map((cost) => [
        ...named(cost),
        String(cost.turns),
        ...COUNTED.map(([, counted]) => cost[counted].toFixed(2)),
      ]),
    ),
    "turns: modelled dollars per million turns, by Cloudflare's prices (aim: about $3)",
    table(
      ["mode", "turn", ...parts.map((part) => PART_NAMES[part]), "sum"],
      turns.map((cost) => [
        ...named(cost),
        ...parts.map((part) => cost.usdPerMillion[part].toFixed(2)),
        cost.usdPerMillionTotal.toFixed(2),
      ]),
    ),
    `CPU is the runtime process's, objects and storage included. Assumed: ${ASSUMED.objectSecondsPerCall * 1000} ms of object time a call; receipts kept 30 days, sessions one. A first turn counts the alarm that ends its session, but not the rows deleted then. Fleet RPCs are by the second: a region tells each continent once, an isolate reads once and at most once in five turns. Receipts share rows, here at full load: a turn alone in its second costs up to $1.15 more.`,
  ];
}

const COUNTED = [
  ["Session RPCs", "sessionCalls"],
  ["rows", "sessionRows"],
  ["reserves", "reserves"],
  ["other Region RPCs", "regionReports"],
  ["rows", "regionRows"],
  ["Fleet RPCs", "fleetCalls"],
  ["receipt RPCs", "receiptCalls"],
  ["rows", "receiptRows"],
] as const;

const PART_NAMES: Readonly<Record<keyof TurnCost["usdPerMillion"], string>> = {
  requests: "requests",
  cpu: "CPU",
  objectCalls: "RPCs",
  objectTime: "object time",
  rows: "rows",
  storage: "storage",
};

function sessionTable(sessions: readonly LongSession[]): string[] {
  return [
    "sessions: one turn after so many others of its session (aim: as much after 500 as after 5)",
    table(
      ["body", "turns before", "turns", "Session RPCs", "rows written", "rows read", "CPU ms"],
      sessions.map((one) => [
        size(one.bodyBytes),
        String(one.turnsBefore),
        String(one.turns),
        ...[one.sessionCalls, one.rowsWritten, one.rowsRead, one.cpuMs].map((n) => n.toFixed(2)),
      ]),
    ),
  ];
}

function addedTables(ttft: readonly Added[]): string[] {
  const named = (added: Added) => [size(added.bodyBytes), added.turn, String(added.requests)];
  return [
    "added TTFT: the mesh less the same request sent straight to the engine, ms (aim: p50 under 3 at 1 KB)",
    table(
      ["body", "turn", "requests", "direct p50", "pass p50", "mesh p50", "added p50", "added p99"],
      ttft.map((added) => [
        ...named(added),
        added.directTtftMs.p50.toFixed(2),
        added.passTtftMs.p50.toFixed(2),
        added.meshTtftMs.p50.toFixed(2),
        added.addedTtftMs.p50.toFixed(2),
        added.addedTtftMs.p99.toFixed(2),
      ]),
    ),
    "worker CPU per request, ms",
    table(
      ["body", "turn", "requests", "pass", "mesh", "µs per KB of body"],
      ttft.map((added) => [
        ...named(added),
        added.passCpuMs.toFixed(2),
        added.meshCpuMs.toFixed(2),
        ((added.meshCpuMs * 1e6) / added.bodyBytes).toFixed(0),
      ]),
    ),
    "`direct` is no worker at all, `pass` a worker that reads the body, sends it on and streams the answer. CPU is the whole runtime process's: HTTP, relaying, objects, SQLite and receipts as well as our code. A first turn makes a new object.",
  ];
}

function spread({ mean, p50, p99 }: Spread, digits: number): string[] {
  return [mean, p50, p99].map((value) => value.toFixed(digits));
}

function size(bytes: number): string {
  return bytes >= 1e6 ? `${bytes / 1e6} MB` : `${bytes / 1e3} KB`;
}
