import { describe, expect, it } from "vitest";
import { parseMesh } from "../../../src/config/parse.ts";
import { dialects } from "../../../src/engines/registry.ts";
import { llamaMesh } from "../../../workers/local/llama/mesh.ts";
import { llamaProblems, threadsOf } from "../../../workers/local/llama/start.ts";
import { meshFile } from "../../support/mesh-file.ts";

const SHAPE = {
  name: "A Model 1B (instruct)",
  model: {
    params: 1.24e9,
    activeParams: 1.24e9,
    layers: 16,
    attnDim: 2048,
    weightBytes: 8e8,
    kvBytesPerToken: 32_768,
    contextWindow: 8192,
  },
  kvTokens: 32_768,
  sequences: 4,
};

const POOLS = {
  prefill: { urls: ["http://127.0.0.1:1", "http://127.0.0.1:2"], threads: 8 },
  decode: { urls: ["http://127.0.0.1:3", "http://127.0.0.1:4"], threads: 4 },
};

describe("a local mesh on llama.cpp", () => {
  const mesh = llamaMesh(meshFile(), SHAPE, POOLS);
  const parsed = parseMesh(mesh, dialects);

  it("is a mesh of those engines alone", () => {
    expect(parsed.ok ? [] : parsed.problems).toEqual([]);
    if (!parsed.ok) return;
    const engines = [...parsed.fleet.pools.values()].flatMap((pool) => pool.engines);
    expect(engines.map(({ url }) => url)).toEqual([...POOLS.prefill.urls, ...POOLS.decode.urls]);
  });

  it("answers whoever asks for a model of the mesh before", () => {
    if (!parsed.ok) throw new TypeError("it is fine");
    const { modelNames } = parsed.fleet;
    expect(["large", "small", "llama-3.3-70b"].map((name) => modelNames.get(name))).toEqual([
      "llama",
      "llama",
      "llama",
    ]);
  });

  it("takes engines that compute with more threads to be faster by as much", () => {
    if (!parsed.ok) throw new TypeError("it is fine");
    const { devices } = parsed.fleet;
    const flops = (name: string) => devices.get(name)?.flops ?? 0;
    expect(flops("llama-p")).toBe(2 * flops("llama-d"));
  });
});

describe("the threads of two engines for each phase", () => {
  it.each([
    [1, 1, 1],
    [2, 1, 1],
    [6, 2, 1],
    [8, 3, 1],
    [16, 6, 2],
    [64, 22, 10],
  ])("are no more than %i cores can run, where there are four", (cores, prefill, decode) => {
    expect(threadsOf(cores)).toEqual({ prefill, decode });
  });
});

describe("a model file that is not there", () => {
  it("is told by its whole path", () => {
    expect(llamaProblems("/nowhere/model.gguf")).toContainEqual(
      "There is no file /nowhere/model.gguf. Give a model in GGUF: --llama FILE",
    );
  });
});
