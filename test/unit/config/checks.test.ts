import { describe, expect, it } from "vitest";
import { link, pathsWith, problemsWith, smallMesh } from "./small-mesh.ts";

const nearby = { lat: 41, lon: -80 };

describe("checks of pools", () => {
  it("find no mistake in the small mesh", () => {
    expect(problemsWith({})).toEqual([]);
  });

  it("refuse unknown models, devices, regions and dialects", () => {
    const { model, device, region, dialect } = unknownNames;
    expect(pathsWith({ "pools/groq/model": model })).toEqual(["pools.groq.model"]);
    expect(pathsWith({ "pools/groq/device": device })).toEqual(["pools.groq.device"]);
    expect(pathsWith({ "pools/groq/region": region })).toEqual(["pools.groq.region"]);
    expect(pathsWith({ "pools/groq/dialect": dialect })).toEqual(["pools.groq.dialect"]);
  });

  it("ask for the numbers of a `custom` device", () => {
    expect(problemsWith({ "pools/groq/device": "custom" })).toMatchObject([
      { path: "pools.groq.device", fix: expect.stringContaining("devices.custom") },
    ]);
  });

  it("refuse roles the dialect does not support", () => {
    expect(pathsWith({ "pools/groq/roles": ["decode"] })).toEqual(["pools.groq.roles"]);
    expect(pathsWith({ "pools/h200/roles": ["decode", "prefill"] })).toEqual([]);
  });

  it("ask for token prices where the pool routes itself", () => {
    expect(pathsWith({ "pools/groq/routed": "itself" })).toEqual(["pools.groq.perMTok"]);
    const perMTok = { in: 0.05, cached: 0.05, out: 0.08 };
    expect(pathsWith({ "pools/groq/routed": "itself", "pools/groq/perMTok": perMTok })).toEqual([]);
  });

  it("refuse two engines of one id", () => {
    expect(pathsWith({ "pools/h200/engines/1/id": "0" })).toEqual(["pools.h200.engines.1.id"]);
  });

  it("refuse weights that leave no room for KV cache", () => {
    expect(pathsWith({ "pools/h200/devices": 1 })).toEqual(["pools.h200.devices"]);
  });

  it("refuse a pool that only prefills and hands off to nobody", () => {
    expect(pathsWith({ links: [] })).toEqual(["pools.cpx"]);
  });
});

describe("checks of links", () => {
  it("refuse unknown pools", () => {
    expect(pathsWith({ "links/1": link({ from: "cpx", to: "h300" }) })).toEqual(["links.1.to"]);
    expect(pathsWith({ "links/1": link({ from: "cpy", to: "h200" }) })).toEqual(["links.1.from"]);
  });

  it("refuse different or missing KV layouts and different models", () => {
    expect(pathsWith({ "pools/h200/kvLayout": "70b/fp8" })).toEqual(["links.0"]);
    expect(pathsWith({ "pools/cpx/kvLayout": undefined })).toEqual(["links.0"]);
    expect(pathsWith({ "pools/h200/model": "llama-8b" })).toEqual(["links.0"]);
  });

  it("refuse dialects that cannot pass a KV cache on", () => {
    expect(pathsWith({ "pools/h200/dialect": "openai" })).toEqual(["links.0.to", "links.0"]);
  });

  it("refuse round trips faster than light in fibre and say the least", () => {
    const slow = link({ from: "cpx", to: "h200", transport: "wan", rttMs: 20 });
    const problems = problemsWith({ "pools/h200/region": "ams", "links/0": slow });
    expect(problems).toMatchObject([
      { path: "links.0.rttMs", fix: expect.stringMatching(/at least 6\d\.\d/) },
    ]);
    const honest = { ...slow, rttMs: 75 };
    expect(pathsWith({ "pools/h200/region": "ams", "links/0": honest })).toEqual([]);
  });

  it("refuse RDMA between continents and NVLink between sites", () => {
    const far = link({ from: "cpx", to: "h200", rttMs: 75 });
    expect(pathsWith({ "pools/h200/region": "ams", "links/0": far })).toEqual([
      "links.0.transport",
    ]);
    const nvlink = link({ from: "cpx", to: "h200", transport: "nvlink", rttMs: 10 });
    expect(pathsWith({ "regions/iad": nearby, "links/0": nvlink })).toEqual(["links.0.transport"]);
  });

  it("refuse an SRAM decode pool fed by a handoff unless it says it is hypothetical", () => {
    const sram = { ...smallMesh().pools.h200, device: "groq-lpu", devices: 1024 };
    const changes = { "pools/sram": sram, "links/1": link({ from: "cpx", to: "sram" }) };
    expect(pathsWith(changes)).toEqual(["links.1.to"]);
    expect(pathsWith({ ...changes, "pools/sram": { ...sram, hypothetical: true } })).toEqual([]);
  });

  it("refuse one transfer that is faster than the link", () => {
    expect(pathsWith({ "links/0/perFlowGbps": 500 })).toEqual(["links.0.perFlowGbps"]);
  });
});

describe("checks of names", () => {
  it("refuse an alias that means two models", () => {
    expect(pathsWith({ "models/llama-8b/aliases": ["small", "large"] })).toEqual([
      "models.llama-8b.aliases.1",
    ]);
    expect(pathsWith({ "models/llama-8b/aliases": ["llama-70b"] })).toEqual([
      "models.llama-8b.aliases.0",
    ]);
  });

  it("refuse rules that name unknown pools or places, or do nothing", () => {
    expect(pathsWith({ "rules/0/prefer": ["h200", "h300"] })).toEqual(["rules.0.prefer.1"]);
    expect(pathsWith({ "rules/0/only": ["h300"] })).toEqual(["rules.0.only.0"]);
    expect(pathsWith({ "rules/0/when/place": "mars" })).toEqual(["rules.0.when.place"]);
    expect(pathsWith({ "rules/0/when/place": "edge-bound:iad" })).toEqual([]);
    expect(pathsWith({ "rules/0/when/place": "eu" })).toEqual([]);
    expect(pathsWith({ "rules/0/prefer": undefined })).toEqual(["rules.0"]);
  });

  it("refuse thresholds that do not rise", () => {
    expect(pathsWith({ "labels/context/longFrom": 1000 })).toEqual(["labels.context"]);
  });

  it("say what to do about every problem", () => {
    const problems = Object.keys(unknownNames).flatMap((member) =>
      problemsWith({ [`pools/groq/${member}`]: "nowhere" }),
    );
    expect(problems.every(({ problem, fix }) => problem !== "" && fix !== "")).toBe(true);
    expect(problems).toHaveLength(4);
  });
});

const unknownNames = { model: "gpt", device: "h999", region: "mars", dialect: "klingon" };
