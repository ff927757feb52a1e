import type { KvSeal } from "../engines/dialect.ts";
import { dialectOf } from "../engines/registry.ts";
import { type EngineAccess, engineOf, keyOf } from "./engine-request.ts";
import { LegBroken } from "./leg-stream.ts";
import { readSmall } from "./read-small.ts";

/** Takes KV cache out of engines and puts it back, as streams that only engines can read. Neither ever throws. */
export type KvEngines = {
  read(ask: KvReadAsk, signal: AbortSignal): Promise<KvRead>;
  /** Reads `body` only when its engine does not hold the state any more. */
  write(ask: KvWriteAsk, body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<KvWritten>;
  /** What tells this life of an engine's process from others; undefined where it does not say. */
  instance(engine: string, signal: AbortSignal): Promise<string | undefined>;
};

type KvAsk = {
  readonly v: 1;
  readonly engine: string;
  /** The tenant's, under which the state was made; sent to engines that take one. */
  readonly salt: string;
  /** 32 bytes in base64. */
  readonly key: string;
};

/** `handle` is what the engine said with its answer, as raw JSON text. */
export type KvReadAsk = KvAsk & { readonly handle: string };

/** `unless`: the life of the engine's process in which it holds the state already. */
export type KvWriteAsk = KvAsk & { readonly unless?: string };

export type KvRead =
  | { readonly ok: true; readonly body: ReadableStream<Uint8Array> }
  | { readonly ok: false; readonly why: string };

export type KvWritten =
  /** `handle` is for a leg on that engine, as raw JSON text. */
  | { readonly ok: true; readonly kind: "written"; readonly handle: string }
  | { readonly ok: true; readonly kind: "held" }
  /** `isSpoiled`: the state itself is at fault, and would be refused again. */
  | { readonly ok: false; readonly why: string; readonly isSpoiled: boolean };

/** Reads the state of a handle from its engine. */
export async function readKv(
  access: EngineAccess,
  ask: KvReadAsk,
  signal: AbortSignal,
): Promise<KvRead> {
  try {
    const { exportsKv, send } = engineFor(access, ask, signal);
    const response = await send(exportsKv.read(ask.handle, sealOf(access, ask)));
    if (response.ok && response.body) return { ok: true, body: response.body };
    await response.body?.cancel();
    return { ok: false, why: `the engine answered ${response.status}` };
  } catch (error) {
    return { ok: false, why: whyOf(error) };
  }
}

/** Writes a state into an engine, unless that engine's process has lived on since it held it. */
export async function writeKv(
  access: EngineAccess,
  ask: KvWriteAsk,
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): Promise<KvWritten> {
  try {
    const { exportsKv, send } = engineFor(access, ask, signal);
    if (ask.unless !== undefined) {
      const instance = await instanceOf(access, ask.engine, signal);
      if (instance === undefined || instance === ask.unless) {
        await body.cancel();
        return { ok: true, kind: "held" };
      }
    }
    const response = await send(exportsKv.write(sealOf(access, ask)), body);
    const told = response.body ? await readSmall(response.body) : new Uint8Array();
    if (response.ok) return { ok: true, kind: "written", handle: exportsKv.written(told) };
    const isSpoiled = exportsKv.spoiled.includes(response.status);
    return { ok: false, why: `the engine answered ${response.status}`, isSpoiled };
  } catch (error) {
    return { ok: false, why: whyOf(error), isSpoiled: false };
  }
}

function engineFor(access: EngineAccess, { engine: id }: KvAsk, signal: AbortSignal) {
  const { pool, engine } = engineOf(access.fleet, id);
  const { exportsKv } = dialectOf(pool.dialect);
  if (exportsKv === undefined) throw new TypeError(`engine ${id} exports no KV cache`);
  const send = (
    { method, path, headers }: ReturnType<typeof exportsKv.write>,
    body?: ReadableStream<Uint8Array>,
  ) =>
    access.engineFetch(engine.url + path, {
      method,
      headers: { ...pool.headers, ...headers, ...keyOf(access, engine) },
      redirect: "manual",
      signal,
      ...(body && { body, duplex: "half" }),
    });
  return { exportsKv, send };
}

function sealOf({ fleet }: EngineAccess, { engine, salt, key }: KvAsk): KvSeal {
  const { pool } = engineOf(fleet, engine);
  const takesSalt = pool.cacheSalt ?? dialectOf(pool.dialect).takesCacheSalt;
  return { key, salt: takesSalt ? salt : "" };
}

/** What tells the life of an engine's process from others; undefined where it does not say. Never throws. */
export function kvInstance(
  access: EngineAccess,
  id: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  return instanceOf(access, id, signal).catch(() => undefined);
}

async function instanceOf(
  access: EngineAccess,
  id: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { pool, engine } = engineOf(access.fleet, id);
  const instance = dialectOf(pool.dialect).exportsKv?.instance;
  if (instance === undefined) return undefined;
  const headers = { ...pool.headers, ...keyOf(access, engine) };
  const asked = { headers, signal, redirect: "manual" } as const;
  const response = await access.engineFetch(engine.url + instance.path, asked);
  const body = response.body ? await readSmall(response.body) : new Uint8Array();
  return response.ok ? instance.read(body) : undefined;
}

/** What the network says may tell addresses of the fleet. */
function whyOf(error: unknown): string {
  if (error instanceof LegBroken || error instanceof SyntaxError) return error.message;
  return "the transfer broke off";
}
