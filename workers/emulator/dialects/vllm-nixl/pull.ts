import type { Held } from "../../../../src/sim/hash.ts";
import type { Pull } from "../../../../src/sim/sequence.ts";
import { isRecord } from "../../../../src/sim/tokens.ts";
import type { EngineSide } from "../dialect.ts";
import type { Handle } from "./handle.ts";

/** Blocks found at the prefill engine; without `pull`, the decode engine computes them itself and says nothing. */
export type FoundPull = {
  readonly pull: Pull | undefined;
  /** Lets the prefill engine free the blocks. */
  readonly release: () => void;
};

export const NO_PULL: FoundPull = { pull: undefined, release: () => {} };

/** Asks the engine that a handle names whether it still holds the blocks. */
export async function findPull(handle: Handle, side: EngineSide): Promise<FoundPull> {
  const link = side.linkFrom(handle.host);
  if (!link) return NO_PULL;
  const tell = (action: LeaseMessage["action"]): Promise<unknown> =>
    side.meet(handle.host, { action, handle } satisfies LeaseMessage);
  // An object of the emulator answers another with nothing but this.
  const held = (await tell("open").catch(() => undefined)) as Held | undefined;
  if (!held) return NO_PULL;
  return { pull: { held, link }, release: () => side.later(tell("close")) };
}

/** What a decode engine's object says to a prefill engine's. */
export type LeaseMessage = { readonly action: "open" | "close"; readonly handle: Handle };

/** A message of another engine's object; undefined when it is not about a lease. */
export function readLeaseMessage(message: unknown): LeaseMessage | undefined {
  if (!isRecord(message) || !isRecord(message["handle"])) return undefined;
  const isKnown = message["action"] === "open" || message["action"] === "close";
  return isKnown ? (message as LeaseMessage) : undefined;
}
