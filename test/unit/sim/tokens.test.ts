import { describe, expect, it } from "vitest";
import { heldOf, ROOT, seedOf } from "../../../src/sim/hash.ts";
import { jsonFrom, toolCallFrom, wordsAfter, wordsFrom } from "../../../src/sim/text.ts";
import { canonicalJson, chatTokens, textTokens } from "../../../src/sim/tokens.ts";

describe("the tokenizer", () => {
  it("makes four bytes a token, and pads the last", () => {
    expect(textTokens("abcdé")).toEqual([0x61626364, 0xc3a90000]);
  });

  it("gives a message two header tokens and one end token, and opens the answer", () => {
    expect(chatTokens({ messages: [{ role: "user", content: "abcd" }] })).toHaveLength(4 + 2);
  });

  it("sees no difference between text and the same text in parts", () => {
    const parts = [
      { type: "text", text: "ab" },
      { type: "text", text: "cd" },
    ];
    expect(chatTokens({ messages: [{ role: "user", content: parts }] })).toEqual(
      chatTokens({ messages: [{ role: "user", content: "abcd" }] }),
    );
  });

  it("counts a picture the same whatever its size, and tells two pictures apart", () => {
    const tokensOf = (url: string) => {
      const content = [{ type: "image_url", image_url: { url } }];
      return chatTokens({ messages: [{ role: "user", content }] });
    };
    expect(tokensOf("data:,a")).toHaveLength(tokensOf(`data:,${"a".repeat(9999)}`).length);
    expect(tokensOf("data:,a")).not.toEqual(tokensOf("data:,b"));
  });

  it("does not care for the order of members in tools", () => {
    expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1}]}');
  });

  it("gives an answer sent back the tokens it was generated as", () => {
    const said = wordsFrom(ROOT, { maxTokens: undefined, room: 1000 });
    expect(said.pieces.every((piece) => piece.length === 4)).toBe(true);
    expect(textTokens(said.pieces.join(""))).toEqual(said.tokens);
    expect(said.finish).toBe("stop");
  });

  it("gives a tool call sent back the tokens it was generated as", () => {
    const parameters = { type: "object", properties: { city: { type: "string" } } };
    const room = { maxTokens: undefined, room: 1000 };
    const said = toolCallFrom(ROOT, { name: "weather", parameters }, room);
    const call = { function: said.toolCall };
    const tokens = chatTokens({ messages: [{ role: "assistant", tool_calls: [call] }] });
    expect(tokens.slice(2, -3)).toEqual(said.tokens);
    expect(JSON.parse(said.pieces.join(""))).toEqual({ city: expect.any(String) });
    expect(said.finish).toBe("tool_calls");
  });

  it("answers with JSON that obeys a schema, cut where it may say no more", () => {
    const schema = { type: "object", properties: { city: { type: "string" } } };
    const whole = jsonFrom(ROOT, schema, { maxTokens: undefined, room: 1000 });
    expect(JSON.parse(whole.pieces.join(""))).toEqual({ city: expect.any(String) });
    expect(whole.finish).toBe("stop");
    const cut = jsonFrom(ROOT, schema, { maxTokens: 2, room: 1000 });
    expect(cut).toMatchObject({ finish: "length", tokens: whole.tokens.slice(0, 2) });
    expect(cut.pieces).toHaveLength(2);
  });
});

describe("an answer that another engine began", () => {
  const messages = [{ role: "user", content: "Where did you run?" }];
  const asked = chatTokens({ messages });
  const said = wordsFrom(seedOf(heldOf(asked)), { maxTokens: 40, room: 1000 });

  /** What comes after the first `count` tokens of it. */
  const restOf = (
    count: number,
    spoken = said.pieces.slice(0, count).join(""),
    maxTokens = 40 - count,
  ) => {
    const whole = [...messages, { role: "assistant", content: spoken }];
    const tokens = chatTokens({ messages: whole, continues: true });
    return wordsAfter(
      heldOf(tokens),
      { asked: tokens, from: asked.length },
      { maxTokens, room: 1000 },
    );
  };

  it("goes on as it would have, from any of its tokens", () => {
    for (let count = 1; count < 40; count += 1) {
      expect(restOf(count)).toEqual({
        pieces: said.pieces.slice(count),
        tokens: said.tokens.slice(count),
        finish: "length",
      });
    }
  });

  it("ends at its end", () => {
    const held = heldOf(asked);
    const natural = wordsFrom(seedOf(held), { maxTokens: undefined, room: 1000 });
    const after = (count: number) => {
      const tokens = [...asked, ...natural.tokens.slice(0, count)];
      return wordsAfter(
        heldOf(tokens),
        { asked: tokens, from: asked.length },
        { maxTokens: undefined, room: 1000 },
      );
    };
    const { length } = natural.pieces;
    expect(after(length - 1)).toMatchObject({ pieces: natural.pieces.slice(-1), finish: "stop" });
    expect(after(length)).toMatchObject({ pieces: [""], finish: "stop" });
  });

  it("is another text after another beginning, or one token more or less", () => {
    const next = said.pieces.slice(8, 12).join("");
    expect(restOf(8, said.pieces.slice(0, 8).join(""), 4).pieces.join("")).toBe(next);
    for (const wrong of [
      said.pieces.slice(0, 7),
      said.pieces.slice(1, 9),
      [...said.pieces.slice(0, 8), "!"],
    ]) {
      expect(restOf(8, wrong.join(""), 4).pieces.join("")).not.toBe(next);
    }
  });

  it("is another text on the KV cache of another prompt", () => {
    const tokens = [...asked, ...said.tokens.slice(0, 20)];
    const others = heldOf(tokens.map((token, index) => (index === 3 ? token + 1 : token)));
    const limit = { maxTokens: 4, room: 1000 };
    const rest = wordsAfter(others, { asked: tokens, from: asked.length }, limit);
    expect(rest.pieces).not.toEqual(said.pieces.slice(20, 24));
  });
});
