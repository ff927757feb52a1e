import type { ChatRequest } from "../core/chat-request.ts";
import type { IdMinter } from "../core/ids.ts";

const HEADERS = [
  "phaseway-session",
  "x-session-id",
  "x-session-affinity",
  "x-claude-code-session-id",
  "session_id",
];

/** The first session key a client sent: a header, else a field of the body. */
export async function sessionKey(
  headers: Headers,
  request: ChatRequest,
  ids: IdMinter,
): Promise<ClientKey | undefined> {
  for (const name of HEADERS) {
    const value = headers.get(name)?.trim();
    if (value) return name === "phaseway-session" ? readOwnId(value, ids) : { key: value };
  }
  const fromBody = request.promptCacheKey ?? request.conversation ?? request.metadataUserId;
  return fromBody === undefined ? undefined : { key: fromBody };
}

/** `name` when the key is an id we minted, so that the client comes back to that very object. */
export type ClientKey = { readonly key: string; readonly name?: string };

async function readOwnId(value: string, ids: IdMinter): Promise<ClientKey> {
  const [id = ""] = value.split(".");
  const own = await ids.read(id);
  return own?.kind === "ses" ? { key: value, name: own.payload } : { key: value };
}
