import type { ReplayRequest } from "../policy.ts";

/** What sessions know of their prompts and of who holds them, as Session objects keep it. */
export class Residency {
  readonly #blockTokens: number;
  readonly #sessions = new Map<number, Known>();

  constructor(blockTokens: number) {
    this.#blockTokens = blockTokens;
  }

  /** Engine id → prefix tokens believed to be held for the request's session: as far as it goes on what was sent there. */
  of({ session, blocks }: ReplayRequest): Readonly<Record<string, number>> {
    const known = this.#sessions.get(session);
    if (known === undefined) return NOTHING;
    const held: Record<string, number> = {};
    for (const [engine, sent] of known.sent) {
      held[engine] = commonBlocks(sent, blocks) * this.#blockTokens;
    }
    return held;
  }

  /** Blocks of the request after which an earlier prompt of its session ended: messages end there. */
  endsIn({ session, blocks }: ReplayRequest): readonly number[] {
    const known = this.#sessions.get(session);
    if (known === undefined) return [];
    const common = commonBlocks(known.last, blocks);
    return known.ends.filter((end) => end <= common);
  }

  /** A turn ended: these engines hold its prompt. */
  ended(request: ReplayRequest, engines: readonly (string | undefined)[]): void {
    const { session, blocks } = request;
    if (session < 0) return;
    const ends = [...this.endsIn(request), blocks.length];
    const sent = this.#sessions.get(session)?.sent ?? new Map<string, Int32Array>();
    for (const engine of engines) if (engine !== undefined) sent.set(engine, blocks);
    this.#sessions.set(session, { last: blocks, ends, sent });
  }
}

type Known = {
  /** Blocks of the prompt that ended last, and after which of them it and those before it ended. */
  readonly last: Int32Array;
  readonly ends: readonly number[];
  /** Engine id → blocks of the prompt it had last. */
  readonly sent: Map<string, Int32Array>;
};

const NOTHING: Readonly<Record<string, number>> = {};

/** Blocks that two prompts begin with: an id names everything before it too, so the end is found by halving. */
function commonBlocks(one: Int32Array, other: Int32Array): number {
  let common = 0;
  let apart = Math.min(one.length, other.length);
  while (common < apart) {
    const middle = (common + apart) >> 1;
    if (one[middle] === other[middle]) common = middle + 1;
    else apart = middle;
  }
  return common;
}
