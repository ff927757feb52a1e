import { isErrorFrame, readChunkUsage, readUsage } from "../core/chat-frames.ts";
import { rawMember } from "../core/json-members.ts";
import type { Usage } from "../core/leg.ts";
import { createSseFramer, frameData } from "../core/sse.ts";

/** The usage in a whole answer, be it JSON or an event stream. Throws `SyntaxError` for an error in a stream. */
export function usageOf(body: Uint8Array): Usage | undefined {
  if (OBJECT.test(new TextDecoder().decode(body.subarray(0, 64)))) {
    const raw = rawMember(body, ["usage"]);
    return raw === undefined ? undefined : readUsage(JSON.parse(raw));
  }
  let usage: Usage | undefined;
  for (const frame of createSseFramer().push(body)) {
    const data = frameData(frame);
    if (data === undefined || data === "[DONE]") continue;
    if (isErrorFrame(data)) {
      throw new SyntaxError(`the engine sent an error: ${data.slice(0, 300)}`);
    }
    usage = readChunkUsage(data) ?? usage;
  }
  return usage;
}

const OBJECT = /^\s*\{/;
