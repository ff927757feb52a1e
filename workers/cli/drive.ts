import { setTimeout as sleep } from "node:timers/promises";
import { cac } from "cac";
import { z } from "zod";
import { drive } from "../../src/drive/drive.ts";
import type { DriveIo, Progress } from "../../src/drive/options.ts";
import { textReport } from "../../src/drive/text-report.ts";
import type { SkippedConversation, TraceProblem } from "../../src/traces/conversation.ts";
import { blocksOf } from "./blocks-of.ts";
import { conversationsOf } from "./conversations-of.ts";
import { runCli } from "./run-cli.ts";

const Flags = z.object({
  baseUrl: z.url("--base-url must be a URL").transform((url) => url.replace(/\/+$/, "")),
  trace: z.union(
    [z.string().transform((path) => [path]), z.array(z.string()).min(1)],
    "--trace is needed",
  ),
  model: z.coerce.string(),
  apiKey: z.coerce.string().default(process.env["OPENAI_API_KEY"] || "sk-phaseway-local"),
  concurrency: z.number().int().min(1),
  maxContext: z.number().int().min(1),
  truncate: z.number().int().min(1024, "--truncate must be 1024 or more").optional(),
  limit: z.number().int().min(1).optional(),
  conversations: z.number().int().min(1).optional(),
  faults: z.number().int().optional(),
  sessionKey: z.boolean(),
  reconcile: z.boolean().default(false),
  emulator: z.string().optional(),
  emulatorToken: z.coerce.string().optional(),
  json: z.boolean().default(false),
});
type Flags = z.infer<typeof Flags>;

const cli = cac("drive");
cli
  .command("", "Drive a running endpoint with the conversations of recorded traces")
  .option("--base-url <url>", "The endpoint, up to and with /v1")
  .option("--trace <path>", "A trace file, or a folder of them; may be repeated")
  .option("--model <name>", "Model to ask for", { default: "large" })
  .option(
    "--api-key <key>",
    "Key of the endpoint (default: OPENAI_API_KEY, else sk-phaseway-local)",
  )
  .option("--concurrency <n>", "Conversations held at once", { default: 4 })
  .option("--no-session-key", "Send no phaseway-session header")
  .option(
    "--reconcile",
    "Compare the receipts with the engines' own ledgers; report by them hit_rate_ledger, pooled_lru, loads and prefilled_away_share",
  )
  .option(
    "--faults <seed>",
    "Set a fault of a random emulated engine off every 8 requests; failed turns are asked again, 3 times at most",
  )
  .option("--emulator <url>", "Where the emulated engines are, for endpoints that do not tell")
  .option("--emulator-token <token>", "Token of the emulated engines")
  .option("--limit <n>", "Requests to send, at most")
  .option("--conversations <n>", "Conversations of each --trace to hold: the first n that fit")
  .option("--max-context <n>", "Skip conversations with more tokens than this", {
    default: 131_072,
  })
  .option(
    "--truncate <bytes>",
    "Cut conversations to so many bytes, which are no fewer tokens, instead of skipping long ones",
  )
  .option("--json", "Print one JSON object as the last line of stdout")
  .action(async (given: unknown) => {
    const flags = Flags.safeParse(given);
    if (!flags.success)
      throw new Error(
        flags.error.issues.map((i) => `${i.path.join(".")}: ${i.message}`).join("\n"),
      );
    process.exitCode = (await main(flags.data)) ? 0 : 1;
  });
await runCli(cli);

async function main(flags: Flags): Promise<boolean> {
  const skipped: SkippedConversation[] = [];
  const problems: TraceProblem[] = [];
  const onProblem = (problem: TraceProblem): void => {
    problems.push(problem);
    process.stderr.write(`${problem.path}:${problem.line}: ${problem.message}\n`);
  };
  const { maxContext, emulator, emulatorToken, limit, faults, trace, truncate, ...rest } = flags;
  const reading = {
    maxContext: truncate === undefined ? maxContext : Infinity,
    onProblem,
    onSkip: (s: SkippedConversation) => skipped.push(s),
  };
  const conversations = conversationsOf(trace, flags.conversations ?? Infinity, reading, truncate);
  const report = await drive(
    {
      ...rest,
      conversations,
      noSessionKey: !flags.sessionKey,
      limit: limit ?? Infinity,
      ...(faults === undefined ? {} : { faults }),
      ...(emulator === undefined
        ? {}
        : { emulator: { url: emulator, token: emulatorToken ?? "" } }),
    },
    io(),
  );
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  process.stdout.write(`${textReport(report)}\n`);
  if (skipped.length > 0) {
    process.stdout.write(
      `skipped      ${skipped.length} conversations beyond ${maxContext} tokens of context\n`,
    );
  }
  if (problems.length > 0) process.stdout.write(`traces       ${problems.length} faulty lines\n`);
  if (flags.json)
    process.stdout.write(`${JSON.stringify({ ...report, skipped: skipped.length, problems })}\n`);
  return report.ok;
}

function io(): DriveIo {
  const plain = {
    fetch,
    now: () => performance.now(),
    sleep: async (ms: number): Promise<void> => sleep(ms),
    blocksOf,
  };
  return process.stderr.isTTY ? { ...plain, onProgress: draw } : plain;
}

function draw({ requests, failed, conversations, running }: Progress): void {
  const bar = "█".repeat(Math.min(20, running)).padEnd(Math.min(20, Math.max(running, 4)), "░");
  process.stderr.write(
    `\r\u001b[K${bar} ${requests} requests, ${failed} failed, ${conversations} conversations done, ${running} running`,
  );
}
