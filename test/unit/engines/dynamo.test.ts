import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rawMemberOf } from "../../../src/core/json-members.ts";
import { dialectOf } from "../../../src/engines/registry.ts";
import { sentBody, sentLeg, type SentOrder } from "./sent-leg.ts";

const HINTS = { priority: 1, outputTokens: 300, tenant: "tag" } as const;
const worker = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

/** The `nvext` that a frontend receives for a client's own, if any. */
function nvextFor(own: string | undefined, order: SentOrder = {}): string {
  const member = own === undefined ? "" : `,"nvext":${own}`;
  const sent = sentBody("dynamo", "both", `{"model":"a"${member}}`, { hints: HINTS, ...order });
  return rawMemberOf(sent, "nvext") ?? "";
}

describe("a leg in dynamo", () => {
  it("gives the frontend its hints, and its session in a header", () => {
    const sent = sentLeg("dynamo", "both", '{"model":"a","messages":[]}', {
      hints: HINTS,
      session: "5e55",
    });
    expect(sent?.text).toBe(
      '{"model":"own-name","messages":[],"nvext":{"extra_fields":["worker_id","timing"],"agent_hints":{"priority":1,"osl":300}}}',
    );
    expect(sent?.headers.get("x-dynamo-session-id")).toBe("5e55");
  });

  it.each(["null", "7", '"x"', "{}"])("does so where the client's nvext is %s", (own) => {
    expect(nvextFor(own)).toBe(
      '{"extra_fields":["worker_id","timing"],"agent_hints":{"priority":1,"osl":300}}',
    );
  });

  it("keeps every member of the client's own nvext, byte for byte", () => {
    const name = fc.string().filter((text) => !OURS.has(text));
    const value = fc.oneof(fc.json(), worker.map(String));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { minLength: 1 }), (members) => {
        const own = members.map(([key, raw]) => `${JSON.stringify(key)} :\n${raw}`).join(" , ");
        expect(nvextFor(`{${own}}`)).toBe(
          `{${own},"extra_fields":["worker_id","timing"],"agent_hints":{"priority":1,"osl":300}}`,
        );
      }),
    );
  });

  it("adds to the fields that the client wants back", () => {
    expect(nvextFor('{"extra_fields":["timing", "engine_data"]}')).toContain(
      '"extra_fields":["timing","engine_data","worker_id"]',
    );
  });

  it("leaves to the client how long its answer gets, and not who goes first", () => {
    const own =
      '{"agent_hints":{"priority":9,"strict_priority":9,"osl":7,"speculative_prefill":true}}';
    expect(rawMemberOf(nvextFor(own), "agent_hints")).toBe(
      '{"priority":1,"strict_priority":0,"osl":7,"speculative_prefill":true}',
    );
  });

  it("parts tenants' caches in nvext, where frontends take that", () => {
    const sent = sentBody("dynamo", "both", '{"model":"a"}', {
      cacheSalt: "salt",
      pool: { cacheSalt: true },
    });
    expect(rawMemberOf(rawMemberOf(sent, "nvext") ?? "", "cache_salt")).toBe('"salt"');
    expect(rawMemberOf(sent, "cache_salt")).toBeUndefined();
  });
});

describe("the workers that a frontend tells of", () => {
  const told = (json: string) => dialectOf("dynamo").told?.(json);
  const answer = (ids: string, timing = "{}") =>
    `{"choices":[],"nvext":{"worker_id":${ids},"timing":${timing}}}`;

  it("are named with all their digits, and pin a later turn to themselves", () => {
    fc.assert(
      fc.property(worker, worker, (prefill, decode) => {
        const found = told(answer(`{"prefill_worker_id":${prefill},"decode_worker_id":${decode}}`));
        expect(found).toMatchObject({ prefill: String(prefill), decode: String(decode) });
        const sent = nvextFor(undefined, {
          pins: { "d/0": found?.pin ?? "" },
          pool: { workerPins: true },
        });
        const pins =
          prefill === decode
            ? `"backend_instance_id":${decode}`
            : `"prefill_worker_id":${prefill},"decode_worker_id":${decode}`;
        expect(sent).toBe(
          `{"extra_fields":["worker_id","timing"],"agent_hints":{"priority":1,"osl":300},${pins}}`,
        );
      }),
    );
  });

  it("may be one that does both phases", () => {
    expect(told(answer('{"decode_worker_id":7}'))).toEqual({
      decode: "7",
      pin: '{"backend_instance_id":7}',
    });
  });

  it.each(["backend_instance_id", "prefill_worker_id", "decode_worker_id", "token_data"])(
    "are not for the client to choose, nor another prompt for them: %s",
    (name) => {
      expect(rawMemberOf(nvextFor(`{"${name}":5}`), name)).toBeUndefined();
    },
  );

  it("come with their timing, together or apart", () => {
    const timing = { ttftMs: 45.2, itlMs: 12.1 };
    expect(told(answer("null", '{"ttft_ms":45.2,"itl_ms":12.1}'))).toEqual(timing);
    expect(told(answer("{}", '{"ttft_ms":45.2,"itl_ms":null}'))).toEqual({ ttftMs: 45.2 });
  });

  it.each([
    "[DONE]",
    '{"choices":[]}',
    '{"nvext":null}',
    '{"nvext":{"worker_id":{"decode_worker_id":7}',
    'nvext is "nvext"',
    '{"nvext":{"worker_id":{"decode_worker_id":"7"}}}',
    '{"nvext":{"worker_id":{"decode_worker_id":-7},"timing":{"ttft_ms":-1}}}',
    '{"choices":[{"delta":{"content":"\\"nvext\\""}}]}',
  ])("are not made up: %s", (json) => {
    expect(told(json)).toBeUndefined();
  });
});

const OURS = new Set([
  "extra_fields",
  "agent_hints",
  "cache_salt",
  "backend_instance_id",
  "prefill_worker_id",
  "decode_worker_id",
  "token_data",
]);
