import type { LegFailure } from "./service.ts";

/** A failure in which none of `secrets` is spelled out; its body is the engine's own bytes where it names none. */
export function redact(failure: LegFailure, secrets: readonly string[]): LegFailure {
  const message = withoutAny(failure.message, secrets);
  const { body } = failure;
  if (body === undefined) return { ...failure, message };
  const text = new TextDecoder().decode(body);
  const told = withoutAny(text, secrets);
  return { ...failure, message, body: told === text ? body : new TextEncoder().encode(told) };
}

function withoutAny(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text);
}
