import { readChunkUsage } from "../core/chat-frames.ts";
import { rawMember } from "../core/json-members.ts";

/**
 * Sends one small request to an engine and gives its whole answer; nothing when it failed. `refused`: it serves no
 * request by itself, as an engine of one phase may not.
 */
export type Probe = (
  engine: string,
  body: Uint8Array,
) => Promise<Uint8Array | "refused" | undefined>;

/**
 * Which engines say how much of a prompt they found in their cache. Those that do leave the figure out when it is
 * zero, as do those that never say; only an engine that is known to say may be taken at its silence.
 */
export class CacheReports {
  readonly #probe: Probe;
  readonly #now: () => number;
  readonly #seen = new Map<string, { readonly reports: boolean; readonly until: number }>();
  /** Until when the one request that asks an engine may still be at it. */
  readonly #asking = new Map<string, number>();
  readonly #salt = crypto.randomUUID();

  readonly #lasting: Lasting;

  constructor(probe: Probe, now: () => number, lasting: Lasting = {}) {
    this.#probe = probe;
    this.#now = now;
    this.#lasting = lasting;
  }

  /** A report was seen in passing. */
  saw(engine: string): void {
    this.#seen.set(engine, { reports: true, until: this.#now() + this.#freshMs });
  }

  /** True where it is known already that the engine tells. */
  knows(engine: string): boolean {
    return this.#seen.get(engine)?.reports === true;
  }

  /**
   * Asks the engine the same thing again and again, unless it is known from the last moments. One request asks for all
   * of an isolate; the others look now and then, as the runtime may end it and they must not wait for its promises.
   */
  async of(engine: string): Promise<boolean> {
    const giveUpAt = this.#now() + LONGEST_MS;
    while (this.#now() < giveUpAt) {
      const seen = this.#seen.get(engine);
      if (seen !== undefined && this.#now() < seen.until) return seen.reports;
      if (this.#now() >= (this.#asking.get(engine) ?? 0)) {
        this.#asking.set(engine, giveUpAt);
        try {
          return await this.#find(engine, giveUpAt);
        } finally {
          this.#asking.delete(engine);
        }
      }
      await pause(LOOK_AGAIN_MS);
    }
    return false;
  }

  get #freshMs(): number {
    return this.#lasting.freshMs ?? FRESH_MS;
  }

  async #find(engine: string, giveUpAt: number): Promise<boolean> {
    let told: Told = "silent";
    // The first of these is cold, and a second may meet an engine that has restarted since.
    for (let nones = 0; nones < 3 && this.#now() < giveUpAt;) {
      told = await this.#ask(engine);
      if (told === "some" || told === "refused") break;
      if (told === "none") nones += 1;
      else await pause(RETRY_MS);
    }
    const { muteMs = MUTE_MS } = this.#lasting;
    const lastsMs = { some: this.#freshMs, none: muteMs, refused: muteMs, silent: FRESH_MS }[told];
    this.#seen.set(engine, { reports: told === "some", until: this.#now() + lastsMs });
    return told === "some";
  }

  async #ask(engine: string): Promise<Told> {
    const answer = await this.#probe(engine, probeBody(this.#salt));
    if (answer === undefined) return "silent";
    if (answer === "refused") return "refused";
    const usage = readChunkUsage(`{"usage":${rawMember(answer, ["usage"]) ?? "null"}}`);
    return (usage?.cachedTokens ?? 0) > 0 ? "some" : "none";
  }
}

/** How long what is known of an engine lasts, ms: of one that tells, and of one that never does. */
type Lasting = { readonly freshMs?: number; readonly muteMs?: number };

/** What a probe's answer says of cached tokens: some, nothing of them, or there was no answer to read. */
type Told = "some" | "none" | "refused" | "silent";

/** A server's flags change only as it restarts: longer than a burst of cold prompts, shorter than a restart, ms. */
const FRESH_MS = 2000;
/** An engine that never tells is asked again after this, ms; meanwhile its figures are unknown, which is safe. */
const MUTE_MS = 20_000;
/** An engine that does not answer now may in a moment; receipts wait no longer than this in all, ms. */
const LONGEST_MS = 3000;
const RETRY_MS = 250;
const LOOK_AGAIN_MS = 25;
const PROBE_WORDS = 512;

/** About 512 tokens that nobody else sends. */
function probeBody(salt: string): Uint8Array {
  const content = `${salt} ${"probe ".repeat(PROBE_WORDS)}`;
  const messages = [{ role: "user", content }];
  return new TextEncoder().encode(JSON.stringify({ model: "", messages, max_tokens: 1 }));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
