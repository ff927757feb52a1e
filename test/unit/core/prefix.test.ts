import { describe, expect, it } from "vitest";
import type { Model } from "../../../src/core/fleet.ts";
import { answerKey, linkTokens, promptChain, sessionSeed } from "../../../src/core/prefix.ts";
import { commonLinks } from "../../../src/core/session/chain.ts";

type Template = Model["template"];

function modelOf(template: Partial<Template> = {}): Model {
  return {
    id: "tiny",
    params: 1e9,
    activeParams: 1e9,
    layers: 16,
    attnDim: 2048,
    weightBytes: 2e9,
    kvBytesPerToken: 32768,
    contextWindow: 32768,
    aliases: [],
    defaultOutputTokens: 256,
    template: { order: ["tools", "system", "messages"], keepsReasoning: false, ...template },
  };
}

type Input = Partial<Parameters<typeof promptChain>[0]>;
const chainOf = (messages: readonly unknown[], more: Input = {}) =>
  promptChain({ model: modelOf(), salt: "s", messages, ...more });
const links = (one: Input & { messages: unknown[] }, other: Input & { messages: unknown[] }) =>
  commonLinks(chainOf(one.messages, one).bytes, chainOf(other.messages, other).bytes);

const system = { role: "system", content: "Be brief." };
const user = { role: "user", content: "hi" };
const call = { id: "call_1", type: "function", function: { name: "f", arguments: "{}" } };
const picture = (data: string) => ({
  role: "user",
  content: [
    { type: "text", text: "look" },
    { type: "image_url", image_url: { url: `data:image/png;base64,${data}` } },
  ],
});

describe("promptChain", () => {
  it("closes a link at each message end and every 2 KB inside one", () => {
    expect(chainOf([system, user]).bytes).toHaveLength(2 * 8);
    expect(chainOf([system, { role: "user", content: "x".repeat(5000) }]).bytes).toHaveLength(
      4 * 8,
    );
  });

  it("shares links up to the first difference, and none after it", () => {
    const long = (end: string) => ({ role: "user", content: `${"x".repeat(5000)}${end}` });
    expect(
      links({ messages: [system, long("a"), user] }, { messages: [system, long("b"), user] }),
    ).toBe(3);
    expect(links({ messages: [user] }, { messages: [user, user] })).toBe(1);
  });

  it("shares nothing between salts, models or template settings", () => {
    expect(links({ messages: [user] }, { messages: [user], salt: "other" })).toBe(0);
    expect(
      links({ messages: [user] }, { messages: [user], model: { ...modelOf(), id: "big" } }),
    ).toBe(0);
    expect(
      links({ messages: [user] }, { messages: [user], templateKnobs: { reasoning_effort: "low" } }),
    ).toBe(0);
  });

  it("reads messages as values, not as text", () => {
    const [one, other] = [
      '{"role":"user","content":"hi"}',
      '{ "content": "\\u0068i", "role":"user" }',
    ];
    expect(links({ messages: [JSON.parse(one)] }, { messages: [JSON.parse(other)] })).toBe(1);
  });

  it("follows the model's order of tools and system", () => {
    const toolsFirst = modelOf();
    const systemFirst = modelOf({ order: ["system", "tools", "messages"] });
    const one = { messages: [system, user], tools: [{ a: 1 }] };
    const other = { messages: [system, user], tools: [{ b: 1 }] };
    expect(links({ ...one, model: toolsFirst }, { ...other, model: toolsFirst })).toBe(0);
    expect(links({ ...one, model: systemFirst }, { ...other, model: systemFirst })).toBe(1);
  });

  it("leaves a system message in the middle where it is", () => {
    expect(links({ messages: [system, user] }, { messages: [system, user, system] })).toBe(2);
  });

  it("looks at an answer's role, content and tool calls only", () => {
    const plain = { role: "assistant", content: "ok", tool_calls: [call] };
    const dressed = {
      ...plain,
      refusal: null,
      annotations: [],
      reasoning_content: "hm",
      audio: {},
    };
    expect(links({ messages: [plain] }, { messages: [dressed] })).toBe(1);
    expect(links({ messages: [plain] }, { messages: [{ ...plain, tool_calls: [] }] })).toBe(0);
  });

  it("counts reasoning where the template keeps it", () => {
    const model = modelOf({ keepsReasoning: true });
    const answer = { role: "assistant", content: "ok" };
    expect(
      links(
        { messages: [answer], model },
        { messages: [{ ...answer, reasoning_content: "hm" }], model },
      ),
    ).toBe(0);
  });

  it("counts a picture by formula and tells pictures apart by their data", () => {
    const small = chainOf([picture("a")]);
    const large = chainOf([picture("b".repeat(1_000_000))]);
    expect(large.totalChars).toBe(small.totalChars);
    expect(large.totalChars).toBeGreaterThan(765 * 4);
    expect(commonLinks(small.bytes, large.bytes)).toBe(0);
  });

  it("counts media as its model does, by its kind", () => {
    const charsIn = (part: object, media?: Model["media"]) =>
      chainOf([{ role: "user", content: [part] }], {
        model: { ...modelOf(), ...(media && { media }) },
      }).totalChars;
    const image = { type: "image_url", image_url: { url: "https://a.example/1.png" } };
    const sound = { type: "input_audio", input_audio: { data: "UklG", format: "wav" } };
    const tokens = { imageTokens: 256, audioTokens: 100 };
    expect(charsIn(image) - charsIn(image, tokens)).toBe((765 - 256) * 4);
    expect(charsIn(sound) - charsIn(sound, tokens)).toBe((765 - 100) * 4);
    expect(charsIn(sound)).toBe(charsIn(sound, { imageTokens: 256 }));
  });

  it("shares links up to a picture, and after it only where it is the same", () => {
    const asked = (data: string) => [system, picture(data), user];
    expect(links({ messages: asked("a") }, { messages: asked("a") })).toBe(3);
    expect(links({ messages: asked("a") }, { messages: asked("b") })).toBe(1);
  });

  it("names the media of a prompt in order", () => {
    const { media } = chainOf([system, picture("a"), user, picture("b"), picture("a")]);
    expect(media.map(({ type }) => type)).toEqual(["image_url", "image_url", "image_url"]);
    expect(media[0]).toEqual(media[2]);
    expect(media[0]).not.toEqual(media[1]);
    expect(chainOf([system, user]).media).toEqual([]);
  });

  it("has ever more characters from link to link, ending with all of them", () => {
    const chain = chainOf([
      system,
      picture("c".repeat(10_000)),
      { role: "user", content: "x".repeat(9999) },
    ]);
    expect([...chain.chars]).toEqual([...chain.chars].toSorted((one, other) => one - other));
    expect(chain.chars.at(-1)).toBe(chain.totalChars);
    expect(chain.bytes).toHaveLength(chain.chars.length * 8);
  });

  it("takes at most some milliseconds for a megabyte", () => {
    const messages = Array.from({ length: 100 }, () => ({
      role: "user",
      content: "lorem ipsu".repeat(1000),
    }));
    chainOf(messages);
    const start = performance.now();
    chainOf(messages);
    expect(performance.now() - start).toBeLessThan(50);
  });
});

describe("linkTokens", () => {
  it("turns characters into tokens, rounded up", () => {
    expect([...linkTokens({ chars: Uint32Array.of(7, 10) }, 4)]).toEqual([2, 3]);
  });
});

describe("answerKey", () => {
  it("is the tool-call ids where there are any, whatever the text", () => {
    expect(answerKey({ content: "a", tool_calls: [call] })).toBe(
      answerKey({ content: null, tool_calls: [call] }),
    );
    expect(answerKey({ tool_calls: [call] })).not.toBe(
      answerKey({ tool_calls: [call, { ...call, id: "2" }] }),
    );
  });

  it("is the trimmed text otherwise, as a string or in parts", () => {
    expect(answerKey({ content: " ok\n" })).toBe(
      answerKey({ content: [{ type: "text", text: "ok" }] }),
    );
    expect(answerKey({ content: "ok" })).toMatch(/^[0-9a-f]{16}$/);
    expect(answerKey({ content: "ok" })).not.toBe(answerKey({ content: "no" }));
  });
});

describe("sessionSeed", () => {
  const facts = { tenant: "acme", model: "tiny", messages: [system, user] };
  const answer = { role: "assistant", content: "Hello." };

  it("is unknown before the first answer", () => {
    expect(sessionSeed(facts)).toBeUndefined();
  });

  it("is the same from the first turn and its answer as from every later turn", () => {
    const first = sessionSeed(facts, answerKey(answer));
    const second = sessionSeed({ ...facts, messages: [system, user, answer, user] });
    const third = sessionSeed(
      { ...facts, messages: [system, user, answer, user, answer, user] },
      "other",
    );
    expect(first).toBeDefined();
    expect(second).toBe(first);
    expect(third).toBe(first);
  });

  it("parts tenants, users, models, tools, openings and answers", () => {
    const key = answerKey(answer);
    const seeds = [
      sessionSeed(facts, key),
      sessionSeed({ ...facts, tenant: "other" }, key),
      sessionSeed({ ...facts, user: "u" }, key),
      sessionSeed({ ...facts, model: "big" }, key),
      sessionSeed({ ...facts, tools: [1] }, key),
      sessionSeed({ ...facts, messages: [user] }, key),
      sessionSeed(facts, answerKey({ content: "Bye." })),
    ];
    expect(new Set(seeds).size).toBe(seeds.length);
  });
});
