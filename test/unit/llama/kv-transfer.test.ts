import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { Brought, Handle } from "../../../workers/llama/engine.ts";
import { kvEngine, type KvEngine, sequenceOf, stateBytes, stateOf, wireTo } from "./kv-engines.ts";

const prompt = [1, 2, 3, 4, 5];
const noSignal = new AbortController().signal;

describe("a state left under a handle", () => {
  it("is fetched by another engine as it was saved, and leaves no file there", async () => {
    const { p, d } = engines();
    const handle = await p.leave(sequenceOf(prompt), "salt");
    const brought = await d.bring({ fetch: handle }, prompt, "salt", noSignal);
    expect(brought.fetched).toEqual({ tokens: 5, bytes: stateBytes, ms: 0 });
    expect(await holds(brought, stateOf(prompt))).toBe(true);
    await brought.done();
    expect(d.files()).toEqual([]);
    expect(p.files()).toHaveLength(1);
  });

  it("is not there for another salt, nor told apart from what never was", async () => {
    const { p } = engines();
    const { handle } = await p.leave(sequenceOf(prompt), "salt");
    const others = await p.ask(`/kv/${handle}`, { headers: { "x-kv-salt": "other" } });
    const unknown = await p.ask(`/kv/kv_${"A".repeat(43)}`, { headers: { "x-kv-salt": "salt" } });
    expect([others.status, unknown.status]).toEqual([404, 404]);
    expect(await others.text()).toBe(await unknown.text());
    const freed = await p.ask(`/kv/${handle}`, {
      method: "DELETE",
      headers: { "x-kv-salt": "other" },
    });
    expect(freed.status).toBe(404);
    expect(p.files()).toHaveLength(1);
  });

  it("is freed when its lease ends, which a fetch renews", async () => {
    const { p, d } = engines();
    const handle = await p.leave(sequenceOf(prompt), "");
    p.time.ms = handle.lease_ms - 1;
    await (await d.bring({ fetch: handle }, prompt, "", noSignal)).done();
    p.time.ms += handle.lease_ms - 1;
    const again = await d.bring({ fetch: handle }, prompt, "", noSignal);
    expect(again.fetched).toMatchObject({ tokens: 5 });
    await again.done();
    p.time.ms += handle.lease_ms;
    expect(await failure(d, handle)).toContain("has no such state");
    await p.leave(sequenceOf([9]), "");
    expect(p.files()).toHaveLength(1);
  });

  it("is freed when it is deleted, but for who is still reading it", async () => {
    const { p } = engines();
    const handle = await p.leave(sequenceOf(prompt), "");
    const own = await p.bring({ fetch: handle }, prompt, "", noSignal);
    const sent = await p.ask(`/kv/${handle.handle}`);
    expect((await p.ask(`/kv/${handle.handle}`, { method: "DELETE" })).status).toBe(204);
    expect(await holds(own, stateOf(prompt))).toBe(true);
    await own.done();
    expect((await sent.arrayBuffer()).byteLength).toBeGreaterThan(stateBytes);
    expect(p.files()).toEqual([]);
  });

  it("needs room, which leases that have ended give back", async () => {
    const { p } = engines({ spaceBytes: 1.5 * stateBytes });
    const { lease_ms: leaseMs } = await p.leave(sequenceOf(prompt), "");
    await expect(p.leave(sequenceOf(prompt), "")).rejects.toMatchObject({ status: 507 });
    expect(p.files()).toHaveLength(1);
    p.time.ms += leaseMs;
    await p.leave(sequenceOf(prompt), "");
    expect(p.files()).toHaveLength(1);
  });

  it("goes with the engine", async () => {
    const { p } = engines();
    await p.leave(sequenceOf(prompt), "");
    await p.close();
    expect(p.files()).toEqual([]);
  });
});

describe("a fetch that fails", () => {
  it("says that the state is of another model without asking for it", async () => {
    const { p, d } = engines();
    const handle = { ...(await p.leave(sequenceOf(prompt), "")), model: "another" };
    expect(await failure(d, handle)).toContain("another model or build");
  });

  it("says that the stream is of another model, whatever the handle said", async () => {
    const p = kvEngine("p", { fingerprint: "another" });
    const d = kvEngine("d", { fetch: wireTo(p) });
    const handle = { ...(await p.leave(sequenceOf(prompt), "")), model: "tiny/1" };
    expect(await failure(d, handle)).toContain("another model or build");
  });

  it("says that the stream was cut, in whichever chunk", async () => {
    for (const share of [0, 0.1, 0.5, 0.99]) {
      const cut = (answer: Response): Response => new Response(cutTo(answer, share * stateBytes));
      const { p, d } = engines({}, cut);
      expect(await failure(d, await p.leave(sequenceOf(prompt), ""))).toContain("was cut after");
    }
  });

  it("says that a peer is away, refuses or falls silent", async () => {
    const { p, d } = engines({}, (answer) => {
      void answer.body?.cancel();
      return new Response("busy", { status: 503 });
    });
    const handle = await p.leave(sequenceOf(prompt), "");
    expect(await failure(d, handle)).toBe("http://p answered 503");
    const away = kvEngine("d", { fetch: () => Promise.reject(new TypeError("fetch failed")) });
    expect(await failure(away, handle)).toContain("could not be reached");
    const mute = kvEngine("d", { fetch: never, times: { answerMs: 5 } });
    expect(await failure(mute, handle)).toBe("http://p did not answer within 5 ms");
    const stalls = kvEngine("d", { fetch: dribbling(Infinity), times: { stallMs: 5 } });
    expect(await failure(stalls, handle)).toBe("http://p sent nothing for 5 ms");
    const slow = kvEngine("d", { fetch: dribbling(2), times: { stallMs: 999, wholeMs: 15 } });
    expect(await failure(slow, handle)).toBe("http://p had not sent all within 15 ms");
  });

  it("says that there is no room for it", async () => {
    const p = kvEngine("p");
    const d = kvEngine("d", { fetch: wireTo(p), spaceBytes: stateBytes });
    await d.leave(sequenceOf(prompt), "");
    const handle = await p.leave(sequenceOf(prompt), "");
    const brought = await d.bring({ fetch: handle }, prompt, "", noSignal);
    expect(failed(brought)).toContain("no room");
    expect(d.files()).toHaveLength(1);
  });

  it("rejects and leaves no file when the request is given up in the middle", async () => {
    const gone = new AbortController();
    const p = kvEngine("p");
    const fetch: typeof globalThis.fetch = async (url, init) => {
      const answer = await wireTo(p)(url, init);
      return new Response(cutTo(answer, stateBytes / 2, () => gone.abort(new Error("left"))));
    };
    const d = kvEngine("d", { fetch });
    const handle = await p.leave(sequenceOf(prompt), "");
    await expect(d.bring({ fetch: handle }, prompt, "", gone.signal)).rejects.toThrow("left");
    expect(d.files()).toEqual([]);
  });
});

describe("a pull", () => {
  it("brings the longest prefix that a peer has, and deletes what was saved for it", async () => {
    const { p, d } = engines();
    Object.assign(p.cache, { tokens: [1, 2, 3, 9], salt: "salt" });
    const brought = await d.bring({ pull: { from: p.origin } }, prompt, "salt", noSignal);
    expect(brought.fetched).toEqual({ tokens: 3, bytes: stateBytes, ms: 0 });
    expect(await holds(brought, stateOf([1, 2, 3, 9]))).toBe(true);
    await brought.done();
    expect([...p.files(), ...d.files()]).toEqual([]);
  });

  it("brings nothing when what is cached here is as long", async () => {
    const { p, d } = engines();
    p.cache.tokens = [1, 2, 3];
    d.cache.tokens = [1, 2, 3];
    const brought = await d.bring({ pull: { from: p.origin } }, prompt, "", noSignal);
    expect(brought.state).toBeUndefined();
    expect(failed(brought)).toContain("has no such state");
    d.cache.tokens = prompt;
    const all = await d.bring({ pull: { from: p.origin } }, prompt, "", noSignal);
    expect(all).toMatchObject({ fetched: { tokens: 0, bytes: 0 } });
  });

  it("finds nothing that is cached for another salt", async () => {
    const { p, d } = engines();
    Object.assign(p.cache, { tokens: prompt, salt: "salt" });
    const brought = await d.bring({ pull: { from: p.origin } }, prompt, "other", noSignal);
    expect(failed(brought)).toContain("has no such state");
  });

  it("leaves no file at the peer when the answer is not read to its end", async () => {
    const { p } = engines();
    p.cache.tokens = prompt;
    const answer = await p.ask("/kv/find", { method: "POST", body: '{"tokens":[1,2]}' });
    expect(answer.headers.get("x-kv-tokens")).toBe("2");
    expect(p.files()).toHaveLength(1);
    await answer.body?.cancel();
    expect(p.files()).toEqual([]);
  });
});

it("counts in its metrics what it brought, what failed and what it keeps", async () => {
  const { p, d } = engines();
  const handle = await p.leave(sequenceOf(prompt), "");
  await (await d.bring({ fetch: handle }, prompt, "", noSignal)).done();
  await failure(d, { ...handle, model: "another" });
  expect(d.metrics()).toContain(`\nllamacpp:kv_fetched_bytes_total ${stateBytes}\n`);
  expect(d.metrics()).toContain("\nllamacpp:kv_fetch_failures_total 1\n");
  expect(p.metrics()).toContain(`\nllamacpp:kv_file_bytes ${stateBytes}\n`);
  expect(p.metrics()).toContain("\nllamacpp:kv_handles 1\n");
});

describe("kv_transfer_params", () => {
  const from = "http://p";
  const refusals: [string, unknown][] = [
    ["an unknown member", { left: true }],
    ["an engine that is no peer", { pull: { from: "http://evil" } }],
    ["a handle of no handle's form", { fetch: { ...handleOf(from), handle: "kv_../../etc" } }],
    ["both fetch and pull", { fetch: handleOf(from), pull: { from } }],
    ["no object", 7],
  ];

  it.each(refusals)("refuses %s", (_, params) => {
    const { d } = engines();
    expect(() => d.read(params)).toThrow(expect.objectContaining({ status: 400 }));
  });

  it("takes what an answer said", () => {
    const { d } = engines();
    const said = { ...handleOf(`${from}/`), fetched: { failed: "gone" } };
    expect(d.read({ leave: "prompt", fetch: said })).toEqual({
      leave: "prompt",
      fetch: handleOf(from),
    });
  });
});

function engines(
  options: Parameters<typeof kvEngine>[1] = {},
  onTheWay?: (answer: Response) => Response,
): { p: KvEngine; d: KvEngine } {
  const p = kvEngine("p", options);
  return { p, d: kvEngine("d", { fetch: wireTo(p, onTheWay) }) };
}

async function holds({ state }: Brought, bytes: Buffer): Promise<boolean> {
  return state !== undefined && (await readFile(state.path)).equals(bytes);
}

/** Why a fetch failed, after seeing that it left nothing behind. */
async function failure(engine: KvEngine, handle: Handle): Promise<string> {
  const brought = await engine.bring({ fetch: handle }, prompt, "", noSignal);
  expect(brought.state).toBeUndefined();
  await brought.done();
  expect(engine.files()).toEqual([]);
  return failed(brought);
}

function failed({ fetched }: Brought): string {
  return fetched && "failed" in fetched ? fetched.failed : "";
}

function handleOf(from: string): Handle {
  const handle = `kv_${"A".repeat(43)}`;
  return { handle, from, tokens: 1, bytes: 1, model: "m", lease_ms: 1 };
}

function cutTo(answer: Response, bytes: number, then: () => void = () => {}): ReadableStream {
  let left = bytes;
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      controller.enqueue(piece.subarray(0, Math.max(0, left)));
      left -= piece.length;
      if (left > 0) return;
      then();
      controller.terminate();
    },
  });
  if (!answer.body) throw new Error("a body is expected");
  return answer.body.pipeThrough(cut);
}

const never: typeof fetch = (_url, init) =>
  new Promise((_, reject) => {
    init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
  });

/** Answers with a byte of what begins like a stream of state, every so many milliseconds. */
function dribbling(everyMs: number): typeof fetch {
  return async (_url, init) => {
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise((resolve, reject) => {
          if (everyMs < Infinity) setTimeout(resolve, everyMs);
          init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
        });
        controller.enqueue(Buffer.from("P"));
      },
    });
    return new Response(body);
  };
}
