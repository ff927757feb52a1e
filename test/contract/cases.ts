import { expect } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import { until } from "../support/until.ts";
import type { Contract } from "./dialect-mesh.ts";
import { type Answered, type Arena, expectAnswered, LONG, SHORT } from "./arena.ts";

/** What becomes of a request: answered by one engine, by two, by others than first tried; or ended with its client. */
export type Outcome = "together" | "split" | "elsewhere" | "ended";

/** One thing that may happen to a request, and how its dialect's fleet has to come out of it. */
export type Case = {
  readonly name: string;
  readonly run: (arena: Arena) => Promise<Outcome>;
  readonly expected: (contract: Contract) => Outcome;
};

/** Whether one engine can serve a request alone: small ones are best served so. */
const alone = ({ prefillsAtDecode }: Contract): Outcome =>
  prefillsAtDecode ? "together" : "split";
const isSplit = (): Outcome => "split";
const isEnded = (): Outcome => "ended";
/** What a sidecar does about its prefill engine it does without a word. */
const afterPrefill = ({ tellsPrefill }: Contract): Outcome =>
  tellsPrefill ? "elsewhere" : "split";

export const CASES: readonly Case[] = [
  { name: "plain", run: plain, expected: alone },
  { name: "streamed", run: streamed, expected: alone },
  { name: "split, streamed", run: (arena) => split(arena, true), expected: isSplit },
  { name: "split, whole", run: (arena) => split(arena, false), expected: isSplit },
  { name: "next turn, few new tokens", run: nextTurn, expected: alone },
  ...faults("prefill engine refuses connections", "prefill", "refuse"),
  ...faults("prefill engine answers 500", "prefill", "status"),
  ...faults("prefill engine falls silent", "prefill", "stall-before-first"),
  ...faults("prefill engine is reached by us, not by decode", "prefill", "isolated"),
  ...faults("decode engine refuses connections", "decode", "refuse"),
  ...faults("decode engine answers 500", "decode", "status"),
  ...faults("decode engine falls silent", "decode", "stall-before-first"),
  { name: "prefill engine restarts in transfer", run: restart, expected: afterPrefill },
  { name: "client leaves in prefill", run: (arena) => leave(arena, "prefill"), expected: isEnded },
  {
    name: "client leaves in transfer",
    run: (arena) => leave(arena, "transfer"),
    expected: isEnded,
  },
  { name: "client leaves in decode", run: (arena) => leave(arena, "decode"), expected: isEnded },
];

async function plain(arena: Arena): Promise<Outcome> {
  const content = arena.prompt(SHORT);
  const first = await arena.ask(content, { stream: false });
  expectAnswered(first);
  const { choices } = JSON.parse(first.text) as { choices: { message: { content: string } }[] };
  const again = await arena.ask(content, { stream: true });
  expect(choices[0]?.message.content).toBe(again.text);
  return told(first.receipt);
}

async function streamed(arena: Arena): Promise<Outcome> {
  const answered = await arena.ask(arena.prompt(SHORT));
  expectAnswered(answered);
  expect(answered).toMatchObject({ done: true, error: undefined });
  return told(answered.receipt);
}

async function split(arena: Arena, stream: boolean): Promise<Outcome> {
  const content = arena.prompt(LONG);
  const cold = await arena.ask(content, { stream });
  expectAnswered(cold);
  expect(cold.receipt.mode, JSON.stringify(cold.receipt.work)).toBe("disaggregated");
  const engines = cold.receipt.segments.map(({ engine }) => engine);
  expect(arena.prefill).toContain(engines[0]);
  expect(arena.decode).toContain(engines.at(-1));
  // What decode says is a function of the blocks it holds: another's, or none, would give another text.
  const warm = await arena.ask(content, { stream });
  expect(textOf(cold, stream)).toBe(textOf(warm, stream));
  return told(cold.receipt);
}

async function nextTurn(arena: Arena): Promise<Outcome> {
  const first = { role: "user", content: arena.prompt(LONG) };
  const cold = await arena.ask("", { messages: [first], session: first.content.slice(0, 40) });
  const messages = [
    first,
    { role: "assistant", content: cold.text },
    { role: "user", content: arena.prompt(SHORT) },
  ];
  const warm = await arena.ask("", { messages, session: first.content.slice(0, 40) });
  expectAnswered(warm);
  const { cachedTokens } = warm.receipt.actual;
  expect(cachedTokens).toBeGreaterThan(0.9 * cold.receipt.promptTokens);
  if (arena.contract.prefillsAtDecode) expect(warm.receipt.mode).toBe("together");
  return told(warm.receipt);
}

function faults(name: string, phase: "prefill" | "decode", fault: string): readonly Case[] {
  return [
    {
      name,
      async run(arena) {
        const [engine = ""] = arena[phase];
        const answered = await arena.struck(engine, (one) => arena.engines.fault(one, fault));
        expectAnswered(answered);
        return told(answered.receipt);
      },
      expected: phase === "prefill" ? afterPrefill : () => "elsewhere",
    },
  ];
}

/** The engine is gone with its blocks while they are on their way, or waiting to be. */
async function restart(arena: Arena): Promise<Outcome> {
  for (const engine of arena.decode) await arena.engines.settings(engine, { linkGbps: 20 });
  const session = `restart-${arena.contract.dialect}`;
  const { client, legs } = await arena.start(session, true);
  const prefill = await until("a prefill leg", async () =>
    (await legs()).find(({ leg }) => leg === "prefill"),
  );
  await until("its blocks to be ready", async () => {
    const { leasedBlocks, blocksHeld } = await arena.engines.state(prefill.engine);
    return leasedBlocks > 0 || (blocksHeld > 0 && (await hasPrefilled(arena, prefill.engine)))
      ? true
      : undefined;
  });
  await arena.engines.restart(prefill.engine);
  await client.hears(/\[DONE\]|"error"/);
  for (const engine of arena.decode) await arena.engines.settings(engine, { linkGbps: 400 });
  const receipt = await arena.receiptOfSession(session);
  expect(receipt.status, receipt.error).toBe("completed");
  client.reset();
  return told(receipt);
}

async function hasPrefilled(arena: Arena, engine: string): Promise<boolean> {
  const { busyMs, open, running } = await arena.engines.state(engine);
  return open > 0 && running > 0 && busyMs > 0;
}

async function leave(arena: Arena, during: "prefill" | "transfer" | "decode"): Promise<Outcome> {
  if (during === "transfer")
    for (const engine of arena.decode) await arena.engines.settings(engine, { linkGbps: 20 });
  const session = `left-${arena.contract.dialect}-${during}`;
  const { client, legs } = await arena.start(session, true);
  const wanted = during === "prefill" ? "prefill" : "decode";
  await until(`a ${wanted} leg`, async () => (await legs()).find(({ leg }) => leg === wanted));
  if (during === "decode") await client.hears(/"content":"[^"]+"/);
  client.reset();
  const ended = await until("its legs to end", async () => {
    const now = await legs();
    return now.every(({ status }) => status !== "running") ? now : undefined;
  });
  if (during === "transfer")
    for (const engine of arena.decode) await arena.engines.settings(engine, { linkGbps: 400 });
  expect(await arena.receiptOfSession(session)).toMatchObject({ status: "cancelled" });
  if (during !== "prefill") expect(ended.some(({ status }) => status === "aborted")).toBe(true);
  return "ended";
}

function textOf({ text }: Answered, stream: boolean): string {
  if (stream) return text;
  const { choices } = JSON.parse(text) as { choices: { message: { content: string } }[] };
  return choices[0]?.message.content ?? "";
}

/** How a request was served in the end, and whether something was tried in vain before. */
function told({ mode, work }: Receipt): Outcome {
  if (work.some(({ outcome }) => outcome === "failed")) return "elsewhere";
  return mode === "disaggregated" ? "split" : "together";
}
