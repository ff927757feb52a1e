import { rawMember, rawMemberOf } from "../../core/json-members.ts";
import type { ExportsKv, KvSeal } from "../dialect.ts";
import { PARAMS } from "./params.ts";

/** How `workers/llama` gives a state out and takes it back: streams in encrypted parts, below `/kv`. */
export const exportsKv: ExportsKv = {
  member: PARAMS,
  told(raw) {
    if (handleIn(raw) === undefined) return undefined;
    const [tokens, bytes] = [Number(rawMemberOf(raw, "tokens")), Number(rawMemberOf(raw, "bytes"))];
    return tokens >= 0 && bytes >= 0 ? { tokens, bytes } : undefined;
  },
  read: (raw, seal) => ({
    method: "GET",
    path: `/kv/${handleIn(raw) ?? ""}`,
    headers: headersOf(seal),
  }),
  write: (seal) => ({
    method: "POST",
    path: "/kv",
    headers: { "content-type": "application/octet-stream", ...headersOf(seal) },
  }),
  written(body) {
    const raw = new TextDecoder().decode(body);
    if (handleIn(raw) === undefined) throw new SyntaxError("the engine told no handle");
    return raw;
  },
  // Of another model or build, corrupt, and too large.
  spoiled: [409, 413, 422],
  instance: {
    path: "/health",
    read(body) {
      if (body[0] !== OPENING_BRACE) return undefined;
      const raw = rawMember(body, ["instance"]);
      const instance: unknown = raw === undefined ? undefined : JSON.parse(raw);
      return typeof instance === "string" ? instance : undefined;
    },
  },
};

function handleIn(raw: string): string | undefined {
  if (!raw.startsWith("{")) return undefined;
  const handle: unknown = JSON.parse(rawMemberOf(raw, "handle") ?? "null");
  return typeof handle === "string" && /^[\w-]+$/.test(handle) ? handle : undefined;
}

function headersOf({ key, salt }: KvSeal): Readonly<Record<string, string>> {
  return { "x-kv-key": key, "x-kv-salt": encodeURIComponent(salt) };
}

const OPENING_BRACE = 123;
