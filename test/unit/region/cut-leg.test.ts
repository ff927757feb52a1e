import { expect, it } from "vitest";
import { runLeg } from "../../../src/region/run-leg.ts";
import type { LegOrder } from "../../../src/region/service.ts";
import { fleet, pool } from "../plan/plan-fixtures.ts";
import { legOrder } from "./leg-order.ts";

/** The failure of a leg whose engine begins to answer, and drops the connection before any content. */
async function cut(order: Partial<LegOrder>) {
  const role = 'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n';
  const body = () => {
    let pulls = 0;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pulls++ === 0) controller.enqueue(new TextEncoder().encode(role));
        else controller.error(new TypeError("reset by peer"));
      },
    });
  };
  const access = {
    fleet: fleet({ poolList: ["p", "d"].map((id) => pool(id, { dialect: "vllm-nixl" })) }),
    secret: () => undefined,
    engineFetch: async () =>
      new Response(body(), { headers: { "content-type": "text/event-stream" } }),
  };
  const answer = await runLeg(
    access,
    legOrder({ engine: "d/0", stream: true, ...order }),
    new AbortController().signal,
  );
  if (answer.ok) throw new TypeError("the engine failed");
  return answer.failure;
}

it("a decode engine that drops its answer may not have got what it was promised", async () => {
  const handed = await cut({ leg: "decode", handoff: '{"block":1}' });
  expect(handed).toMatchObject({ kind: "unreachable", blames: "either" });
});

it("an engine that drops an answer it gives alone is the one to blame", async () => {
  const alone = await cut({ leg: "both" });
  expect(alone).toMatchObject({ kind: "unreachable", message: "reset by peer" });
  expect(alone.blames).toBeUndefined();
});
