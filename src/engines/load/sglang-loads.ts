import { share, type EngineLoad } from "./engine-load.ts";
import { figure, membersOf, objectsOf, parseJson } from "./json-values.ts";

/** One data-parallel rank of an SGLang server. */
export type RankLoad = { readonly rank: number; readonly load: EngineLoad };

/** Reads `GET /v1/loads`, or the list of the older `GET /get_load`. Ranks come in their order; none from a broken answer. */
export function readSglangLoads(body: string): readonly RankLoad[] {
  const answer = parseJson(body);
  const rows = objectsOf(Array.isArray(answer) ? answer : membersOf(answer)["loads"]);
  return rows
    .map((row, index) => ({ rank: figure(row["dp_rank"]) ?? index, load: loadOf(row) }))
    .toSorted((one, other) => one.rank - other.rank);
}

function loadOf(row: Readonly<Record<string, unknown>>): EngineLoad {
  const waiting = figure(row["num_waiting_reqs"]);
  const capacityTokens = figure(row["max_total_num_tokens"]);
  const used = figure(row["num_used_tokens"]);
  const all = figure(row["num_reqs"]);
  return {
    waiting,
    // The older one counts those that wait among all.
    running: figure(row["num_running_reqs"]) ?? difference(all, waiting),
    waitingTokens: figure(row["num_waiting_uncached_tokens"]) ?? figure(row["num_pending_tokens"]),
    kvUse: share(figure(row["token_usage"])) ?? share(ratio(used, capacityTokens)),
    capacityTokens: capacityTokens === 0 ? undefined : capacityTokens,
  };
}

function difference(whole: number | undefined, part: number | undefined): number | undefined {
  return whole === undefined || part === undefined ? undefined : Math.max(0, whole - part);
}

function ratio(part: number | undefined, whole: number | undefined): number | undefined {
  return part === undefined || whole === undefined || whole === 0 ? undefined : part / whole;
}
