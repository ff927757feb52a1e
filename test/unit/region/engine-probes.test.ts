import { describe, expect, it, vi } from "vitest";
import type { Probe, Probed } from "../../../src/core/grant/probes.ts";
import { KV_CACHE_EVENTS } from "../../../src/engines/load/kv-events.ts";
import { openai } from "../../../src/engines/openai/dialect.ts";
import { EngineProbes } from "../../../src/region/engine-probes.ts";
import { fleet, pool } from "../plan/plan-fixtures.ts";

vi.mock("../../../src/engines/registry.ts", () => ({
  dialectOf: () => ({ ...openai, kvEvents: KV_CACHE_EVENTS }),
}));

describe("an engine whose dialect tells what changed in its cache", () => {
  it("is asked for it from where it was read, and what it tells is summed up", async () => {
    const removed = '{"type": "removed", "block_hashes": [12460730416951841444, 7]}';
    const stored = `{"type": "stored", "parent_hash": null, "blocks": [{"block_hash": 9, "tokens": [${TOKENS}]}]}`;
    const body = [removed, stored].map((data, n) => `{"event_id": ${n + 6}, "data": ${data}}`);
    const { heard, asked } = await probe(() => new Response(`[${body.join()}]`));
    expect(asked).toEqual(["GET /metrics", "POST /kv_cache_events"]);
    expect(heard).toMatchObject([
      {
        isWell: true,
        kv: {
          cursors: [{ rank: 0, lastId: 7 }],
          removedBlocks: 2,
          blockTokens: 32,
          gap: false,
          restarted: false,
        },
      },
    ]);
  });

  it("is not asked again where it has none after all", async () => {
    const { heard, asked } = await probe(() => new Response(null, { status: 404 }), 2);
    expect(asked.filter((one) => one.startsWith("POST"))).toHaveLength(1);
    expect(heard.map(({ kv }) => kv)).toEqual([undefined, undefined]);
  });
});

const TOKENS = Array.from({ length: 32 }, (_, id) => `{"token_id": ${id}, "token_extra_id": 0}`);

/** Probes one engine whose events answer so, and has a metrics page. */
async function probe(events: () => Response, times = 1) {
  const asked: string[] = [];
  const probes = new EngineProbes(
    {
      fleet: fleet({ poolList: [pool("h200")] }),
      secret: () => undefined,
      async engineFetch(input, init) {
        const { method, url } = new Request(input, init);
        asked.push(`${method} ${url.replace("http://h200/0", "")}`);
        return method === "POST" ? events() : new Response("vllm:num_requests_running 1\n");
      },
    },
    { now: () => 0 },
  );
  const leased: Probe = {
    ticket: "p1",
    engine: "h200/0",
    kvCursors: [{ rank: 0, lastId: 5 }],
  };
  const heard: Probed[] = [];
  for (let n = 0; n < times; n++) await probes.each([leased], (_, one) => heard.push(one));
  return { heard, asked };
}
