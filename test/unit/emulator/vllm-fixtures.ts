import { afterEach, beforeEach, vi } from "vitest";
import { EmulatedFleet, type EmulatedPool } from "../../support/emulated-fleet.ts";

export const PREFILL = "p/0";
export const DECODE = "d/0";
export const BOTH = "u/0";

/** A prefill pool, a decode pool, links both pools' way from prefill, and an engine of both phases. */
export function fleetOf(
  dialect: string,
  more: { readonly p?: object; readonly d?: object } = {},
): EmulatedFleet {
  const pools: Record<string, EmulatedPool> = {
    p: { dialect, roles: ["prefill"], ...more.p },
    d: { dialect, roles: ["decode"], ...more.d },
    u: { dialect, roles: ["prefill", "decode"] },
  };
  return new EmulatedFleet(pools, [{ from: "p", to: "d" }]);
}

/** Some 1000 prompt tokens and 8 of output, with the members given. */
export function chat(more: object = {}): Record<string, unknown> {
  const content = "What is said here is said four letters at a time. ".repeat(80);
  return { model: "small", messages: [{ role: "user", content }], max_tokens: 8, ...more };
}

/** A prefill leg's body. */
export function prefillOf(params: object, more: object = {}): Record<string, unknown> {
  const asked = { do_remote_decode: true, do_remote_prefill: false, ...params };
  return chat({ max_tokens: 1, kv_transfer_params: asked, ...more });
}

/** A decode leg's body. */
export function decodeOf(params: object, more: object = {}): Record<string, unknown> {
  const asked = { do_remote_decode: false, do_remote_prefill: true, ...params };
  return chat({ kv_transfer_params: asked, ...more });
}

export function requestId(id: string): RequestInit {
  return { headers: { "x-request-id": id } };
}

/** The answer, once it has come; time passes meanwhile. */
export async function whole(answering: Promise<Response>, withinMs = 1000): Promise<Whole> {
  await vi.advanceTimersByTimeAsync(withinMs);
  const response = await answering;
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) as Whole["body"] };
}

export type Whole = {
  readonly status: number;
  readonly text: string;
  readonly body: {
    readonly error?: { readonly message: string };
    readonly choices: readonly {
      readonly message: { readonly content: string };
      readonly finish_reason: string;
    }[];
    readonly usage: {
      readonly prompt_tokens: number;
      readonly prompt_tokens_details?: { readonly cached_tokens: number };
    };
    readonly kv_transfer_params?: Readonly<Record<string, unknown>>;
  };
};

export function textOf({ body }: Whole): string | undefined {
  return body.choices[0]?.message.content;
}

/** Legs and blocks of nobody. */
export const IDLE = { open: 0, blocksHeld: 0, leasedBlocks: 0 };

/** Emulated time is the test's. */
export function withFakeTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}
