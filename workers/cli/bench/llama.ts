import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "../../../src/core/random.ts";
import type { Receipt } from "../../../src/core/receipt.ts";
import { writeTinyGguf } from "../../../test/llama/tiny-gguf.ts";
import { MODEL } from "../../local/llama/mesh.ts";
import { stopEngines } from "../../local/llama/processes.ts";
import { llamaProblems, startLlama } from "../../local/llama/start.ts";
import { type LocalMesh, startMesh } from "../../local/mesh.ts";
import { readMesh } from "../../local/read-mesh.ts";
import { text } from "./prompts.ts";

/** What was predicted of one engine and what came; of the phases that it ran. */
export type Forecasts = {
  readonly engine: string;
  /** Of turns whose prompt it computed. */
  readonly ttft?: Compared;
  /** Of turns whose answer it wrote. */
  readonly tpot?: Compared;
};

/** Medians, ms. */
export type Compared = {
  readonly turns: number;
  readonly predictedMs: number;
  readonly measuredMs: number;
};

/** A GGUF file, a tiny one of random weights where absent; and threads of every engine. */
export type LlamaBench = { readonly model?: string | undefined; readonly threads: number };

/**
 * Runs real llama.cpp engines in a local mesh, one turn at a time, and compares receipts' forecasts with what they
 * say came, once `requests` turns have warmed the engines and the mesh.
 */
export async function benchLlama(requests: number, given: LlamaBench): Promise<Forecasts[]> {
  const folder = await mkdtemp(join(tmpdir(), "phaseway-bench-"));
  const model = given.model ?? join(folder, "tiny.gguf");
  if (given.model === undefined) writeTinyGguf(model);
  try {
    const problems = llamaProblems(model);
    if (problems.length > 0) throw new Error(problems.join("\n"));
    const file = await readMesh(new URL("../../../mesh.json", import.meta.url));
    if (!file.ok) throw new Error(file.problems.join("\n"));
    const { threads } = given;
    const started = await startLlama(model, file.mesh, { prefill: threads, decode: threads });
    try {
      const mesh = await startMesh({ mesh: started.mesh });
      return await warmThenMeasure(mesh, requests).finally(() => mesh.stop());
    } finally {
      await stopEngines(started.engines);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Where engines are; other edges are further away. */
const EDGE = "iad";
const OUTPUT_TOKENS = 128;
/** Prompts' lengths, characters. */
const SHORTEST = 400;
const LONGEST = 2000;

async function warmThenMeasure(mesh: LocalMesh, requests: number): Promise<Forecasts[]> {
  const random = seededRandom(1);
  const turn = () => ask(mesh, text(SHORTEST + random() * (LONGEST - SHORTEST), random));
  for (let n = 0; n < requests; n += 1) await turn();
  const receipts: Receipt[] = [];
  for (let n = 0; n < requests; n += 1) receipts.push(await turn());
  const engines = new Set(receipts.flatMap(({ work }) => work.map(({ engine }) => engine)));
  return [...engines].toSorted().map((engine) => forecasts(engine, receipts));
}

function forecasts(engine: string, receipts: readonly Receipt[]): Forecasts {
  const whose = (other: string) =>
    receipts.filter(({ work }) => work.some((one) => one.engine === engine && one.leg !== other));
  const ttft = compared(whose("decode"), "ttftMs");
  const tpot = compared(whose("prefill"), "tpotMs");
  return { engine, ...(ttft && { ttft }), ...(tpot && { tpot }) };
}

function compared(receipts: readonly Receipt[], figure: "ttftMs" | "tpotMs"): Compared | undefined {
  if (receipts.length === 0) return undefined;
  return {
    turns: receipts.length,
    predictedMs: median(receipts.map(({ predicted }) => predicted[figure] ?? NaN)),
    measuredMs: median(receipts.map(({ actual }) => actual[figure] ?? NaN)),
  };
}

async function ask({ edges, key }: LocalMesh, content: string): Promise<Receipt> {
  const url = `${edges.find(({ name }) => name === EDGE)?.url}/v1`;
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers,
    body: JSON.stringify({
      model: MODEL,
      stream: true,
      max_tokens: OUTPUT_TOKENS,
      temperature: 0,
      messages: [{ role: "user", content }],
    }),
  });
  const said = await response.text();
  if (!response.ok || !said.includes("data: [DONE]")) throw new Error(`no answer: ${said}`);
  const id = response.headers.get("phaseway-receipt");
  const receipt = await fetch(`${url}/receipts/${id}`, { headers });
  if (!receipt.ok) throw new Error(`no receipt ${id}: ${await receipt.text()}`);
  return (await receipt.json()) as Receipt;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
}
