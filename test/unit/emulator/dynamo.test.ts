import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EmulatedFleet } from "../../support/emulated-fleet.ts";

const FRONTEND = "f/0";
const TELLS = { extra_fields: ["worker_id", "timing"] };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("an emulated Dynamo frontend", () => {
  it("tells whom it chose and how long that took, where it is asked to", async () => {
    const fleet = frontend();
    const { raw, worker } = await told(fleet.ask(FRONTEND, chat("a", TELLS)));
    expect(worker).toMatch(/^\d{19,20}$/);
    expect(BigInt(worker)).toBeGreaterThan(1n << 53n);
    expect(raw).toContain(`"prefill_worker_id":${worker},`);
    const { timing } = (JSON.parse(raw) as { nvext: { timing: Record<string, number> } }).nvext;
    expect(timing["ttft_ms"]).toBeGreaterThan(100);
    expect(timing["total_time_ms"]).toBeGreaterThan((timing["ttft_ms"] ?? 0) + 7 * 5);
    expect(timing["prefill_wait_time_ms"]).toBe(0);
    const silent = await told(fleet.ask(FRONTEND, chat("a")));
    expect(silent.raw).not.toContain("nvext");
  });

  it("tells it in the last chunk of a stream", async () => {
    const stream = frontend().ask(FRONTEND, chat("a", TELLS, { stream: true }));
    await vi.advanceTimersByTimeAsync(1000);
    const frames = (await (await stream).text()).split("\n\n");
    const telling = frames.filter((frame) => frame.includes("nvext"));
    expect(telling).toHaveLength(1);
    expect(telling[0]).toContain('"finish_reason":"length"');
    expect(telling[0]).toContain('"ttft_ms"');
  });

  it("sends a prompt where its prefix is, and others elsewhere", async () => {
    const fleet = frontend(3);
    const ask = (word: string) => told(fleet.ask(FRONTEND, chat(word, TELLS)));
    const [a, b, c] = [await ask("a"), await ask("b"), await ask("c")];
    expect(new Set([a.worker, b.worker, c.worker]).size).toBe(3);
    const again = await ask("a");
    expect(again.worker).toBe(a.worker);
    expect(again.cached).toBeGreaterThan(900);
  });

  it("leaves a busy worker alone, though it has the prefix", async () => {
    const fleet = frontend();
    const first = await told(fleet.ask(FRONTEND, chat("a", TELLS)));
    const pin = { backend_instance_id: first.worker };
    for (const word of ["b", "c"]) {
      void fleet.ask(FRONTEND, chat(word, pin, { max_tokens: 1000 }));
    }
    await vi.advanceTimersByTimeAsync(100);
    const other = await told(fleet.ask(FRONTEND, chat("a", TELLS)));
    expect(other.worker).not.toBe(first.worker);
    expect(other.cached).toBeUndefined();
  });

  it("keeps to the worker that is named, and to a header before the body", async () => {
    const fleet = frontend();
    const a = await told(fleet.ask(FRONTEND, chat("a", TELLS)));
    const b = await told(fleet.ask(FRONTEND, chat("b", TELLS)));
    const pinned = { ...TELLS, decode_worker_id: b.worker };
    expect((await told(fleet.ask(FRONTEND, chat("a", pinned)))).worker).toBe(b.worker);
    const headers = { "x-worker-instance-id": a.worker };
    const overruled = fleet.ask(FRONTEND, chat("b", pinned), { headers });
    expect((await told(overruled)).worker).toBe(a.worker);
  });

  it.each(["backend_instance_id", "prefill_worker_id", "decode_worker_id"])(
    "fails for a worker that is not there (%s)",
    async (name) => {
      const fleet = frontend();
      const { worker } = await told(fleet.ask(FRONTEND, chat("a", TELLS)));
      const off = String(BigInt(worker) - 2n);
      const response = await fleet.ask(FRONTEND, chat("a", { [name]: off }));
      expect(response.status).toBe(500);
      expect(await response.json()).toMatchObject({
        type: "Internal Server Error",
        code: 500,
        message: expect.stringContaining(`instance_id=${off} not found`) as string,
      });
    },
  );

  it("forgets its workers in a restart", async () => {
    const fleet = frontend();
    const { worker } = await told(fleet.ask(FRONTEND, chat("a", TELLS)));
    await fleet.admin(FRONTEND, "restart");
    const pinned = await fleet.ask(FRONTEND, chat("a", { backend_instance_id: worker }));
    expect(pinned.status).toBe(500);
  });

  it("parts caches by salt", async () => {
    const fleet = frontend();
    const ask = (cache_salt: string) => told(fleet.ask(FRONTEND, chat("a", { cache_salt })));
    await ask("one");
    expect((await ask("two")).cached).toBeUndefined();
    expect((await ask("one")).cached).toBeGreaterThan(900);
  });

  it.each([
    [{ sticky: true }, {}, "unknown field `sticky`"],
    [{ agent_hints: { rank: 1 } }, {}, "unknown field `rank`"],
    [{ agent_hints: { osl: -1 } }, {}, "`osl`"],
    [{ backend_instance_id: "18446744073709551616" }, {}, "`backend_instance_id`"],
    [{}, { kv_transfer_params: {} }, "Unsupported parameter(s): `kv_transfer_params`"],
  ])("refuses %j with %j", async (nvext, more, message) => {
    const response = await frontend().ask(FRONTEND, chat("a", nvext, more));
    expect(response.status).toBe(400);
    const body = (await response.json()) as { readonly message: string };
    expect(body.message).toContain(message);
  });

  it("takes every hint that the mesh gives", async () => {
    const nvext = { ...TELLS, agent_hints: { priority: 1, strict_priority: 0, osl: 300 } };
    expect((await told(frontend().ask(FRONTEND, chat("a", nvext)))).status).toBe(200);
  });

  it("shows its load under its own names", async () => {
    const fleet = frontend();
    void fleet.ask(FRONTEND, chat("a"));
    await vi.advanceTimersByTimeAsync(20);
    const page = await (await fleet.get(FRONTEND, "/metrics")).text();
    expect(page).toContain('dynamo_frontend_inflight_requests{model="small"} 1');
  });
});

function frontend(dpSize = 1): EmulatedFleet {
  const roles = ["prefill", "decode"] as const;
  return new EmulatedFleet({
    f: { dialect: "dynamo", roles, more: { routed: "itself", dpSize } },
  });
}

/** Some 1000 prompt tokens, others for each word; long numbers go out without their quotes. */
function chat(word: string, nvext?: object, more: object = {}): string {
  const content = `${word} is what is said here, four letters at a time. `.repeat(80);
  const messages = [{ role: "user", content }];
  const body = { model: "small", messages, max_tokens: 8, ...more, ...(nvext && { nvext }) };
  return JSON.stringify(body).replace(/"(\d{19,})"/g, "$1");
}

async function told(answering: Promise<Response>) {
  await vi.advanceTimersByTimeAsync(1000);
  const response = await answering;
  const raw = await response.text();
  const { usage } = JSON.parse(raw) as {
    readonly usage?: { readonly prompt_tokens_details?: { readonly cached_tokens: number } };
  };
  const worker = /"decode_worker_id":(\d+)/.exec(raw)?.[1] ?? "";
  const cached = usage?.prompt_tokens_details?.cached_tokens;
  return { status: response.status, raw, worker, cached };
}
