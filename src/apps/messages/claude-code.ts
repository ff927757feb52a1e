/** What Claude Code says of itself in places that are meant for something else. */

/** A block of the system prompt that is for Anthropic's books: it differs in every request, and would part all prefixes. */
export function isBillingLine(text: string): boolean {
  return /^x-anthropic-billing-header:[^\n]*\n?$/.test(text);
}

/** What names the session in `metadata.user_id`: there it is one part of several; other clients' is taken as it is. */
export function sessionIn(userId: string): string {
  return PLAIN.exec(userId)?.[1] ?? memberOf(userId) ?? userId;
}

const PLAIN = /^user_.*_session_([\w-]+)$/;

function memberOf(userId: string): string | undefined {
  if (!userId.startsWith("{")) return undefined;
  try {
    const { session_id: id } = JSON.parse(userId) as { readonly session_id?: unknown };
    return typeof id === "string" && id !== "" ? id : undefined;
  } catch {
    return undefined;
  }
}
