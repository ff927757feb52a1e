import type { Held } from "../../../../src/sim/hash.ts";
import { isRecord } from "../../../../src/sim/tokens.ts";
import type { EngineSide } from "../dialect.ts";
import { blockIdsOf, type Handle } from "./handle.ts";

/** Asks the engine that a handle names for its blocks, which it then keeps; undefined when they are not there. */
export async function openBlocks(handle: Handle, side: EngineSide): Promise<Held | undefined> {
  const message: LeaseMessage = { action: "open", handle };
  // An object of the emulator answers another with nothing but this.
  return (await side.meet(handle.host, message).catch(() => undefined)) as Held | undefined;
}

/** Lets it free blocks that were opened: `close`, they were fetched or nobody wants them; `leave`, when their time comes. */
export function endBlocks(action: "close" | "leave", handle: Handle, side: EngineSide): void {
  side.later(side.meet(handle.host, { action, handle } satisfies LeaseMessage));
}

/** What another engine's object is answered about the blocks that a handle names. */
export function meetAboutLease(message: unknown, { engine, clock }: EngineSide): Held | undefined {
  const lease = readLeaseMessage(message);
  if (!lease || engine.engineId !== lease.handle.engineId) return undefined;
  const { action, handle } = lease;
  const isMeant = (held: Held): boolean => blockIdsOf(held).join() === handle.blockIds.join();
  let held: Held | undefined;
  if (action === "close") engine.closeLease(handle.requestId, clock.now());
  else if (action === "leave") engine.leaveLease(handle.requestId, clock.now());
  else held = engine.openLease(handle.requestId, isMeant, clock.now());
  clock.catchUp();
  return held;
}

type LeaseMessage = { readonly action: "open" | "close" | "leave"; readonly handle: Handle };

function readLeaseMessage(message: unknown): LeaseMessage | undefined {
  if (!isRecord(message) || !isRecord(message["handle"])) return undefined;
  const isKnown = ["open", "close", "leave"].includes(String(message["action"]));
  return isKnown ? (message as LeaseMessage) : undefined;
}
