import type { CreateKvTransfer, Handle, HeldSequence, KvTransfer } from "../engine.ts";
import { answerKv, noRoom } from "./answer-kv.ts";
import { bringState } from "./bring.ts";
import { FileSpace } from "./file-space.ts";
import { type Kept, Leases } from "./leases.ts";
import type { PeerTimes } from "./peer.ts";
import { readAsk } from "./read-ask.ts";
import { TransferCounts } from "./transfer-counts.ts";

type Limits = {
  readonly leaseMs?: number;
  /** Of all files of state together. */
  readonly spaceBytes?: number;
  readonly times?: Partial<PeerTimes>;
  readonly now?: () => number;
  readonly fetch?: typeof fetch;
};

/** Keeps KV state under handles, sends it to peers and the edge, and brings it from them. */
export function createKvTransfer(options: Parameters<CreateKvTransfer>[0] & Limits): KvTransfer {
  const { states, origin, folder } = options;
  const { leaseMs = 30_000, spaceBytes = 8e9 } = options;
  const now = options.now ?? (() => performance.now());
  const space = new FileSpace(folder, spaceBytes);
  const leases = new Leases({ now, leaseMs });
  const origins = new Set([origin, ...options.peers.map((peer) => new URL(peer).origin)]);
  const give = (kept: Kept, salt: string): Handle => ({
    handle: leases.give(kept, salt),
    from: origin,
    tokens: kept.tokens,
    bytes: kept.file.bytes,
    model: states.fingerprint,
    lease_ms: leaseMs,
  });
  const desk = { states, space, leases, limitBytes: spaceBytes, give };
  const times = { answerMs: 10_000, stallMs: 5_000, wholeMs: 120_000, ...options.times };
  const bringer = { ...desk, origin, fetch: options.fetch ?? fetch, times, now };
  const counts = new TransferCounts();
  const sweeper = setInterval(() => void leases.sweep(), leaseMs / 2).unref();

  return {
    read: (params) => readAsk(params, origins),
    async bring(ask, prompt, salt, signal) {
      await leases.sweep();
      const brought = await bringState(bringer, { ask, prompt, salt, signal });
      counts.add(brought);
      return brought;
    },
    async leave(sequence, salt) {
      await leases.sweep();
      return give(await keep(space, sequence), salt);
    },
    answer: (request) => answerKv(desk, request),
    metrics: () => counts.text({ handles: leases.count, bytes: space.bytes }),
    async close() {
      clearInterval(sweeper);
      await space.close();
    },
  };
}

async function keep(space: FileSpace, sequence: HeldSequence): Promise<Kept> {
  const file = space.file(0);
  if (!file) throw noRoom();
  try {
    const { tokens, bytes } = await sequence.save(file.path);
    if (!file.resize(bytes)) throw noRoom();
    return { file, tokens: tokens.length };
  } catch (error) {
    await file.release();
    throw error;
  }
}
