import { AskError } from "./ask-error.ts";

export type Body = Readonly<Record<string, unknown>>;

/** Reads members of a request's body; each throws an `AskError` (400) that names the member. */
export function isBody(value: unknown): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function invalid(param: string, must: string): AskError {
  return new AskError(400, "invalid_value", `${param} must be ${must}`, param);
}

export function unsupported(param: string, why: string): AskError {
  return new AskError(400, "unsupported_parameter", `${param}: ${why}`, param);
}

/** A number between `least` and `most`; undefined when it is absent or null. */
export function numberIn(
  body: Body,
  param: string,
  { least, most, whole }: { least: number; most: number; whole?: boolean },
): number | undefined {
  const value = body[param];
  if (value === undefined || value === null) return undefined;
  const fits = typeof value === "number" && value >= least && value <= most;
  if (fits && (whole !== true || Number.isInteger(value))) return value;
  throw invalid(param, `a ${whole === true ? "whole " : ""}number from ${least} to ${most}`);
}

export function flagIn(body: Body, param: string, absent: boolean): boolean {
  const value = body[param] ?? absent;
  if (typeof value === "boolean") return value;
  throw invalid(param, "true or false");
}

export function stringIn(body: Body, param: string, absent: string): string {
  const value = body[param] ?? absent;
  if (typeof value === "string") return value;
  throw invalid(param, "a string");
}

/** An object; empty when it is absent or null. */
export function objectIn(body: Body, param: string): Body {
  const value = body[param] ?? {};
  if (isBody(value)) return value;
  throw invalid(param, "an object");
}
