import type { SimRequest } from "../../src/sim/sequence.ts";
import type { EngineConfig } from "./config.ts";
import type { EmulatedEngine } from "./emulated-engine.ts";
import type { Handle } from "./handle.ts";

/** Blocks found at the prefill engine; without `pull`, the decode engine computes them itself and says nothing. */
export type FoundPull = {
  readonly pull: SimRequest["pull"] | undefined;
  /** Lets the prefill engine free the blocks. */
  readonly release: () => void;
};

export const NO_PULL: FoundPull = { pull: undefined, release: () => {} };

/** Asks the engine that a handle names whether it still holds the blocks. */
export async function findPull(
  handle: Handle,
  config: EngineConfig,
  linkGbps: number | undefined,
  reach: {
    readonly engine: (name: string) => DurableObjectStub<EmulatedEngine>;
    readonly later: (promise: Promise<unknown>) => void;
  },
): Promise<FoundPull> {
  const link = linkFrom(handle.host, config, linkGbps);
  if (!link) return NO_PULL;
  const stub = reach.engine(handle.host);
  const held = await stub.openLease(handle.host, handle).catch(() => undefined);
  if (!held) return NO_PULL;
  const release = (): void => reach.later(stub.closeLease(handle.host, handle.requestId));
  return { pull: { held, link }, release };
}

function linkFrom(
  host: string,
  { name, pool, links }: EngineConfig,
  linkGbps: number | undefined,
): NonNullable<SimRequest["pull"]>["link"] | undefined {
  if (host === name) return { gbps: 1e6, perFlowGbps: 1e6, rttMs: 0 };
  const from = host.slice(0, host.lastIndexOf("/"));
  const link = links.find((one) => one.from === from && one.to === pool.id);
  if (!link || linkGbps === undefined) return link;
  return { rttMs: link.rttMs, gbps: linkGbps, perFlowGbps: linkGbps };
}
