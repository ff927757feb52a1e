import { sessionSeed } from "../core/prefix.ts";
import type { Turn } from "./deps.ts";

/**
 * How a turn finds its session: by a key the client sent, by the conversation itself, by a name made for a session that
 * begins with it, or only once it is answered.
 */
export type SessionRef =
  | { readonly kind: "named"; readonly name: string }
  | { readonly kind: "inferred"; readonly name: string }
  | { readonly kind: "new"; readonly name: string }
  | {
      readonly kind: "unknown";
      readonly nameWith: (answer: string) => Promise<string | undefined>;
    };

export async function sessionRef(
  turn: Turn,
  client: { readonly key: string; readonly name?: string } | undefined,
): Promise<SessionRef> {
  if (client !== undefined) {
    return {
      kind: "named",
      name: client.name ?? (await keyedName(turn.tenant, client.key)),
    };
  }
  const { request } = turn;
  const facts = {
    tenant: turn.tenant,
    model: request.model,
    messages: request.messages,
    ...(request.user !== undefined && { user: request.user }),
    ...(request.tools !== undefined && { tools: request.tools }),
  };
  const seed = sessionSeed(facts);
  if (seed !== undefined) return { kind: "inferred", name: await objectName(turn.tenant, seed) };
  return {
    kind: "unknown",
    nameWith: async (answer) => {
      const later = sessionSeed(facts, answer);
      return later === undefined ? undefined : objectName(turn.tenant, later);
    },
  };
}

/** The object of a session that its tenant names by a key. */
export function keyedName(tenant: string, key: string): Promise<string> {
  return objectName(tenant, `${tenant}\nkey\n${key}`);
}

/** True when an object's name was made for this tenant. */
export async function isOwnName(tenant: string, name: string): Promise<boolean> {
  return name.startsWith(await tenantTag(tenant));
}

/** The object a seed names: whose it is in 4 hex digits, then 20 of the seed's SHA-256. */
async function objectName(tenant: string, seed: string): Promise<string> {
  return (await tenantTag(tenant)) + (await digest(seed)).slice(0, 20);
}

/** 4 hex digits that tell ids of one tenant from nearly all of another's, so that a stranger's is seen without asking. */
export async function tenantTag(tenant: string): Promise<string> {
  return (await digest(`tenant\n${tenant}`)).slice(0, 4);
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
