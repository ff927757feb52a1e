import { describe, expect, it } from "vitest";
import { FrameReader, frameOf, pack, unpack } from "../../src/rpc/packed.ts";
import { politely } from "./fake-engine.ts";
import { regionService } from "./region-ways.ts";

describe("a region's worker", () => {
  it("is told reserve and prompt in one exchange", async () => {
    const asked: string[] = [];
    const { leg } = regionService("by worker", {
      around: (path, next) => {
        asked.push(path);
        return next();
      },
    });
    expect((await leg()).answer.ok).toBe(true);
    expect(asked).toEqual(["/leg"]);
  });

  it("passes on what an engine tells of its load, and leaves no probe to its callers", async () => {
    const replies: unknown[] = [];
    const { engine, leg } = regionService("by worker", {
      async around(_, next) {
        const answer = new Uint8Array(await (await next()).arrayBuffer());
        const read = new Response(answer).body?.getReader();
        if (read) replies.push(await new FrameReader(read).next());
        return new Response(answer);
      },
    });
    engine.answers((sent) => {
      const { body, headers } = politely(sent);
      const told = "TEXT named_metrics.num_requests_running=3";
      return new Response(body, {
        headers: { ...Object.fromEntries(headers), "endpoint-load-metrics": told },
      });
    });
    expect((await leg()).answer).toMatchObject({ kind: "answering", load: { running: 3 } });
    expect(replies).toMatchObject([{ kind: "reserved", reply: { ok: true } }]);
    expect(replies[0]).not.toHaveProperty("reply.probes");
  });

  it.each<[string, () => Promise<Response>]>([
    ["is lost", () => Promise.reject(new TypeError("no such worker"))],
    ["fails", () => Promise.resolve(new Response("oh", { status: 500 }))],
  ])("that %s is done without: this isolate grants and runs", async (_, lost) => {
    const { engine, leg } = regionService("by worker", { around: lost });
    expect((await leg()).answer).toMatchObject({ ok: true, kind: "answering" });
    expect(engine.sent).toHaveLength(1);
  });

  it("that answers late is done without, and runs nothing for who no longer waits", async () => {
    const late = Promise.withResolvers<void>();
    let calls = 0;
    const { engine, leg } = regionService("by worker", {
      async around(path, next) {
        if (path !== "/leg" || ++calls > 1) return next();
        // Longer than an unknown region is waited for, and than it takes to say so.
        await new Promise((resolve) => setTimeout(resolve, 800));
        try {
          return new Response(await (await next()).arrayBuffer());
        } finally {
          late.resolve();
        }
      },
    });
    expect((await leg()).answer).toMatchObject({ ok: true, kind: "answering" });
    await late.promise;
    expect(engine.sent).toHaveLength(1);
  });

  it("of another version is done without", async () => {
    const unknown = { kind: "none", reply: { ok: false, v: 1, code: "unknown_version" } };
    const { engine, leg } = regionService("by worker", {
      around: () => Promise.resolve(new Response(frameOf(unknown))),
    });
    expect((await leg()).answer).toMatchObject({ ok: true, kind: "answering" });
    expect(engine.sent).toHaveLength(1);
  });

  it("answers messages of another version with a value", async () => {
    const { handle } = regionService("by worker");
    const unknown = { ok: false, v: 1, code: "unknown_version" };
    const post = (path: string) =>
      handle(
        new Request(`https://region${path}`, { method: "POST", body: pack({ v: 2 }) }),
        () => {},
      );
    for (const path of ["/reserve", "/claim", "/report"]) {
      expect(unpack(new Uint8Array(await (await post(path)).arrayBuffer()))).toEqual(unknown);
    }
    const leg = await new FrameReader((await post("/leg")).body!.getReader()).next();
    expect(leg).toEqual({ kind: "none", reply: unknown });
  });
});
