import { expect } from "vitest";
import type { DriveReport } from "../../src/drive/drive.ts";
import type { Receipt } from "../../src/core/receipt.ts";
import type { LocalMesh } from "../../workers/local/mesh.ts";
import {
  ask,
  get,
  readReceipt,
  receiptOf,
  type Question,
  type Seen,
  words,
} from "../support/ask.ts";
import { conversations } from "../support/conversations.ts";
import { driveMesh } from "../support/drive-mesh.ts";
import { Engines, type Leg } from "../support/engines.ts";
import { RawClient } from "../support/raw-client.ts";
import { until } from "../support/until.ts";
import { type Contract, enginesOf, modelOf } from "./dialect-mesh.ts";

/** Words of a prompt that is worth splitting. */
export const LONG = 8000;
/** Words of one that is still being computed, or fetched, when its client leaves. */
const LONGEST = 12_000;
export const SHORT = 12;
/** The longest that a case waits for blocks which nobody comes for, ms. */
const MOST_LEASE_MS = 10_000;

/** The engines of one dialect in a running mesh, and what a case may do there. */
export class Arena {
  readonly contract: Contract;
  readonly mesh: LocalMesh;
  readonly engines: Engines;
  readonly prefill: readonly string[];
  readonly decode: readonly string[];
  readonly #timeFactor: number;
  #prompts = 0;
  #isStruck = true;

  constructor(mesh: LocalMesh, contract: Contract, timeFactor: number) {
    const { prefill, decode } = enginesOf(contract.dialect);
    this.contract = contract;
    this.mesh = mesh;
    this.prefill = prefill;
    this.decode = decode;
    this.engines = new Engines(mesh, [...prefill, ...decode]);
    this.#timeFactor = timeFactor;
  }

  /** A prompt that no engine has seen. */
  prompt(count: number): string {
    this.#prompts += 1;
    return words(`${this.contract.dialect}${this.#prompts}w`, count);
  }

  /** Asks and reads the answer and its receipt. */
  async ask(content: string, more: Question = {}): Promise<Answered> {
    const messages = more.messages ?? [{ role: "user", content }];
    const model = modelOf(this.contract.dialect);
    const seen = await ask(this.mesh, { model, messages, ...more });
    return { ...seen, receipt: await receiptOf(this.mesh, seen) };
  }

  /** Lets the region forget what a case before did to engines, and resolves when it splits a prompt again. */
  async ready(): Promise<void> {
    if (!this.#isStruck) return;
    // What is not in memory cannot be taken out of it.
    await this.mesh.evict("Region", "iad@1").catch(() => {});
    for (let tries = 0; this.#isStruck; tries += 1) {
      if (tries > MOST_TO_BE_READY) throw new Error("nothing is split any more");
      const { receipt } = await this.ask(this.prompt(LONG), { maxTokens: 2 });
      this.#isStruck = receipt.status !== "completed" || receipt.mode !== "disaggregated";
    }
  }

  /**
   * Sends cold prompts with a fault on one engine until a leg has met it; the fault ends with that. Gives the answer to
   * the request whose leg it was; where nobody tells of the fault, to one that the engine was to serve.
   */
  async struck(
    engine: string,
    isTold: boolean,
    set: (engine: string) => Promise<void>,
  ): Promise<Answered & { readonly content: string }> {
    this.#isStruck = true;
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      await set(engine);
      const content = this.prompt(LONG);
      const answered = await this.ask(content);
      await this.engines.fault(engine, "none");
      const { work } = answered.receipt;
      const met =
        work.some((leg) => leg.engine === engine) &&
        (!isTold || work.some((leg) => leg.outcome === "failed"));
      if (met) return { ...answered, content };
    }
    throw new Error(`no leg met the fault of ${engine} in ${MOST_TRIES} requests`);
  }

  /** Asks a cold prompt on a bare socket and gives the legs that its engines run for it. */
  async start(session: string, stream: boolean) {
    this.#isStruck = true;
    const since = Date.now();
    const messages = [{ role: "user", content: this.prompt(LONGEST) }];
    const model = modelOf(this.contract.dialect);
    const client = await RawClient.ask(this.mesh, {
      model,
      session,
      messages,
      stream,
      maxTokens: 2000,
    });
    const legs = (): Promise<Leg[]> => this.engines.legsSince(since);
    return { client, legs };
  }

  /** The receipt of a session's last turn, once it is known. */
  async receiptOfSession(session: string): Promise<Receipt> {
    const id = await until("the session to know its turn", async () => {
      const response = await get(this.mesh, `sessions/${session}`);
      if (!response.ok) return undefined;
      const { recentTurns } = (await response.json()) as { recentTurns: { receipt: string }[] };
      return recentTurns[0]?.receipt;
    });
    return readReceipt(this.mesh, id);
  }

  /** Drives conversations, and compares their receipts with the engines' ledgers. */
  drive(count: number): Promise<DriveReport> {
    return driveMesh(this.mesh, {
      model: modelOf(this.contract.dialect),
      concurrency: 4,
      conversations: conversations(count, 3),
    });
  }

  /** Resolves when nothing of any request is left in the engines, save blocks that they keep for minutes anyway. */
  async quiet(): Promise<void> {
    const leaseMs = this.contract.leaseMs * this.#timeFactor;
    if (leaseMs > MOST_LEASE_MS) return this.engines.noneOpen();
    return this.engines.quiet(leaseMs + 2000);
  }
}

const MOST_TRIES = 20;
const MOST_TO_BE_READY = 6;

export type Answered = Seen & { readonly receipt: Receipt };

/** An answer to its end, with a receipt that accounts for each of its tokens. */
export function expectAnswered({ status, text, receipt }: Answered): void {
  expect(status, text).toBe(200);
  // What engines tell one another names other engines and their memory.
  expect(text).not.toMatch(/"(?:kv_transfer|disaggregated)_params"/);
  const tried = receipt.work.map(({ leg, engine, why }) => `${leg} ${engine}: ${why}`);
  expect(receipt.status, tried.join("\n")).toBe("completed");
  const of = (phase: "prefill" | "decode") =>
    receipt.segments
      .filter((segment) => segment.phase === phase)
      .reduce((sum, { from, to }) => sum + to - from, 0);
  expect(of("prefill")).toBe(receipt.promptTokens);
  expect(of("decode")).toBe(receipt.outputTokens);
}
