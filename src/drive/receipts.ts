import type { Receipt } from "../core/receipt.ts";
import type { DriveIo, DriveOptions } from "./options.ts";

/** Reads a receipt, waiting up to 3 s for it to be written; undefined when there is none. */
export async function readReceipt(
  options: DriveOptions,
  io: DriveIo,
  id: string,
): Promise<DrivenReceipt | undefined> {
  const headers = { authorization: `Bearer ${options.apiKey}` };
  const until = io.now() + PATIENCE_MS;
  for (let waitMs = 50; ; waitMs = Math.min(400, waitMs * 2)) {
    try {
      const response = await io.fetch(`${options.baseUrl}/receipts/${encodeURIComponent(id)}`, {
        headers,
      });
      if (response.ok) return (await response.json()) as DrivenReceipt;
      await response.body?.cancel();
      if (response.status !== 404) return undefined;
    } catch {
      return undefined;
    }
    if (io.now() + waitMs > until) return undefined;
    await io.sleep(waitMs);
  }
}

export type DrivenReceipt = Pick<Receipt, "id" | "session" | "mode" | "promptTokens" | "work">;

/** Prompt tokens, and those any leg prefilled, of the receipts whose every served leg said what it computed. */
export function prefilled(receipts: readonly DrivenReceipt[]): Prefilled {
  let known = 0;
  let promptTokens = 0;
  let computedTokens = 0;
  for (const { work, promptTokens: prompt } of receipts) {
    const mute = work.some(
      (w) => w.outcome === "served" && w.leg !== "decode" && w.computedTokens === undefined,
    );
    if (mute) continue;
    known += 1;
    promptTokens += prompt;
    computedTokens += work.reduce((sum, w) => sum + (w.computedTokens ?? 0), 0);
  }
  return { known, promptTokens, computedTokens };
}

export type Prefilled = {
  readonly known: number;
  readonly promptTokens: number;
  readonly computedTokens: number;
};

const PATIENCE_MS = 3000;
