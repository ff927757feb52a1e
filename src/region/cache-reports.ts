import { readChunkUsage } from "../core/chat-frames.ts";
import { rawMember } from "../core/json-members.ts";

/** Sends one small request to an engine and gives its whole answer; nothing when it failed. */
export type Probe = (engine: string, body: Uint8Array) => Promise<Uint8Array | undefined>;

/**
 * Which engines say how much of a prompt they found in their cache. Those that do leave the figure out when it is
 * zero, as do those that never say; only an engine that is known to say may be taken at its silence.
 */
export class CacheReports {
  readonly #probe: Probe;
  readonly #now: () => number;
  readonly #seen = new Map<string, { readonly reports: boolean; readonly at: number }>();
  readonly #salt = crypto.randomUUID();

  constructor(probe: Probe, now: () => number) {
    this.#probe = probe;
    this.#now = now;
  }

  /** A report was seen in passing. */
  saw(engine: string): void {
    this.#seen.set(engine, { reports: true, at: this.#now() });
  }

  /** Asks the engine the same thing twice, unless it is known from the last moments. */
  async of(engine: string): Promise<boolean> {
    const seen = this.#seen.get(engine);
    const freshMs = seen?.reports === false ? MUTE_MS : FRESH_MS;
    if (seen !== undefined && this.#now() - seen.at < freshMs) return seen.reports;
    const reports =
      (seen?.reports === true && (await this.#ask(engine))) || (await this.#askTwice(engine));
    this.#seen.set(engine, { reports, at: this.#now() });
    return reports;
  }

  async #askTwice(engine: string): Promise<boolean> {
    await this.#ask(engine);
    return this.#ask(engine);
  }

  async #ask(engine: string): Promise<boolean> {
    const answer = await this.#probe(engine, probeBody(this.#salt));
    if (answer === undefined) return false;
    const usage = readChunkUsage(`{"usage":${rawMember(answer, ["usage"]) ?? "null"}}`);
    return (usage?.cachedTokens ?? 0) > 0;
  }
}

/** A server's flags change only as it restarts: longer than a burst of cold prompts, shorter than a restart, ms. */
const FRESH_MS = 2000;
/** An engine that never tells is asked again after this, ms; meanwhile its figures are unknown, which is safe. */
const MUTE_MS = 60_000;
const PROBE_WORDS = 512;

/** About 512 tokens that nobody else sends. */
function probeBody(salt: string): Uint8Array {
  const content = `${salt} ${"probe ".repeat(PROBE_WORDS)}`;
  const messages = [{ role: "user", content }];
  return new TextEncoder().encode(JSON.stringify({ model: "", messages, max_tokens: 1 }));
}
