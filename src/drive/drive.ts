import type { Conversation } from "../traces/conversation.ts";
import { ask } from "./ask.ts";
import { Ceiling } from "./ceiling.ts";
import { reconcileWithEngines } from "./ledgers.ts";
import type { DriveIo, DriveOptions } from "./options.ts";
import { prefilled, readReceipt } from "./receipts.ts";
import type { DrivenReceipt } from "./receipts.ts";
import type { Reconciliation } from "./reconcile.ts";
import { Tally, ratio } from "./tally.ts";
import type { TallySummary } from "./tally.ts";

/** Holds conversations with a running endpoint, several at once and each turn after the other, and measures them. */
export async function drive(options: DriveOptions, io: DriveIo): Promise<DriveReport> {
  const run = new Run(options, io);
  const startedAt = io.now();
  const source = options.conversations[Symbol.asyncIterator]();
  const worker = async (): Promise<void> => {
    while (run.mayAsk()) {
      const step = await source.next();
      if (step.done) return;
      await run.converse(step.value);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, worker));
  await source.return?.();
  return run.report(io.now() - startedAt);
}

export type DriveReport = Omit<TallySummary, "latencies"> &
  Readonly<Record<`${string}_ms`, number>> & {
    readonly conversations: number;
    /** Turns not sent because one before them failed. */
    readonly abandoned_turns: number;
    readonly receipts: number;
    readonly receipts_missing: number;
    /** 1 − tokens prefilled by any leg / prompt tokens, over the receipts that know; null when none does. */
    readonly hit_rate: number | null;
    readonly hit_rate_receipts: number;
    readonly hit_rate_ledger?: number | null;
    readonly reconcile?: Reconciliation & { readonly error?: string };
    readonly ok: boolean;
  };

class Run {
  readonly #options: DriveOptions;
  readonly #io: DriveIo;
  readonly #tally = new Tally();
  readonly #ceiling = new Ceiling();
  readonly #receipts: Promise<DrivenReceipt | undefined>[] = [];
  #sent = 0;
  #running = 0;
  #conversations = 0;
  #abandoned = 0;

  constructor(options: DriveOptions, io: DriveIo) {
    this.#options = options;
    this.#io = io;
  }

  mayAsk(): boolean {
    return this.#sent < (this.#options.limit ?? Infinity);
  }

  async converse(conversation: Conversation): Promise<void> {
    const answers: string[] = [];
    this.#running += 1;
    for (const [index, turn] of conversation.turns.entries()) {
      if (!this.mayAsk()) break;
      this.#sent += 1;
      const messages = turn.messages(answers);
      const shares = this.#ceiling.ask(messages);
      const answer = await ask(this.#options, this.#io, {
        session: conversation.id,
        messages,
        maxTokens: turn.maxTokens,
      });
      this.#tally.add(answer, shares);
      this.#fetchReceipt(answer.headers.get("phaseway-receipt"));
      this.#progress();
      if (answer.error !== undefined) {
        this.#abandoned += conversation.turns.length - index - 1;
        break;
      }
      this.#ceiling.answered(messages, answer.text);
      answers.push(answer.text);
    }
    this.#running -= 1;
    this.#conversations += 1;
    this.#progress();
  }

  #fetchReceipt(id: string | null): void {
    if (id !== null) this.#receipts.push(readReceipt(this.#options, this.#io, id));
  }

  #progress(): void {
    this.#io.onProgress?.({
      requests: this.#sent - this.#running,
      failed: this.#tally.failed,
      conversations: this.#conversations,
      running: this.#running,
    });
  }

  async report(durationMs: number): Promise<DriveReport> {
    const receipts = (await Promise.all(this.#receipts)).filter((receipt) => receipt !== undefined);
    const works = receipts.flatMap((receipt) => receipt.work);
    for (const receipt of receipts) this.#tally.sawSession(receipt.session);
    for (const work of works) this.#tally.sawEngine(work.engine);
    const known = prefilled(receipts);
    const { latencies, ...counts } = this.#tally.summary(durationMs);
    const missing = this.#receipts.length - receipts.length;
    const reconciled = this.#options.reconcile
      ? await reconcileWithEngines(this.#options, this.#io, works, this.#tally.engines)
      : undefined;
    const { entries = [], ...reconciliation } = reconciled ?? { ok: true, engines: [] };
    const computed = entries.reduce((sum, entry) => sum + entry.computedTokens, 0);
    const prompt = receipts.reduce((sum, receipt) => sum + receipt.promptTokens, 0);
    const settled = !reconciled || (reconciliation.ok && missing === 0 && receipts.length > 0);
    return {
      ...counts,
      ...latencies,
      conversations: this.#conversations,
      abandoned_turns: this.#abandoned,
      receipts: receipts.length,
      receipts_missing: missing,
      hit_rate: known.known === 0 ? null : 1 - ratio(known.computedTokens, known.promptTokens),
      hit_rate_receipts: known.known,
      ...(reconciled
        ? {
            hit_rate_ledger: entries.length === 0 ? null : 1 - ratio(computed, prompt),
            reconcile: reconciliation,
          }
        : {}),
      ok: counts.failed === 0 && counts.completed > 0 && settled,
    };
  }
}
