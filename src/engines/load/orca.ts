import { mean, share, sum, type EngineLoad } from "./engine-load.ts";
import { figure, membersOf, parseJson } from "./json-values.ts";

/** What asks an engine for its load with every answer. */
export const ORCA_REQUEST_HEADERS = { "endpoint-load-metrics-format": "TEXT" } as const;

/** The header it then answers with. */
export const ORCA_HEADER = "endpoint-load-metrics";

/** Reads an ORCA report in its TEXT or JSON form, with or without that word before it; in another form it tells nothing. */
export function readOrca(header: string): EngineLoad {
  const [, form, report = ""] = FORM.exec(header.trim()) ?? [];
  const isJson = form === undefined ? report.startsWith("{") : form.toUpperCase() === "JSON";
  return loadOf(isJson ? readJson(report) : readText(report));
}

const FORM = /^(?:(TEXT|JSON)\s+)?(.*)$/is;

type Metrics = ReadonlyMap<string, readonly (number | undefined)[]>;

function loadOf(metrics: Metrics): EngineLoad {
  const of = (names: readonly string[]) =>
    names.map((name) => metrics.get(name)).find((told) => told !== undefined) ?? [];
  return {
    waiting: sum(of(["num_requests_waiting"])),
    running: sum(of(["num_requests_running"])),
    kvUse: share(mean(of(["kv_cache_usage_perc", "kv_cache_utilization", "gpu_cache_usage_perc"]))),
    capacityTokens: sum(of(["max_token_capacity"])),
  };
}

/** `named_metrics.a=1, named_metrics.b=2`. Each data-parallel rank of an engine adds its own, of the same name. */
function readText(report: string): Metrics {
  const metrics = new Map<string, (number | undefined)[]>();
  for (const [, name = "", told = ""] of report.matchAll(METRIC)) {
    const value = figure(Number(told));
    metrics.set(name, [...(metrics.get(name) ?? []), value]);
  }
  return metrics;
}

const METRIC = /(?<=^|,)\s*named_metrics\.([\w-]+)\s*[=:]\s*([^\s,]+)/g;

function readJson(report: string): Metrics {
  const named = membersOf(membersOf(parseJson(report))["named_metrics"]);
  return new Map(Object.entries(named).map(([name, told]) => [name, [figure(told)]]));
}
