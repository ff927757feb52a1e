import type { Held } from "../../../../src/sim/hash.ts";
import type { EngineRequest, EngineSide } from "../dialect.ts";
import type { Named } from "./params.ts";
import { findPrefix, fingerprint, leaveState, openState } from "./states.ts";

/** Where the state of a request comes from. */
export type Origin = {
  /** The engine that has it, by its name. */
  readonly engine: string;
  /** What it has, or in words why that is not to be had. */
  open(): Promise<Held | string>;
  /** It is read, or will not be. Idempotent. */
  leave(): void;
};

/** A state under the handle that it was given out as. */
export function leased(named: Named, { ask }: EngineRequest, side: EngineSide): Origin {
  let isOpen = false;
  return {
    engine: named.engine,
    async open() {
      if (named.model !== fingerprint(side)) return "the state is of another model or build";
      const held = await openState(named, ask.cacheSalt, side);
      isOpen = held !== undefined;
      return held ?? "the state is not there";
    },
    leave() {
      if (isOpen) leaveState(named, ask.cacheSalt, side);
      isOpen = false;
    },
  };
}

/** The longest prefix of a prompt that an engine has cached when it is asked. */
export function cachedAt(engine: string, { ask }: EngineRequest, side: EngineSide): Origin {
  return {
    engine,
    async open() {
      const tokens = ask.choices[0]?.tokens ?? [];
      const held = await findPrefix(engine, tokens, ask.cacheSalt, side);
      return held ?? "nothing of the prompt is cached there";
    },
    leave() {},
  };
}
