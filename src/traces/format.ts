export type TraceFormat = "azure" | "claude-code" | "miniswe" | "mooncake";

/** The format a line of a trace gives away, if it does. */
export function formatOfLine(text: string): TraceFormat | undefined {
  if (/^"?TIMESTAMP"?,/i.test(text)) return "azure";
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof row !== "object" || row === null) return undefined;
  if ("requests" in row) return "claude-code";
  if ("input_length" in row) return "mooncake";
  return "session_id" in row && "input" in row ? "miniswe" : undefined;
}

/** The format a path suggests, where no line gave it away. */
export function formatOfPath(path: string): TraceFormat | undefined {
  if (/miniswe/i.test(path)) return "miniswe";
  if (/mooncake|conversation_trace|toolagent_trace/i.test(path)) return "mooncake";
  if (/azure|\.csv$/i.test(path)) return "azure";
  return /claude|\.json$/i.test(path) ? "claude-code" : undefined;
}
