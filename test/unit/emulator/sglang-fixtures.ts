import { vi } from "vitest";
import { EmulatedFleet, type EmulatedPool } from "../../support/emulated-fleet.ts";

export const PREFILL = "p/0";
export const DECODE = "d/0";
export const UNIFIED = "u/0";

/** A prefill pool, a decode pool, a link between them, and a server of both phases. */
export function pair(more: { readonly p?: object; readonly d?: object } = {}): EmulatedFleet {
  const pools: Record<string, EmulatedPool> = {
    p: { dialect: "sglang", roles: ["prefill"], ...more.p },
    d: { dialect: "sglang", roles: ["decode"], ...more.d },
    u: { dialect: "sglang", roles: ["prefill", "decode"] },
  };
  return new EmulatedFleet(pools, [{ from: "p", to: "d" }]);
}

/** A chat body; some 1000 prompt tokens. */
export function chat(more: object = {}): Record<string, unknown> {
  const content = "What is said here is said four letters at a time. ".repeat(80);
  return { model: "small", messages: [{ role: "user", content }], max_tokens: 8, ...more };
}

/** The same with where to meet. */
export function meeting(room: string, more: object = {}): string {
  const body = chat({ bootstrap_host: PREFILL, bootstrap_port: null, ...more });
  return `${JSON.stringify(body).slice(0, -1)},"bootstrap_room":${room}}`;
}

/** Answers, once they have come; time passes meanwhile. */
export async function whole(answering: Promise<Response>, withinMs = 1000): Promise<Whole> {
  await vi.advanceTimersByTimeAsync(withinMs);
  const response = await answering;
  return { status: response.status, body: (await response.json()) as Whole["body"] };
}

export type Whole = {
  readonly status: number;
  readonly body: {
    readonly message?: string;
    readonly choices: readonly {
      readonly message: { readonly content: string };
      readonly finish_reason: string;
    }[];
    readonly usage: Record<string, unknown>;
  };
};

export function textOf({ body }: Whole): string | undefined {
  return body.choices[0]?.message.content;
}
