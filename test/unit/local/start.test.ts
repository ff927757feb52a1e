import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, portProblems } from "../../../workers/local/ports.ts";
import { readMesh } from "../../../workers/local/read-mesh.ts";
import { settingsFrom } from "../../../workers/local/settings.ts";
import { smallMesh } from "../config/small-mesh.ts";

const HOST = "127.0.0.1";

describe("the environment of a local mesh", () => {
  it("need not say anything", () => {
    const settings = { port: 8787, emulatorPort: 9100, timeFactor: 1 };
    expect(settingsFrom({})).toEqual({ ok: true, settings });
    expect(settingsFrom({ KV_TOKENS: "", TIME_FACTOR: " " })).toEqual({ ok: true, settings });
  });

  it("says ports, speed and KV cache", () => {
    const env = { PORT: "0", EMULATOR_PORT: "9200", TIME_FACTOR: "0.05", KV_TOKENS: "5e4" };
    const settings = { port: 0, emulatorPort: 9200, timeFactor: 0.05, kvTokens: 50_000 };
    expect(settingsFrom(env)).toEqual({ ok: true, settings });
  });

  it.each([
    ["TIME_FACTOR", ["0", "-1", "fast", "NaN", "Infinity"], "a number above 0"],
    ["KV_TOKENS", ["0", "-5", "1.5", "many", "1e400"], "a whole number of tokens above 0"],
    ["PORT", ["-1", "65534", "1.5", "http"], "a port number"],
    ["EMULATOR_PORT", ["x"], "a port number"],
  ])("is told in one line when %s is wrong", (name, values, what) => {
    for (const value of values) {
      const problem = expect.stringMatching(new RegExp(`^${name} must be ${what}.*\`${value}\``));
      expect(settingsFrom({ [name]: value })).toEqual({ ok: false, problems: [problem] });
    }
  });

  it("is told every mistake at once", () => {
    const answer = settingsFrom({ TIME_FACTOR: "0", KV_TOKENS: "0" });
    expect(answer.ok ? [] : answer.problems).toHaveLength(2);
  });
});

describe("a mesh.json to start from", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "phaseway-test-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function reading(text: string) {
    const path = join(folder, "mesh.json");
    await writeFile(path, text);
    return readMesh(pathToFileURL(path));
  }

  it("is given as it stands", async () => {
    const mesh = smallMesh();
    expect(await reading(JSON.stringify(mesh))).toEqual({ ok: true, mesh });
  });

  it("is told each mistake once, in a line with its path and what to do", async () => {
    const mesh = smallMesh();
    const groq = { ...mesh.pools.groq, region: "mars", model: "gpt" };
    const pools = { ...mesh.pools, groq };
    expect(await reading(JSON.stringify({ ...mesh, pools }))).toEqual({
      ok: false,
      problems: [
        expect.stringMatching(/^pools\.groq\.model: there is no model `gpt`; add it .*$/),
        expect.stringMatching(/^pools\.groq\.region: there is no region `mars`; add it .*$/),
      ],
    });
  });

  it.each(['{\n  "regions": {},\n}\n', '{\n  "a": 1\n  "b": 2\n}', "", "{ // no\n}"])(
    "is told in one line that it is no JSON: %j",
    async (text) => {
      expect(await reading(text)).toEqual({
        ok: false,
        problems: [expect.stringMatching(/^mesh\.json: .*JSON.*; write JSON without .*$/)],
      });
    },
  );

  it("is told in one line that it is not there", async () => {
    expect(await readMesh(pathToFileURL(join(folder, "none.json")))).toEqual({
      ok: false,
      problems: [expect.stringMatching(/^mesh\.json: ENOENT.*; put .*$/)],
    });
  });
});

describe("the ports of a local mesh", () => {
  let first = 0;
  const servers: Server[] = [];
  beforeAll(async () => {
    // Three free ports in a row, of which the last is then taken.
    do first = await freePort(HOST, 0);
    while (first > 65_000 || (await portProblems(HOST, first, 3)).length > 0);
    await listen(first + 2);
  });
  afterAll(() => Promise.all(servers.map((server) => new Promise((done) => server.close(done)))));

  function listen(port: number): Promise<void> {
    const server = createServer();
    servers.push(server);
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, HOST, resolve);
    });
  }

  it("are free, or said to be taken by number and place", async () => {
    expect(await portProblems(HOST, first, 2)).toEqual([]);
    expect(await portProblems(HOST, first, 3)).toEqual([
      `Port ${first + 2} (PORT+2) is taken. Choose another with PORT=…`,
    ]);
    expect(await portProblems(HOST, first + 2, 1)).toEqual([
      `Port ${first + 2} is taken. Choose another with PORT=…`,
    ]);
  });

  it("are not asked after where any free port will do", async () => {
    expect(await portProblems(HOST, 0, 3)).toEqual([]);
    expect(await freePort(HOST, first + 2)).not.toBe(first + 2);
  });
});
