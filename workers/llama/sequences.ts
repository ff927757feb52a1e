import type { LlamaContext, Token } from "node-llama-cpp";
import { AskError } from "./ask-error.ts";
import type { StateFile, States } from "./engine.ts";
import { Slot } from "./slot.ts";
import { tokensInState } from "./state-file.ts";

const MOST_WAITING = 256;

/** A slot in the hands of a request. */
export type Held = {
  readonly slot: Slot;
  /** How many of the prompt's tokens need not be computed. */
  readonly cachedTokens: number;
  /** Why a state that was brought could not be used, in words. */
  readonly stateFailed: string | undefined;
  /** Gives the slot back, with the tokens that it holds. */
  free(): void;
};

export type Wish = {
  readonly prompt: readonly Token[];
  readonly salt: string;
  /** A file with the state of some of the prompt's first tokens. */
  readonly statePath: string | undefined;
  readonly signal: AbortSignal;
};

/** The sequences of a context: which request has which, what the idle ones still hold, and who waits. */
export class Sequences implements States {
  readonly fingerprint: string;
  /** Tokens that one sequence can hold with the one to be sampled. */
  readonly contextTokens: number;
  readonly #slots: readonly Slot[];
  readonly #waiting: { readonly give: () => void }[] = [];
  #clock = 0;
  #whenIdle: (() => void)[] = [];

  constructor(context: LlamaContext, fingerprint: string) {
    this.fingerprint = fingerprint;
    this.contextTokens = context.contextSize;
    this.#slots = Array.from(
      { length: context.totalSequences },
      () => new Slot(context.getSequence()),
    );
  }

  get counts(): { running: number; waiting: number; cellsUsed: number; cellsTotal: number } {
    return {
      running: this.#slots.filter(({ busy }) => busy).length,
      waiting: this.#waiting.length,
      cellsUsed: this.#slots.reduce((sum, { size }) => sum + size, 0),
      cellsTotal: this.#slots.length * this.contextTokens,
    };
  }

  /** Waits for a slot; rejects with the signal's reason on abort and with an `AskError` (503) when too many wait. */
  async hold(wish: Wish): Promise<Held> {
    const slot = this.#idleFor(wish) ?? (await this.#next(wish));
    try {
      return await this.#prepare(slot, wish);
    } catch (error) {
      this.#free(slot);
      throw error;
    }
  }

  /** Resolves once no request has a sequence. */
  async idle(): Promise<void> {
    if (!this.#slots.some(({ busy }) => busy)) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle.push(resolve);
    });
  }

  cachedTokens(prompt: readonly number[], salt: string): number {
    const slot = this.#longest(prompt, salt);
    return slot === undefined ? 0 : slot.commonWith(prompt);
  }

  async saveLongest(
    prompt: readonly number[],
    salt: string,
    path: string,
  ): Promise<StateFile | undefined> {
    const slot = this.#longest(prompt, salt);
    if (slot === undefined) return undefined;
    if (slot.busy) return slot.save(path);
    slot.busy = true;
    try {
      return await slot.save(path);
    } finally {
      this.#free(slot);
    }
  }

  #longest(prompt: readonly number[], salt: string): Slot | undefined {
    const own = this.#slots.filter((slot) => slot.salt === salt && slot.commonWith(prompt) > 0);
    return own.toSorted((a, b) => b.commonWith(prompt) - a.commonWith(prompt))[0];
  }

  /** Takes the idle slot that holds most of the prompt, unless it holds more of others' and another one is empty. */
  #idleFor({ prompt, salt }: Wish): Slot | undefined {
    const common = (slot: Slot): number => (slot.salt === salt ? slot.commonWith(prompt) : 0);
    const idle = this.#slots
      .filter(({ busy }) => !busy)
      .toSorted((a, b) => common(b) - common(a) || a.usedAt - b.usedAt);
    const [best] = idle;
    const spare = idle.find(({ size }) => size === 0);
    const kept = best !== undefined && 2 * common(best) >= best.size;
    const slot = kept ? best : (spare ?? best);
    if (slot !== undefined) slot.busy = true;
    return slot;
  }

  #next(wish: Wish): Promise<Slot> {
    const { signal } = wish;
    if (this.#waiting.length >= MOST_WAITING) {
      throw new AskError(503, "overloaded", `${MOST_WAITING} requests are waiting already`);
    }
    return new Promise<Slot>((resolve, reject) => {
      const give = (): void => {
        signal.removeEventListener("abort", leave);
        const slot = this.#idleFor(wish);
        if (slot === undefined) reject(new Error("no sequence is idle"));
        else resolve(slot);
      };
      const entry = { give };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(entry);
    });
  }

  async #prepare(slot: Slot, { prompt, salt, statePath, signal }: Wish): Promise<Held> {
    signal.throwIfAborted();
    if (slot.salt !== salt) await slot.keep(0);
    slot.salt = salt;
    const stateFailed = statePath === undefined ? undefined : await bring(slot, prompt, statePath);
    const cachedTokens = Math.min(slot.commonWith(prompt), prompt.length - 1);
    await slot.keep(cachedTokens);
    let freed = false;
    const free = (): void => {
      if (freed) return;
      freed = true;
      this.#free(slot);
    };
    return { slot, cachedTokens, stateFailed, free };
  }

  #free(slot: Slot): void {
    slot.busy = false;
    this.#clock += 1;
    slot.usedAt = this.#clock;
    this.#waiting.shift()?.give();
    if (this.#slots.some(({ busy }) => busy)) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}

/** Loads the state when it holds more of the prompt than the slot does; says why it could not. */
async function bring(
  slot: Slot,
  prompt: readonly Token[],
  path: string,
): Promise<string | undefined> {
  try {
    const tokens = await tokensInState(path);
    const differs = prompt.findIndex((token, index) => token !== tokens[index]);
    const common = differs === -1 ? prompt.length : differs;
    if (common < 2) return "the state holds no prefix of this prompt";
    if (common > slot.commonWith(prompt)) await slot.load(path);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
