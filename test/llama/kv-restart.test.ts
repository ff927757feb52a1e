import { afterAll, expect, it } from "vitest";
import { type EngineProcess, EngineProcesses } from "./engine-processes.ts";

const processes = new EngineProcesses();
afterAll(() => processes.stop());

it("goes on from a state that was kept sealed elsewhere while every engine was restarted", async () => {
  const headers = { "x-kv-key": Buffer.alloc(32, 3).toString("base64"), "x-kv-salt": "tenant" };
  const first = await processes.start("first");
  const said = await first.complete({
    prompt: "word ".repeat(500),
    max_tokens: 40,
    cache_salt: "tenant",
    kv_transfer_params: { leave: true },
  });
  const exported = await fetch(`${first.origin}/kv/${said.kv?.handle}`, { headers });
  const sealed = await exported.arrayBuffer();
  await first.kill("SIGTERM");
  expect(first.files()).toEqual([]);

  const [second, alone] = [await processes.start("second"), await processes.start("alone")];
  const imported = await put(second, sealed, headers);
  expect(imported.status).toBe(200);
  const body = { prompt: `${"word ".repeat(500)}${said.text}, then`, max_tokens: 40 };
  const next = await second.complete({
    ...body,
    cache_salt: "tenant",
    kv_transfer_params: { fetch: await imported.json() },
  });
  expect(next.text).toBe((await alone.complete(body)).text);
  expect(next.cachedTokens).toBe(said.kv?.tokens);

  const flipped = Buffer.from(sealed);
  const middle = flipped.length >> 1;
  flipped.writeUInt8(flipped.readUInt8(middle) ^ 1, middle);
  expect((await put(second, flipped, headers)).status).toBe(422);
  expect((await put(second, sealed, { ...headers, "x-kv-key": "A".repeat(43) })).status).toBe(422);
});

function put(
  engine: EngineProcess,
  body: ArrayBuffer | Buffer<ArrayBuffer>,
  headers: Record<string, string>,
): Promise<Response> {
  return fetch(`${engine.origin}/kv`, { method: "POST", headers, body });
}
