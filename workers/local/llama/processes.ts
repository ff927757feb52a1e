import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { freePort } from "../ports.ts";

const HOST = "127.0.0.1";
const PROGRAM = fileURLToPath(new URL("../../llama/main.ts", import.meta.url));
/** A model of some gigabytes has to be read before an engine answers. */
const READY_MS = 180_000;
const POLL_MS = 100;
/** From the signal to end to the one that nobody can ignore. */
const GRACE_MS = 5000;

/** One engine as it is to be started. */
export type LlamaOrder = {
  readonly name: string;
  /** Beside the model, the port and the peers: options of `workers/llama`. */
  readonly options: readonly string[];
  /** Where the others reach it, if not at its own port. */
  readonly origin?: string;
};

/** A process of `workers/llama` that answers. */
export type LlamaEngine = {
  readonly name: string;
  readonly url: string;
  /** What it was started with. */
  readonly args: readonly string[];
  readonly process: ChildProcess;
};

/**
 * Starts llama.cpp engines that know one another, and resolves when all of them answer. Rejects with what the first that
 * could not said, when the others have been ended.
 */
export async function startEngines(
  model: string,
  orders: readonly LlamaOrder[],
): Promise<LlamaEngine[]> {
  const ports = await portsFor(orders.length);
  const known = orders.map((order, n) => {
    const url = `http://${HOST}:${ports[n]}`;
    return { ...order, url, port: String(ports[n]), origin: order.origin ?? url };
  });
  const engines = known.map(({ name, options, url, port, origin }) => {
    const others = known.filter((other) => other.url !== url);
    const peers = others.flatMap((other) => ["--peer", other.origin]);
    const args = ["--model", model, "--port", port, "--url", origin, ...options, ...peers];
    return { name, url, args, process: spawnEngine(args) };
  });
  try {
    await Promise.all(engines.map(answers));
  } catch (error) {
    await stopEngines(engines);
    throw error;
  }
  return engines;
}

/** Starts one engine; whoever does needs to know when it `answers`. */
export function spawnEngine(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  // Whoever does not read holds up who writes.
  child.stdout?.resume();
  child.on("error", () => {});
  return child;
}

/** Ends engines, the ones that do not listen by force; resolves when they are gone. */
export async function stopEngines(engines: readonly Pick<LlamaEngine, "process">[]): Promise<void> {
  await Promise.all(engines.map(({ process: child }) => stop(child)));
}

async function stop(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  await gone;
  clearTimeout(late);
}

function isRunning({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}

/** Resolves once an engine is healthy; rejects with its last words when it ends before. */
export async function answers({
  name,
  url,
  process: child,
}: Pick<LlamaEngine, "name" | "url" | "process">): Promise<void> {
  let words = "";
  child.stderr?.on("data", (chunk: Buffer) => (words = `${words}${chunk}`.slice(-WORDS_CHARS)));
  const until = Date.now() + READY_MS;
  while (Date.now() < until) {
    if (!isRunning(child)) throw new Error(`The engine ${name} did not start. ${words.trim()}`);
    const health = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1000) }).catch(
      () => undefined,
    );
    if (health?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`The engine ${name} did not answer within ${READY_MS / 1000} s.`);
}

/** What is told of what an engine said on its way out, characters. */
const WORDS_CHARS = 2000;

async function portsFor(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort(HOST, 0));
  return [...ports];
}
