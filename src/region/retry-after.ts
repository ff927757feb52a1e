/** How long an engine asks to be left alone, ms: `Retry-After` in seconds or as a date, read by the engine's own clock. */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const told = headers.get("retry-after")?.trim() ?? "";
  if (told === "") return undefined;
  const seconds = Number(told);
  // Number() takes more spellings than the header has, but no date.
  if (!Number.isNaN(seconds)) return within(seconds * 1000);
  const at = Date.parse(told);
  if (Number.isNaN(at)) return undefined;
  const sentAt = Date.parse(headers.get("date") ?? "");
  return within(at - (Number.isNaN(sentAt) ? nowMs : sentAt));
}

/** An engine that says more than this has lost its way. */
const LONGEST_MS = 24 * 3600 * 1000;

function within(ms: number): number | undefined {
  return ms > 0 ? Math.min(ms, LONGEST_MS) : undefined;
}
