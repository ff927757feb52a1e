import type { Counts } from "../../src/sim/sequence.ts";

export type Leg = "prefill" | "decode" | "both";

/** What really became of one request: the truth that tests compare receipts with. */
export type LedgerEntry = Counts & {
  /** The caller's `x-request-id`. */
  readonly requestId: string;
  readonly leg: Leg;
  /** Usage went out with the answer, of what was asked. */
  readonly reportedUsage: boolean;
  readonly status: "done" | "aborted" | "failed" | "running";
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number | null;
};

const KEPT = 10_000;

/** The newest requests of one engine, and totals over all of them. */
export class Ledger {
  #entries: { entry: LedgerEntry }[] = [];
  readonly totals = {
    promptTokens: 0,
    cachedTokens: 0,
    outputTokens: 0,
    /** Pieces of media that it was asked to encode, and how many of them it had encoded before. */
    encodedMedia: 0,
    cachedMedia: 0,
  };

  open(requestId: string, leg: Leg): OpenEntry {
    const slot = { entry: { ...NEW, requestId, leg, startedAt: Date.now() } as LedgerEntry };
    this.#entries.push(slot);
    if (this.#entries.length > KEPT) this.#entries.shift();
    return {
      close: (status, counts, reportedUsage) => {
        if (slot.entry.status !== "running") return;
        slot.entry = { ...slot.entry, ...counts, reportedUsage, status, endedAt: Date.now() };
        this.totals.promptTokens += counts.promptTokens;
        this.totals.cachedTokens += counts.cachedTokens;
        this.totals.outputTokens += counts.outputTokens;
      },
    };
  }

  get entries(): LedgerEntry[] {
    return this.#entries.map(({ entry }) => entry);
  }

  clear(): void {
    this.#entries = this.#entries.filter(({ entry }) => entry.status === "running");
  }
}

export type OpenEntry = {
  /** Settles the entry; only the first call counts. */
  close(status: "done" | "aborted" | "failed", counts: Counts, reportedUsage: boolean): void;
};

const NEW = {
  promptTokens: 0,
  cachedTokens: 0,
  computedTokens: 0,
  pulledTokens: 0,
  outputTokens: 0,
  reportedUsage: false,
  status: "running",
  endedAt: null,
};
