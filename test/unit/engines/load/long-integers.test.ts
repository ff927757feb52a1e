import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quoteLongIntegers } from "../../../../src/engines/load/long-integers.ts";

describe("quoteLongIntegers", () => {
  it("makes text of integers that a number could not hold, and of nothing else", () => {
    const json =
      '{"a":18446744073709551615,"b":[-9223372036854775808,123456789012345],"c":1234567890123456.5,"d":1e99,"12345678901234567890":"\\"12345678901234567890\\\\"}';
    expect(quoteLongIntegers(json)).toBe(
      '{"a":"18446744073709551615","b":["-9223372036854775808",123456789012345],"c":1234567890123456.5,"d":1e99,"12345678901234567890":"\\"12345678901234567890\\\\"}',
    );
  });

  it("keeps every value that JSON.parse reads rightly", () => {
    const exact = fc.jsonValue().filter((value) => !/\d{16}/.test(JSON.stringify(value)));
    fc.assert(
      fc.property(exact, fc.nat(2), (value, indent) => {
        const json = JSON.stringify(value, null, indent);
        expect(quoteLongIntegers(json)).toBe(json);
      }),
    );
  });

  it("keeps every digit of every integer", () => {
    const integer = fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n });
    fc.assert(
      fc.property(fc.array(integer), (integers) => {
        const read: unknown = JSON.parse(quoteLongIntegers(`{"a":[${integers.join(" , ")}]}`));
        expect(read).toEqual({ a: expect.anything() });
        expect((read as { a: unknown[] }).a.map(String)).toEqual(integers.map(String));
      }),
    );
  });

  it.each(["1", '"', "\\", '\\"', "1,"])("is done at once with a million times %j", (part) => {
    const json = `"${part.repeat(1_000_000)}`;
    expect(quoteLongIntegers(json).length).toBeGreaterThanOrEqual(json.length);
  });
});
