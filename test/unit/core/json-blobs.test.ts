import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rawMember, splice, topLevelMembers } from "../../../src/core/json-members.ts";
import { sentBody } from "../engines/sent-leg.ts";
import { vllmNixl } from "../../../src/engines/vllm-nixl/dialect.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Numbers as engines write them and as `JSON.parse` would not give them back. */
const number = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map(String),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 200n }).map(String),
  fc.constantFrom("-0", "0.0", "1.50", "1e5", "1E+05", "1e-999", "1e999", "-1.0e00"),
);
/** Strings with every escape that hides a quote, a brace or a character. */
const string = fc
  .array(
    fc.constantFrom(
      '\\"',
      "\\\\",
      "\\/",
      "\\u0022",
      "\\ud83d\\ude00",
      "\\ud83d",
      "\\n",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "é",
      "😀",
      "a",
    ),
    { maxLength: 8 },
  )
  .map((parts) => `"${parts.join("")}"`);
const space = fc.constantFrom("", " ", "\n", "\r\n\t", "  \t ");
const name = fc.constantFrom('"a"', '"b"', '"a"', '"\\u0061"', '"__proto__"', '""', '"é"');

const { value } = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(number, string, fc.constantFrom("true", "false", "null")),
    tie("list"),
    tie("object"),
  ),
  list: fc
    .tuple(fc.array(tie("value"), { maxLength: 4 }), space)
    .map(([items, gap]) => `[${gap}${items.join(`${gap},${gap}`)}${gap}]`),
  object: fc
    .tuple(fc.array(fc.tuple(name, tie("value")), { maxLength: 4 }), space)
    .map(([members, gap]) => objectOf(members, gap)),
}));

function objectOf(members: readonly (readonly [string, string])[], gap: string): string {
  const parts = members.map(([key, raw]) => `${key}${gap}:${gap}${raw}`);
  return `{${gap}${parts.join(`${gap},${gap}`)}${gap}}`;
}

const members = fc.array(fc.tuple(name, value), { maxLength: 5 });

describe("an engine's blob", () => {
  it("is found byte for byte, however deep it is and however it is written", () => {
    fc.assert(
      fc.property(value, members, members, space, (blob, before, after, gap) => {
        const inner = objectOf([...before, ['"blob"', blob], ...after], gap);
        const outer = objectOf([...after, ['"in"', inner], ...before], gap);
        expect(rawMember(encoder.encode(gap + outer + gap), ["in", "blob"])).toBe(blob);
      }),
      { numRuns: 1000 },
    );
  });

  it("of a doubled name is the last one, as for those who parse it", () => {
    fc.assert(
      fc.property(members, space, (pairs, gap) => {
        const text = objectOf(pairs, gap);
        const parsed: Record<string, unknown> = JSON.parse(text);
        const raw = rawMember(encoder.encode(text), ["a"]);
        expect(raw !== undefined).toBe(Object.hasOwn(parsed, "a"));
        if (raw !== undefined) expect(JSON.parse(raw)).toEqual(parsed["a"]);
      }),
      { numRuns: 1000 },
    );
  });

  it("goes into another body, and what was there stays, byte for byte", () => {
    fc.assert(
      fc.property(value, value, members, space, (blob, old, others, gap) => {
        const body = objectOf([['"before"', old], ['"blob"', old], ...others, ['"z"', old]], gap);
        const bytes = encoder.encode(body);
        const sent = splice(bytes, topLevelMembers(bytes), { set: { blob }, remove: [] });
        const wanted = objectOf(
          [['"before"', old], ['"blob"', blob], ...others, ['"z"', old]],
          gap,
        );
        expect(decode(sent)).toBe(wanted);
      }),
      { numRuns: 1000 },
    );
  });

  it("goes from a prefill engine's answer to the decode engine as it came", () => {
    const handle = value.filter((raw) => raw.startsWith("{"));
    fc.assert(
      fc.property(handle, value, space, (raw, old, gap) => {
        const answer = objectOf(
          [
            ['"usage"', "null"],
            ['"kv_transfer_params"', raw],
          ],
          gap,
        );
        const { handoff } = vllmNixl.readPrefill(encoder.encode(answer));
        const body = encoder.encode(
          objectOf(
            [
              ['"kv_transfer_params"', old],
              ['"model"', '"a"'],
            ],
            gap,
          ),
        );
        const order = handoff && { handoff: handoff.raw };
        const sent = encoder.encode(sentBody("vllm-nixl", "decode", decoder.decode(body), order));
        expect(rawMember(sent, ["kv_transfer_params"])).toBe(raw);
      }),
    );
  });
});

describe("broken JSON", () => {
  it("is refused with a place, or read, and neither takes long nor goes wrong in another way", () => {
    const soup = fc.array(fc.constantFrom('"', "\\", "{", "}", "[", "]", ",", ":", "1", " ", "a"));
    fc.assert(
      fc.property(
        fc.oneof(
          soup,
          soup.map((parts) => ['{"a":', ...parts]),
        ),
        (parts) => {
          const text = parts.join("");
          try {
            topLevelMembers(encoder.encode(text));
          } catch (error) {
            expect(error).toBeInstanceOf(SyntaxError);
            expect(String(error)).toMatch(/at byte \d+/);
            expect(isObject(text)).toBe(false);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("that was cut off is refused wherever it was cut", () => {
    fc.assert(
      fc.property(members, fc.nat(), (pairs, at) => {
        const bytes = encoder.encode(objectOf(pairs, ""));
        const end = at % bytes.length;
        expect(() => topLevelMembers(bytes.subarray(0, end))).toThrow(SyntaxError);
      }),
    );
  });

  it.each(["\\", '\\"', '"', "[", "{", "a", ","])("all of %j is refused at once", (part) => {
    const text = `{"a":"${part.repeat(1_000_000)}`;
    expect(() => topLevelMembers(encoder.encode(text))).toThrow(SyntaxError);
  });
});

function isObject(text: string): boolean {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
  } catch {
    return false;
  }
}
