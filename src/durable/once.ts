import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import { concatenate } from "../core/json-members.ts";
import { claimOnce, type Once as OnceState, RUN_LEASE_MS } from "../core/once.ts";
import type { OnceCalls } from "../rpc/objects.ts";
import {
  ONCE_MESSAGES_VERSION,
  type OnceAsk,
  type OnceDone,
  type OnceEnd,
  type OnceKept,
  type OnceReply,
} from "../rpc/once-messages.ts";

/** One idempotency key of one tenant: which request it was sent with, whether that runs, and its answer. */
export class Once extends DurableObject<OnceEnv> implements OnceCalls {
  readonly #ttlMs: number;
  readonly #waiting = new Set<() => void>();
  #state: OnceState | undefined;

  constructor(ctx: DurableObjectState, env: OnceEnv) {
    super(ctx, env);
    this.#ttlMs = ttlMsOf(env);
    this.#state = parseOnce(ctx.storage.kv.get(STATE));
  }

  async claim(ask: OnceAsk): Promise<OnceReply> {
    if (ask.v !== ONCE_MESSAGES_VERSION) return { ok: false, v: 1, code: "unknown_version" };
    const waitUntil = Date.now() + Math.min(ask.waitMs, LONGEST_WAIT_MS);
    for (;;) {
      const claimed = claimOnce(this.#state, { ...ask, now: Date.now() });
      if (claimed.kind === "run") await this.#keep(claimed.once, []);
      if (claimed.kind === "answered") {
        if (claimed.answer.kind === "too-large") return { ok: true, v: 1, kind: "too-large" };
        const { status, headers, parts } = claimed.answer;
        return { ok: true, v: 1, kind: "answered", status, headers, body: this.#body(parts) };
      }
      if (claimed.kind !== "running" || Date.now() >= waitUntil) {
        return { ok: true, v: 1, kind: claimed.kind };
      }
      await this.#change(waitUntil - Date.now());
    }
  }

  async renew(run: string): Promise<OnceDone> {
    const state = this.#state;
    if (state?.run === run && state.answer === undefined) {
      await this.#keep({ ...state, runsUntil: Date.now() + RUN_LEASE_MS }, []);
    }
    return done;
  }

  async end({ run, answer }: OnceEnd): Promise<OnceDone> {
    const state = this.#state;
    if (state?.run !== run || state.answer !== undefined) return done;
    if (answer === undefined) await this.#forget();
    else if (answer === "too-large") await this.#keep({ ...state, answer: { kind: answer } }, []);
    else {
      const { status, headers } = answer;
      const parts = partsOf(answer);
      await this.#keep(
        { ...state, answer: { kind: "kept", status, headers, parts: parts.length } },
        parts,
      );
    }
    this.#wake();
    return done;
  }

  async erase(): Promise<OnceDone> {
    await this.#forget();
    this.#wake();
    return done;
  }

  override async alarm(): Promise<void> {
    await this.#forget();
  }

  /** All writes are issued before the first await, so that they are kept or lost together. */
  async #keep(state: OnceState, parts: readonly Uint8Array[]): Promise<void> {
    const { storage } = this.ctx;
    const isNew = this.#state === undefined;
    this.#state = state;
    storage.kv.put(STATE, state);
    for (const [n, part] of parts.entries()) storage.kv.put(partKey(n), part);
    if (isNew) await storage.setAlarm(Date.now() + this.#ttlMs);
  }

  #body(parts: number): Uint8Array {
    const { kv } = this.ctx.storage;
    const read = Array.from({ length: parts }, (_, n) => kv.get<Uint8Array>(partKey(n)) ?? []);
    return concatenate(read.map((part) => Uint8Array.from(part)));
  }

  async #forget(): Promise<void> {
    this.#state = undefined;
    await Promise.all([this.ctx.storage.deleteAlarm(), this.ctx.storage.deleteAll()]);
  }

  /** Resolves when the run has ended, at the latest after that time. */
  #change(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(wake, withinMs);
      const waiting = this.#waiting;
      function wake(): void {
        clearTimeout(timer);
        waiting.delete(wake);
        resolve();
      }
      waiting.add(wake);
    });
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}

export type OnceEnv = {
  /** Seconds that an answer is kept under its idempotency key; a day when absent. */
  readonly IDEMPOTENCY_TTL_S?: string;
};

const STATE = "state";
const LONGEST_WAIT_MS = 4000;
/** Of one row; the platform's limit is 2 MB. */
const PART_BYTES = 1_000_000;
const done = { ok: true, v: 1 } as const;

const onceSchema: z.ZodType<OnceState> = z.object({
  version: z.literal(1),
  fingerprint: z.string(),
  run: z.string(),
  runsUntil: z.number(),
  answer: z
    .discriminatedUnion("kind", [
      z.object({
        kind: z.literal("kept"),
        status: z.int(),
        headers: z.record(z.string(), z.string()),
        parts: z.int().nonnegative(),
      }),
      z.object({ kind: z.literal("too-large") }),
    ])
    .exactOptional(),
});

function parseOnce(stored: unknown): OnceState | undefined {
  return onceSchema.safeParse(stored).data;
}

function partsOf({ body }: OnceKept): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < body.byteLength; at += PART_BYTES)
    parts.push(body.slice(at, at + PART_BYTES));
  return parts;
}

function partKey(n: number): string {
  return `part/${n}`;
}

function ttlMsOf({ IDEMPOTENCY_TTL_S }: OnceEnv): number {
  const seconds = Number(IDEMPOTENCY_TTL_S);
  return (seconds > 0 ? seconds : 86_400) * 1000;
}
