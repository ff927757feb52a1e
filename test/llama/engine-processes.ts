import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Fetched, Handle } from "../../workers/llama/engine.ts";
import { writeTinyGguf } from "./tiny-gguf.ts";

/** An engine in a process of its own. */
export interface EngineProcess {
  readonly origin: string;
  complete(body: object, signal?: AbortSignal): Promise<Completion>;
  metric(name: string): Promise<number>;
  /** Names of all state files that there are. */
  files(): string[];
  kill(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
}

export interface Completion {
  readonly text: string;
  readonly cachedTokens: number;
  readonly kv: (Partial<Handle> & { readonly fetched?: Fetched }) | undefined;
}

/** Engines on one tiny model, each told of the others it may fetch from. */
export class EngineProcesses {
  readonly #folder = mkdtempSync(join(tmpdir(), "phaseway-tiny-"));
  readonly #running = new Set<ChildProcess>();

  constructor() {
    writeTinyGguf(this.#model);
  }

  get #model(): string {
    return join(this.#folder, "tiny.gguf");
  }

  async start(name: string, ...args: string[]): Promise<EngineProcess> {
    const folder = join(this.#folder, name);
    mkdirSync(folder, { recursive: true });
    const always = ["--model", this.#model, "--port", "0", "--threads", "1", "--context", "4096"];
    const child = spawn(process.execPath, [main, ...always, ...args], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#running.add(child);
    const port = await portOf(child);
    return {
      origin: `http://127.0.0.1:${port}`,
      complete: (body, signal) => complete(port, body, signal),
      metric: (metric) => metricOf(port, metric),
      files: () =>
        readdirSync(folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map(({ name }) => name),
      kill: async (signal) => {
        const gone = once(child, "exit");
        child.kill(signal);
        await gone;
        this.#running.delete(child);
      },
    };
  }

  async stop(): Promise<void> {
    await Promise.all(
      [...this.#running].map((child) => {
        const gone = once(child, "exit");
        child.kill("SIGTERM");
        return gone;
      }),
    );
    rmSync(this.#folder, { recursive: true });
  }
}

const main = new URL("../../workers/llama/main.ts", import.meta.url).pathname;

/** The port that an engine says it listens on. */
async function portOf(child: ChildProcess): Promise<number> {
  if (!child.stdout) throw new Error("an engine's output is expected");
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return Number(/:(\d+)\s*$/.exec(said.toString())?.[1]);
}

type Body = {
  readonly choices: readonly { readonly text: string }[];
  readonly usage: { readonly prompt_tokens_details: { readonly cached_tokens: number } };
  readonly kv_transfer_params?: Completion["kv"];
};

async function complete(
  port: number,
  body: object,
  signal: AbortSignal | undefined,
): Promise<Completion> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/completions`, {
    method: "POST",
    body: JSON.stringify({ temperature: 0, ...body }),
    ...(signal ? { signal } : {}),
  });
  if (!response.ok) throw new Error(await response.text());
  const answer = (await response.json()) as Body;
  return {
    text: answer.choices[0]?.text ?? "",
    cachedTokens: answer.usage.prompt_tokens_details.cached_tokens,
    kv: answer.kv_transfer_params,
  };
}

async function metricOf(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const line = text.split("\n").find((line) => line.split(/[{ ]/)[0] === `llamacpp:${name}`);
  return Number(line?.split(" ").at(-1));
}
