import { failure } from "./problem.ts";
import { Run, type RunOrder, type Sink } from "./run.ts";
import { DONE_FRAME, usageChunk, wholeAnswer, type EngineUsage } from "./shapes.ts";
import type { OpenEntry } from "./ledger.ts";

/** Runs a request and answers it, as a stream or whole, keeping its ledger entry and lease. */
export function answer(job: Job): Promise<Response> {
  return job.order.ask.stream ? Promise.resolve(streamed(job)) : whole(job);
}

export type Job = {
  readonly order: RunOrder;
  readonly signal: AbortSignal;
  readonly entry: OpenEntry;
  /** What the engine says it used, which is not always the truth. */
  readonly usage: (run: Run) => EngineUsage;
  /** A halted answer is cut rather than left hanging. */
  readonly cutsWhenHalted: boolean;
  /** The blocks of another engine are no longer needed there. */
  readonly releaseRemote: () => void;
  /** Raw JSON of `kv_transfer_params` for a prefill leg's answer. */
  readonly handoff?: string | undefined;
};

function streamed(job: Job): Response {
  let refusal: Response | undefined;
  let run: Run | undefined;
  const leave = (): void => {
    run?.abort();
    job.releaseRemote();
    if (run) job.entry.close("aborted", run.counts, false);
  };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const current: Run = new Run(
        job.order,
        streamSink(
          job,
          controller,
          () => current,
          () => (refusal = tooLong()),
        ),
      );
      run = current;
      current.start();
    },
    cancel: leave,
  });
  job.signal.addEventListener("abort", leave, { once: true });
  if (job.signal.aborted) leave();
  if (refusal) return refusal;
  return new Response(body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" },
  });
}

function streamSink(
  job: Job,
  controller: ReadableStreamDefaultController<Uint8Array>,
  run: () => Run,
  refuse: () => void,
): Sink {
  const { order, entry, signal } = job;
  const { includeUsage } = order.ask;
  const encoder = new TextEncoder();
  const write = (text: string): void => {
    if (text !== "" && !signal.aborted) controller.enqueue(encoder.encode(text));
  };
  const fail = (reason: string): void => {
    job.releaseRemote();
    entry.close("failed", run().counts, false);
    controller.error(new Error(reason));
  };
  return {
    frames: write,
    pulled: job.releaseRemote,
    done() {
      job.releaseRemote();
      entry.close("done", run().counts, includeUsage);
      write((includeUsage ? usageChunk(order.answering, job.usage(run())) : "") + DONE_FRAME);
      if (!signal.aborted) controller.close();
    },
    failed(reason) {
      if (reason === "too-long") refuse();
      fail(reason);
    },
    halted() {
      if (job.cutsWhenHalted) fail("connection reset");
    },
  };
}

function whole(job: Job): Promise<Response> {
  const { order, entry } = job;
  return new Promise((resolve, reject) => {
    const settle = (status: "done" | "aborted" | "failed", reportedUsage: boolean): void => {
      job.releaseRemote();
      entry.close(status, run.counts, reportedUsage);
    };
    const run: Run = new Run(order, {
      frames: () => {},
      pulled: job.releaseRemote,
      done() {
        settle("done", true);
        resolve(jsonAnswer(job, run));
      },
      failed(reason) {
        settle("failed", false);
        resolve(reason === "too-long" ? tooLong() : failure(500, reason, "The engine restarted."));
      },
      halted() {
        if (!job.cutsWhenHalted) return;
        settle("failed", false);
        resolve(cutShort());
      },
    });
    const leave = (): void => {
      run.abort();
      settle("aborted", false);
      reject(new Error("The caller left."));
    };
    job.signal.addEventListener("abort", leave, { once: true });
    if (job.signal.aborted) leave();
    else run.start();
  });
}

function jsonAnswer(job: Job, run: Run): Response {
  const text = JSON.stringify(wholeAnswer(job.order.answering, run.said, job.usage(run)));
  const body =
    job.handoff === undefined ? text : `${text.slice(0, -1)},"kv_transfer_params":${job.handoff}}`;
  return new Response(body, { headers: { "content-type": "application/json" } });
}

function cutShort(): Response {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"id":')),
    pull: (controller) => controller.error(new Error("connection reset")),
  });
  return new Response(body, { headers: { "content-type": "application/json" } });
}

function tooLong(): Response {
  return failure(400, "context_length_exceeded", "The request does not fit the KV cache.");
}
