import type { EmulatedDialect, EngineRequest, EngineSide, Taken } from "../dialects/dialect.ts";

/** A dialect of vLLM's: whole answers tell its load in a header, to those who ask with another. */
export function withOrca(dialect: EmulatedDialect): EmulatedDialect {
  return (side) => {
    const speech = dialect(side);
    return {
      ...speech,
      take(request) {
        const taking = speech.take(request);
        const tell = (taken: Taken | Response): Taken | Response => telling(taken, request, side);
        return taking instanceof Promise ? taking.then(tell) : tell(taking);
      },
    };
  };
}

function telling(
  taken: Taken | Response,
  { ask, headers }: EngineRequest,
  side: EngineSide,
): Taken | Response {
  const format = headers.get("endpoint-load-metrics-format")?.toUpperCase();
  if (taken instanceof Response || ask.stream) return taken;
  if (format !== "TEXT" && format !== "JSON") return taken;
  const report = (): Record<string, string> => ({
    ...taken.headers?.(),
    "endpoint-load-metrics": `${format} ${format === "TEXT" ? asText(side) : asJson(side)}`,
  });
  return { ...taken, headers: report };
}

function metricsOf({ engine }: EngineSide): Readonly<Record<string, string>> {
  const { blocks, blocksHeld, waiting } = engine.load;
  const use = blocks === 0 ? 0 : blocksHeld / blocks;
  return { kv_cache_usage_perc: asFloat(use), num_requests_waiting: asFloat(waiting) };
}

function asText(side: EngineSide): string {
  const all = Object.entries(metricsOf(side));
  return all.map(([name, value]) => `named_metrics.${name}=${value}`).join(", ");
}

function asJson(side: EngineSide): string {
  const all = Object.entries(metricsOf(side)).map(([name, value]) => `"${name}": ${value}`);
  return `{"named_metrics": {${all.join(", ")}}}`;
}

/** As Python writes a float. */
function asFloat(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
