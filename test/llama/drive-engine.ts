import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Options } from "../../workers/llama/options.ts";
import { type RunningEngine, startEngine } from "../../workers/llama/start-engine.ts";
import { writeTinyGguf } from "./tiny-gguf.ts";

export type DrivenEngine = RunningEngine & {
  /** The whole answer to a body. */
  post(path: string, body: object, signal?: AbortSignal): Promise<Answer>;
  /** The texts of a stream's pieces, and its last usage. */
  stream(path: string, body: object): Promise<{ pieces: string[]; usage: Answer["usage"] }>;
  /** A line of `/metrics`, by its name without prefix. */
  metric(name: string): Promise<number>;
};

export type Answer = {
  readonly status: number;
  readonly choices?: readonly {
    readonly text?: string;
    readonly message?: { readonly content: string };
    readonly finish_reason: string;
  }[];
  readonly usage?: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
  readonly error?: { readonly message: string; readonly code: string; readonly param: string };
  readonly tokens?: readonly number[];
};

/** Starts an engine on a tiny model of its own; one thread, as several would spin for each other on a busy machine. */
export async function driveEngine(options: Partial<Options> = {}): Promise<DrivenEngine> {
  const folder = mkdtempSync(join(tmpdir(), "phaseway-tiny-"));
  const model = join(folder, "tiny.gguf");
  writeTinyGguf(model);
  const engine = await startEngine({
    model,
    name: undefined,
    host: "127.0.0.1",
    port: 0,
    url: undefined,
    context: 2048,
    sequences: 3,
    threads: 1,
    kvTypes: { key: "F16", value: "F16" },
    peers: [],
    ...options,
  });
  const send = (path: string, body: object, signal?: AbortSignal): Promise<Response> =>
    fetch(engine.origin + path, {
      method: "POST",
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  return {
    ...engine,
    post: async (path, body, signal) => {
      const response = await send(path, body, signal);
      return { ...((await response.json()) as object), status: response.status };
    },
    stream: async (path, body) => piecesOf(await send(path, { ...body, stream: true })),
    metric: async (name) => {
      const text = await (await fetch(`${engine.origin}/metrics`)).text();
      const line = text.split("\n").find((line) => line.startsWith(`llamacpp:${name}{`));
      return Number(line?.split(" ").at(-1));
    },
    stop: async () => {
      await engine.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

type Chunk = Pick<Answer, "usage"> & {
  readonly choices: readonly { readonly text?: string; readonly delta?: { content?: string } }[];
};

async function piecesOf(response: Response): Promise<{ pieces: string[]; usage: Answer["usage"] }> {
  const lines = (await response.text()).split("\n\n").filter((line) => line !== "");
  if (lines.pop() !== "data: [DONE]") throw new Error("the stream did not end as it should");
  const chunks = lines.map((line) => JSON.parse(line.replace("data: ", "")) as Chunk);
  const pieces = chunks.flatMap(({ choices }) =>
    choices.map(({ text, delta }) => text ?? delta?.content ?? ""),
  );
  return { pieces: pieces.filter((piece) => piece !== ""), usage: chunks.at(-1)?.usage };
}
