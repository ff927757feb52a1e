import { describe, expect, it } from "vitest";
import { link, pathsWith, problemsWith, smallMesh } from "./small-mesh.ts";

const nearby = { lat: 41, lon: -80 };

describe("checks of stores", () => {
  const store = { tier: "flash", bytes: 1e12, gbps: 200, region: "iad" };
  const withStore = (changes: object) => ({
    "pools/cpx/dialect": "vllm-shared-storage",
    "pools/h200/dialect": "vllm-shared-storage",
    stores: { flash: { ...store, dialects: ["vllm-shared-storage"], ...changes } },
  });

  it("let engines of their region share one", () => {
    expect(problemsWith(withStore({}))).toEqual([]);
  });

  it("refuse regions and dialects that there are not, and dialects whose engines share none", () => {
    expect(pathsWith(withStore({ region: "mars" }))).toEqual(["stores.flash.region"]);
    const dialects = ["vllm-shared-storage", "vllm-shared", "sglang"];
    expect(problemsWith(withStore({ dialects }))).toMatchObject([
      { path: "stores.flash.dialects.1", problem: "there is no dialect `vllm-shared`" },
      {
        path: "stores.flash.dialects.2",
        problem: "engines that speak `sglang` share no store",
        fix: "name one of `vllm-shared-storage`",
      },
    ]);
  });

  it("refuse one whose region has nobody to use it", () => {
    expect(problemsWith(withStore({ region: "ams" }))).toMatchObject([
      { path: "stores.flash.dialects.0", problem: expect.stringContaining("no pool in `ams`") },
    ]);
  });
});

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

  it("let engines that encode serve those of their model, region and dialect that decode", () => {
    const { h200 } = smallMesh().pools;
    const decoding = { ...h200, dialect: "llm-d" };
    const url = (n: number) => ({ id: `${n}`, url: `http://10.0.0.${n}:8000` });
    const encoding = { ...decoding, devices: 1, roles: ["encode"], engines: [url(7)] };
    const mesh = (changes: object) => ({
      "pools/h200": decoding,
      "pools/cpx/dialect": "llm-d",
      "pools/eyes": { ...encoding, ...changes },
    });
    expect(problemsWith(mesh({}))).toEqual([]);
    expect(pathsWith(mesh({ region: "use1" }))).toEqual(["pools.eyes"]);
    expect(pathsWith(mesh({ model: "llama-8b" }))).toEqual(["pools.eyes"]);
    expect(pathsWith(mesh({ roles: ["encode", "decode"] }))).toContain("pools.eyes.roles");
    expect(
      pathsWith({ ...mesh({}), "pools/h200": h200, "pools/cpx/dialect": "vllm-nixl" }),
    ).toEqual(["pools.eyes"]);
    expect(pathsWith({ "pools/h200/roles": ["encode"] })).toContain("pools.h200.roles");
    const perMTok = { in: 1, cached: 1, out: 1 };
    expect(pathsWith(mesh({ routed: "itself", perMTok }))).toEqual(["pools.eyes.routed"]);
    const links = [link({ from: "cpx", to: "h200" }), link({ from: "cpx", to: "eyes" })];
    expect(pathsWith({ ...mesh({}), links })).toContain("links.1.to");
  });

  it("ask for token prices where the pool routes itself", () => {
    expect(pathsWith({ "pools/groq/routed": "itself" })).toEqual(["pools.groq.perMTok"]);
    const perMTok = { in: 0.05, cached: 0.05, out: 0.08 };
    expect(pathsWith({ "pools/groq/routed": "itself", "pools/groq/perMTok": perMTok })).toEqual([]);
  });

  it("refuse two engines of one id", () => {
    expect(pathsWith({ "pools/h200/engines/1/id": "0" })).toEqual(["pools.h200.engines.1.id"]);
  });

  it("refuse two engines of one URL, however it is spelt and whichever pool they are in", () => {
    const url = "HTTP://127.0.0.1:9100/h200/0/";
    const problems = problemsWith({
      "pools/h200/engines/1/url": url,
      "pools/groq/engines/0/url": url,
    });
    expect(problems.map(({ path }) => path)).toEqual([
      "pools.h200.engines.1.url",
      "pools.groq.engines.0.url",
    ]);
    expect(problems[1]?.problem).toContain("pools.h200.engines.0.url");
  });

  it("let one hosted URL serve several models, but not one model twice", () => {
    const hosted = {
      ...smallMesh().pools.groq,
      routed: "itself",
      perMTok: { in: 1, cached: 1, out: 1 },
      engines: [{ id: "0", url: "https://api.example.com/" }],
    };
    const pools = { "pools/groq": hosted, "pools/other": { ...hosted, model: "llama-70b" } };
    expect(pathsWith(pools)).toEqual([]);
    expect(pathsWith({ ...pools, "pools/again": hosted })).toEqual(["pools.again.engines.0.url"]);
  });

  it("ask for a binding's URL where the dialect has one, and nowhere else", () => {
    const pool = {
      ...smallMesh().pools.groq,
      dialect: "workers-ai",
      routed: "itself",
      perMTok: { in: 1, cached: 1, out: 1 },
      engines: [{ id: "0", url: "workers-ai://@cf/meta/llama-3.1-8b-instruct-fp8-fast" }],
    };
    expect(pathsWith({ "pools/groq": pool })).toEqual([]);
    const inHttp = { ...pool, engines: [{ id: "0", url: "https://api.example.com" }] };
    expect(pathsWith({ "pools/groq": inHttp })).toEqual(["pools.groq.engines.0.url"]);
    expect(pathsWith({ "pools/groq": { ...pool, dialect: "openai" } })).toEqual([
      "pools.groq.engines.0.url",
    ]);
    expect(pathsWith({ "pools/groq": { ...pool, routed: "us" } })).toEqual(["pools.groq.routed"]);
  });

  it("refuse credentials in an engine's URL, and do not repeat them", () => {
    for (const user of ["root:hunter2", "hunter2", ":hunter2"]) {
      const url = `http://${user}@127.0.0.1:9100/h200/0`;
      const problems = problemsWith({ "pools/h200/engines/0/url": url });
      expect(problems).toMatchObject([
        { path: "pools.h200.engines.0.url", fix: expect.stringContaining("apiKeySecret") },
      ]);
      const broken = problemsWith({ "pools/h200/engines/0/url": `ftp://${user}@engine/` });
      expect(broken.map(({ path }) => path)).toEqual(["pools.h200.engines.0.url"]);
      expect(JSON.stringify([problems, broken])).not.toContain("hunter2");
    }
  });

  it("refuse URLs that nothing can be put behind", () => {
    for (const end of ["?key=1", "#top"]) {
      const url = `http://127.0.0.1:9100/h200/0${end}`;
      expect(pathsWith({ "pools/h200/engines/0/url": url })).toEqual(["pools.h200.engines.0.url"]);
    }
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

  it("refuse a second link of one transport between the same two pools", () => {
    const again = link({ from: "cpx", to: "h200", gbps: 800 });
    expect(problemsWith({ "links/1": again })).toMatchObject([
      { path: "links.1", problem: expect.stringContaining("links.0") },
    ]);
    expect(pathsWith({ "links/1": { ...again, transport: "tcp" } })).toEqual([]);
  });

  it("refuse a link from a pool to itself, and say nothing else of it", () => {
    expect(pathsWith({ "links/1": link({ from: "groq", to: "groq" }) })).toEqual(["links.1"]);
  });

  it("let a pool be linked to itself, and its decode engines back, where prefixes are pulled", () => {
    const pulls = (end: string) => ({
      "pools/cpx/dialect": "llamacpp",
      "pools/h200/dialect": "llamacpp",
      "pools/h200/roles": ["decode"],
      "links/1": link({ from: end, to: "cpx" }),
    });
    expect(pathsWith(pulls("cpx"))).toEqual([]);
    expect(pathsWith(pulls("h200"))).toEqual([]);
    const toDecode = { ...pulls("h200"), "links/1": link({ from: "h200", to: "h200" }) };
    expect(pathsWith(toDecode)).toEqual(["links.1"]);
  });

  it("refuse links into pools that do not decode and from pools that do not prefill", () => {
    const engines = [{ id: "0", url: "http://127.0.0.1:9100/more/0" }];
    const more = (role: string) => ({ ...smallMesh().pools.h200, roles: [role], engines });
    const into = { "pools/more": more("prefill"), "links/1": link({ from: "more", to: "h200" }) };
    expect(pathsWith({ ...into, "links/2": link({ from: "h200", to: "more" }) })).toEqual([
      "links.2.to",
    ]);
    const from = { "pools/more": more("decode"), "links/1": link({ from: "more", to: "h200" }) };
    expect(problemsWith(from)).toMatchObject([
      { path: "links.1.from", fix: expect.stringContaining("pools.more.roles") },
    ]);
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
    const engines = [{ id: "0", url: "http://127.0.0.1:9100/sram/0" }];
    const sram = { ...smallMesh().pools.h200, device: "groq-lpu", devices: 1024, engines };
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

  it("refuse a model that no pool serves, unless a pool may have meant it", () => {
    const { "llama-8b": model } = smallMesh().models;
    const spare = { "models/spare": { ...model, aliases: [] } };
    expect(problemsWith(spare)).toMatchObject([
      { path: "models.spare", fix: expect.stringContaining('"model": "spare"') },
    ]);
    expect(pathsWith({ ...spare, "pools/groq/model": "spar" })).toEqual(["pools.groq.model"]);
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
