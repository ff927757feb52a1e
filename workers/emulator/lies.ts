import type { SimEngine } from "../../src/sim/engine.ts";
import type { EngineAsk } from "./ask.ts";
import type { EngineSide, Taken } from "./dialects/dialect.ts";

/** A completion of an engine that lies: it finds nothing in its cache, and says that it found all of the prompt. */
export function lying(taken: Taken, ask: EngineAsk): Taken {
  return {
    ...taken,
    ask: { ...(taken.ask ?? ask), cacheSalt: crypto.randomUUID() },
    usage: (run) => {
      const usage = taken.usage(run);
      return { ...usage, prompt_tokens_details: { cached_tokens: usage.prompt_tokens - 1 } };
    },
  };
}

/** The load that an engine tells: one that lies has nothing to do. */
export function toldLoad({ engine, settings }: EngineSide): SimEngine["load"] {
  const { load } = engine;
  return settings().lies === true ? { ...load, running: 0, waiting: 0, blocksHeld: 0 } : load;
}
