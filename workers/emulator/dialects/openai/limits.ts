import type { EngineSide } from "../dialect.ts";

/** What there was not enough of. */
export type Shortage = {
  readonly kind: string;
  readonly limit: number;
  readonly used: number;
  readonly asked: number;
  /** Until there would be enough. */
  readonly waitMs: number;
};

/**
 * The limits of a hosted API: so much a minute, there again bit by bit, and so many at once. In real time: whoever
 * reckons with them knows no other.
 */
export class Limits {
  readonly #side: Pick<EngineSide, "config" | "settings">;
  readonly #requests = new Bucket();
  readonly #tokens = new Bucket();
  #open = 0;

  constructor(side: Pick<EngineSide, "config" | "settings">) {
    this.#side = side;
  }

  /** Counts one request of so many tokens, unless there is not enough left of something. */
  take(tokens: number): Shortage | undefined {
    const { rpm, tpm, concurrency = Infinity } = this.#limits;
    const now = Date.now();
    if (this.#open >= concurrency) {
      const used = this.#open;
      return { kind: "requests at once", limit: concurrency, used, asked: 1, waitMs: 1000 };
    }
    const short =
      this.#requests.shortage("requests per min (RPM)", rpm, 1, now) ??
      this.#tokens.shortage("tokens per min (TPM)", tpm, tokens, now);
    if (short) return short;
    this.#requests.take(1);
    this.#tokens.take(tokens);
    this.#open++;
    return undefined;
  }

  /** A request that was counted has ended. */
  release(): void {
    this.#open--;
  }

  headers(): Readonly<Record<string, string>> {
    const { rpm, tpm } = this.#limits;
    const now = Date.now();
    return {
      ...this.#requests.headers("requests", rpm, now),
      ...this.#tokens.headers("tokens", tpm, now),
    };
  }

  get #limits(): {
    readonly rpm?: number | undefined;
    readonly tpm?: number | undefined;
    readonly concurrency?: number;
  } {
    const { config, settings } = this.#side;
    const { rpm, tpm } = settings();
    const { limits } = config.pool;
    return { ...limits, rpm: rpm ?? limits?.rpm, tpm: tpm ?? limits?.tpm };
  }
}

const MINUTE_MS = 60_000;

/** What was taken of one limit and is not there again yet. */
class Bucket {
  #used = 0;
  #at = 0;

  shortage(
    kind: string,
    limit: number | undefined,
    asked: number,
    now: number,
  ): Shortage | undefined {
    if (limit === undefined) return undefined;
    this.#refill(limit, now);
    const missing = this.#used + asked - limit;
    if (missing <= 0) return undefined;
    const waitMs = Math.ceil((missing / limit) * MINUTE_MS);
    return { kind, limit, used: Math.ceil(this.#used), asked, waitMs };
  }

  take(amount: number): void {
    this.#used += amount;
  }

  headers(what: string, limit: number | undefined, now: number): Record<string, string> {
    if (limit === undefined) return {};
    this.#refill(limit, now);
    return {
      [`x-ratelimit-limit-${what}`]: String(limit),
      [`x-ratelimit-remaining-${what}`]: String(Math.max(0, Math.floor(limit - this.#used))),
      [`x-ratelimit-reset-${what}`]: duration((this.#used / limit) * MINUTE_MS),
    };
  }

  #refill(limit: number, now: number): void {
    const back = ((now - this.#at) / MINUTE_MS) * limit;
    this.#used = Math.max(0, this.#used - back);
    this.#at = now;
  }
}

/** As `12ms`, `1.5s` or `6m0s`. */
function duration(ms: number): string {
  const whole = Math.ceil(ms);
  if (whole < 1000) return `${whole}ms`;
  if (whole < MINUTE_MS) return `${whole / 1000}s`;
  return `${Math.floor(whole / MINUTE_MS)}m${Math.ceil((whole % MINUTE_MS) / 1000)}s`;
}
