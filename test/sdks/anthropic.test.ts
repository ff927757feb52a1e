import type Anthropic from "@anthropic-ai/sdk";
import { beforeAll, describe, expect, it } from "vitest";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { engineNames } from "../support/mesh-file.ts";
import { until } from "../support/until.ts";
import { anthropicAt, message, rawMessage, textOf } from "./anthropic-client.ts";
import { coldWords, receiptOf, routeOf } from "./openai-client.ts";

const started = useMesh();
let client: Anthropic;

beforeAll(() => {
  client = anthropicAt(started.mesh);
});

const question = {
  model: "small",
  max_tokens: 8,
  messages: [{ role: "user" as const, content: "Where did you run?" }],
};

describe.each([false, true])("the Anthropic SDK, streamed: %s", (stream) => {
  it("reads a message to its end", async () => {
    const { answer } = await message(client, question, stream);
    expect(answer).toMatchObject({ type: "message", role: "assistant", stop_reason: "max_tokens" });
    expect(textOf(answer)).not.toBe("");
    expect(answer.usage).toMatchObject({ output_tokens: 8, cache_creation_input_tokens: 0 });
    expect(answer.usage.input_tokens).toBeGreaterThan(0);
  });

  it("reads our headers", async () => {
    const named = { ...question, metadata: { user_id: `user_0_account__session_s-${stream}` } };
    const { answer, headers } = await message(client, named, stream);
    expect(headers.get("request-id")).toBe(answer.id.replace("msg_", "req_"));
    expect(headers.get("phaseway-session")).toMatch(/^ses_/);
    expect(engineNames()).toContain(routeOf(headers)["decode"]);
    expect(await receiptOf(started.mesh, headers)).toMatchObject({
      session: headers.get("phaseway-session"),
      status: "completed",
      outputTokens: 8,
    });
  });

  it("may send pictures, system blocks with cache marks, and stop sequences", async () => {
    const data = "iVBORw0KGgo=";
    const source = { type: "base64" as const, media_type: "image/png" as const, data };
    const { answer } = await message(
      client,
      {
        ...question,
        system: [{ type: "text", text: "You see.", cache_control: { type: "ephemeral" } }],
        messages: [
          {
            role: "user",
            content: [
              { type: "image", source },
              { type: "text", text: "?" },
            ],
          },
        ],
        stop_sequences: ["\u0000"],
      },
      stream,
    );
    expect(textOf(answer)).not.toBe("");
  });

  it("is told which of its input was cached, and input_tokens leaves that out", async () => {
    const long = { role: "user" as const, content: coldWords(30_000) };
    const take = (messages: Anthropic.MessageParam[]) =>
      message(client, { model: "large", max_tokens: 16, messages }, stream);
    const cold = await take([long]);
    expect(routeOf(cold.headers)["mode"]).toBe("disaggregated");
    expect(cold.answer.usage.cache_read_input_tokens).toBe(0);
    expect(cold.answer.usage.input_tokens).toBeGreaterThan(30_000);
    const { content } = cold.answer;
    const warm = await take([
      long,
      { role: "assistant", content: content.map(asParam) },
      { role: "user", content: "And now?" },
    ]);
    const { input_tokens: fresh, cache_read_input_tokens: cached } = warm.answer.usage;
    expect(cached).toBeGreaterThan(0.9 * cold.answer.usage.input_tokens);
    expect(fresh).toBeLessThan(0.1 * cold.answer.usage.input_tokens);
    const [first, second] = await Promise.all(
      [cold, warm].map(({ headers }) => receiptOf(started.mesh, headers)),
    );
    expect(second).toMatchObject({ session: first?.session, turn: 2 });
  });
});

describe("a stream of Messages", () => {
  it("has its events in the reference order, and says what the whole message does", async () => {
    const seen = await rawMessage(started.mesh, question);
    const { answer } = await message(client, question, false);
    expect(seen.content).toMatchObject([{ type: "text", text: textOf(answer) }]);
    expect(seen.stopReason).toBe("max_tokens");
  });

  it("is left when its reader wants to, and every engine's leg ends", async () => {
    const streaming = client.messages.stream({ ...question, max_tokens: 4000 });
    const { response } = await streaming.withResponse();
    let events = 0;
    for await (const _event of streaming) {
      events += 1;
      if (events === 4) break;
    }
    const receipt = await until("a receipt", () =>
      receiptOf(started.mesh, response.headers).catch(() => undefined),
    );
    expect(receipt.status).toBe("cancelled");
    expect(receipt.outputTokens).toBeLessThan(4000);
    await new Engines(started.mesh, engineNames()).quiet();
  });
});

describe("models", () => {
  it("are listed, and given by name or alias", async () => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toContain("llama-3.1-8b");
    const one = await client.models.retrieve("small");
    expect(one).toMatchObject({ id: "llama-3.1-8b", type: "model", max_input_tokens: 131_072 });
  });
});

describe("count_tokens", () => {
  it("is near what the engine counts", async () => {
    const asked = {
      model: "small",
      messages: [{ role: "user" as const, content: coldWords(500) }],
    };
    const { answer } = await message(client, { ...asked, max_tokens: 1 }, false);
    const { input_tokens: estimated } = await client.messages.countTokens(asked);
    expect(estimated).toBeGreaterThan(0.5 * answer.usage.input_tokens);
    expect(estimated).toBeLessThan(2 * answer.usage.input_tokens);
  });
});

/** A block of an answer as the next request has it. */
function asParam(block: Anthropic.ContentBlock): Anthropic.ContentBlockParam {
  if (block.type !== "text") throw new Error(`a block of ${block.type}`);
  return block;
}
