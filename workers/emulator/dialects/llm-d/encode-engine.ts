import { mediaOf } from "../../../../src/core/media.ts";
import { failure } from "../../problem.ts";
import type { EngineRequest, EngineSide, Speech } from "../dialect.ts";
import { shownIn } from "./encoded.ts";

/** An engine that only encodes media. It keeps what it has encoded, and says when it is asked for nothing else. */
export function encodeEngine({ config, totals }: EngineSide): Speech["take"] {
  const kept = new Set<string>();
  return (request: EngineRequest) => {
    const shown = shownIn(request.body).flatMap((part) => mediaOf(part) ?? []);
    if (shown.length === 0) return failure(400, "BadRequestError", "There is nothing to encode.");
    for (const { key } of shown) {
      totals.encodedMedia += 1;
      if (kept.has(key)) totals.cachedMedia += 1;
      kept.add(key);
    }
    const message = { role: "assistant", content: "" };
    const choices = [{ index: 0, message, finish_reason: "length" }];
    return Response.json({ object: "chat.completion", model: config.model.id, choices });
  };
}
