import type { Brought, Fetched, Handle, KvAsk, States } from "../engine.ts";
import type { FileSpace, SpaceFile } from "./file-space.ts";
import type { Leases } from "./leases.ts";
import { askPeer, PeerFailure, type PeerTimes } from "./peer.ts";
import { fileOfStream, RefusedState } from "./state-streams.ts";

/** What bringing a state needs of the engine. */
export interface Bringer {
  readonly states: States;
  readonly space: FileSpace;
  readonly leases: Leases;
  readonly origin: string;
  readonly limitBytes: number;
  readonly fetch: typeof fetch;
  readonly times: PeerTimes;
  readonly now: () => number;
}

type Wanted = {
  readonly ask: KvAsk;
  readonly prompt: readonly number[];
  readonly salt: string;
  readonly signal: AbortSignal;
};

type Found = { readonly file: SpaceFile; readonly tokens: number };

/** Gets the state that `ask` names into a file; what fails is told in words. Rejects only when the signal aborts. */
export async function bringState(bringer: Bringer, wanted: Wanted): Promise<Brought> {
  const { fetch: handle, pull } = wanted.ask;
  if (!handle && !pull) return { done: async () => {} };
  wanted.signal.throwIfAborted();
  const startedAt = bringer.now();
  try {
    const found = handle
      ? await byHandle(bringer, wanted, handle)
      : pull && (await byPrefix(bringer, wanted, pull.from));
    const ms = bringer.now() - startedAt;
    if (!found) return without({ tokens: 0, bytes: 0, ms });
    return {
      state: { path: found.file.path },
      fetched: { tokens: found.tokens, bytes: found.file.bytes, ms },
      done: once(() => found.file.release()),
    };
  } catch (error) {
    wanted.signal.throwIfAborted();
    return without({ failed: reasonOf(error) });
  }
}

async function byHandle(
  bringer: Bringer,
  { prompt, salt, signal }: Wanted,
  handle: Handle,
): Promise<Found | undefined> {
  const { states, leases, origin } = bringer;
  if (handle.model !== states.fingerprint) {
    throw new RefusedState("model", "the state is of another model or build");
  }
  if (states.cachedTokens(prompt, salt) >= Math.min(handle.tokens, prompt.length - 1)) {
    return undefined;
  }
  if (handle.from === origin) {
    const kept = leases.find(handle.handle, salt);
    if (!kept) throw new PeerFailure("this engine has no such state (ended, freed, or another's)");
    kept.file.hold();
    return kept;
  }
  return received(bringer, `${handle.from}/kv/${handle.handle}`, signal, {
    headers: saltHeader(salt),
  });
}

async function byPrefix(
  bringer: Bringer,
  { prompt, salt, signal }: Wanted,
  from: string,
): Promise<Found | undefined> {
  const cached = bringer.states.cachedTokens(prompt, salt);
  if (from === bringer.origin || cached >= prompt.length - 1) return undefined;
  return received(bringer, `${from}/kv/find`, signal, {
    method: "POST",
    headers: { ...saltHeader(salt), "content-type": "application/json" },
    body: JSON.stringify({ tokens: prompt, longer_than: cached }),
  });
}

async function received(
  bringer: Bringer,
  url: string,
  signal: AbortSignal,
  init: RequestInit,
): Promise<Found> {
  const { space, states, limitBytes, fetch, times } = bringer;
  return askPeer(url, { fetch, init, times, signal }, async (body, headers) => {
    const model = states.fingerprint;
    const { file, header } = await fileOfStream(body, space, { model, limitBytes });
    // A pulled state may go on past the prefix; the header of the answer says how far it is of use.
    const common = Number.parseInt(headers.get("x-kv-tokens") ?? "", 10);
    return { file, tokens: Number.isNaN(common) ? header.tokens : common };
  });
}

/** HTTP headers take no such salt as `é`, so it goes percent-encoded. */
function saltHeader(salt: string): Record<string, string> {
  return { "x-kv-salt": encodeURIComponent(salt) };
}

function without(fetched: Fetched): Brought {
  return { fetched, done: async () => {} };
}

function once(act: () => Promise<void>): () => Promise<void> {
  let acted: Promise<void> | undefined;
  return () => (acted ??= act());
}

function reasonOf(error: unknown): string {
  if (error instanceof RefusedState || error instanceof PeerFailure) return error.message;
  return `the state could not be kept: ${error instanceof Error ? error.message : String(error)}`;
}
