import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { packIndexes } from "../../../src/core/grant/checkpoint.ts";
import { createRegionState } from "../../../src/core/grant/region-state.ts";
import { speedsOf } from "../../../src/core/plan/speeds.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { syntheticFleet } from "./synthetic-mesh.ts";

/** What the prefix indexes of a pool's engines take of memory. */
export type IndexMemory = {
  readonly engines: number;
  readonly links: number;
  readonly conversations: number;
  /** Typed arrays, and everything else that was allocated for them. */
  readonly arrayBytes: number;
  readonly heapBytes: number;
  /** Writing them down for a checkpoint: as long as this nothing else is granted. */
  readonly checkpointMs: number;
  readonly checkpointBytes: number;
  readonly checkpointRows: number;
};

/** A million links spread over 64 engines, 27 links a conversation as in the conversation trace. */
export function benchIndex(): IndexMemory {
  const fleet = syntheticFleet({ pools: 4, enginesPerPool: ENGINES });
  const state = createRegionState(fleet.pools, speedsOf(fleet));
  const { engines } = state.pools.get("large-alone-0") ?? fail();
  const linkTokens = Uint32Array.from({ length: LINKS_EACH }, (_, n) => (n + 1) * LINK_TOKENS);
  const random = seededRandom(1);
  const before = memory();
  const conversations = Math.ceil(LINKS / LINKS_EACH);
  for (let n = 0; n < conversations; n++) {
    const keys = new Float64Array(LINKS_EACH).map(() => Math.floor(random() * 2 ** 53));
    engines[n % ENGINES]?.index.insert(keys, linkTokens, Infinity, n);
  }
  const after = memory();
  const startedAt = performance.now();
  const parts = packIndexes(state);
  return {
    engines: ENGINES,
    links: engines.reduce((sum, { index }) => sum + index.size, 0),
    conversations,
    arrayBytes: after.arrayBuffers - before.arrayBuffers,
    heapBytes: after.heapUsed - before.heapUsed,
    checkpointMs: performance.now() - startedAt,
    checkpointBytes: parts.reduce((sum, { byteLength }) => sum + byteLength, 0),
    checkpointRows: parts.length,
  };
}

const ENGINES = 64;
const LINKS = 1_000_000;
const LINKS_EACH = 27;
const LINK_TOKENS = 450;

/** What is in use once all garbage is gone. */
function memory(): NodeJS.MemoryUsage {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  return process.memoryUsage();
}

function fail(): never {
  throw new TypeError("the bench has no engines");
}
