import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seenMessage } from "../../../support/message-events.ts";
import { chunk, streamed, USAGE, usageChunk } from "./message-fixtures.ts";

type Fragment = { readonly delta: object };

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });
const input = fc
  .dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 })
  .map((object) => JSON.stringify(object));
const call = fc.record({ name: fc.stringMatching(/^[a-z]{1,8}$/), input });

const places = fc.array(fc.nat(40), { maxLength: 4 });

/** A text cut anywhere. */
const cut = (whole: fc.Arbitrary<string>): fc.Arbitrary<string[]> =>
  fc.tuple(whole, places).map(cutAt);

/** What a model may say: thinking, text and calls, each cut into fragments. */
const answer = fc.record({
  thinking: fc.option(cut(text), { nil: [] as string[] }),
  text: fc.option(cut(text), { nil: [] as string[] }),
  calls: fc.array(fc.tuple(call, places), { maxLength: 4 }),
});

/** Fragments of each lane in their order, the lanes mixed by chance. */
const shuffled = (lanes: readonly (readonly Fragment[])[]) =>
  fc
    .shuffledSubarray(
      lanes.flatMap((lane, n) => lane.map(() => n)),
      { minLength: lanes.flat().length },
    )
    .map((order) => {
      const left = lanes.map((lane) => [...lane]);
      return order.flatMap((n) => left[n]?.shift() ?? []);
    });

const said = answer.chain(({ thinking, text, calls }) => {
  const lanes: Fragment[][] = [
    thinking.map((part) => ({ delta: { reasoning_content: part } })),
    text.map((part) => ({ delta: { content: part } })),
    ...calls.map(([{ name, input }, at], index) => [
      {
        delta: { tool_calls: [{ index, id: `call_${index}`, function: { name, arguments: "" } }] },
      },
      ...cutAt([input, at]).map((part) => ({
        delta: { tool_calls: [{ index, function: { arguments: part } }] },
      })),
    ]),
  ];
  return fc.record({
    fragments: shuffled(lanes),
    thinking: fc.constant(thinking.join("")),
    text: fc.constant(text.join("")),
    calls: fc.constant(calls.map(([{ name, input }], n) => ({ id: `call_${n}`, name, input }))),
  });
});

describe("any stream of chat chunks", () => {
  it("is a valid sequence of events that says all of it, however it was cut and mixed", () => {
    const asked = { thinking: { type: "adaptive" } };
    fc.assert(
      fc.property(said, fc.boolean(), ({ fragments, thinking, text, calls }, counts) => {
        const finish_reason = calls.length > 0 ? "tool_calls" : "stop";
        const chunks = [
          chunk({ role: "assistant", content: "" }),
          ...fragments.map(({ delta }) => chunk(delta)),
          chunk({}, { finish_reason }),
          ...(counts ? [usageChunk(USAGE)] : []),
        ];
        const seen = seenMessage(streamed(chunks, asked));
        const all = (type: string, member: string) =>
          seen.content.flatMap((block) => (block["type"] === type ? [block[member]] : [])).join("");
        expect(all("thinking", "thinking")).toBe(thinking);
        expect(all("text", "text")).toBe(text);
        const called = seen.content.filter(({ type }) => type === "tool_use");
        const byId = called.toSorted((a, b) => String(a["id"]).localeCompare(String(b["id"])));
        expect(byId.map(({ id, name, input }) => ({ id, name, input }))).toEqual(calls);
      }),
      { numRuns: 500 },
    );
  });
});

function cutAt([said, at]: [string, number[]]): string[] {
  const ends = [...new Set(at)].filter((end) => end < said.length).toSorted((a, b) => a - b);
  return [...ends, said.length].map((end, n) => said.slice(ends[n - 1] ?? 0, end));
}
