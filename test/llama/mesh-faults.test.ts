import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { ask, type Question, receiptOf, type Seen } from "../support/ask.ts";
import { until } from "../support/until.ts";
import { DECODES, PREFILLS, type Said, useLlamaFleet } from "./llama-mesh.ts";

const started = useLlamaFleet();
const random = seededRandom(5);

const TIMES = Number(process.env.CHAOS_ROUNDS ?? 12);
const PROMPT = 1500;
const OUTPUT = 40;
/** How long a leg may have run when its engine is killed. */
const INTO_LEG_MS = 150;
const PATIENCE_MS = 20_000;
/** Bytes of a state of such a prompt, about. */
const STATE_BYTES = 1_500_000;

type Strike = {
  readonly name: string;
  readonly dies?: true;
  readonly run: (question: Question) => Promise<Seen>;
};

/** In turn: an engine of each phase dies at some moment, and the way between them is cut at some byte. */
const STRIKES: readonly Strike[] = [
  { name: "a decode engine dies", dies: true, run: (question) => killed(question, DECODES) },
  { name: "the transfer is reset", run: (question) => cut(question, "reset") },
  {
    name: "a prefill engine dies",
    dies: true,
    run: (question) => killed(question, PREFILLS),
  },
  { name: "the transfer ends early", run: (question) => cut(question, "end") },
];

it(`answers rightly or says that it cannot, ${TIMES} times over, and leaves nothing behind`, async () => {
  const { fleet } = started;
  const ends = { right: 0, told: 0, died: 0, cut: 0 };
  for (let n = 0; n < TIMES; n += 1) {
    const strike = STRIKES[n % STRIKES.length];
    if (strike === undefined) throw new TypeError("there are strikes");
    // What it learned of engines that died would have it try no split any more.
    await fleet.mesh.evict("Region", "iad@1").catch(() => {});
    const messages = [{ role: "user", content: textOf(n) }];
    const stream = random() < 0.7;
    const question = { messages, maxTokens: OUTPUT, stream, more: { temperature: 0 } };
    const [seen, alone] = await Promise.all([
      strike.run(question),
      fleet.alone({ messages, max_tokens: OUTPUT, temperature: 0 }),
    ]);
    const isRight = isAnswered(seen, stream, alone);
    expect(isRight || isCleanError(seen), `${strike.name}: ${seen.status} ${seen.text}`).toBe(true);
    ends[isRight ? "right" : "told"] += 1;
    const { work } = await receiptOf(fleet.mesh, seen);
    if (strike.dies) ends.died += Number(work.some(({ outcome }) => outcome === "failed"));
    if (strike.dies) continue;
    // Whatever becomes of a state, the prompt can be computed.
    expect(isRight, `${strike.name}: ${seen.status} ${seen.text}`).toBe(true);
    const fetched = work.find(({ leg }) => leg === "decode")?.told?.fetched;
    if (fetched && "failed" in fetched) ends.cut += 1;
  }
  expect(ends.right).toBeGreaterThan(TIMES / 2);
  expect(ends.cut).toBeGreaterThan(TIMES / 5);
  expect(ends.died).toBeGreaterThan(TIMES / 5);
  await fleet.quiet();
}, 400_000);

/** Kills whichever engine of a phase the request has come to, some time into its leg. */
async function killed(question: Question, among: readonly string[]): Promise<Seen> {
  const { fleet } = started;
  const asking = ask(fleet.mesh, question);
  const atWork = async (name: string) =>
    until(`${name} to be at work`, async () => (await running(name)) > 0 || undefined, PATIENCE_MS);
  const engine = await Promise.race([
    ...among.map((name) => atWork(name).then(() => name)),
    asking.then(() => undefined),
  ]).catch(() => undefined);
  await sleep(random() * INTO_LEG_MS);
  if (engine !== undefined) await fleet.kill(engine);
  return asking;
}

const running = (name: string) => started.fleet.metric(name, "num_requests_running");

async function cut(question: Question, kind: "reset" | "end"): Promise<Seen> {
  const { fleet } = started;
  const afterBytes = Math.floor(random() * STATE_BYTES);
  const proxies = [...fleet.proxies.values()];
  for (const proxy of proxies) await proxy.set({ kind, afterBytes });
  const seen = await ask(fleet.mesh, question);
  for (const proxy of proxies) await proxy.set("none");
  return seen;
}

function isAnswered({ status, text, done, error }: Seen, stream: boolean, alone: Said): boolean {
  if (status !== 200 || error !== undefined) return false;
  return stream ? done && text === alone.text : contentOf(text) === alone.text;
}

/** An error that a client can read, before its answer or instead of the rest of it. */
function isCleanError({ status, text, done, error, ended }: Seen): boolean {
  if (!ended || done) return false;
  if (status === 200) return error !== undefined;
  return status >= 500 && /"error":\{.*"message":"/.test(text);
}

function textOf(n: number): string {
  const words = Array.from({ length: PROMPT }, (_, at) => `${((at + 1) * (n + 11)) % 7919}`);
  return `${n}: ${words.join(" ")}`.slice(0, PROMPT);
}

function contentOf(whole: string): string | undefined {
  const { choices } = JSON.parse(whole) as {
    readonly choices: readonly { readonly message: { readonly content: string } }[];
  };
  return choices[0]?.message.content;
}
