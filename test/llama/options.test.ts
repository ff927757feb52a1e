import { expect, it } from "vitest";
import { readOptions } from "../../workers/llama/options.ts";

it("reads the command line of an engine", () => {
  const options = readOptions(
    "--model m.gguf --port 0 --context 512 --threads 2 --kv-types f16,q8_0 --peer http://a:1/x --peer http://b:2".split(
      " ",
    ),
  );
  expect(options).toMatchObject({
    model: "m.gguf",
    port: 0,
    context: 512,
    sequences: 4,
    threads: 2,
    kvTypes: { key: "F16", value: "Q8_0" },
    peers: ["http://a:1", "http://b:2"],
  });
});

it.each([
  ["", "--model FILE.gguf is missing"],
  ["--model m --context 3", "--context must be a whole number from 16 to 1048576, not 3"],
  ["--model m --kv-types q9", "--kv-types takes one or two of F32"],
  ["--model m --peer a:1", "--peer must be an http URL, not a:1"],
  ["--model m --what", "Unknown option '--what'"],
])("refuses %j", (line, message) => {
  expect(() => readOptions(line.split(" ").filter((word) => word !== ""))).toThrow(message);
});
