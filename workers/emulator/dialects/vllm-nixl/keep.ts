import type { Pool } from "../../../../src/core/fleet.ts";
import { BLOCK_TOKENS, type Held } from "../../../../src/sim/hash.ts";
import type { EngineSide, Taken } from "../dialect.ts";
import { blockIdsOf, newRequestNumber, writeHandle } from "./handle.ts";

/** `decoder_kv_blocks_ttl`: counted from the end of the answer, and not renewed. */
const KEPT_MS = 480_000;

/** In bidirectional mode a decode engine keeps what it has for the next turn's prefill, and says where. */
export function keepForNextTurn(side: EngineSide): Pick<Taken, "members"> & {
  readonly order?: ReturnType<NonNullable<Taken["order"]>>;
} {
  const { engine, clock, config } = side;
  const { bidirectional }: Pool & { readonly bidirectional?: boolean } = config.pool;
  if (!bidirectional) return {};
  const leaseAs = newRequestNumber();
  const write = (): string => {
    const held = heldUnder(leaseAs, side);
    return writeHandle({
      engineId: engine.engineId,
      host: config.name,
      requestId: leaseAs,
      blockIds: held ? blockIdsOf(held) : [],
      tokens: held ? held.blocks.length * BLOCK_TOKENS + held.tail.length : 0,
      giver: "decode",
      more: { remote_blocks_expiry_time: (clock.now() + KEPT_MS) / 1000 },
    });
  };
  return {
    order: { leaseAs, leases: "whole", leaseMs: KEPT_MS },
    members: () => {
      const kv_transfer_params = write();
      return { answer: { kv_transfer_params }, lastChunk: { kv_transfer_params } };
    },
  };
}

function heldUnder(handle: string, { engine, clock }: EngineSide): Held | undefined {
  const held = engine.openLease(handle, () => true, clock.now());
  engine.leaveLease(handle, clock.now());
  return held;
}
