import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type KvEngine, kvEngine, sequenceOf, stateBytes } from "./kv-engines.ts";

const key = Buffer.alloc(32, 1).toString("base64");
const tokens = [1, 2, 3];

describe("a state sent out and taken in again", () => {
  it("is the same state under a new handle, sealed on its way", async () => {
    const p = kvEngine("p");
    const sealed = await sent(p, { "x-kv-key": key, "x-kv-salt": "salt" });
    const taken = await put(kvEngine("d"), sealed, { "x-kv-key": key });
    expect(taken.status).toBe(200);
    expect(await taken.json()).toMatchObject({
      handle: expect.stringMatching(/^kv_[\w-]{43}$/),
      from: "http://d",
      tokens: 3,
      bytes: stateBytes,
    });
  });

  it("is under the salt it came with", async () => {
    const d = kvEngine("d");
    const state = await sent(kvEngine("p"), {});
    const taken = await put(d, state, { "x-kv-salt": "salt é" });
    const { handle } = handleAnswer.parse(await taken.json());
    const asked = async (salt: string): Promise<number> => {
      const answer = await d.ask(`/kv/${handle}`, { headers: { "x-kv-salt": salt } });
      await answer.body?.cancel();
      return answer.status;
    };
    expect([await asked("other"), await asked("salt%20%C3%A9")]).toEqual([404, 200]);
  });

  it("is refused when it is of another model, corrupt, sealed otherwise, too large or has no room", async () => {
    const state = await sent(kvEngine("p"), {});
    const refused = async (engine: KvEngine, body: Buffer, headers = {}): Promise<number> => {
      const before = engine.files();
      const { status } = await put(engine, body, headers);
      expect(engine.files()).toEqual(before);
      return status;
    };
    const other = kvEngine("d", { fingerprint: "other" });
    const small = kvEngine("d", { spaceBytes: stateBytes - 1 });
    const full = kvEngine("d", { spaceBytes: stateBytes });
    await full.leave(sequenceOf(tokens), "");
    const d = kvEngine("d");
    expect(await refused(other, state)).toBe(409);
    expect(await refused(d, state.subarray(0, -1))).toBe(422);
    expect(await refused(d, state, { "x-kv-key": key })).toBe(422);
    expect(await refused(d, state, { "x-kv-key": "short" })).toBe(400);
    expect(await refused(small, state)).toBe(413);
    expect(await refused(full, state)).toBe(507);
  });
});

const handleAnswer = z.object({ handle: z.string() });

async function sent(engine: KvEngine, headers: Record<string, string>): Promise<Buffer> {
  const { handle } = await engine.leave(sequenceOf(tokens), headers["x-kv-salt"] ?? "");
  const answer = await engine.ask(`/kv/${handle}`, { headers });
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}

function put(engine: KvEngine, body: Buffer, headers: Record<string, string>): Promise<Response> {
  return engine.ask("/kv", { method: "POST", body: new Uint8Array(body), headers });
}
