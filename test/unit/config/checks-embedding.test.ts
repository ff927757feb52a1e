import { describe, expect, it } from "vitest";
import { problemsWith, smallMesh } from "./small-mesh.ts";

const { models, pools } = smallMesh();
const model = { ...models["llama-8b"], kind: "embedding", aliases: ["embed"] };
const pool = { ...pools.groq, model: "vectors", roles: ["prefill"] };
const engines = [{ id: "0", url: "http://10.0.9.9:8000" }];
const meshWith = (changes: object) => ({
  "models/vectors": model,
  "pools/embed": { ...pool, device: "h200", devices: 1, engines, ...changes },
});

describe("checks of pools that embed", () => {
  it("ask for no link, as nothing of theirs is decoded", () => {
    expect(problemsWith(meshWith({}))).toEqual([]);
  });

  it("let them prefill and nothing else", () => {
    for (const roles of [["prefill", "decode"], ["decode"], ["encode"]]) {
      expect(problemsWith(meshWith({ roles }))).toMatchObject([
        { path: "pools.embed.roles", fix: 'write `"roles": ["prefill"]`' },
      ]);
    }
  });

  it("refuse dialects that are spoken for chats only", () => {
    const url = "workers-ai://@cf/baai/bge-m3";
    const hosted = { routed: "itself", perMTok: { in: 0.01, cached: 0.01, out: 0 } };
    const problems = problemsWith(
      meshWith({ ...hosted, dialect: "workers-ai", engines: [{ id: "0", url }] }),
    );
    expect(problems).toMatchObject([{ path: "pools.embed.dialect" }]);
  });
});
