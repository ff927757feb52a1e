import type { Work } from "../core/receipt.ts";
import type { ChatMessage, Conversation } from "../traces/conversation.ts";
import { ask } from "./ask.ts";
import type { Answer } from "./ask.ts";
import { cacheFigures } from "./cache-figures.ts";
import type { CacheFigures } from "./cache-figures.ts";
import { Ceiling } from "./ceiling.ts";
import { FaultInjector } from "./fault-injector.ts";
import { reconcileWithEngines } from "./ledgers.ts";
import type { DriveIo, DriveOptions } from "./options.ts";
import { BlockLog } from "./pooled-lru.ts";
import { prefilledAwayShare } from "./prefilled-away.ts";
import { prefilled, readReceipt } from "./receipts.ts";
import type { DrivenReceipt } from "./receipts.ts";
import type { Reconciliation } from "./reconcile.ts";
import { SessionsSeen } from "./sessions-seen.ts";
import type { SessionCounts } from "./sessions-seen.ts";
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
  await run.endFaults();
  return run.report(io.now() - startedAt);
}

export type DriveReport = Omit<TallySummary, "latencies"> &
  SessionCounts &
  Partial<CacheFigures> &
  Readonly<Record<`${string}_ms`, number | null>> & {
    readonly conversations: number;
    /** Turns asked again after a fault. */
    readonly retried: number;
    /** Faults set off, by kind. */
    readonly faults?: Readonly<Record<string, number>>;
    /** Turns not sent because one before them failed. */
    readonly abandoned_turns: number;
    readonly receipts: number;
    readonly receipts_missing: number;
    readonly missing_receipts: readonly string[];
    /** 1 − tokens prefilled by any leg / prompt tokens, over the receipts that know; null when none does. */
    readonly hit_rate: number | null;
    readonly hit_rate_receipts: number;
    readonly prefilled_away_share: number | null;
    readonly reconcile?: Reconciliation & { readonly error?: string };
    readonly ok: boolean;
  };

class Run {
  readonly #options: DriveOptions;
  readonly #io: DriveIo;
  readonly #tally = new Tally();
  readonly #ceiling = new Ceiling();
  readonly #receipts: Promise<DrivenReceipt | undefined>[] = [];
  /** Ids of those that nobody could read. */
  readonly #missing: string[] = [];
  readonly #sessions = new SessionsSeen();
  readonly #blocks = new BlockLog();
  readonly #faults: FaultInjector | undefined;
  #sent = 0;
  #running = 0;
  #conversations = 0;
  #abandoned = 0;
  #retried = 0;

  constructor(options: DriveOptions, io: DriveIo) {
    this.#options = options;
    this.#io = io;
    this.#faults =
      options.faults === undefined ? undefined : new FaultInjector(options, io, options.faults);
  }

  mayAsk(): boolean {
    return this.#sent < (this.#options.limit ?? Infinity);
  }

  async converse(conversation: Conversation): Promise<void> {
    const answers: string[] = [];
    this.#running += 1;
    for (const [index, turn] of conversation.turns.entries()) {
      if (!this.mayAsk()) break;
      const messages = turn.messages(answers);
      const answer = await this.#askUntilAnswered(conversation.id, index, messages, turn.maxTokens);
      if (answer.error !== undefined) {
        this.#abandoned += conversation.turns.length - index - 1;
        break;
      }
      this.#ceiling.answered(messages, answer.text);
      const whole = this.#options.reconcile && this.#io.blocksOf?.(messages, answer.text);
      if (whole) this.#blocks.answered(whole);
      answers.push(answer.text);
    }
    this.#running -= 1;
    this.#conversations += 1;
    this.#progress();
  }

  /** A turn that failed is asked again only where faults were set off on purpose. */
  async #askUntilAnswered(
    conversation: string,
    turn: number,
    messages: readonly ChatMessage[],
    maxTokens: number,
  ): Promise<Answer> {
    for (let retries = this.#faults ? MOST_RETRIES : 0; ; retries -= 1) {
      await this.#faults?.beforeRequest(this.#tally.engines);
      this.#sent += 1;
      const shares = this.#ceiling.ask(messages);
      const prompt = this.#options.reconcile && this.#io.blocksOf?.(messages);
      if (prompt) this.#blocks.asked(prompt);
      const answer = await ask(this.#options, this.#io, {
        session: conversation,
        messages,
        maxTokens,
      });
      this.#tally.add(answer, shares);
      this.#fetchReceipt(conversation, turn, answer.headers.get("phaseway-receipt"));
      this.#progress();
      if (answer.error === undefined || retries === 0 || !this.mayAsk()) return answer;
      this.#retried += 1;
    }
  }

  async endFaults(): Promise<void> {
    await this.#faults?.end();
  }

  #fetchReceipt(conversation: string, turn: number, id: string | null): void {
    if (id === null) return;
    const reading = readReceipt(this.#options, this.#io, id).then((receipt) => {
      if (receipt) this.#sessions.saw(receipt.session, conversation, turn);
      else this.#missing.push(id);
      return receipt;
    });
    this.#receipts.push(reading);
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
    // What only encodes keeps no ledger of legs, and counts no tokens.
    const works = receipts.flatMap(({ work }) => work).filter(({ leg }) => leg !== "encode");
    for (const work of works) this.#tally.sawEngine(work.engine);
    const known = prefilled(receipts);
    const { latencies, ...counts } = this.#tally.summary(durationMs);
    const missing = this.#missing.length;
    const prompt = receipts.reduce((sum, receipt) => sum + receipt.promptTokens, 0);
    const reconciled = this.#options.reconcile
      ? await this.#reconcile(works, prompt)
      : { figures: {}, settled: true };
    const settled = reconciled.settled && (!this.#options.reconcile || missing === 0);
    const failed = this.#faults ? 0 : counts.failed;
    return {
      ...counts,
      ...latencies,
      ...this.#sessions.counts(),
      conversations: this.#conversations,
      abandoned_turns: this.#abandoned,
      retried: this.#retried,
      ...(this.#faults && { faults: this.#faults.struck }),
      receipts: receipts.length,
      receipts_missing: missing,
      missing_receipts: this.#missing,
      hit_rate: known.known === 0 ? null : 1 - ratio(known.computedTokens, known.promptTokens),
      hit_rate_receipts: known.known,
      prefilled_away_share: prefilledAwayShare(works),
      ...reconciled.figures,
      ok: failed === 0 && counts.completed > 0 && settled,
    };
  }

  async #reconcile(works: readonly Work[], promptTokens: number) {
    const { engines } = this.#tally;
    const { entries, blocks, ...reconciliation } = await reconcileWithEngines(
      this.#options,
      this.#io,
      works,
      engines,
    );
    const figures = cacheFigures({ entries, blocks }, this.#blocks, promptTokens);
    return {
      figures: { ...figures, reconcile: reconciliation },
      settled: reconciliation.ok && works.length > 0,
    };
  }
}

/** Times a turn is asked again, at most. */
const MOST_RETRIES = 3;
