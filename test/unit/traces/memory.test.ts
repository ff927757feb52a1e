import { describe, expect, it } from "vitest";
import { minisweSessions } from "../../../src/traces/requests/miniswe.ts";
import { readSessions } from "../../../src/traces/requests/read.ts";
import type { TraceFile } from "../../../src/traces/conversation.ts";
import { collect } from "./slices.ts";

const AGENT = `${JSON.stringify({ id: "a", block_size: 64, requests: [{ in: 64, out: 1, hash_ids: [1] }] })}\n`;
const ROW = `${JSON.stringify({ timestamp: 0, input_length: 512, output_length: 1, hash_ids: [1] })}\n`;

describe("a long trace", () => {
  it("is read as it is taken, not ahead", async () => {
    const { file, seen } = endless(ROW.repeat(10));
    const sessions = readSessions([file]);
    for (let taken = 0; taken < 95; taken += 1) await sessions.next();
    expect(seen.chunks).toBe(10);
    await sessions.return(undefined);
  });

  it.each([
    ["with times", ROW.repeat(10)],
    ["without times", AGENT],
  ])("%s is closed when nobody takes any more", async (_what, chunk) => {
    for (const taken of [1, 15]) {
      const { file, seen } = endless(chunk);
      const sessions = readSessions([file, file]);
      for (let at = 0; at < taken; at += 1) await sessions.next();
      await sessions.return(undefined);
      expect(seen.opened).toBeGreaterThan(0);
      expect(seen.closed).toBe(seen.opened);
    }
  });

  it("of sessions with text gives up the session that was silent longest when too much waits", async () => {
    const line = (id: string, at: number) => ({
      number: at,
      text: JSON.stringify({
        timestamp: at,
        input: "x".repeat(400),
        output: "y".repeat(100),
        session_id: id,
      }),
    });
    const lines = async function* () {
      yield* [line("a", 1), line("b", 2), line("a", 3), line("c", 4), line("c", 5)];
    };
    const source = { path: "x", lines: lines(), problem: () => undefined };
    const sessions = await collect(minisweSessions(source, "", 2000));
    expect(sessions.map(({ id, requests }) => [id, requests.length])).toEqual([
      ["b", 1],
      ["a", 2],
      ["c", 2],
    ]);
  });
});

/** A trace without an end, and how much of it was asked for. */
function endless(chunk: string) {
  const seen = { chunks: 0, opened: 0, closed: 0 };
  const file: TraceFile = {
    path: "endless",
    async *open() {
      seen.opened += 1;
      try {
        for (;;) {
          seen.chunks += 1;
          yield chunk;
        }
      } finally {
        seen.closed += 1;
      }
    },
  };
  return { file, seen };
}
