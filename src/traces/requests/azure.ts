import { z } from "zod";
import type { TraceSource } from "../conversation.ts";
import type { TraceSession } from "./request.ts";

/** Requests of the Azure traces: lengths and times, and nothing about what they share. */
export async function* azureSessions(source: TraceSource, copy = ""): AsyncGenerator<TraceSession> {
  let columns: readonly string[] | undefined;
  let firstMs: number | undefined;
  for await (const { number, text } of source.lines) {
    const cells = text.split(",").map((cell) => cell.trim().replace(/^"|"$/g, ""));
    if (columns === undefined) {
      columns = cells.map((cell) => cell.toLowerCase());
      const missing = Object.values(COLUMNS).find((name) => !columns?.includes(name));
      if (missing === undefined) continue;
      source.problem(number, `the header has no column \`${missing}\``);
      return;
    }
    const row = rowOf(columns, cells);
    if (typeof row === "string") {
      source.problem(number, row);
      continue;
    }
    firstMs ??= row.atMs;
    const session = `${source.path}:${number}${copy}`;
    const request = {
      session,
      turn: 0,
      offsetMs: 0,
      thinkMs: 0,
      promptTokens: row.promptTokens,
      outputTokens: Math.max(1, row.outputTokens),
      blocks: [],
      blockTokens: NOMINAL_BLOCK_TOKENS,
    };
    yield { id: session, format: "azure", startMs: row.atMs - firstMs, requests: [request] };
  }
}

/** There are no blocks to have a size; an engine's own is named. */
const NOMINAL_BLOCK_TOKENS = 16;

const COLUMNS = {
  time: "timestamp",
  prompt: "contexttokens",
  output: "generatedtokens",
} as const;

const Count = z.string().regex(/^\d+$/, "not a whole number").transform(Number);
const Row = z.object({
  [COLUMNS.time]: z
    .string()
    .transform(epochMs)
    .refine((ms) => !Number.isNaN(ms), "not a time"),
  [COLUMNS.prompt]: Count.refine((tokens) => tokens > 0, "no prompt"),
  [COLUMNS.output]: Count,
});

function rowOf(columns: readonly string[], cells: readonly string[]) {
  const named = Object.fromEntries(columns.map((name, at) => [name, cells[at]]));
  const row = Row.safeParse(named);
  if (!row.success) {
    const issue = row.error.issues[0];
    return `${issue?.path.join(".")}: ${issue?.message}`;
  }
  const { data } = row;
  return {
    atMs: data[COLUMNS.time],
    promptTokens: data[COLUMNS.prompt],
    outputTokens: data[COLUMNS.output],
  };
}

/** `2023-11-16 18:17:03.9799600`, with or without a zone: finer than milliseconds, so kept as a fraction. */
function epochMs(text: string): number {
  const parts = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
  if (!parts) return NaN;
  const [, day, time, fraction = ".0", zone = "Z"] = parts;
  return Date.parse(`${day}T${time}${zone}`) + Number(fraction) * 1000;
}
