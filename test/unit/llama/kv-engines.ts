import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { errorBody } from "../../../workers/llama/ask-error.ts";
import type { HeldSequence, KvTransfer, StateFile } from "../../../workers/llama/engine.ts";
import { createKvTransfer } from "../../../workers/llama/kv/index.ts";

/** An engine's transfer over states that are made up, with time in the test's hands; it ends with its test. */
export interface KvEngine extends KvTransfer {
  readonly origin: string;
  /** What it has cached, of one salt. */
  readonly cache: { tokens: readonly number[]; salt: string };
  readonly time: { ms: number };
  files(): string[];
  /** Asks one of its routes; a refusal is an answer with a status. */
  ask(path: string, init?: RequestInit): Promise<Response>;
}

type Options = Partial<Parameters<typeof createKvTransfer>[0]> & { readonly fingerprint?: string };

export const model = "tiny/1";
export const stateBytes = 2_500_000;

/** The state of so many tokens, long enough for three chunks. */
export function stateOf(tokens: readonly number[]): Buffer {
  return Buffer.alloc(stateBytes, `state of ${tokens.join(" ")};`);
}

export function sequenceOf(tokens: readonly number[]): HeldSequence {
  return { tokens, save: (path) => save(path, tokens) };
}

export function kvEngine(name: string, options: Options = {}): KvEngine {
  const folder = mkdtempSync(join(tmpdir(), `phaseway-kv-${name}-`));
  const time = { ms: 0 };
  const cache: KvEngine["cache"] = { tokens: [], salt: "" };
  const cached = (prompt: readonly number[], salt: string): number =>
    salt === cache.salt ? prompt.findIndex((token, at) => token !== cache.tokens[at]) : 0;
  const origin = `http://${name}`;
  const transfer = createKvTransfer({
    states: {
      fingerprint: options.fingerprint ?? model,
      cachedTokens: (prompt, salt) => {
        const common = cached(prompt, salt);
        return common === -1 ? prompt.length : common;
      },
      saveLongest: async (_prompt, salt, path) =>
        salt === cache.salt ? save(path, cache.tokens) : undefined,
    },
    origin,
    peers: ["http://p", "http://d"],
    folder,
    now: () => time.ms,
    ...options,
  });
  onTestFinished(async () => {
    await transfer.close();
    rmSync(folder, { recursive: true });
  });
  return {
    ...transfer,
    origin,
    cache,
    time,
    files: () => readdirSync(folder),
    async ask(path, init) {
      try {
        const answer = await transfer.answer(new Request(`${origin}${path}`, init));
        return answer ?? new Response(null, { status: 501 });
      } catch (error) {
        const { status, body } = errorBody(error);
        return Response.json(body, { status });
      }
    },
  };
}

/** A `fetch` that reaches this engine, its answers changed on the way. */
export function wireTo(
  engine: KvEngine,
  onTheWay: (answer: Response) => Response = (answer) => answer,
): typeof fetch {
  return async (input, init) => {
    if (!(typeof input === "string")) throw new Error("a URL in a string is expected");
    const { pathname } = new URL(input);
    return onTheWay(await engine.ask(pathname, init));
  };
}

async function save(path: string, tokens: readonly number[]): Promise<StateFile> {
  await writeFile(path, stateOf(tokens));
  return { path, tokens, bytes: stateBytes };
}
