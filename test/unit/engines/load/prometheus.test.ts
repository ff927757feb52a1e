import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readPrometheus } from "../../../../src/engines/load/prometheus.ts";

const read = (text: string) =>
  [...readPrometheus(text)].map(({ name, labels, value }) => [
    name,
    Object.fromEntries(labels),
    value,
  ]);

describe("readPrometheus", () => {
  it("reads names, labels and values, and passes comments over", () => {
    const page = `# HELP vllm:num_requests_running Number of requests
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="meta-llama/Llama-3.1-8B"} 3.0

plain 1e3
`;
    expect(read(page)).toEqual([
      ["vllm:num_requests_running", { engine: "0", model_name: "meta-llama/Llama-3.1-8B" }, 3],
      ["plain", {}, 1000],
    ]);
  });

  it.each([
    ['a{x="\\"}, b=\\\\",y="\\n"} 1', { x: '"}, b=\\', y: "\n" }],
    ['a{x="\\d"} 1', { x: "\\d" }],
    ['a{ x = "1" , } 1', { x: "1" }],
    ["a{} 1", {}],
    ['a{x=""}1', { x: "" }],
    ['  a\t{x="é,{}"}\t 1  ', { x: "é,{}" }],
  ])("reads the labels of %s", (line, labels) => {
    expect(read(line)).toEqual([["a", labels, 1]]);
  });

  it.each([
    ["a NaN", NaN],
    ["a nan 1395066363000", NaN],
    ["a +Inf", Infinity],
    ["a Inf", Infinity],
    ["a -inf", -Infinity],
    ["a 1.5e-3 1395066363000", 0.0015],
    ['a_bucket{le="0.1"} 17 # {trace_id="x"} 0.05 1520879607.789', 17],
    [".5", undefined],
    ["a .5", 0.5],
    ["a -2", -2],
    ["a 1\r", 1],
  ])("reads the value of %s", (line, value) => {
    expect(read(line).map(([, , told]) => told)).toEqual(value === undefined ? [] : [value]);
  });

  it.each(["", "# EOF", "a", "a{", 'a{x="1" 1', "a{x=1} 1", 'a{x="1} 1', "a one", "1a 1", "a {} "])(
    "passes over %j and goes on",
    (line) => {
      expect(read(`${line}\nb 1`)).toEqual([["b", {}, 1]]);
    },
  );

  it("reads only the names that are wanted", () => {
    const samples = [...readPrometheus("a 1\nb 2\na 3", (name) => name === "a")];
    expect(samples.map(({ value }) => value)).toEqual([1, 3]);
  });

  it("ends on a page without an end", () => {
    expect([...readPrometheus("a 1\n".repeat(200_000))]).toHaveLength(50_000);
    expect(read(`a{${'x="1",'.repeat(100_000)}} 1\nb 1`)).toEqual([["b", {}, 1]]);
  });

  it("gives back what was written, whatever the labels hold", () => {
    const name = fc.stringMatching(/^[a-z_:][a-z0-9_:]{0,8}$/);
    const label = fc.stringMatching(/^[a-z_][a-z0-9_]{0,5}$/);
    const text = fc.oneof(fc.string(), fc.constantFrom("\\", '"', "\n", "}", ",", " # ", "\\n"));
    const sample = fc.tuple(
      name,
      fc.dictionary(label, text, { noNullPrototype: true }),
      fc.double(),
    );
    fc.assert(
      fc.property(fc.array(sample), (samples) => {
        const page = samples.map(([key, labels, value]) => {
          const pairs = Object.entries(labels).map(([one, is]) => `${one}="${escaped(is)}"`);
          return `${key}{${pairs.join(",")}} ${spelt(value)}\n`;
        });
        expect(read(page.join(""))).toEqual(samples);
      }),
    );
  });

  it("throws at no text at all", () => {
    const soup = fc.array(fc.constantFrom("a", "{", "}", '"', "\\", "=", ",", "1", " ", "\n", "#"));
    fc.assert(
      fc.property(soup, (parts) => {
        expect(() => read(parts.join(""))).not.toThrow();
      }),
    );
  });
});

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function spelt(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? "-0" : String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
