import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sglang } from "../../../src/engines/sglang/dialect.ts";
import { sentBody, splitAt } from "./sent-leg.ts";

const BODY = '{"model":"a","messages":[],"stream":true,"max_tokens":50}';

function rooms(given: { rendezvous: string; dpSize: number; session?: string }) {
  const { rendezvous, dpSize, session } = given;
  const order = { split: splitAt(rendezvous), pool: { dpSize }, ...(session && { session }) };
  return (["prefill", "decode"] as const).map((leg) =>
    Number(/"bootstrap_room":(\d+)/.exec(sentBody("sglang", leg, BODY, order))?.[1]),
  );
}

describe("a split in sglang", () => {
  it("sends both engines the same body, with the room in which they meet", () => {
    const order = { split: splitAt("77"), stream: true };
    const [prefill, decode] = (["prefill", "decode"] as const).map((leg) =>
      sentBody("sglang", leg, BODY, order),
    );
    expect(prefill).toBe(decode);
    expect(JSON.parse(decode ?? "")).toEqual({
      ...JSON.parse(BODY),
      model: "own-name",
      stream_options: { include_usage: true },
      bootstrap_host: "p",
      bootstrap_port: 8998,
      bootstrap_room: 77,
    });
  });

  it("meets where mesh.json says", () => {
    const engines = [
      { id: "p/0", pool: "p", url: "http://[fd00::7]:30000/x", bootstrapPort: 9001 },
      { id: "d/0", pool: "d", url: "http://d", bootstrapHost: "prefill.internal" },
    ];
    const hostOf = (prefill: string) => {
      const split = { prefill, decode: "d/0", rendezvous: "1" };
      return JSON.parse(sentBody("sglang", "decode", BODY, { split, pool: { engines } }));
    };
    expect(hostOf("p/0")).toMatchObject({ bootstrap_host: "fd00::7", bootstrap_port: 9001 });
    expect(hostOf("d/0")).toMatchObject({ bootstrap_host: "prefill.internal" });
  });

  it("keeps a session on its data-parallel rank, in rooms that no number loses", () => {
    const rendezvous = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map(String);
    fc.assert(
      fc.property(rendezvous, rendezvous, fc.integer({ min: 1, max: 64 }), (one, two, dpSize) => {
        const drawn = [one, two].flatMap((each) =>
          rooms({ rendezvous: each, dpSize, session: "s" }),
        );
        expect(drawn.every((room) => room >= 0 && Number.isSafeInteger(room))).toBe(true);
        expect(new Set(drawn.map((room) => room % dpSize)).size).toBe(1);
        expect(drawn[0]).toBe(drawn[1]);
      }),
    );
  });

  it("spreads sessions over the ranks", () => {
    const ranks = Array.from({ length: 64 }, (_, n) => {
      const [room = 0] = rooms({ rendezvous: "9999", dpSize: 4, session: `s${n}` });
      return room % 4;
    });
    expect(new Set(ranks).size).toBe(4);
  });
});

describe("the answer of a prefill engine in sglang", () => {
  const usage =
    '"usage":{"prompt_tokens":9,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":4}}';
  const told = { promptTokens: 9, outputTokens: 1, cachedTokens: 4 };

  it.each([
    ["whole", `{"choices":[],${usage}}`],
    [
      "streamed",
      `data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choices":[],${usage}}\n\ndata: [DONE]\n\n`,
    ],
  ])("tells its usage, %s", (_, body) => {
    const read = sglang.readPrefill(new TextEncoder().encode(body));
    expect(read).toEqual({ handoff: undefined, usage: told });
  });

  it("is a failure where it holds an error, in whatever quotes", () => {
    const body = new TextEncoder().encode(`data: {'error': {'message': 'gone'}}\n\n`);
    expect(() => sglang.readPrefill(body)).toThrow("gone");
  });
});
