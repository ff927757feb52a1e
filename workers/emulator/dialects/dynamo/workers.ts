import { BLOCK_TOKENS } from "../../../../src/sim/hash.ts";
import type { EngineSide } from "../dialect.ts";

/** One of the workers behind a frontend: they share an engine's scheduler and memory, and part its cache. */
export type Worker = {
  /** 64 bits; another after each start. */
  readonly id: bigint;
  readonly salt: (cacheSalt: string) => string;
  /** Blocks of the prompts that it is busy with. */
  activeBlocks: number;
  served: number;
};

/** Who is behind a frontend, and whom its router chooses. */
export class Workers {
  readonly #side: EngineSide;
  readonly #all: readonly Worker[];

  constructor(side: EngineSide) {
    this.#side = side;
    const { dpSize = 1 } = side.config.pool;
    // A frontend of one worker would have nothing to choose.
    this.#all = Array.from({ length: Math.max(2, dpSize) }, (_, number) => ({
      id: newId(),
      salt: (cacheSalt) => `worker ${number}:${cacheSalt}`,
      activeBlocks: 0,
      served: 0,
    }));
  }

  named(id: bigint): Worker | undefined {
    return this.#all.find((worker) => worker.id === id);
  }

  /** The one with the fewest blocks to compute and to carry; among equals, who has served least. */
  best(tokens: readonly number[], cacheSalt: string): Worker | undefined {
    const cost = (worker: Worker): number => {
      const cached = this.#side.engine.cachedTokens(tokens, worker.salt(cacheSalt));
      return (tokens.length - cached) / BLOCK_TOKENS + worker.activeBlocks;
    };
    const priced = this.#all.map((worker) => ({ worker, cost: cost(worker) }));
    priced.sort((one, other) => one.cost - other.cost || one.worker.served - other.worker.served);
    return priced[0]?.worker;
  }
}

/** Beyond what a double holds. */
function newId(): bigint {
  const [random = 0n] = crypto.getRandomValues(new BigUint64Array(1));
  return random | (1n << 63n) | 1n;
}
