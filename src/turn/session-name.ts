import { sessionSeed } from "../core/prefix.ts";
import type { Turn } from "./deps.ts";

/** How a turn finds its session: by a key the client sent, by the conversation itself, or only once it is answered. */
export type SessionRef =
  | { readonly kind: "named"; readonly name: string }
  | { readonly kind: "inferred"; readonly name: string }
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
      name: client.name ?? (await objectName(clientSeed(turn.tenant, client.key))),
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
  if (seed !== undefined) return { kind: "inferred", name: await objectName(seed) };
  return {
    kind: "unknown",
    nameWith: async (answer) => {
      const later = sessionSeed(facts, answer);
      return later === undefined ? undefined : objectName(later);
    },
  };
}

export function clientSeed(tenant: string, key: string): string {
  return `${tenant}\nkey\n${key}`;
}

/** The object a seed names: 24 hex digits of its SHA-256. */
export async function objectName(seed: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(seed));
  return [...new Uint8Array(digest, 0, 12)]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
