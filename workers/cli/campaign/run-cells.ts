import { Worker } from "node:worker_threads";
import type { Cell } from "../../../src/replay/campaign/cells.ts";
import type { Figures } from "../../../src/replay/figures.ts";
import type { CellAsk, Conditions } from "./worker.ts";

type Answer = { readonly figures: Figures } | { readonly error: string };

/** Runs cells in worker threads, each a stretch of neighbours, and tells of each as soon as it is done. */
export async function runCells(
  cells: readonly Cell[],
  conditions: Conditions,
  atOnce: number,
  done: (cell: Cell, figures: Figures) => void,
): Promise<void> {
  const threads = Math.min(atOnce, cells.length);
  let next = 0;
  await Promise.all(
    Array.from({ length: threads }, async () => {
      const worker = new Worker(new URL("./worker.ts", import.meta.url));
      try {
        for (let cell = cells[next++]; cell; cell = cells[next++]) {
          const answer = await asked(worker, { cell, conditions });
          if ("error" in answer) throw new Error(`${JSON.stringify(cell)}: ${answer.error}`);
          done(cell, answer.figures);
        }
      } finally {
        await worker.terminate();
      }
    }),
  );
}

function asked(worker: Worker, ask: CellAsk): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.removeAllListeners("message");
      worker.removeAllListeners("error");
    };
    worker.once("message", (answer: Answer) => {
      settle();
      resolve(answer);
    });
    worker.once("error", (error) => {
      settle();
      reject(error);
    });
    worker.postMessage(ask);
  });
}
