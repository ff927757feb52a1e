import { frameData, withFrameData } from "../core/sse.ts";
import type { TurnDeps } from "./deps.ts";
import type { LegRun } from "./legs.ts";
import type { Prepared } from "./prepare.ts";

/** An engine's answer without what is not for its client; the same bytes where nothing is taken out. */
export type ForClient = {
  whole(json: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
  frame(frame: Uint8Array): Uint8Array;
};

/** For the answer of that leg. */
export function forClientOf(deps: TurnDeps, turn: Prepared, { grant }: LegRun): ForClient {
  const { forClient } = deps.capabilities(turn.dialectOf(grant.pool));
  const without = forClient(turn.request.bytes);
  return {
    whole(json) {
      const text = decoder.decode(json);
      const said = without(text);
      return said === text ? json : new Uint8Array(encoder.encode(said));
    },
    frame(frame) {
      const data = frameData(frame);
      if (data === undefined) return frame;
      const said = without(data);
      return said === data ? frame : withFrameData(frame, said);
    },
  };
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();
