import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rawItems, rawMember, splice, topLevelMembers } from "../../../src/core/json-members.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

type Edits = Parameters<typeof splice>[2];
const spliced = (text: string, edits: Partial<Edits>) => {
  const bytes = encode(text);
  return decode(splice(bytes, topLevelMembers(bytes), { set: {}, remove: [], ...edits }));
};

describe("topLevelMembers", () => {
  it("finds names and values as byte ranges", () => {
    const text = ' {"é": "a,}\\"" , "b":[{"c":1}]}';
    const bytes = encode(text);
    const found = topLevelMembers(bytes).map(({ name, valueStart, end }) => [
      name,
      decode(bytes.subarray(valueStart, end)),
    ]);
    expect(found).toEqual([
      ["é", '"a,}\\""'],
      ["b", '[{"c":1}]'],
    ]);
  });

  it("reads escaped names", () => {
    expect(topLevelMembers(encode('{"\\u006d":1}')).map(({ name }) => name)).toEqual(["m"]);
  });

  it("finds what JSON.parse finds, in every object", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3), (value, indent) => {
        const bytes = encode(JSON.stringify(value, null, indent));
        const pairs = topLevelMembers(bytes).map(({ name, valueStart, end }) => [
          name,
          JSON.parse(decode(bytes.subarray(valueStart, end))),
        ]);
        expect(pairs).toEqual(Object.entries(JSON.parse(decode(bytes))));
      }),
    );
  });

  it.each([
    ["", 0],
    ["[1]", 0],
    ['{"a":1', 6],
    ['{"a" 1}', 5],
    ['{"a":}', 5],
    ['{"a":1,}', 7],
    ['{"a":[1}', 8],
    ['{"a":"x}', 5],
    ["{a:1}", 1],
  ])("refuses %s at byte %i", (text, at) => {
    expect(() => topLevelMembers(encode(text))).toThrow(SyntaxError);
    expect(() => topLevelMembers(encode(text))).toThrow(new RegExp(`byte ${at}\\b`));
  });

  it("refuses values nested too deep to walk", () => {
    const deep = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect(() => topLevelMembers(encode(deep))).toThrow(/nested more than/);
  });
});

describe("splice", () => {
  it("changes a value where it is and leaves every other byte", () => {
    expect(spliced('{ "a" : 1 ,\n "b":2 }\n', { set: { a: "[0]" } })).toBe(
      '{ "a" : [0] ,\n "b":2 }\n',
    );
  });

  it("removes the first, a middle, the last and the only member", () => {
    const text = '{"a":1, "b":2, "c":3}';
    expect(spliced(text, { remove: ["a"] })).toBe('{"b":2, "c":3}');
    expect(spliced(text, { remove: ["b"] })).toBe('{"a":1, "c":3}');
    expect(spliced(text, { remove: ["c"] })).toBe('{"a":1, "b":2}');
    expect(spliced('{"a":1}', { remove: ["a"] })).toBe("{}");
  });

  it("adds to full, emptied and empty objects", () => {
    expect(spliced('{"a":1}', { set: { b: "2" } })).toBe('{"a":1,"b":2}');
    expect(spliced('{"a":1}', { set: { b: "2" }, remove: ["a"] })).toBe('{"b":2}');
    expect(spliced(" { } ", { set: { b: "2", c: "3" } })).toBe(' {"b":2,"c":3 } ');
  });

  it("leaves one of a doubled name it sets and none of one it removes", () => {
    expect(spliced('{"a":1,"b":2,"a":3}', { set: { a: "4" } })).toBe('{"b":2,"a":4}');
    expect(spliced('{"a":1,"b":2,"a":3}', { remove: ["a"] })).toBe('{"b":2}');
  });

  it("keeps numbers that JSON.parse would corrupt", () => {
    const text = '{"id":12345678901234567890123,"x":1e999,"model":"a"}';
    expect(spliced(text, { set: { model: '"b"' } })).toBe(text.replace('"a"', '"b"'));
  });

  it("equals the edit of the parsed object", () => {
    const name = fc.constantFrom("a", "b", "c", "d", "é", '"');
    const object = fc.array(fc.tuple(name, fc.jsonValue()), { maxLength: 6 });
    const edits = fc.record({
      set: fc.dictionary(
        name,
        fc.jsonValue().map((value) => JSON.stringify(value)),
      ),
      remove: fc.array(name, { maxLength: 3 }),
    });
    const space = fc.constantFrom("", " ", "\n\t");
    fc.assert(
      fc.property(object, edits, space, (members, { set, remove }, gap) => {
        const pairs = members.map(
          ([key, value]) => `${gap}${JSON.stringify(key)}${gap}:${gap}${JSON.stringify(value)}`,
        );
        const text = `{${pairs.join(`${gap},`)}${gap}}`;
        const wanted: Record<string, unknown> = JSON.parse(text);
        for (const key of remove) delete wanted[key];
        for (const [key, raw] of Object.entries(set)) wanted[key] = JSON.parse(raw);
        expect(JSON.parse(spliced(text, { set, remove }))).toEqual(wanted);
      }),
    );
  });
});

describe("rawMember", () => {
  it("returns the text of a nested member as it came", () => {
    const bytes = encode('{"a": {"b": [ 18446744073709551615 ]}, "c":null}');
    expect(rawMember(bytes, ["a", "b"])).toBe("[ 18446744073709551615 ]");
    expect(rawMember(bytes, ["c"])).toBe("null");
  });

  it("finds nothing where there is no such member or no object", () => {
    const bytes = encode('{"a":1}');
    expect(rawMember(bytes, ["b"])).toBeUndefined();
    expect(rawMember(bytes, ["a", "b"])).toBeUndefined();
  });
});

describe("rawItems", () => {
  it("cuts an array where JSON.parse does, and keeps each item's own bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.json()), fc.constantFrom("", " ", "\n\t"), (items, space) => {
        const array = `${space}[${items.map((raw) => space + raw + space).join(",")}]`;
        expect(rawItems(array)).toEqual(items);
      }),
    );
  });

  it.each(["", "{}", "[", "[1", "[1 2]", "[,]", "null"])("takes %j for no array", (text) => {
    expect(() => rawItems(text)).toThrow(SyntaxError);
  });
});
