/** Characters per token of each model, learned from the engines' own counts. Four until told. */
export class TokenRates {
  readonly #rates = new Map<string, number>();

  get(model: string): number {
    return this.#rates.get(model) ?? 4;
  }

  learn(model: string, chars: number, tokens: number): void {
    if (tokens < 16 || chars < 16) return;
    const seen = Math.min(12, Math.max(0.5, chars / tokens));
    this.#rates.set(model, this.get(model) * 0.9 + seen * 0.1);
  }
}
