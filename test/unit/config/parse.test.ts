import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { meshJsonSchemaText } from "../../../src/config/json-schema.ts";
import { parseMesh } from "../../../src/config/parse.ts";
import { fibreRttMs } from "../../../src/core/geo.ts";
import { speedOf } from "../../../src/core/speed.ts";
import { dialects } from "../../../src/engines/registry.ts";
import { pathsWith, problemsWith, smallMesh } from "./small-mesh.ts";

const shipped: unknown = JSON.parse(readFileSync("mesh.json", "utf8"));

describe("the shipped mesh.json", () => {
  const fleet = fleetFrom(shipped);

  it("has at least two engines in every pool, with ids unique in the fleet", () => {
    const engines = [...fleet.pools.values()].flatMap((pool) => pool.engines);
    expect(new Set(engines.map(({ id }) => id)).size).toBe(engines.length);
    expect([...fleet.pools.values()].every((pool) => pool.engines.length >= 2)).toBe(true);
    expect(fleet.pools.get("cpx-use1")?.engines[1]).toEqual({
      id: "cpx-use1/1",
      pool: "cpx-use1",
      url: "http://127.0.0.1:9100/cpx-use1/1",
    });
  });

  it("finds models by id and by alias", () => {
    expect(fleet.modelNames.get("large")).toBe("llama-3.3-70b");
    expect(fleet.modelNames.get("llama-3.1-8b")).toBe("llama-3.1-8b");
  });

  it("links only pools that light in fibre can join in that time", () => {
    for (const { from, to, rttMs } of fleet.links) {
      const [a, b] = [from, to].map((pool) => fleet.regions.get(fleet.pools.get(pool)!.region)!);
      expect(rttMs).toBeGreaterThanOrEqual(fibreRttMs(a!, b!));
    }
  });

  it("gives SRAM engines a small KV cache and a constant step of about 1.5 ms", () => {
    const pool = fleet.pools.get("groq-iad")!;
    const speed = speedOf(pool, fleet.devices.get(pool.device)!, fleet.models.get(pool.model)!);
    expect(speed.kvTokens).toBeGreaterThan(131_072);
    expect(speed.kvTokens).toBeLessThan(300_000);
    expect(speed.stepMs(1, 1000)).toBeCloseTo(1.5, 1);
    expect(speed.stepMs(32, 100_000)).toBe(speed.stepMs(1, 1000));
  });

  it("serves batch cheaper and slower than interactive", () => {
    for (const batch of ["tpu-use1", "trn2-euw1"]) {
      expect(stepOf(batch).usd).toBeLessThan(stepOf("h200-use1").usd);
      expect(stepOf(batch).ms).toBeGreaterThan(stepOf("h200-use1").ms);
    }
  });
});

/** A decode step of 32 requests of 4,000 tokens on an engine of a shipped pool. */
function stepOf(name: string) {
  const fleet = fleetFrom(shipped);
  const pool = fleet.pools.get(name)!;
  const speed = speedOf(pool, fleet.devices.get(pool.device)!, fleet.models.get(pool.model)!);
  const ms = speed.stepMs(32, 32 * 4000);
  return { ms, usd: ms * speed.usdPerMs };
}

describe("mesh.schema.json", () => {
  it("is the JSON Schema of the zod schema", () => {
    expect(readFileSync("mesh.schema.json", "utf8")).toBe(meshJsonSchemaText());
  });

  it("describes every member", () => {
    expect(undescribed(JSON.parse(meshJsonSchemaText()) as Schema)).toEqual([]);
  });
});

describe("parseMesh", () => {
  it("fills in defaults", () => {
    const fleet = fleetFrom(smallMesh());
    expect(fleet.pools.get("h200")).toMatchObject({ maxBatch: 64, hypothetical: false });
    expect(fleet.models.get("llama-8b")?.defaultOutputTokens).toBe(256);
    expect(pathsWith({ "pools/groq/device": "h200", "pools/groq/devices": undefined })).toEqual([]);
  });

  it("names equal sources with equal versions and others otherwise", () => {
    expect(fleetFrom(smallMesh()).version).toBe(fleetFrom(smallMesh()).version);
    expect(fleetFrom({ ...smallMesh(), rules: [] }).version).not.toBe(
      fleetFrom(smallMesh()).version,
    );
  });

  it("leaves out engines that drain, and keeps their pool", () => {
    const mesh = smallMesh();
    const drained = ["0", "1"].map((id) => ({ id, url: `http://127.0.0.1:${id}`, drain: true }));
    const enginesOf = (engines: readonly unknown[]) => {
      const h200 = { ...mesh.pools.h200, engines };
      const pools = { ...mesh.pools, h200 };
      return fleetFrom({ ...mesh, pools })
        .pools.get("h200")
        ?.engines.map(({ id }) => id);
    };
    expect(enginesOf([drained[0], { ...drained[1], drain: false }])).toEqual(["h200/1"]);
    expect(enginesOf(drained)).toEqual([]);
  });

  it("takes a device class of the mesh's own", () => {
    const own = {
      status: "hypothetical",
      flops: 1e15,
      mfu: 0.4,
      memory: [{ tier: "hbm", bytes: 100e9, bytesPerS: 4e12 }],
      watts: 500,
      usdPerHour: 2,
    };
    const mesh = smallMesh();
    const custom = { ...mesh, devices: { custom: own } };
    mesh.pools.groq.device = "custom";
    expect(fleetFrom(custom).devices.get("custom")?.flops).toBe(1e15);
  });
});

describe("a mesh of the wrong shape", () => {
  it("is refused whatever it is", () => {
    for (const json of [undefined, null, 3, "mesh", []]) {
      expect(parseMesh(json, dialects)).toMatchObject({ ok: false, problems: [{ path: "$" }] });
    }
  });

  it("is told its empty engines, missing members, unknown members and wrong types by path", () => {
    expect(pathsWith({ "pools/h200/engines": [] })).toEqual(["pools.h200.engines"]);
    expect(problemsWith({ "models/llama-70b/layers": undefined })).toMatchObject([
      { path: "models.llama-70b.layers", problem: "it is missing" },
    ]);
    expect(pathsWith({ "pools/h200/engnes": [] })).toEqual(["pools.h200.engnes"]);
    expect(pathsWith({ "links/0/gbps": "400" })).toEqual(["links.0.gbps"]);
    expect(pathsWith({ "pools/My Pool": smallMesh().pools.h200 })).toEqual(["pools.My Pool"]);
  });

  it("is told URLs that are not http or https", () => {
    for (const url of ["ftp://engine/", "engine:9100", "", "/h200/0"]) {
      expect(pathsWith({ "pools/h200/engines/0/url": url })).toEqual(["pools.h200.engines.0.url"]);
    }
  });

  it("is told label values that do not exist", () => {
    expect(pathsWith({ "rules/0/when/urgency": "asap" })).toEqual(["rules.0.when.urgency"]);
    expect(pathsWith({ "rules/0/when/colour": "red" })).toEqual(["rules.0.when.colour"]);
  });

  it("never repeats what stands in the place of a secret's name", () => {
    const problems = problemsWith({ "pools/h200/engines/0/apiKeySecret": "not-a-name" });
    expect(problems.map(({ path }) => path)).toEqual(["pools.h200.engines.0.apiKeySecret"]);
    expect(JSON.stringify(problems)).not.toContain("not-a-name");
  });
});

type Schema = {
  readonly description?: string;
  readonly properties?: Record<string, Schema>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
};

/** Paths of members that a JSON Schema says nothing of. */
function undescribed(schema: Schema, path = ""): string[] {
  const { properties = {}, additionalProperties = false, items } = schema;
  return [
    ...Object.entries(properties).flatMap(([name, member]) => [
      ...(member.description === undefined ? [`${path}${name}`] : []),
      ...undescribed(member, `${path}${name}.`),
    ]),
    ...(typeof additionalProperties === "object"
      ? undescribed(additionalProperties, `${path}*.`)
      : []),
    ...(items ? undescribed(items, path) : []),
  ];
}

function fleetFrom(json: unknown) {
  const parsed = parseMesh(json, dialects);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.fleet;
}
