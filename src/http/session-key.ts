import type { ChatRequest } from "../core/chat-request.ts";
import type { IdMinter } from "../core/ids.ts";
import { isOwnName } from "../turn/session-name.ts";

const HEADERS = [
  "phaseway-session",
  "x-session-id",
  "x-session-affinity",
  "x-claude-code-session-id",
  "session_id",
];

/**
 * The first session key a client sent: a header, else a field of the body. `previous_response_id` is none here: chat
 * completions are not stored, so the next turn would name another.
 */
export async function sessionKey(
  headers: Headers,
  request: ChatRequest,
  tenant: string,
  ids: IdMinter,
): Promise<ClientKey | undefined> {
  for (const name of HEADERS) {
    const value = headers.get(name)?.trim();
    if (value) return name === "phaseway-session" ? readOwnId(value, tenant, ids) : { key: value };
  }
  const fromBody = request.promptCacheKey ?? request.conversation ?? request.metadataUserId;
  return fromBody === undefined ? undefined : { key: fromBody };
}

/** `name` when the key is an id we minted, so that the client comes back to that very object. */
export type ClientKey = { readonly key: string; readonly name?: string };

/** An id of another tenant is a key like any other. */
async function readOwnId(value: string, tenant: string, ids: IdMinter): Promise<ClientKey> {
  const name = await ownSession(value, tenant, ids);
  return name === undefined ? { key: value } : { key: value, name };
}

/** The object that a session id of this tenant names; the part after a dot is a branch of it. */
export async function ownSession(
  id: string,
  tenant: string,
  ids: IdMinter,
): Promise<string | undefined> {
  const own = await ids.read(id.split(".")[0] ?? "");
  if (own?.kind !== "ses" || !(await isOwnName(tenant, own.payload))) return undefined;
  return own.payload;
}
