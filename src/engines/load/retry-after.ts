/**
 * How long an engine asks to be left alone, ms: `Retry-After-Ms`, or `Retry-After` in seconds or as a date, read by the
 * engine's own clock.
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const exact = within(Number(headers.get("retry-after-ms")?.trim() || NaN));
  if (exact !== undefined) return exact;
  const told = headers.get("retry-after")?.trim() ?? "";
  if (told === "") return undefined;
  const seconds = Number(told);
  // Number() takes more spellings than the header has, but no date.
  if (!Number.isNaN(seconds)) return within(seconds * 1000);
  return within(Date.parse(told) - engineNow(headers, nowMs));
}

/** What time it is for the engine that answered, ms since 1970: by its `Date`, else by our own clock. */
export function engineNow(headers: Headers, nowMs: number): number {
  const sentAt = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(sentAt) ? nowMs : sentAt;
}

/** An engine that says more than this has lost its way. */
const LONGEST_MS = 24 * 3600 * 1000;

function within(ms: number): number | undefined {
  return ms > 0 ? Math.min(ms, LONGEST_MS) : undefined;
}
