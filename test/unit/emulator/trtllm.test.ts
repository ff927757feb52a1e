import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  ALONE,
  chat,
  CONTEXT,
  generating,
  GENERATION,
  pair,
  textOf,
  told,
} from "./trtllm-fixtures.ts";

const CONTEXT_ONLY = '{"request_type":"context_only"}';
const NUMBER = "4611686018427387907";
const CONTEXT_LATER = `{"request_type":"context_only","disagg_request_id":${NUMBER},"schedule_style":1}`;
const GENERATION_FIRST = `{"ctx_info_endpoint":"tcp://p/0:5000","request_type":"generation_only","ctx_request_id":${NUMBER},"disagg_request_id":${NUMBER},"schedule_style":1}`;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("an emulated TensorRT-LLM context engine", () => {
  it("answers with the first token, a number beyond 2^53, its state, and the prompt's token ids", async () => {
    const fleet = pair();
    const { raw, body } = await told(fleet.ask(CONTEXT, chat(CONTEXT_ONLY)));
    const [choice] = body.choices ?? [];
    const number = /"ctx_request_id":(\d+)/.exec(raw)?.[1] ?? "0";
    expect(BigInt(number)).toBeGreaterThan(1n << 53n);
    expect(choice).toMatchObject({
      finish_reason: "length",
      disaggregated_params: {
        request_type: "context_only",
        first_gen_tokens: [expect.any(Number)],
        ctx_dp_rank: 0,
        ctx_info_endpoint: "tcp://p/0:5000",
        encoded_opaque_state: expect.stringMatching(/^[A-Za-z0-9+/]+=*$/),
      },
    });
    expect(body.prompt_token_ids?.length).toBeGreaterThan(900);
  });

  it("keeps the number that a router gave the request, digit for digit", async () => {
    const params = `{"request_type":"context_only","disagg_request_id":${NUMBER},"schedule_style":0}`;
    const { raw } = await told(pair().ask(CONTEXT, chat(params)));
    expect(raw).toContain(`"ctx_request_id":${NUMBER},`);
  });

  it("frees its blocks a minute after an answer that nobody came for", async () => {
    const fleet = pair();
    const context = await told(fleet.ask(CONTEXT, chat(CONTEXT_ONLY)));
    await vi.advanceTimersByTimeAsync(57_000);
    expect((await fleet.ledger(CONTEXT)).leasedBlocks).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(3000);
    expect(await fleet.ledger(CONTEXT)).toMatchObject({ leasedBlocks: 0, blocksHeld: 0 });
    const late = await told(fleet.ask(GENERATION, chat(generating(context))), 61_000);
    expect(late).toMatchObject({
      status: 400,
      body: { message: "Error in kv cache transfer for generation requests" },
    });
  });

  it("says that it is done, and keeps nothing, where the first token is the last", async () => {
    const fleet = pair();
    await fleet.admin(CONTEXT, "settings", { endsAtFirstToken: true });
    const { body } = await told(fleet.ask(CONTEXT, chat(CONTEXT_ONLY)));
    expect(body.choices?.[0]).toMatchObject({
      finish_reason: "stop",
      disaggregated_params: { request_type: "context_only" },
    });
    expect(await fleet.ledger(CONTEXT)).toMatchObject({ leasedBlocks: 0, blocksHeld: 0 });
  });
});

describe("two emulated TensorRT-LLM engines", () => {
  it("answer together what one alone would, and compute the prompt once", async () => {
    const fleet = pair();
    const alone = await told(fleet.ask(ALONE, chat()));
    const context = await told(fleet.ask(CONTEXT, chat(CONTEXT_ONLY)));
    const generation = await told(fleet.ask(GENERATION, chat(generating(context))));
    expect(textOf(generation)).toBe(textOf(alone));
    expect(textOf(alone)?.startsWith(textOf(context) ?? "none")).toBe(true);
    const prompt = context.body.prompt_token_ids?.length;
    expect((await fleet.ledger(GENERATION)).entries).toMatchObject([
      { leg: "decode", computedTokens: 0, pulledTokens: prompt, outputTokens: 8 },
    ]);
    expect(await fleet.ledger(CONTEXT)).toMatchObject({ leasedBlocks: 0, blocksHeld: 0 });
  });

  it("take the token ids for the prompt, whatever the messages are", async () => {
    const fleet = pair();
    const alone = await told(fleet.ask(ALONE, chat()));
    const context = await told(fleet.ask(CONTEXT, chat(CONTEXT_ONLY)));
    const more = { messages: [{ role: "user", content: "-" }] };
    const ids = { ...more, prompt_token_ids: context.body.prompt_token_ids };
    const asked = fleet.ask(GENERATION, chat(generating(context), ids));
    expect(textOf(await told(asked))).toBe(textOf(alone));
  });

  it("go on from the first token that generation was sent, though it be wrong", async () => {
    const fleet = pair();
    const alone = await told(fleet.ask(ALONE, chat()));
    const context = await told(fleet.ask(CONTEXT, chat(CONTEXT_ONLY)));
    const params = generating(context).replace(
      /"first_gen_tokens":\[\d+\]/,
      '"first_gen_tokens":[7]',
    );
    const generation = await told(fleet.ask(GENERATION, chat(params)));
    expect(generation.status).toBe(200);
    expect(textOf(generation)).not.toBe(textOf(alone));
  });

  it.each([
    [CONTEXT, GENERATION],
    [GENERATION, CONTEXT],
  ])("meet by a router's number, whoever comes first (%s)", async (first, second) => {
    const fleet = pair();
    const alone = await told(fleet.ask(ALONE, chat()));
    const bodies: Readonly<Record<string, string>> = {
      [CONTEXT]: chat(CONTEXT_LATER),
      [GENERATION]: chat(GENERATION_FIRST),
    };
    const early = fleet.ask(first, bodies[first] ?? "");
    await vi.advanceTimersByTimeAsync(20_000);
    const { entries } = await fleet.ledger(first);
    expect(entries).toMatchObject([{ status: "running", computedTokens: 0 }]);
    const late = fleet.ask(second, bodies[second] ?? "");
    const answers = await Promise.all([told(early), told(late)]);
    const generation = answers[first === GENERATION ? 0 : 1];
    expect(generation && textOf(generation)).toBe(textOf(alone));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });

  it("compute a context that generation asked for at last for as long as that takes", async () => {
    const fleet = pair();
    await fleet.admin(CONTEXT, "faults", { fault: "slow", factor: 100 });
    const context = fleet.ask(CONTEXT, chat(CONTEXT_LATER));
    await vi.advanceTimersByTimeAsync(55_000);
    const generation = fleet.ask(GENERATION, chat(GENERATION_FIRST));
    const answers = await Promise.all([told(context, 20_000), told(generation)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });

  it.each([
    [
      "of a number that nobody has",
      (params: string) =>
        params
          .replace(/"ctx_request_id":\d+,/, '"ctx_request_id":5,')
          .replace(/"disagg_request_id":\d+,/, ""),
    ],
    [
      "of an engine that no link leads from",
      (params: string) =>
        params.replace(/"encoded_opaque_state":"[^"]*",/, "").replace("p/0", "u/0"),
    ],
  ])("fail for generation %s, as a bad request, after a minute", async (_, altered) => {
    const fleet = pair();
    const context = await told(fleet.ask(CONTEXT, chat(CONTEXT_ONLY)));
    const answered = vi.fn();
    const asking = fleet.ask(GENERATION, chat(altered(generating(context))));
    void asking.then(answered);
    await vi.advanceTimersByTimeAsync(58_000);
    expect(answered).not.toHaveBeenCalled();
    const failed = await told(asking, 2000);
    expect(failed).toMatchObject({ status: 400, body: { type: "BadRequestError" } });
    expect(await fleet.ledger(GENERATION)).toMatchObject({ open: 0, blocksHeld: 0 });
  });

  it("fail for generation whose context engine was restarted", async () => {
    const fleet = pair();
    const context = await told(fleet.ask(CONTEXT, chat(CONTEXT_ONLY)));
    await fleet.admin(CONTEXT, "restart");
    const failed = await told(fleet.ask(GENERATION, chat(generating(context))), 61_000);
    expect(failed.status).toBe(400);
  });

  it("fail for generation at once when the context request is aborted", async () => {
    const fleet = pair();
    const client = new AbortController();
    const generation = fleet.ask(GENERATION, chat(GENERATION_FIRST));
    const context = fleet.ask(CONTEXT, chat(CONTEXT_LATER), { signal: client.signal });
    void context.catch(() => {});
    await vi.advanceTimersByTimeAsync(20);
    client.abort();
    expect((await told(generation, 100)).status).toBe(400);
    await expect(context).rejects.toThrow("left");
    expect(await fleet.ledger(CONTEXT)).toMatchObject({ leasedBlocks: 0, blocksHeld: 0 });
  });

  it("free the context engine's blocks when generation is aborted before it has them", async () => {
    const fleet = pair();
    await fleet.admin(GENERATION, "settings", { linkGbps: 0.008 });
    const context = await told(fleet.ask(CONTEXT, chat(CONTEXT_ONLY)));
    const client = new AbortController();
    const generation = fleet.ask(GENERATION, chat(generating(context)), { signal: client.signal });
    void generation.catch(() => {});
    await vi.advanceTimersByTimeAsync(1000);
    expect((await fleet.ledger(CONTEXT)).leasedBlocks).toBeGreaterThan(0);
    client.abort();
    await expect(generation).rejects.toThrow("left");
    await vi.advanceTimersByTimeAsync(1);
    expect(await fleet.ledger(CONTEXT)).toMatchObject({ leasedBlocks: 0, blocksHeld: 0 });
  });

  it("cut a stream whose status is out when the transfer fails", async () => {
    const fleet = pair();
    const stream = await fleet.ask(GENERATION, chat(GENERATION_FIRST, { stream: true }));
    expect(stream.status).toBe(200);
    const read = stream.text().then(
      () => "whole",
      () => "cut",
    );
    await vi.advanceTimersByTimeAsync(61_000);
    expect(await read).toBe("cut");
  });
});
