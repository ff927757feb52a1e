import { createReadStream, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type {
  Conversation,
  SkippedConversation,
  TraceOptions,
  TraceProblem,
} from "../../../src/traces/conversation.ts";
import { readTraces } from "../../../src/traces/read.ts";

const SLICES = new URL("../../traces/", import.meta.url);
const MINISWE = "miniswe/189f0222310bd8eee310f204e91b9c84.jsonl";
const CLAUDE = "claude-code/trace_0012.json";
const MOONCAKE = "mooncake/conversation_trace.jsonl";

describe("reading traces", () => {
  it("finds the format of each file by itself", async () => {
    const held = [...(await slice(MINISWE)), ...(await slice(CLAUDE)), ...(await slice(MOONCAKE))];
    expect(held.map((c) => c.turns.length).slice(0, 3)).toEqual([6, 14, 1]);
    expect(held).toHaveLength(42);
  });

  it("reports faulty lines by number and reads on", async () => {
    const problems: TraceProblem[] = [];
    const good = JSON.stringify({ timestamp: 0, input_length: 5, output_length: 1, hash_ids: [1] });
    const text = `${good}\n{"timestamp": 0,\n\n{"timestamp":0,"input_length":-5,"output_length":1,"hash_ids":[]}\r\n${good}`;
    const held = await read("mooncake.jsonl", text, { onProblem: (p) => problems.push(p) });
    expect(held).toHaveLength(2);
    expect(problems.map((p) => p.line)).toEqual([2, 4]);
    expect(problems[1]?.message).toContain("input_length");
  });

  it("says so when a file is no trace", async () => {
    const problems: TraceProblem[] = [];
    expect(await read("notes.txt", "hello", { onProblem: (p) => problems.push(p) })).toEqual([]);
    expect(problems).toHaveLength(1);
  });

  it("skips and reports conversations beyond the context window", async () => {
    const skipped: SkippedConversation[] = [];
    expect(await slice(CLAUDE, { maxContext: 60_000, onSkip: (s) => skipped.push(s) })).toEqual([]);
    expect(skipped[0]?.id).toBe("trace_0012");
    expect(skipped[0]?.contextTokens).toBeGreaterThan(65_199);
  });

  it("reads lines and characters cut anywhere by the stream", async () => {
    const bytes = new TextEncoder().encode(
      `${JSON.stringify({ timestamp: 1, input: "größer", output: "ja", session_id: "s" })}\n`,
    );
    const open = async function* () {
      for (const byte of bytes) yield Uint8Array.of(byte);
    };
    const [conversation] = await collect(readTraces([{ path: "x", open }]));
    expect(conversation?.turns[0]?.messages([])).toEqual([{ role: "user", content: "größer" }]);
  });
});

describe("mooncake requests", () => {
  it("have exactly four characters per token and share the text of equal blocks", async () => {
    const held = await slice(MOONCAKE);
    const rows = lines(MOONCAKE).map(
      (line) => JSON.parse(line) as { input_length: number; output_length: number },
    );
    const texts = held.map((c) => c.turns[0]?.messages([])[0]?.content ?? "");
    expect(texts.map((t) => t.length)).toEqual(rows.map((r) => r.input_length * 4));
    expect(held.map((c) => c.turns[0]?.maxTokens)).toEqual(rows.map((r) => r.output_length));
    expect(common(texts[0] ?? "", texts[1] ?? "")).toBeGreaterThanOrEqual(512 * 4);
    expect(common(texts[0] ?? "", texts[1] ?? "")).toBeLessThan(512 * 4 + 16);
  });
});

describe("claude-code sessions", () => {
  it("come out as long as recorded while nothing was rewritten, when answers are as long as recorded", async () => {
    const [conversation] = await slice(CLAUDE);
    const { requests } = JSON.parse(readFileSync(new URL(CLAUDE, SLICES), "utf8")) as {
      requests: { in: number }[];
    };
    const answers = conversation?.turns.map((t) => "x".repeat(4 * t.maxTokens)) ?? [];
    const lengths = conversation?.turns.map(
      (t) => t.messages(answers).reduce((sum, m) => sum + m.content.length, 0) / 4,
    );
    expect(lengths?.slice(0, 3)).toEqual(requests.slice(0, 3).map((r) => r.in));
    for (const [turn, length] of (lengths ?? []).entries()) {
      expect(Math.abs(length - (requests[turn]?.in ?? 0))).toBeLessThan(100);
    }
  });

  it("begin each request with the messages of the one before, and its answer", async () => {
    const [conversation] = await slice(CLAUDE);
    const first = conversation?.turns[0]?.messages([]) ?? [];
    expect(first.map((m) => m.role)).toEqual(["system", "user"]);
    const second = conversation?.turns[1]?.messages(["done"]) ?? [];
    expect(second.slice(0, 3)).toEqual([...first, { role: "assistant", content: "done" }]);
    expect(second[3]?.role).toBe("user");
    expect(second).toHaveLength(4);
  });
});

describe("miniswe sessions", () => {
  it("say all the environment said, with the answers of the mesh between", async () => {
    const [conversation] = await slice(MINISWE);
    const rows = lines(MINISWE)
      .map((line) => JSON.parse(line) as { input: string; timestamp: number })
      .toSorted((a, b) => a.timestamp - b.timestamp);
    const answers = ["a0", "a1", "a2", "a3", "a4", "a5"];
    for (const [turn, row] of rows.entries()) {
      const messages = conversation?.turns[turn]?.messages(answers) ?? [];
      const said = messages.filter((m) => m.role === "user").map((m) => m.content);
      expect(said.join("\n\n")).toBe(row.input);
      expect(messages.at(-1)?.role).toBe("user");
    }
    const third = conversation?.turns[2]?.messages(answers).filter((m) => m.role === "assistant");
    expect(third?.map((m) => m.content)).toEqual(["a0", "a1"]);
  });
});

async function slice(path: string, options: TraceOptions = {}): Promise<Conversation[]> {
  return collect(
    readTraces([{ path, open: () => createReadStream(new URL(path, SLICES)) }], options),
  );
}

async function read(path: string, text: string, options: TraceOptions): Promise<Conversation[]> {
  const open = async function* () {
    yield text;
  };
  return collect(readTraces([{ path, open }], options));
}

async function collect(conversations: AsyncIterable<Conversation>): Promise<Conversation[]> {
  const all: Conversation[] = [];
  for await (const conversation of conversations) all.push(conversation);
  return all;
}

function lines(path: string): string[] {
  return readFileSync(new URL(path, SLICES), "utf8").trimEnd().split("\n");
}

function common(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return at;
}
