import { canonical } from "./canonical.ts";
import type { Model } from "./fleet.ts";
import { hash64, hashHex, NO_HASH } from "./hash64.ts";

/** One part of a message that is no text. */
export type Media = {
  /** The part's type, such as `image_url`. */
  readonly type: string;
  /** Names its content, 16 hex digits: data by its bytes, anything else by its URL. */
  readonly key: string;
};

/** A content part as media; undefined for text and for whatever else is no media. */
export function mediaOf(part: unknown): Media | undefined {
  if (!isRecord(part)) return undefined;
  const type = typeOf(part);
  if (type === undefined) return undefined;
  const { type: _told, ...content } = part;
  return { type, key: hashOf(canonical(shortened(content))) };
}

/** Prompt tokens that media of a type counts for, whatever its size. */
export function mediaTokens({ media }: Pick<Model, "media">, type: string): number {
  return media?.[`${kindOf(type)}Tokens`] ?? MEDIA_TOKENS;
}

/** A picture of 1024 x 1024 under the tile formula of common vision models. */
const MEDIA_TOKENS = 765;
const MEDIA = /^(?:input_)?(image|audio|video|file)(?:_url|_embeds)?$/;
/** Long enough for any URL, which is shorter than what could be data. */
const LONGEST_NAME = 512;

/** Some engines take a part without a type, which is named after its only content. */
function typeOf(part: Readonly<Record<string, unknown>>): string | undefined {
  const { type } = part;
  if (type !== undefined) return typeof type === "string" && MEDIA.test(type) ? type : undefined;
  return Object.keys(part).find((name) => MEDIA.test(name));
}

function kindOf(type: string): "image" | "audio" | "video" | "file" {
  return (MEDIA.exec(type)?.[1] ?? "file") as ReturnType<typeof kindOf>;
}

/** The same with hashes for data, so that megabytes are read once and copied never. */
function shortened(value: unknown): unknown {
  if (typeof value === "string") return shortText(value);
  if (Array.isArray(value)) return value.map(shortened);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, shortened(member)]),
  );
}

/** What a data URL calls its data changes nothing about it. */
function shortText(text: string): string {
  const data = text.startsWith("data:") ? text.indexOf(",") + 1 : 0;
  if (data === 0 && text.length <= LONGEST_NAME) return text;
  return hashHex(hash64(text, NO_HASH, data));
}

function hashOf(text: string): string {
  return hashHex(hash64(text, NO_HASH));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
