import { describe, expect, it } from "vitest";
import type { Media } from "../../../src/core/media.ts";
import { pool } from "../plan/plan-fixtures.ts";
import { sentLeg, type SentOrder, splitAt } from "../engines/sent-leg.ts";

const eyes = (id: string, members: Partial<Parameters<typeof pool>[1]> = {}) =>
  pool(id, { dialect: "llm-d", roles: ["encode"], engineCount: 4, ...members });
const pictures = (count: number): Media[] =>
  Array.from({ length: count }, (_, n) => ({ type: "image_url", key: `key-${n}` }));

/** The hosts, one for each piece of media, that a leg names; undefined where it names none. */
function named(given: SentOrder, leg: "both" | "decode" | "prefill" = "both", dialect = "llm-d") {
  const sent = sentLeg(dialect, leg, '{"model":"a"}', given);
  return sent?.headers.get("x-encoder-hosts-ports")?.split(",");
}

describe("a leg whose prompt shows something", () => {
  it("names an engine for each piece, whichever legs there are", () => {
    const given = { media: pictures(3), beside: [eyes("e")] };
    const hosts = named(given);
    expect(hosts).toHaveLength(3);
    expect(named({ ...given, split: splitAt() }, "decode")).toEqual(hosts);
    expect(named(given, "prefill")).toBeUndefined();
  });

  it("sends the same content to the same engine, wherever it stands in a prompt", () => {
    const beside = [eyes("e")];
    const media = pictures(40);
    const hosts = named({ media, beside });
    expect(named({ media: media.toReversed(), beside })).toEqual(hosts?.toReversed());
    const kinds = [{ type: "file", key: "f" }, ...media];
    expect(named({ media: kinds, beside }), "of what the sidecar has encoded").toEqual(hosts);
  });

  it("spreads what it shows over all engines, and moves little when one leaves", () => {
    const distinct = (id: string, engineCount: number) => {
      const encoding = eyes(id, { engineCount });
      const engines = encoding.engines.map((engine, n) => ({ ...engine, url: `http://e${n}:80` }));
      return { ...encoding, engines };
    };
    const media = pictures(400);
    const four = named({ media, beside: [distinct("e", 4)] }) ?? [];
    const three = named({ media, beside: [distinct("e", 3)] }) ?? [];
    for (const host of new Set(four)) {
      expect(four.filter((one) => one === host).length).toBeGreaterThan(50);
    }
    expect(new Set(four).size).toBe(4);
    for (const [n, host] of four.entries()) if (host !== "e3:80") expect(three[n]).toBe(host);
  });

  it.each([
    ["nothing is shown", { beside: [eyes("e")] }],
    ["nobody encodes", { media: pictures(1) }],
    ["it is another model's", { media: pictures(1), beside: [eyes("e", { model: "8b" })] }],
    ["it is far away", { media: pictures(1), beside: [eyes("e", { region: "ams" })] }],
    ["all of them drain", { media: pictures(1), beside: [eyes("e", { engineCount: 0 })] }],
    [
      "the pool chooses itself",
      { media: pictures(1), beside: [eyes("e")], pool: { routed: "itself" as const } },
    ],
  ])("names none where %s", (_why, given) => {
    expect(named(given)).toBeUndefined();
  });

  it("names none in a dialect that knows of none", () => {
    const beside = [eyes("e", { dialect: "vllm-nixl" })];
    expect(named({ media: pictures(1), beside }, "both", "vllm-nixl")).toBeUndefined();
  });
});
