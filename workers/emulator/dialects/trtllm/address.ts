import type { EngineSide } from "../dialect.ts";

/** Where a context engine's transfers are asked for. */
export function infoEndpoint({ config }: Pick<EngineSide, "config">): string {
  return `tcp://${config.name}:5000`;
}

/** The engine behind such an endpoint; undefined when it is none. */
export function engineAt(endpoint: string): string | undefined {
  return /^tcp:\/\/(.+):\d+$/.exec(endpoint)?.[1];
}

/** One process of an engine. */
export type Process = { readonly engine: string; readonly engineId: string };

/** What a context engine gives out of itself, in base64. */
export function writeState({ config, engine }: Pick<EngineSide, "config" | "engine">): string {
  const state: Process = { engine: config.name, engineId: engine.engineId };
  return btoa(JSON.stringify(state));
}

/** What `writeState` wrote; undefined for anything else. */
export function readState(encoded: string): Process | undefined {
  try {
    const { engine, engineId } = JSON.parse(atob(encoded)) as Partial<Process>;
    const isWhole = typeof engine === "string" && typeof engineId === "string";
    return isWhole ? { engine, engineId } : undefined;
  } catch {
    return undefined;
  }
}
