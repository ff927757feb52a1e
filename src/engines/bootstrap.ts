import type { EngineAddress } from "./dialect.ts";

/** Where decode engines meet a prefill engine when `mesh.json` does not say. */
const PORT = 8998;

/** Host and port at which decode engines meet this one; an IPv6 host without its brackets. */
export function bootstrapOf({ url, bootstrapHost, bootstrapPort = PORT }: EngineAddress) {
  const host = bootstrapHost ?? new URL(url).hostname;
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: bootstrapPort };
}
