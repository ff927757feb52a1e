import OpenAI from "openai";
import { beforeAll, describe, expect, it } from "vitest";
import { useMesh } from "../support/local-mesh.ts";
import { until } from "../support/until.ts";
import { openaiAt, receiptOf } from "./openai-client.ts";

const started = useMesh();
let client: OpenAI;

beforeAll(() => {
  client = openaiAt(started.mesh);
});

const messages = [{ role: "user" as const, content: "Where did you run?" }];
const question = { model: "small", messages, max_tokens: 8 };

/** The receipt names the run: the same one means that nothing ran again. */
async function asked(key: string, stream: boolean, edge = client, max_tokens = 8) {
  const call = edge.chat.completions.create(
    { ...question, max_tokens, stream },
    { headers: { "idempotency-key": key } },
  );
  const { data, response } = await call.withResponse();
  let said = "";
  if ("controller" in data) {
    for await (const { choices } of data) said += choices[0]?.delta.content ?? "";
  } else said = data.choices[0]?.message.content ?? "";
  return { said, receipt: response.headers.get("phaseway-receipt"), headers: response.headers };
}

describe("the OpenAI SDK with an idempotency key", () => {
  it.each([false, true])("gets the first answer again, streamed: %s", async (stream) => {
    const key = crypto.randomUUID();
    const first = await asked(key, stream);
    const again = await asked(key, stream);
    expect(first.said).not.toBe("");
    expect(again.said).toBe(first.said);
    expect(again.receipt).toBe(first.receipt);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await receiptOf(started.mesh, again.headers)).toMatchObject({ status: "completed" });
  });

  it.each([false, true])(
    "gets one answer for two at once at two edges, streamed: %s",
    async (stream) => {
      const key = crypto.randomUUID();
      const other = openaiAt(started.mesh, 1);
      const both = await Promise.all([asked(key, stream), asked(key, stream, other)]);
      expect(both[0].receipt).toBe(both[1].receipt);
      expect(both[0].said).toBe(both[1].said);
    },
  );

  it("may leave a stream in the middle and ask again under the same key", async () => {
    const headers = { "idempotency-key": crypto.randomUUID() };
    const request = { ...question, max_tokens: 400, stream: true } as const;
    const call = client.chat.completions.create(request, { headers });
    const { data: stream, response } = await call.withResponse();
    for await (const _chunk of stream) break;
    const receipt = await until("a receipt", () =>
      receiptOf(started.mesh, response.headers).catch(() => undefined),
    );
    expect(receipt.status).toBe("cancelled");
    const again = await asked(headers["idempotency-key"], true, client, 400);
    expect(again.receipt).not.toBe(receipt.id);
    const second = await receiptOf(started.mesh, again.headers);
    expect(second).toMatchObject({ status: "completed", outputTokens: 400 });
  });

  it("is told of a key that was sent with something else", async () => {
    const key = crypto.randomUUID();
    await asked(key, false);
    const wrong = asked(key, false, client, 9);
    await expect(wrong).rejects.toThrow(OpenAI.UnprocessableEntityError);
    await expect(wrong).rejects.toMatchObject({ code: "idempotency_key_reused" });
  });
});
