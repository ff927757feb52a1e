import type { Receipt } from "../core/receipt.ts";

const FLUSH_AFTER_MS = 1000;
const FLUSH_AT = 200;

/** Where a pack of receipts of one object goes. */
export type WritePack = (objectName: string, receipts: readonly Receipt[]) => Promise<void>;

/**
 * Collects an isolate's receipts and writes them several to a pack, at most a second late. What is not written yet can
 * be read here. A pack that could not be written is tried again with the next.
 */
export class ReceiptBuffer {
  readonly #waiting = new Map<string, Map<string, Receipt>>();

  add(
    objectName: string,
    receipt: Receipt,
    write: WritePack,
    waitUntil: (work: Promise<unknown>) => void,
  ): void {
    const pack = this.#waiting.get(objectName) ?? new Map<string, Receipt>();
    this.#waiting.set(objectName, pack);
    pack.set(receipt.id, receipt);
    if (pack.size >= FLUSH_AT) waitUntil(this.#flush(objectName, write));
    else waitUntil(this.#later(objectName, write));
  }

  read(objectName: string, id: string): Receipt | undefined {
    return this.#waiting.get(objectName)?.get(id);
  }

  readonly #scheduled = new Set<string>();

  async #later(objectName: string, write: WritePack): Promise<void> {
    if (this.#scheduled.has(objectName)) return;
    this.#scheduled.add(objectName);
    await new Promise((resolve) => setTimeout(resolve, FLUSH_AFTER_MS));
    this.#scheduled.delete(objectName);
    await this.#flush(objectName, write);
  }

  async #flush(objectName: string, write: WritePack): Promise<void> {
    const pack = this.#waiting.get(objectName);
    if (pack === undefined || pack.size === 0) return;
    const receipts = [...pack.values()];
    await write(objectName, receipts);
    for (const { id } of receipts) pack.delete(id);
    if (pack.size === 0) this.#waiting.delete(objectName);
  }
}
