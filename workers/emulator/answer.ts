import type { SimEngine } from "../../src/sim/engine.ts";
import type { Api, EngineAsk } from "./ask.ts";
import type { Clock } from "./clock.ts";
import type { Taken } from "./dialects/dialect.ts";
import { FrameStream } from "./frame-stream.ts";
import type { OpenEntry } from "./ledger.ts";
import type { Problem } from "./problem.ts";
import { Run, type RunOrder } from "./run.ts";
import { DONE_FRAME, usageChunk, wholeAnswer } from "./shapes.ts";

/** Runs a request and answers it, as a stream or whole, keeping its ledger entry; rejects when the caller leaves. */
export function answer(job: Job): Promise<Response> {
  return job.ask.stream ? streamed(job) : whole(job);
}

export type Job = {
  readonly engine: SimEngine;
  readonly clock: Clock;
  readonly ask: EngineAsk;
  readonly api: Api;
  readonly taken: Taken;
  /** The whole answer, where it is no completion. */
  readonly whole?: (run: Run) => string;
  readonly signal: AbortSignal;
  readonly entry: OpenEntry;
  readonly refuse: (problem: Problem) => Response;
  readonly haltAfterTokens: number | undefined;
  /** A halted answer is cut rather than left hanging. */
  readonly cutsWhenHalted: boolean;
  /** The process that took it still runs. */
  readonly isAlive: () => boolean;
  /** The open ones of this engine. */
  readonly runs: Set<Run>;
};

function streamed(job: Job): Promise<Response> {
  const { ask, taken } = job;
  const order = orderOf(job);
  return new Promise((resolve, reject) => {
    let isStarted = false;
    let isAnswered = false;
    const frames = new FrameStream(() => leave());
    const begin = (): void => {
      // A body can be given away once.
      if (!isAnswered) resolve(new Response(frames.body, { headers: headersOf(STREAM, job) }));
      isAnswered = true;
    };
    const run: Run = new Run(order, {
      frames(text) {
        frames.write(text);
        if (isStarted && text !== "") begin();
      },
      done() {
        settle(job, run, "done", ask.includeUsage && !run.isStopped);
        const members = taken.members?.(run).usageChunk;
        const usage = usageChunk(order.answering, taken.usage(run), members);
        frames.write(ask.includeUsage ? usage + DONE_FRAME : DONE_FRAME);
        frames.close();
        begin();
      },
      failed(problem) {
        settle(job, run, "failed", false);
        const told = taken.failureFrames?.(problem);
        if (told !== undefined) begin();
        if (!isAnswered) resolve(job.refuse(problem));
        isAnswered = true;
        if (told === undefined) return frames.break(problem.code);
        frames.write(told);
        frames.close();
      },
      halted() {
        if (!job.cutsWhenHalted) return;
        settle(job, run, "failed", false);
        frames.break("connection reset");
      },
    });
    const leave = open(job, run, reject);
    isStarted = true;
    if (taken.opens !== "first-token") begin();
  });
}

function whole(job: Job): Promise<Response> {
  const order = orderOf(job);
  return new Promise((resolve, reject) => {
    const run: Run = new Run(order, {
      frames: () => {},
      done() {
        settle(job, run, "done", !run.isStopped);
        const { usage, members } = job.taken;
        const text =
          job.whole?.(run) ??
          wholeAnswer(order.answering, run.said, usage(run), members?.(run) ?? {});
        resolve(new Response(text, { headers: headersOf(JSON_BODY, job) }));
      },
      failed(problem) {
        settle(job, run, "failed", false);
        resolve(job.refuse(problem));
      },
      halted() {
        if (!job.cutsWhenHalted) return;
        settle(job, run, "failed", false);
        resolve(cutShort());
      },
    });
    open(job, run, reject);
  });
}

/** Starts a run; gives what ends it when its caller leaves. */
function open(job: Job, run: Run, left: (error: Error) => void): () => void {
  const leave = (): void => {
    run.abort();
    settle(job, run, "aborted", false);
    left(new Error("The caller left."));
  };
  job.runs.add(run);
  job.signal.addEventListener("abort", leave, { once: true });
  if (job.signal.aborted) leave();
  else {
    job.taken.hooks?.open?.(run);
    run.start();
  }
  return leave;
}

/** Closes the books on a run; only the first call counts. */
function settle(
  { runs, taken, entry, isAlive, whole }: Job,
  run: Run,
  status: "done" | "aborted" | "failed",
  reportedUsage: boolean,
): void {
  if (!runs.delete(run)) return;
  taken.hooks?.over?.(isAlive() ? status : "died");
  // What only prefills ends as its first token is due, and writes none.
  const counts = whole ? { ...run.counts, outputTokens: 0 } : run.counts;
  entry.close(status, counts, reportedUsage);
}

function orderOf({ api, ask, engine, clock, taken, haltAfterTokens }: Job): RunOrder {
  const id = `${ID_PREFIXES[api]}-${crypto.randomUUID().replaceAll("-", "")}`;
  const created = Math.floor(Date.now() / 1000);
  const answering = { api, id, model: ask.model, created };
  return { engine, clock, ask, taken, haltAfterTokens, answering };
}

const ID_PREFIXES = { chat: "chatcmpl", text: "cmpl", embeddings: "embd" } as const;
const STREAM = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" };
const JSON_BODY = { "content-type": "application/json" };

function headersOf(usual: Readonly<Record<string, string>>, { taken }: Job): HeadersInit {
  return { ...usual, ...taken.headers?.() };
}

function cutShort(): Response {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"id":')),
    pull: (controller) => controller.error(new Error("connection reset")),
  });
  return new Response(body, { headers: JSON_BODY });
}
