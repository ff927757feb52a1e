import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import type { LocalMesh } from "../../workers/local/mesh.ts";
import { ask, receiptOf, words, type Question, type Seen } from "./ask.ts";

/** One stream of a campaign: what its client saw and what its receipt says. */
export type Outcome = { readonly seen: Seen; readonly receipt: Receipt };

/** How many streams run while something goes wrong. */
export const STREAMS = 50;

/** What goes wrong in a campaign. */
export type Strike = {
  /** Done once ten streams have content; the second half of all streams begins when it is done. */
  readonly before: () => Promise<void>;
  /** Done while the second half begins. */
  readonly during?: () => Promise<void>;
};

let campaigns = 0;

/** Runs 50 streams, a third of them with long prompts, and lets something go wrong in the middle of it. */
export async function campaign(
  mesh: LocalMesh,
  question: Question,
  strike: Strike,
): Promise<Outcome[]> {
  campaigns += 1;
  const speaking = Promise.withResolvers<void>();
  let left = SPEAKING_FIRST;
  const stream = async (n: number): Promise<Outcome> => {
    await sleep((n % (STREAMS / 2)) * SPACING_MS);
    const content = words(`c${campaigns}s${n}w`, n % 3 === 0 ? 8000 : 150);
    const messages = [{ role: "user", content }];
    let silent = true;
    const seen = await ask(mesh, { maxTokens: 150, messages, ...question }, () => {
      if (silent) left -= 1;
      silent = false;
      if (left === 0) speaking.resolve();
    });
    return { seen, receipt: await receiptOf(mesh, seen, question.edge) };
  };
  const numbers = Array.from({ length: STREAMS }, (_, n) => n);
  const early = numbers.slice(0, STREAMS / 2).map(stream);
  await Promise.race([speaking.promise, Promise.all(early)]);
  await strike.before();
  const late = numbers.slice(STREAMS / 2).map(stream);
  await strike.during?.();
  return Promise.all([...early, ...late]);
}

/** What holds of every stream whatever went wrong with one engine while others could take the work. */
export function expectHonest(outcomes: readonly Outcome[]): void {
  const told = outcomes.map(({ seen, receipt }) => ({
    request: seen.headers.get("x-request-id"),
    ended: seen.ended,
    contentFrames: seen.contentFrames,
    done: seen.done,
    error: seen.error,
    receipt: receipt.status,
    why: receipt.error,
  }));
  const without = (ok: (one: (typeof told)[number]) => boolean) => told.filter((one) => !ok(one));
  expect(
    without(({ ended }) => ended),
    "streams that never ended",
  ).toEqual([]);
  expect(
    without(({ contentFrames, done }) => contentFrames > 0 || done),
    "requests that failed without content",
  ).toEqual([]);
  expect(
    without(({ done, error }) => done === (error === undefined)),
    "streams with neither or both of [DONE] and an error",
  ).toEqual([]);
  expect(
    without(({ done, receipt, why }) =>
      done ? receipt === "completed" : receipt === "failed" && why !== undefined,
    ),
    "receipts that say otherwise",
  ).toEqual([]);
}

/** Legs on one engine that receipts say failed, each with its reason. */
export function failedOn(outcomes: readonly Outcome[], engine: string) {
  return outcomes
    .flatMap(({ receipt }) => receipt.work)
    .filter((work) => work.engine === engine && work.outcome === "failed");
}

const SPACING_MS = 8;
const SPEAKING_FIRST = 10;
