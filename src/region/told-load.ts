import type { ToldLoad } from "../core/grant/foreign.ts";
import type { EngineLoad } from "../engines/load/engine-load.ts";
import { ORCA_HEADER, readOrca } from "../engines/load/orca.ts";

/** What an engine told of its load with its answer; undefined where it told nothing. */
export function loadTold(headers: Headers): ToldLoad | undefined {
  const told = headers.get(ORCA_HEADER);
  return told === null ? undefined : toldLoad(readOrca(told));
}

/** The part of a load that its region reckons with; undefined where that is unknown. */
export function toldLoad(load: EngineLoad): ToldLoad | undefined {
  const { running, waiting, waitingTokens, kvUse } = load;
  const told = { running, waiting, waitingTokens, kvUse };
  return Object.values(told).some((figure) => figure !== undefined) ? told : undefined;
}
