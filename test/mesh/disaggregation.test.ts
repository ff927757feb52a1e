import { describe, expect, it } from "vitest";
import { Conversation } from "../support/conversation.ts";
import { useMesh } from "../support/local-mesh.ts";
import { meshFile } from "../support/mesh-file.ts";

const TIME_FACTOR = 0.1;
const LONG = 12_000;
const SHORT = 12;

describe("a conversation with the large model", () => {
  const started = useMesh({ timeFactor: TIME_FACTOR });

  it("has its long cold prompt prefilled in one place and decoded in another, and stays together once warm", async () => {
    const conversation = new Conversation("cold");
    const cold = await conversation.turn(started.mesh, 1, LONG);
    const warm = await conversation.turn(started.mesh, 1, SHORT);
    expect(cold).toMatchObject({ mode: "disaggregated", status: "completed" });
    const phases = cold.segments.map(({ phase, engine }) => ({ phase, engine }));
    expect(phases).toHaveLength(2);
    expect(phases[0]).toMatchObject({ phase: "prefill", engine: expect.stringMatching(/^cpx-/) });
    expect(phases[1]).toMatchObject({ phase: "decode", engine: expect.stringMatching(/^h200-/) });
    expect(warm).toMatchObject({ mode: "together", status: "completed" });
    expect(
      warm.work.map(({ engine }) => engine),
      "where the cache is",
    ).toEqual([phases[1]?.engine]);
  });
});

describe("the same conversation over slow links", () => {
  const started = useMesh(async () => {
    const mesh = meshFile();
    for (const link of mesh.links) Object.assign(link, { gbps: 1, perFlowGbps: 1 });
    return { mesh, timeFactor: TIME_FACTOR };
  });

  it("has its long cold prompt prefilled where it is decoded", async () => {
    const cold = await new Conversation("cold").turn(started.mesh, 1, LONG);
    expect(cold).toMatchObject({ mode: "together", status: "completed" });
    expect(new Set(cold.segments.map(({ engine }) => engine)).size).toBe(1);
  });
});
