import { expect, it } from "vitest";
import type { Receipt, Work } from "../../src/core/receipt.ts";
import { ask, receiptOf } from "../support/ask.ts";
import { DECODES, type LlamaFleet, PREFILLS, useLlamaFleet } from "./llama-mesh.ts";

const started = useLlamaFleet();

const AGENTS = 8;
const TURNS = 5;
const OUTPUT = 32;
const ENGINES = [...PREFILLS, ...DECODES];

type Message = { readonly role: string; readonly content: string };

it(`${AGENTS} agents at once hear what a single engine would say, and receipts agree with the engines`, async () => {
  const { fleet } = started;
  const before = await countsOf(fleet);
  const agents = await Promise.all(Array.from({ length: AGENTS }, (_, n) => agent(fleet, n)));
  const after = await countsOf(fleet);
  const works = agents.flatMap(({ receipts }) => receipts.flatMap(({ work }) => work));
  for (const [n, engine] of ENGINES.entries()) {
    const told = (name: keyof Counts) => (after[n]?.[name] ?? NaN) - (before[n]?.[name] ?? NaN);
    const own = works.filter((work) => work.engine === engine);
    expect([engine, sumOf(own, promptOf), sumOf(own, cachedOf), sumOf(own, outputOf)]).toEqual([
      engine,
      told("prompt_tokens_total"),
      told("prompt_tokens_cached_total"),
      told("generation_tokens_total"),
    ]);
  }
  expect(works.filter(({ outcome }) => outcome !== "served")).toEqual([]);
  // Turns go on from where the ones before were decoded.
  const fetched = works.filter(({ leg, told }) => leg === "prefill" && told?.fetched !== undefined);
  expect(fetched.length).toBeGreaterThan(0);
  for (const { messages, said } of agents) {
    const alone = await fleet.alone({ messages, max_tokens: OUTPUT, temperature: 0 });
    expect(said).toBe(alone.text);
  }
  await fleet.quiet();
}, 240_000);

/** One task to its end: what the agent asked last, what it heard to that, and the receipts of all its turns. */
async function agent(fleet: LlamaFleet, n: number) {
  const receipts: Receipt[] = [];
  const messages: Message[] = [
    { role: "system", content: SYSTEM },
    { role: "user", content: taskOf(n) },
  ];
  for (let turn = 0; ; turn += 1) {
    const question = { messages, maxTokens: OUTPUT, more: { temperature: 0 } };
    const seen = await ask(fleet.mesh, { ...question, session: `agent-${n}`, edge: n % 3 });
    expect(seen, seen.text).toMatchObject({ status: 200, done: true, error: undefined });
    receipts.push(await receiptOf(fleet.mesh, seen, n % 3));
    if (turn === TURNS - 1) return { messages, said: seen.text, receipts };
    messages.push(
      { role: "assistant", content: seen.text },
      { role: "user", content: observationOf(n, turn) },
    );
  }
}

const SYSTEM =
  "You mend small programs. Answer with one command between three backticks and nothing else. " +
  "You are told what it printed and how it ended, and then you give the next one. ".repeat(6) +
  "When all tests pass, the command is `submit`.";

function taskOf(n: number): string {
  return `Task ${n}: the function \`part${n}\` in src/part${n}.py returns one too many. Find out why, mend it, run the tests.`;
}

function observationOf(n: number, turn: number): string {
  const lines = Array.from(
    { length: 6 },
    (_, at) => `${at + turn}: part${n}_${turn}.py line ${at * n}`,
  );
  return `<returncode>0</returncode>\n<output>\n${lines.join("\n")}\n</output>`;
}

const FIGURES = [
  "prompt_tokens_total",
  "prompt_tokens_cached_total",
  "generation_tokens_total",
] as const;

type Counts = Readonly<Record<(typeof FIGURES)[number], number>>;

function countsOf(fleet: LlamaFleet): Promise<Counts[]> {
  return Promise.all(
    ENGINES.map(async (engine) => {
      const figures = FIGURES.map(
        async (name) => [name, await fleet.metric(engine, name)] as const,
      );
      return Object.fromEntries(await Promise.all(figures)) as Counts;
    }),
  );
}

const promptOf = ({ promptTokens = NaN }: Work) => promptTokens;
const outputOf = ({ outputTokens = NaN }: Work) => outputTokens;

/** Of a prompt that was handed over a receipt claims nothing for who took it: all but the last token. */
const cachedOf = ({ leg, promptTokens = NaN, cachedTokens }: Work) =>
  cachedTokens ?? (leg === "decode" ? promptTokens - 1 : NaN);

function sumOf(works: readonly Work[], of: (work: Work) => number): number {
  return works.reduce((sum, work) => sum + of(work), 0);
}
