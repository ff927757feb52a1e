import { describe, expect, it } from "vitest";
import { checkResponseEvents, responseEvents } from "../../../support/response-events.ts";
import { chunk, rendererOf } from "./rendering.ts";

async function eventsOfAnAnswer() {
  const renderer = rendererOf();
  const frames = [
    { reasoning_content: "Hm." },
    { content: "Here " },
    { content: "it is." },
    { refusal: "No." },
    { tool_calls: [{ index: 0, id: "c0", function: { name: "f", arguments: "{}" } }] },
    { tool_calls: [{ index: 1, id: "c1", function: { name: "g", arguments: "[]" } }] },
  ].map((delta) => renderer.frame(chunk(delta)));
  return responseEvents(frames.join("") + (await renderer.end()));
}

describe("the check of a response's events", () => {
  it("lets no event be left out, said twice or told by another number", async () => {
    const events = await eventsOfAnAnswer();
    const numbered = (changed: typeof events) =>
      changed.map((event, index) => ({ ...event, sequence_number: index }));
    expect(() => checkResponseEvents(events)).not.toThrow();
    for (const at of events.keys()) {
      const without = numbered([...events.slice(0, at), ...events.slice(at + 1)]);
      const twice = numbered([...events.slice(0, at + 1), ...events.slice(at)]);
      const renumbered = events.map((event, index) =>
        index === at ? { ...event, sequence_number: at + 1 } : event,
      );
      for (const wrong of [without, twice, renumbered]) {
        expect(() => checkResponseEvents(wrong), events[at]?.type).toThrow(/^(not so|before)/);
      }
    }
  });
});
