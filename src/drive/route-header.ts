/** What a `phaseway-route` header says, such as `mode=disaggregated, prefill="cpx-use1/0", decode="h200-iad/1"`. */
export function parseRoute(header: string): Route {
  const mode = /(?:^|[,\s])mode=("?)([^",\s;]+)\1/.exec(header)?.[2] ?? "unknown";
  const engines = [...header.matchAll(/[\w-]+="([^"]+\/[^"]+)"/g)].map((match) => match[1] ?? "");
  return { mode, engines: [...new Set(engines)] };
}

export type Route = { readonly mode: string; readonly engines: readonly string[] };
