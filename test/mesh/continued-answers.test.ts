import { beforeAll, describe, expect, it } from "vitest";
import { type Random, seededRandom } from "../../src/core/random.ts";
import type { Receipt, Work } from "../../src/core/receipt.ts";
import { reconcile } from "../../src/drive/reconcile.ts";
import { type Question, receiptOf, requestOf, words } from "../support/ask.ts";
import { CONTINUED_ENGINES, continuedFleet } from "../support/continued-fleet.ts";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";

const ANSWERS = process.env["CONTRACT"] === "whole" ? 400 : 40;
const TIME_FACTOR = 0.05;

const started = useMesh({
  mesh: continuedFleet(),
  timeFactor: TIME_FACTOR,
  turnSettings: { firstTokenTimeoutMs: 3000, idleTimeoutMs: 1500 },
});
let engines: Engines;

beforeAll(async () => {
  engines = new Engines(started.mesh, CONTINUED_ENGINES);
  // SGLang's own default tells nothing of its cache.
  const meeting = CONTINUED_ENGINES.filter((engine) => engine.startsWith("meet-"));
  await Promise.all(meeting.map((engine) => engines.settings(engine, { usageDetails: true })));
});

describe("an engine that is lost at any token of its answer", () => {
  it(
    "has the answer go on elsewhere as it would have, if it is plain text, and else be an error",
    async () => {
      const random = seededRandom(6);
      const works: Work[] = [];
      const counted = { goesOn: 0, breaks: 0 };
      for (let number = 0; counted.goesOn + counted.breaks < ANSWERS; number += 1) {
        expect(number, "requests for so many engines lost").toBeLessThan(2 * ANSWERS);
        const kind = pick(KINDS, random);
        const question = { ...kind.question(number, random), session: `session ${number}` };
        const whole = await asked(question);
        expect(whole, `${number}: ${kind.name}`).toMatchObject({ error: undefined, isDone: true });
        const at = 1 + Math.floor(random() * whole.tokens);
        await engines.fault(whole.engine, "cut-midstream", { times: 1, afterTokens: at });
        const other = await asked(question);
        await engines.fault(whole.engine, "none");
        if (kind.answers === undefined) works.push(...whole.receipt.work, ...other.receipt.work);
        // Chance has a say in where requests go.
        if (other.engine !== whole.engine) continue;
        if (kind.goesOn) expectWhole(`${number}: ${kind.name} at ${at}`, whole, other);
        else expectBroken(`${number}: ${kind.name} at ${at}`, whole, other);
        counted[kind.goesOn ? "goesOn" : "breaks"] += 1;
      }
      expect(Math.min(counted.goesOn, counted.breaks)).toBeGreaterThan(ANSWERS / 5);
      await engines.noneOpen();
      const states = await engines.states();
      const ledgers = new Map(states.map(({ engine, entries }) => [engine, entries]));
      expect(reconcile(works, ledgers).engines.filter(({ ok }) => !ok)).toEqual([]);
    },
    ANSWERS * 5000,
  );
});

type Kind = {
  readonly name: string;
  readonly goesOn: boolean;
  /** Where there are several, ledgers count the prompt as often: no receipt does. */
  readonly answers?: number;
  readonly question: (number: number, random: Random) => Question;
};

/** A long prompt that nobody has seen is worth splitting. */
const plain = (model: string, count: number, more: object): Kind["question"] => {
  return (number, random) => ({
    model,
    messages: [{ role: "user", content: words(`${model}${number}w`, count) }],
    maxTokens: 5 + Math.floor(random() * 60),
    more: { temperature: 0, stream_options: { include_usage: true }, ...more },
  });
};

const KINDS: readonly Kind[] = [
  { name: "plain", goesOn: true, question: plain("whole", 100, {}) },
  {
    name: "as long as it likes",
    goesOn: true,
    question: plain("whole", 100, { max_tokens: null }),
  },
  { name: "split", goesOn: true, question: plain("split", 3000, {}) },
  { name: "split by a rendezvous", goesOn: true, question: plain("meet", 3000, {}) },
  { name: "two answers", goesOn: false, answers: 2, question: plain("whole", 100, { n: 2 }) },
  {
    name: "a tool call",
    goesOn: false,
    question: plain("whole", 100, {
      max_tokens: null,
      tools: [{ type: "function", function: { name: "look", parameters: TOOL() } }],
    }),
  },
  {
    name: "a grammar",
    goesOn: false,
    question: plain("whole", 100, { response_format: { type: "json_object" } }),
  },
  { name: "log probabilities", goesOn: false, question: plain("whole", 100, { logprobs: true }) },
  { name: "another dialect", goesOn: false, question: plain("other", 100, {}) },
];

function TOOL() {
  return { type: "object", properties: { what: { type: "string" }, where: { type: "string" } } };
}

type Answered = {
  readonly text: string;
  readonly tokens: number;
  readonly names: ReadonlySet<string>;
  readonly finish: string | undefined;
  readonly roles: number;
  readonly usage: Usage | undefined;
  readonly error: object | undefined;
  readonly isDone: boolean;
  /** That decoded at first. */
  readonly engine: string;
  readonly receipt: Receipt;
};

type Usage = {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
};

async function asked(question: Question): Promise<Answered> {
  const { url, headers, body } = requestOf(started.mesh, question);
  const response = await fetch(url, { method: "POST", headers, body });
  const frames = (await response.text())
    .split("\n\n")
    .filter((frame) => frame.startsWith("data: "));
  const data = frames.map((frame) => frame.slice("data: ".length));
  const chunks = data.filter((one) => one !== "[DONE]").map((one) => JSON.parse(one) as Chunk);
  const choices = chunks.flatMap((chunk) => chunk.choices ?? []);
  const said = choices.map(({ delta }) => delta.content ?? call(delta));
  const names = chunks.filter(({ error }) => !error).map((one) => [one.id, one.created, one.model]);
  return {
    text: said.join(""),
    tokens: said.filter((one) => one !== "").length,
    names: new Set(names.map((one) => one.join())),
    finish: choices.findLast(({ finish_reason: end }) => end)?.finish_reason ?? undefined,
    roles: choices.filter(({ delta }) => delta.role).length,
    usage: chunks.findLast(({ usage }) => usage)?.usage ?? undefined,
    error: chunks.find(({ error }) => error)?.error,
    isDone: data.at(-1) === "[DONE]",
    engine: /decode="([^"]+)"/.exec(response.headers.get("phaseway-route") ?? "")?.[1] ?? "",
    receipt: await receiptOf(started.mesh, response),
  };
}

type Chunk = {
  readonly id?: string;
  readonly created?: number;
  readonly model?: string;
  readonly choices?: readonly { readonly delta: Delta; readonly finish_reason: string | null }[];
  readonly usage?: Usage | null;
  readonly error?: object;
};

type Delta = {
  readonly role?: string;
  readonly content?: string;
  readonly tool_calls?: readonly { readonly function: { readonly arguments: string } }[];
};

function call({ tool_calls: calls = [] }: Delta): string {
  return calls.map((one) => one.function.arguments).join("");
}

/** The same as undisturbed, but in the receipt. */
function expectWhole(what: string, whole: Answered, other: Answered): void {
  const { error, text, finish, isDone, roles } = other;
  expect({ error, text, finish, isDone, roles }, what).toEqual({
    error: undefined,
    text: whole.text,
    finish: whole.finish,
    isDone: true,
    roles: whole.roles,
  });
  expect(other.names.size, what).toBe(1);
  const { prompt_tokens, completion_tokens, total_tokens } = other.usage ?? NO_USAGE;
  expect(prompt_tokens, what).toBe(whole.usage?.prompt_tokens);
  // To end an answer of which all was said takes a token of its own.
  const ends = completion_tokens - (whole.usage?.completion_tokens ?? 0);
  expect([0, 1], what).toContain(ends);
  expect(total_tokens, what).toBe(prompt_tokens + completion_tokens);
  const { status, segments, work, promptTokens, outputTokens } = other.receipt;
  expect({ status, promptTokens, outputTokens }, what).toEqual({
    status: "completed",
    promptTokens: prompt_tokens,
    outputTokens: completion_tokens,
  });
  const lost = work.filter(({ outcome }) => outcome === "failed");
  expect(
    lost.map(({ engine }) => engine),
    what,
  ).toEqual([whole.engine]);
  const decoded = segments.filter(({ phase }) => phase === "decode");
  expect(decoded[0], what).toMatchObject({ engine: whole.engine, from: 0 });
  expect(decoded.at(-1)?.to, what).toBe(outputTokens);
  for (const [index, { from, engine, sequel }] of decoded.slice(1).entries()) {
    expect(from, what).toBe(decoded[index]?.to);
    expect(engine, what).not.toBe(whole.engine);
    expect(sequel, what).toBe("greedy");
  }
}

const NO_USAGE: Usage = { prompt_tokens: -1, completion_tokens: -1, total_tokens: -1 };

/** An error in the stream after what came before it, and nobody was asked to go on. */
function expectBroken(what: string, whole: Answered, other: Answered): void {
  expect(other.error, what).toMatchObject({ type: "server_error" });
  expect(other.isDone, what).toBe(false);
  expect(other.tokens, what).toBeLessThanOrEqual(whole.tokens);
  expect(other.receipt.status, what).toBe("failed");
  expect(
    other.receipt.work.map(({ outcome }) => outcome),
    what,
  ).not.toContain("served");
}

function pick<T>(items: readonly T[], random: Random): T {
  return items[Math.floor(random() * items.length)] as T;
}
