import type { ReplayRequest } from "../policy.ts";

/** What sessions know of who holds their prefix, as Session objects keep it. */
export class Residency {
  readonly #held = new Map<number, Record<string, number>>();

  /** Engine id → prefix tokens believed to be held for the request's session. */
  of({ session, promptTokens }: ReplayRequest): Readonly<Record<string, number>> {
    const known = this.#held.get(session);
    if (known === undefined) return NOTHING;
    return Object.fromEntries(
      Object.entries(known).map(([engine, tokens]) => [engine, Math.min(tokens, promptTokens)]),
    );
  }

  /** A turn ended: these engines hold its prompt. */
  ended({ session, promptTokens }: ReplayRequest, engines: readonly (string | undefined)[]): void {
    if (session < 0) return;
    const known = this.#held.get(session) ?? {};
    for (const engine of engines) if (engine !== undefined) known[engine] = promptTokens;
    this.#held.set(session, known);
  }
}

const NOTHING: Readonly<Record<string, number>> = {};
