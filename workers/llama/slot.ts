import { stat } from "node:fs/promises";
import type { LlamaContextSequence, LlamaGrammarEvaluationState, Token } from "node-llama-cpp";
import { withoutOneLeft } from "./batches.ts";
import type { StateFile } from "./engine.ts";
import { tokensInState } from "./state-file.ts";

export type Sampling = {
  /** 0 takes the likeliest token. */
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  readonly grammar?: LlamaGrammarEvaluationState;
};

/**
 * One sequence of the context: the tokens whose state it holds, and what adds to them.
 * No token is evaluated alone, for the rounding's sake (see `steadyBatches`): the one before it is evaluated again.
 */
export class Slot {
  /** Whose tokens these are. */
  salt = "";
  busy = false;
  /** Larger is later. */
  usedAt = 0;
  readonly #sequence: LlamaContextSequence;

  constructor(sequence: LlamaContextSequence) {
    this.#sequence = sequence;
  }

  get tokens(): readonly Token[] {
    return this.#sequence.contextTokens;
  }

  /** Tokens that it can hold. */
  get mostTokens(): number {
    return this.#sequence.contextSize - 1;
  }

  get size(): number {
    return this.#sequence.nextTokenIndex;
  }

  /** How many of `tokens` are held from the first on; one alone is none, as it was evaluated alone. */
  commonWith(tokens: readonly number[]): number {
    const held = this.tokens;
    const most = Math.min(held.length, tokens.length);
    let same = 0;
    while (same < most && held[same] === tokens[same]) same += 1;
    return same === 1 ? 0 : same;
  }

  /** Forgets all after the first `size` tokens. */
  async keep(size: number): Promise<void> {
    if (this.size <= size) return;
    await this.#sequence.eraseContextTokenRanges([{ start: size, end: this.size }]);
  }

  /** Evaluates `tokens` up to `end`, going on after those held, which must be their first. Ends early on abort. */
  async read(tokens: readonly Token[], end: number, signal: AbortSignal): Promise<void> {
    const most = this.#sequence.context.batchSize;
    while (this.size < end && !signal.aborted) {
      if (end - this.size === 1) await this.keep(this.size - 1);
      const alone = end === 1 && tokens.length > 1;
      const count = alone ? 2 : withoutOneLeft(end - this.size, most);
      await this.#sequence.evaluateWithoutGeneratingNewTokens(
        tokens.slice(this.size, this.size + count),
      );
    }
    await this.keep(end);
  }

  /** Reads what is left of `prompt` and yields what follows, without end but the model's own, the context's or abort. */
  async *generate(
    prompt: readonly Token[],
    sampling: Sampling,
    signal: AbortSignal,
  ): AsyncGenerator<Token, void, void> {
    const { batchSize } = this.#sequence.context;
    while (prompt.length - this.size > batchSize && !signal.aborted) {
      const count = withoutOneLeft(prompt.length - this.size, batchSize);
      await this.read(prompt, this.size + count, signal);
    }
    if (signal.aborted) return;
    await this.keep(Math.max(0, prompt.length - 2));
    const { temperature, topP, seed, grammar } = sampling;
    const next = this.#sequence.evaluate(prompt.slice(this.size), {
      temperature,
      topP,
      topK: 0,
      minP: 0,
      seed,
      ...(grammar === undefined ? {} : { grammarEvaluationState: grammar }),
    });
    try {
      let step = await next.next();
      while (step.done !== true && !signal.aborted) {
        yield step.value;
        const before = this.tokens.at(-1);
        if (before === undefined || this.size >= this.mostTokens || signal.aborted) return;
        await this.keep(this.size - 1);
        step = await next.next([before, step.value]);
      }
    } finally {
      await next.return();
    }
  }

  /** Writes the state to `path`; rejects when that fails. */
  async save(path: string): Promise<StateFile> {
    await this.#sequence.saveStateToFile(path);
    const [tokens, { size }] = await Promise.all([tokensInState(path), stat(path)]);
    return { path, tokens, bytes: size };
  }

  /** Holds what the file at `path` holds instead of its own; rejects, and holds nothing, when that fails. */
  async load(path: string): Promise<void> {
    await this.keep(0);
    try {
      await this.#sequence.loadStateFromFile(path, { acceptRisk: true });
    } catch (error) {
      await this.#sequence.clearHistory();
      throw error;
    }
  }
}
