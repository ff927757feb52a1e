/** A top-level member of a JSON object, as byte ranges into its source. */
export type Member = {
  readonly name: string;
  /** From the opening quote of the name to the end of the value. */
  readonly start: number;
  readonly end: number;
  readonly valueStart: number;
};

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Deepest nesting accepted, so that whoever walks a value may recurse. */
const MAX_DEPTH = 500;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Finds the members of the outermost object without parsing their values. Throws a SyntaxError with the byte offset. */
export function topLevelMembers(bytes: Uint8Array, from = 0): Member[] {
  const members: Member[] = [];
  let at = skipSpace(bytes, from);
  expect(bytes, at, OPEN_BRACE);
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === CLOSE_BRACE) return members;
  for (;;) {
    const start = at;
    expect(bytes, at, QUOTE);
    const nameEnd = skipString(bytes, at);
    const name = nameAt(bytes, start, nameEnd);
    at = skipSpace(bytes, nameEnd);
    expect(bytes, at, COLON);
    const valueStart = skipSpace(bytes, at + 1);
    const end = skipValue(bytes, valueStart);
    members.push({ name, start, end, valueStart });
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE_BRACE) return members;
    expect(bytes, at, COMMA);
    at = skipSpace(bytes, at + 1);
  }
}

/** Changes only the named members of an object; every other byte is copied. `set` holds raw JSON text. */
export function splice(
  bytes: Uint8Array,
  members: readonly Member[],
  edits: { readonly set: Readonly<Record<string, string>>; readonly remove: readonly string[] },
): Uint8Array<ArrayBuffer> {
  const changed = new Map(Object.entries(edits.set));
  const last = new Map(members.map((member) => [member.name, member]));
  // Of a doubled name that is set, the last stays: it is the one that parsers read.
  const kept = members.flatMap((member, index) => {
    const stays = changed.has(member.name)
      ? last.get(member.name) === member
      : !edits.remove.includes(member.name);
    return stays ? [{ member, before: members[index - 1]?.end ?? member.start }] : [];
  });
  const open = members[0]?.start ?? bytes.indexOf(OPEN_BRACE) + 1;
  const pieces: Uint8Array[] = [bytes.subarray(0, open)];
  for (const [index, { member, before }] of kept.entries()) {
    // What parted it from its neighbour, comma and spaces.
    if (index > 0) pieces.push(bytes.subarray(before, member.start));
    const raw = changed.get(member.name);
    if (raw === undefined) pieces.push(bytes.subarray(member.start, member.end));
    else pieces.push(bytes.subarray(member.start, member.valueStart), encoder.encode(raw));
  }
  const added = [...changed].filter(([name]) => !last.has(name));
  const text = added.map(([name, raw]) => `${JSON.stringify(name)}:${raw}`).join(",");
  pieces.push(encoder.encode(kept.length > 0 && text !== "" ? `,${text}` : text));
  pieces.push(bytes.subarray(members.at(-1)?.end ?? open));
  return concatenate(pieces);
}

/** The raw text of a nested member of objects, such as `["usage", "prompt_tokens"]`; the last one of a doubled name. */
export function rawMember(bytes: Uint8Array, path: readonly string[]): string | undefined {
  let start = 0;
  let end = bytes.length;
  for (const name of path) {
    if (bytes[skipSpace(bytes, start)] !== OPEN_BRACE) return undefined;
    const member = topLevelMembers(bytes, start).findLast((candidate) => candidate.name === name);
    if (member === undefined) return undefined;
    ({ valueStart: start, end } = member);
  }
  return decoder.decode(bytes.subarray(start, end));
}

/** `rawMember` for many names of one object, which is read through once. */
export function rawMembers(
  bytes: Uint8Array,
  members: readonly Member[] = topLevelMembers(bytes),
): (name: string) => string | undefined {
  return (name) => {
    const member = members.findLast((candidate) => candidate.name === name);
    return member && decoder.decode(bytes.subarray(member.valueStart, member.end));
  };
}

/** The raw texts of an array's items. Throws a SyntaxError for anything else. */
export function rawItems(array: string): string[] {
  const bytes = encoder.encode(array);
  const items: string[] = [];
  let at = skipSpace(bytes, 0);
  expect(bytes, at, OPEN_BRACKET);
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === CLOSE_BRACKET) return items;
  for (;;) {
    const end = skipValue(bytes, at);
    items.push(decoder.decode(bytes.subarray(at, end)));
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE_BRACKET) return items;
    expect(bytes, at, COMMA);
    at = skipSpace(bytes, at + 1);
  }
}

/** `splice` on an object that is text. */
export function spliceText(
  object: string,
  edits: { readonly set: Readonly<Record<string, string>>; readonly remove: readonly string[] },
): string {
  const bytes = encoder.encode(object);
  return decoder.decode(splice(bytes, topLevelMembers(bytes), edits));
}

/** `rawMember` of one name, on an object that is text. */
export function rawMemberOf(object: string, name: string): string | undefined {
  return rawMember(encoder.encode(object), [name]);
}

export function concatenate(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}

function nameAt(bytes: Uint8Array, start: number, end: number): string {
  try {
    return String(JSON.parse(decoder.decode(bytes.subarray(start, end))));
  } catch {
    throw new SyntaxError(`a name that is no string at byte ${start}`);
  }
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at += 1;
  }
}

function skipString(bytes: Uint8Array, from: number): number {
  let at = from + 1;
  for (;;) {
    at = bytes.indexOf(QUOTE, at);
    if (at < 0) throw new SyntaxError(`unfinished string at byte ${from}`);
    let slashes = 0;
    while (bytes[at - 1 - slashes] === BACKSLASH) slashes += 1;
    at += 1;
    if (slashes % 2 === 0) return at;
  }
}

function skipValue(bytes: Uint8Array, from: number): number {
  const first = bytes[from];
  if (first === QUOTE) return skipString(bytes, from);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipNested(bytes, from);
  let at = from;
  while (at < bytes.length && !isEnd(bytes[at])) at += 1;
  if (at === from) throw new SyntaxError(`expected a value at byte ${from}`);
  return at;
}

function skipNested(bytes: Uint8Array, from: number): number {
  let depth = 0;
  let at = from;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = skipString(bytes, at);
      continue;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
    if (depth > MAX_DEPTH)
      throw new SyntaxError(`nested more than ${MAX_DEPTH} deep at byte ${at}`);
    at += 1;
    if (depth === 0) return at;
  }
  throw new SyntaxError(`unfinished value at byte ${from}`);
}

function isEnd(byte: number | undefined): boolean {
  return (
    byte === COMMA ||
    byte === CLOSE_BRACE ||
    byte === CLOSE_BRACKET ||
    byte === 0x20 ||
    byte === 0x0a ||
    byte === 0x0d ||
    byte === 0x09
  );
}

function expect(bytes: Uint8Array, at: number, wanted: number): void {
  if (bytes[at] === wanted) return;
  const found = bytes[at] === undefined ? "the end" : `\`${String.fromCharCode(bytes[at])}\``;
  throw new SyntaxError(
    `expected \`${String.fromCharCode(wanted)}\` at byte ${at}, found ${found}`,
  );
}
