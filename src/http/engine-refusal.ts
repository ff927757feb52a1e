import type { TurnFailure } from "../turn/outcome.ts";

/** What an engine said when it refused a request, as far as it can be read. */
export type Refusal = {
  /** Its `error`, where it speaks as OpenAI's API does. */
  readonly error?: object;
  /** The prompt was too long for it. */
  readonly isTooLong: boolean;
  /** Its words, on one line; empty when it said nothing. */
  readonly words: string;
};

/** Reads the body of an engine's refusal. */
export function readRefusal({ body, contentType = "" }: TurnFailure): Refusal {
  const text = new TextDecoder().decode(body ?? new Uint8Array());
  const said = parsed(text);
  const raw = said === undefined ? plain(text, contentType) : wordsOf(said);
  const words = shortened(raw.replace(/\s+/g, " ").trim());
  const error = member(said, "error");
  const isTooLong = member(error, "code") === "context_length_exceeded";
  return { words, isTooLong, ...(isError(error) && { error }) };
}

/** Longest quotation of an engine, characters. */
const LONGEST = 500;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isError(error: unknown): error is object {
  return typeof member(error, "message") === "string";
}

/** The message in the shapes that servers have for one; all of it where none is known. */
function wordsOf(said: unknown): string {
  if (typeof said === "string") return said;
  const inError = member(member(said, "error"), "message");
  if (typeof inError === "string") return inError;
  for (const name of ["error", "message", "detail"]) {
    const value = member(said, name);
    if (typeof value === "string") return value;
  }
  const details = member(said, "detail");
  if (Array.isArray(details) && details.length > 0 && details.every(isDetail)) {
    return details.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; ");
  }
  return isEmpty(said) ? "" : JSON.stringify(said);
}

type Detail = { readonly loc: readonly unknown[]; readonly msg: string };

/** One mistake as FastAPI tells it. */
function isDetail(value: unknown): value is Detail {
  return Array.isArray(member(value, "loc")) && typeof member(value, "msg") === "string";
}

function isEmpty(said: unknown): boolean {
  return said === null || (typeof said === "object" && Object.keys(said).length === 0);
}

/** Of a page, what a reader would see. */
function plain(text: string, contentType: string): string {
  if (!contentType.includes("html")) return text;
  const body = text.replace(/<(head|script|style)\b.*?<\/\1\s*>/gis, " ");
  return body.replace(/<[^>]*>/g, " ");
}

function shortened(words: string): string {
  return words.length > LONGEST ? `${words.slice(0, LONGEST)}…` : words;
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}
