import { vi } from "vitest";
import { EmulatedFleet } from "../../support/emulated-fleet.ts";

export const CONTEXT = "p/0";
export const GENERATION = "d/0";
export const ALONE = "u/0";

/** A context pool, a generation pool, a link between them, and a server of both phases. */
export function pair(): EmulatedFleet {
  const dialect = "trtllm";
  return new EmulatedFleet(
    {
      p: { dialect, roles: ["prefill"] },
      d: { dialect, roles: ["decode"] },
      u: { dialect: "trtllm-gen-first", roles: ["prefill", "decode"] },
    },
    [{ from: "p", to: "d" }],
  );
}

/** A chat body of some 1000 prompt tokens; `params` is raw JSON. */
export function chat(params?: string, more: object = {}): string {
  const content = "What is said here is said four letters at a time. ".repeat(80);
  const body = { model: "small", messages: [{ role: "user", content }], max_tokens: 8, ...more };
  const raw = JSON.stringify(body);
  return params === undefined ? raw : `${raw.slice(0, -1)},"disaggregated_params":${params}}`;
}

export type Told = {
  readonly status: number;
  readonly raw: string;
  readonly body: {
    readonly message?: unknown;
    readonly type?: string;
    readonly prompt_token_ids?: readonly number[];
    readonly usage?: { readonly prompt_tokens_details?: { readonly cached_tokens: number } };
    readonly choices?: readonly [
      {
        readonly message: { readonly content: string };
        readonly finish_reason: string;
        readonly disaggregated_params?: Readonly<Record<string, unknown>>;
      },
    ];
  };
};

/** An answer, once it has come; time passes meanwhile. */
export async function told(answering: Promise<Response>, withinMs = 1000): Promise<Told> {
  await vi.advanceTimersByTimeAsync(withinMs);
  const response = await answering;
  const raw = await response.text();
  return { status: response.status, raw, body: JSON.parse(raw) as Told["body"] };
}

/** The parameters of a context answer as they came, told to generate. */
export function generating({ raw }: Told): string {
  const params = /"disaggregated_params":(\{[^}]*\})/.exec(raw)?.[1] ?? "";
  return params.replace('"context_only"', '"generation_only"');
}

export function textOf({ body }: Told): string | undefined {
  return body.choices?.[0].message.content;
}
