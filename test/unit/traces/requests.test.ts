import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { SkippedConversation, TraceProblem } from "../../../src/traces/conversation.ts";
import { HitCeiling } from "../../../src/traces/requests/ceiling.ts";
import { type ReadOptions, readSessions } from "../../../src/traces/requests/read.ts";
import type { TraceSession } from "../../../src/traces/requests/request.ts";
import { AZURE, CLAUDE, MINISWE, MOONCAKE, collect, slice, textFile } from "./slices.ts";

describe("requests of all formats", () => {
  it("are read from one list of files, each format found by itself", async () => {
    const sessions = await collect(readSessions([AZURE, CLAUDE, MINISWE, MOONCAKE].map(slice)));
    const turns = new Map<string, number>();
    for (const { format, requests } of sessions)
      turns.set(format, (turns.get(format) ?? 0) + requests.length);
    expect(Object.fromEntries(turns)).toEqual({
      azure: 40,
      "claude-code": 14,
      miniswe: 6,
      mooncake: 40,
    });
  });

  it("of several files with times come in order of time", async () => {
    const sessions = await collect(readSessions([AZURE, MOONCAKE].map(slice)));
    const starts = sessions.map(({ startMs }) => startMs ?? -1);
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(new Set(sessions.slice(0, 20).map(({ format }) => format)).size).toBe(2);
  });

  it("report what is wrong with lines by file and number, and read on", async () => {
    const row = (length: number) =>
      JSON.stringify({ timestamp: 0, input_length: length, output_length: 1, hash_ids: [1] });
    const { sessions, problems } = await read([
      textFile("a.jsonl", `${row(5)}\nnonsense\n${row(-5)}\n${row(6)}`),
      textFile("b.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\nyesterday,1,1\n"),
      textFile("c.txt", "what is this"),
    ]);
    expect(sessions).toHaveLength(2);
    expect(problems.map(({ path, line }) => `${path}:${line}`).toSorted()).toEqual([
      "a.jsonl:2",
      "a.jsonl:3",
      "b.csv:2",
      "c.txt:1",
    ]);
    const negative = problems.find(({ path, line }) => path === "a.jsonl" && line === 3);
    expect(negative?.message).toContain("input_length");
  });

  it("of sessions that do not fit the context window are left out as a whole, and told of", async () => {
    const skipped: SkippedConversation[] = [];
    const sessions = await collect(
      readSessions([CLAUDE, MINISWE].map(slice), {
        maxContext: 60_000,
        onSkip: (session) => skipped.push(session),
      }),
    );
    expect(sessions.map(({ format }) => format)).toEqual(["miniswe"]);
    expect(skipped.map(({ id, path }) => [id, path])).toEqual([["trace_0012", CLAUDE]]);
    expect(skipped[0]?.contextTokens).toBeGreaterThan(60_000);
  });

  it("can be read several times over, as other sessions with other prefixes", async () => {
    const files = [AZURE, CLAUDE, MINISWE, MOONCAKE].map(slice);
    const once = await collect(readSessions(files));
    const twice = await collect(readSessions(files, { copies: 2 }));
    expect(new Set(twice.map(({ id }) => id)).size).toBe(2 * once.length);
    const hits = (sessions: readonly TraceSession[]) => {
      const ceiling = new HitCeiling();
      for (const request of sessions.flatMap(({ requests }) => requests)) ceiling.add(request);
      return ceiling.byBlock;
    };
    expect(hits(once)).toBeGreaterThan(0.5);
    expect(hits(twice)).toBeCloseTo(hits(once), 12);
    const starts = twice.flatMap(({ startMs }) => startMs ?? []);
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
  });

  it("never share ids between files whose ids mean different things", async () => {
    const row = JSON.stringify({ timestamp: 0, input_length: 5, output_length: 1, hash_ids: [1] });
    const { sessions } = await read([textFile("a.jsonl", row), textFile("b.jsonl", row)]);
    const [a, b] = sessions.map(({ requests }) => requests[0]?.blocks[0]);
    expect(a).toBeGreaterThan(0);
    expect(a).not.toBe(b);
  });
});

describe("requests of the Mooncake traces", () => {
  it("share prefixes exactly as far as their ids are equal", async () => {
    const sessions = await collect(readSessions([slice(MOONCAKE)]));
    const rows = readFileSync(new URL(`../../traces/${MOONCAKE}`, import.meta.url), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { input_length: number; hash_ids: number[] });
    const ceiling = new HitCeiling();
    const seen = new Set<number>();
    let held = 0;
    let all = 0;
    for (const [index, row] of rows.entries()) {
      const known = row.hash_ids.findIndex((id) => !seen.has(id));
      held += known === -1 ? row.hash_ids.length : known;
      all += row.hash_ids.length;
      for (const id of row.hash_ids) seen.add(id);
      for (const request of sessions[index]?.requests ?? []) ceiling.add(request);
    }
    expect(held).toBeGreaterThan(30);
    expect(ceiling.byBlock).toBeCloseTo(held / all, 12);
    expect(sessions.map(({ requests }) => requests[0]?.promptTokens)).toEqual(
      rows.map((row) => row.input_length),
    );
  });

  it("do not share a block whose prefix differs, even under one id", async () => {
    const row = (ids: number[]) =>
      JSON.stringify({ timestamp: 0, input_length: 1000, output_length: 1, hash_ids: ids });
    const { sessions } = await read([textFile("a.jsonl", `${row([1, 2])}\n${row([3, 2])}`)]);
    const [first, second] = sessions.map(({ requests }) => requests[0]?.blocks[1]);
    expect(first).not.toBe(second);
  });
});

describe("requests of the Azure traces", () => {
  it("keep their times to the fraction of a millisecond, whatever the zone and the order of columns", async () => {
    const { sessions } = await read([
      textFile(
        "x.csv",
        [
          "TIMESTAMP,GeneratedTokens,ContextTokens",
          "2024-05-10 00:00:00.000930+00:00,3,7",
          "2024-05-10 02:00:01.5+02:00,4,8",
          "2024-05-10T00:00:02,5,9",
        ].join("\r\n"),
      ),
    ]);
    expect(sessions.map(({ startMs }) => Math.round((startMs ?? 0) * 1000))).toEqual([
      0, 1_499_070, 1_999_070,
    ]);
    expect(
      sessions.map(({ requests: [r] }) => [r?.promptTokens, r?.outputTokens, r?.blocks.length]),
    ).toEqual([
      [7, 3, 0],
      [8, 4, 0],
      [9, 5, 0],
    ]);
  });

  it("are not guessed at when a column is missing", async () => {
    const { sessions, problems } = await read([textFile("x.csv", "TIMESTAMP,Tokens\n1,2\n3,4")]);
    expect(sessions).toEqual([]);
    expect(problems[0]?.message).toContain("contexttokens");
  });
});

describe("requests of coding agents", () => {
  it("are the turns of a session, with what the user thought between them", async () => {
    const [session] = await collect(readSessions([slice(CLAUDE)]));
    const { requests } = JSON.parse(
      readFileSync(new URL(`../../traces/${CLAUDE}`, import.meta.url), "utf8"),
    ) as { requests: { t: number; in: number; think_time: number }[] };
    expect(session?.startMs).toBeUndefined();
    expect(session?.requests.map((r) => [r.turn, r.offsetMs, r.promptTokens])).toEqual(
      requests.map((r, turn) => [turn, (r.t - (requests[0]?.t ?? 0)) * 1000, r.in]),
    );
    expect(session?.requests.slice(1).map((r) => r.thinkMs)).toEqual(
      requests.slice(1).map((r) => r.think_time * 1000),
    );
  });

  it("share tools and system prompt between sessions only when told so", async () => {
    const document = (id: string, ids: number[]) =>
      JSON.stringify({
        id,
        block_size: 64,
        tool_tokens: 100,
        system_tokens: 40,
        requests: [{ t: 0, in: 256, out: 1, hash_ids: ids }],
      });
    const text = `${document("a", [1, 2, 3, 4])}\n${document("b", [1, 2, 3, 4])}\n`;
    const apart = await read([textFile("x.json", text)]);
    const shared = await read([textFile("x.json", text)], { sharePreamble: true });
    expect(common(apart.sessions)).toBe(0);
    expect(common(shared.sessions)).toBe(2);
  });

  it("are found in sub-agents too, which share their session's blocks", async () => {
    const text = JSON.stringify({
      id: "a",
      block_size: 64,
      requests: [
        { t: 0, in: 128, out: 1, hash_ids: [1, 2] },
        { requests: [{ t: 5, in: 192, out: 0, hash_ids: [1, 2, 3] }] },
      ],
    });
    const { sessions } = await read([textFile("x.json", text)]);
    expect(sessions.map(({ id }) => id)).toEqual(["a", "a-agent-0"]);
    expect(common(sessions)).toBe(2);
    expect(sessions[1]?.requests[0]?.outputTokens).toBe(1);
  });

  it("are read from documents indented over many lines, one broken document spoiling no other", async () => {
    const good = { id: "a", block_size: 64, requests: [{ t: 0, in: 64, out: 1, hash_ids: [1] }] };
    const text = `${JSON.stringify(good, null, 2)}\n{"id": "cut", "requests": [\n${JSON.stringify(good)}`;
    const { sessions, problems } = await read([textFile("x.json", text)]);
    expect(sessions).toHaveLength(2);
    expect(problems.map(({ line }) => line)).toEqual([
      JSON.stringify(good, null, 2).split("\n").length + 1,
    ]);
  });
});

describe("requests of software agents with text", () => {
  it("begin with the prompt and the answer of the turn before while nothing was rewritten", async () => {
    const [session] = await collect(readSessions([slice(MINISWE)]));
    const requests = session?.requests ?? [];
    const [first, second] = requests;
    const known = Math.floor(((first?.promptTokens ?? 0) + (first?.outputTokens ?? 0)) / 16);
    expect(first?.blocks.length).toBeGreaterThan(20);
    expect(second?.blocks.slice(0, first?.blocks.length)).toEqual(first?.blocks);
    expect(second?.blocks.length).toBeGreaterThanOrEqual(known - 1);
    expect(requests.every((r) => Math.floor(r.promptTokens / 16) - r.blocks.length <= 1)).toBe(
      true,
    );
  });

  it("are taken in order of their timestamps", async () => {
    const row = (us: number, input: string) =>
      JSON.stringify({ timestamp: us, input, output: "ok", session_id: "s" });
    const text = [row(3e6, "one\n\ntwo\n\nsix"), row(1e6, "one"), row(2e6, "one\n\ntwo")].join(
      "\n",
    );
    const { sessions } = await read([textFile("miniswe.jsonl", text)]);
    const requests = sessions[0]?.requests ?? [];
    expect(requests.map(({ offsetMs }) => offsetMs)).toEqual([0, 1000, 2000]);
    expect(requests.map(({ thinkMs }) => thinkMs)).toEqual([0, 1000, 1000]);
    const tokens = requests.map(({ promptTokens }) => promptTokens);
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
  });
});

async function read(files: Parameters<typeof readSessions>[0], options: ReadOptions = {}) {
  const problems: TraceProblem[] = [];
  const sessions = await collect(
    readSessions(files, { ...options, onProblem: (problem) => problems.push(problem) }),
  );
  return { sessions, problems };
}

function common([a, b]: readonly TraceSession[]): number {
  const [mine, theirs] = [a?.requests[0]?.blocks ?? [], b?.requests[0]?.blocks ?? []];
  const differs = mine.findIndex((id, at) => id !== theirs[at]);
  return differs === -1 ? mine.length : differs;
}
