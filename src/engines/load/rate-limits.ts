import type { ToldLimit, ToldLimits } from "../../core/hosted/limits.ts";
import { engineNow } from "./retry-after.ts";

/** Reads the rate limits that hosted APIs tell with every answer, under OpenAI's names or Anthropic's. */
export function readRateLimits(headers: Headers, nowMs: number): ToldLimits {
  const read = (what: string): ToldLimit => {
    const one = (part: string) =>
      headers.get(`x-ratelimit-${part}-${what}`) ??
      headers.get(`anthropic-ratelimit-${what}-${part}`);
    return {
      limit: count(one("limit")),
      remaining: count(one("remaining")),
      resetMs: untilMs(one("reset"), engineNow(headers, nowMs)),
    };
  };
  return {
    requests: read("requests"),
    tokens: read("tokens"),
    inputTokens: read("input-tokens"),
    outputTokens: read("output-tokens"),
  };
}

/** Some tell of what was taken beyond the limit as less than nothing. */
function count(told: string | null): number | undefined {
  return told !== null && /^\s*-?\d+\s*$/.test(told) ? Math.max(0, Number(told)) : undefined;
}

/** A duration such as `6m0s`, bare seconds, or a time. */
function untilMs(told: string | null, nowMs: number): number | undefined {
  const text = told?.trim() ?? "";
  if (/^\d+(?:\.\d+)?$/.test(text)) return secondsMs(Number(text), nowMs);
  if (DURATION.test(text)) return durationMs(text);
  // Date.parse() makes a date of almost anything.
  const at = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

/** Figures as large as a clock's are times, in seconds or in ms. */
function secondsMs(figure: number, nowMs: number): number {
  if (figure >= 1e12) return Math.max(0, figure - nowMs);
  if (figure >= 1e9) return Math.max(0, figure * 1000 - nowMs);
  return figure * 1000;
}

const UNIT_MS = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|us|µs|ns|[dhms]))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|us|µs|ns|[dhms])/g;

function durationMs(text: string): number {
  const parts = Array.from(text.matchAll(PART), ([, figure, unit]) => {
    return Number(figure) * UNIT_MS[unit as keyof typeof UNIT_MS];
  });
  return parts.reduce((total, part) => total + part, 0);
}
