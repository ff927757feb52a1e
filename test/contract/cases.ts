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
  /** It waits for something to happen that takes its time: of the whole suite only, see `npm run contract`. */
  readonly isSlow?: boolean;
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
  {
    name: "prefill's lease ends before decode asks",
    run: (arena) => leaseEnds(arena, "before asked"),
    expected: ({ expires }) => (expires === "never" ? "split" : "elsewhere"),
    isSlow: true,
  },
  {
    name: "prefill's lease ends in transfer",
    run: (arena) => leaseEnds(arena, "in transfer"),
    expected: ({ expires }) => (expires === "until-fetched" ? "elsewhere" : "split"),
    isSlow: true,
  },
  {
    name: "prefill engine restarts in transfer",
    run: restart,
    expected: ({ isOpenInTransfer }) => (isOpenInTransfer ? "elsewhere" : "split"),
    isSlow: true,
  },
  {
    name: "client leaves in prefill",
    run: (arena) => leave(arena, "prefill"),
    expected: isEnded,
    isSlow: true,
  },
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
  const { content, answered } = await coldSplit(arena, stream);
  const engines = answered.receipt.segments.map(({ engine }) => engine);
  expect(arena.prefill).toContain(engines[0]);
  expect(arena.decode).toContain(engines.at(-1));
  // What decode says is a function of the blocks it holds: another's, or none, would give another text.
  const warm = await arena.ask(content, { stream });
  expect(textOf(answered, stream)).toBe(textOf(warm, stream));
  return told(answered.receipt);
}

/** A cold prompt that was split: whether one is worth it is the planner's business, but most are. */
async function coldSplit(arena: Arena, stream: boolean) {
  for (let tries = 0; tries < MOST_UNSPLIT; tries += 1) {
    const content = arena.prompt(LONG);
    const answered = await arena.ask(content, { stream });
    expectAnswered(answered);
    if (answered.receipt.mode === "disaggregated") return { content, answered };
  }
  throw new Error(`none of ${MOST_UNSPLIT} cold prompts was split`);
}

const MOST_UNSPLIT = 5;

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
  const isWaiting = fault === "stall-before-first";
  return [
    {
      name,
      async run(arena) {
        const [engine = ""] = arena[phase];
        const isTold = arena.contract.tellsPrefill || phase === "decode" || isWaiting;
        const set = (one: string) => arena.engines.fault(one, fault);
        const answered = await arena.struck(engine, isTold, set);
        expectAnswered(answered);
        return told(answered.receipt);
      },
      expected: phase === "prefill" && !isWaiting ? afterPrefill : () => "elsewhere",
      isSlow: isWaiting || fault === "isolated",
    },
  ];
}

/** The engine is gone while decode has its blocks coming: an engine that has yet to answer for them fails with it. */
async function restart(arena: Arena): Promise<Outcome> {
  const session = `restart-${arena.contract.dialect}`;
  await withSlowLinks(arena, async () => {
    const { client, legs } = await arena.start(session, true);
    const engine = await until("a transfer", async () => {
      const now = await legs();
      const prefill = now.find(({ leg }) => leg === "prefill");
      const isAwaited = now.some(({ leg, status }) => leg === "decode" && status === "running");
      if (!prefill || !isAwaited) return undefined;
      const { leasedBlocks, fetchedBlocks } = await arena.engines.state(prefill.engine);
      // What a store passes on is under no lease.
      const isStored = prefill.status === "done" && leasedBlocks === 0;
      return fetchedBlocks > 0 || isStored ? prefill.engine : undefined;
    });
    await arena.engines.restart(engine);
    await client.hears(/\[DONE\]|"error"/, 20_000);
    client.reset();
  });
  const receipt = await arena.receiptOfSession(session);
  expect(receipt.status, receipt.error).toBe("completed");
  return told(receipt);
}

/** Blocks that nobody has come for in time, or that are not fetched in it, are gone: nobody goes on without them. */
async function leaseEnds(arena: Arena, when: "before asked" | "in transfer"): Promise<Outcome> {
  const { prefill, decode, contract, engines } = arena;
  const isLate = when === "before asked";
  const setLeases = (leaseMs: number) =>
    Promise.all(prefill.map((engine) => engines.settings(engine, { leaseMs })));
  const held = async () =>
    (await engines.states()).reduce((sum, { blocksHeld }) => sum + blocksHeld, 0);
  const before = await held();
  const [engine = ""] = decode;
  const delayed = async (one: string) => {
    if (isLate) await engines.fault(one, "late", { delayMs: 2 * SHORT_LEASE_MS });
  };
  const isLost = isLate ? contract.expires !== "never" : contract.expires === "until-fetched";
  const asking = async () => {
    await setLeases(SHORT_LEASE_MS);
    const answered = await arena.struck(engine, isLost, delayed);
    await until("its blocks to be freed", async () =>
      (await held()) <= before ? true : undefined,
    );
    return answered;
  };
  const answered = await (isLate ? asking() : withSlowLinks(arena, asking, 10)).finally(() =>
    setLeases(contract.leaseMs),
  );
  expectAnswered(answered);
  const warm = await arena.ask(answered.content);
  expect(answered.text).toBe(warm.text);
  return told(answered.receipt);
}

/** Transfers take long enough for something to happen meanwhile. */
async function withSlowLinks<T>(arena: Arena, work: () => Promise<T>, gbps = 20): Promise<T> {
  const setLinks = (linkGbps: number) =>
    Promise.all(arena.decode.map((engine) => arena.engines.settings(engine, { linkGbps })));
  await setLinks(gbps);
  return work().finally(() => setLinks(400));
}

/** Enough to ask for the blocks of `LONG` words in, and half of what it takes to fetch them; emulated ms. */
const SHORT_LEASE_MS = 3000;

/** Prefill takes long enough for somebody to leave meanwhile. */
async function withSlowPrefill(arena: Arena, work: () => Promise<void>): Promise<void> {
  const setFault = (fault: string) =>
    Promise.all(arena.prefill.map((engine) => arena.engines.fault(engine, fault, { factor: 10 })));
  await setFault("slow");
  await work().finally(() => setFault("none"));
}

const asTheyAre = (_arena: Arena, work: () => Promise<void>): Promise<void> => work();

async function leave(arena: Arena, during: "prefill" | "transfer" | "decode"): Promise<Outcome> {
  const session = `left-${arena.contract.dialect}-${during}`;
  const leaving = async () => {
    const { client, legs } = await arena.start(session, true);
    await until("the leg to begin", async () =>
      (await legs()).find(({ leg, status }) =>
        during === "prefill" ? leg === "prefill" : leg === "decode" && status === "running",
      ),
    );
    if (during === "decode") await client.hears(/"content":"[^"]+"/);
    client.reset();
    const ended = await until("its legs to end", async () => {
      const now = await legs();
      return now.every(({ status }) => status !== "running") ? now : undefined;
    });
    expect(ended.map(({ status }) => status)).toContain("aborted");
  };
  const around = { prefill: withSlowPrefill, transfer: withSlowLinks, decode: asTheyAre };
  await around[during](arena, leaving);
  expect(await arena.receiptOfSession(session)).toMatchObject({ status: "cancelled" });
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
