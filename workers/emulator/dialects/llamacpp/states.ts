import { heldOf, type Held } from "../../../../src/sim/hash.ts";
import { LEASE_MS } from "../../../../src/sim/leases.ts";
import { isRecord } from "../../../../src/sim/tokens.ts";
import type { EngineSide } from "../dialect.ts";
import type { Named } from "./params.ts";

/** A name that nobody can guess: 32 random bytes in base64url. */
export function newHandle(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const base64 = btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_");
  return `kv_${base64.replace(/=+$/, "")}`;
}

/** How a state is leased: under another salt there is no such thing. */
export function stateName(handle: string, salt: string): string {
  return `${handle} ${salt}`;
}

/** A handle as it is given out. */
export function handleOf(handle: string, tokens: number, side: EngineSide): object {
  const { name, pool, model } = side.config;
  const from = pool.engines.find(({ id }) => id === name)?.url;
  const bytes = tokens * model.kvBytesPerToken;
  return { handle, from, tokens, bytes, model: fingerprint(side), lease_ms: leaseMsOf(side) };
}

export function leaseMsOf({ settings }: EngineSide): number {
  return settings().leaseMs ?? LEASE_MS;
}

/** States of another model or layout are of no use. */
export function fingerprint({ config }: EngineSide): string {
  return `${config.model.id} ${config.pool.kvLayout ?? ""}`;
}

/** The engine at that URL, where it is this one or linked with it: the peers that a real one is started with. */
export function peerAt(url: string, { config, linkFrom, linkTo }: EngineSide): string | undefined {
  const engines = [...config.fleet.pools.values()].flatMap((pool) => pool.engines);
  const id = engines.find((engine) => engine.url === url)?.id;
  return id !== undefined && (linkFrom(id) ?? linkTo(id)) ? id : undefined;
}

/** Asks an engine for a state, which it then keeps until it is told; undefined when it is not to be had. */
export async function openState(
  { engine, handle }: Named,
  salt: string,
  side: EngineSide,
): Promise<Held | undefined> {
  const message: StateMessage = { action: "open", handle, salt };
  // An object of the emulator answers another with nothing but this.
  return (await side.meet(engine, message).catch(() => undefined)) as Held | undefined;
}

/** A state that was opened is read, or will not be: it stays until its lease ends. */
export function leaveState({ engine, handle }: Named, salt: string, side: EngineSide): void {
  side.later(side.meet(engine, { action: "leave", handle, salt } satisfies StateMessage));
}

/** Asks an engine what it has cached of a prompt; undefined when nothing, or when it is not there. */
export async function findPrefix(
  engine: string,
  tokens: readonly number[],
  salt: string,
  side: EngineSide,
): Promise<Held | undefined> {
  const message: StateMessage = { action: "find", tokens, salt, model: fingerprint(side) };
  return (await side.meet(engine, message).catch(() => undefined)) as Held | undefined;
}

/** What another engine's object is answered about a state. */
export function meetAboutState(
  message: unknown,
  side: EngineSide,
  imported: ReadonlyMap<string, Held>,
): Held | undefined {
  if (!isRecord(message)) return undefined;
  const { engine, clock } = side;
  const asked = message as StateMessage;
  if (asked.action === "find") {
    clock.catchUp();
    const cached =
      asked.model === fingerprint(side) ? engine.cachedTokens(asked.tokens, asked.salt) : 0;
    return cached > 0 ? heldOf(asked.tokens.slice(0, cached)) : undefined;
  }
  const { action, handle, salt } = asked;
  const name = stateName(handle, salt);
  const given = imported.get(name);
  if (given) return action === "open" ? given : undefined;
  if (action === "open") return engine.openLease(name, () => true, clock.now());
  engine.leaveLease(name, clock.now());
  clock.catchUp();
  return undefined;
}

type StateMessage =
  | { readonly action: "open" | "leave"; readonly handle: string; readonly salt: string }
  | {
      readonly action: "find";
      readonly tokens: readonly number[];
      readonly salt: string;
      readonly model: string;
    };
