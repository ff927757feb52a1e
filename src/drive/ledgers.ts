import type { Work } from "../core/receipt.ts";
import type { DriveIo, DriveOptions, Emulator } from "./options.ts";
import { poolOf } from "./loads.ts";
import { reconcile } from "./reconcile.ts";
import type { LedgerEntry, Reconciliation } from "./reconcile.ts";

/** Reconciles receipts with the engines' ledgers, reading these again for 2 s while legs are still being entered. */
export async function reconcileWithEngines(
  options: DriveOptions,
  io: DriveIo,
  works: readonly Work[],
  engines: ReadonlySet<string>,
): Promise<Reconciled> {
  const emulator = options.emulator ?? (await findEmulator(options, io));
  const error = typeof emulator === "string" ? emulator : undefined;
  if (typeof emulator === "string" || isNone(engines, emulator)) {
    const nothing = { engines: [], entries: new Map(), blocks: new Map() };
    return { ok: false, error: error ?? NO_LEDGERS, ...nothing };
  }
  const until = io.now() + PATIENCE_MS;
  const ours = new Set(works.map((work) => work.requestId));
  for (;;) {
    const ledgers = new Map<string, Ledger | string>();
    await Promise.all(
      [...withTheirPools(engines, emulator)].map(async (engine) =>
        ledgers.set(engine, await readLedger(io, emulator, engine)),
      ),
    );
    const entries = new Map(
      [...ledgers].map(([engine, read]) => [
        engine,
        typeof read === "string" ? read : read.entries,
      ]),
    );
    const result = reconcile(works, withoutIdle(entries, engines));
    if (result.ok || io.now() + RETRY_MS > until) return { ...result, ...sorted(ledgers, ours) };
    await io.sleep(RETRY_MS);
  }
}

export type Reconciled = Reconciliation & {
  readonly error?: string;
  /** The ledgers' own entries, of this run's requests, by engine; engines of the same models included. */
  readonly entries: ReadonlyMap<string, readonly LedgerEntry[]>;
  /** Blocks of KV cache of each engine, where it tells. */
  readonly blocks: ReadonlyMap<string, number>;
};

const NO_LEDGERS =
  "not compared: these engines are not emulated, and keep no ledgers of their legs";

function isNone(used: ReadonlySet<string>, { engines }: Emulator): boolean {
  return engines !== undefined && !engines.some(({ id }) => used.has(id)) && used.size > 0;
}

type Ledger = { readonly entries: readonly LedgerEntry[]; readonly blocks?: number };

/** The engines used, and those that could have been: all of the same models. */
function withTheirPools(used: ReadonlySet<string>, { engines = [] }: Emulator): Set<string> {
  const pools = new Set([...used].map(poolOf));
  const models = new Set(
    engines.filter(({ id }) => pools.has(poolOf(id))).map(({ model }) => model),
  );
  const others = engines.filter(({ model }) => models.has(model)).map(({ id }) => id);
  return new Set([...used, ...others]);
}

/** Engines that were never asked need no line in the report, unless they say that they were. */
function withoutIdle<T>(
  ledgers: ReadonlyMap<string, T | readonly LedgerEntry[]>,
  used: ReadonlySet<string>,
): Map<string, T | readonly LedgerEntry[]> {
  return new Map(
    [...ledgers].filter(
      ([id, entries]) => used.has(id) || (Array.isArray(entries) && entries.length > 0),
    ),
  );
}

function sorted(
  ledgers: ReadonlyMap<string, Ledger | string>,
  ours: ReadonlySet<string>,
): Pick<Reconciled, "entries" | "blocks"> {
  const entries = new Map<string, readonly LedgerEntry[]>();
  const blocks = new Map<string, number>();
  for (const [engine, read] of ledgers) {
    if (typeof read === "string") continue;
    entries.set(
      engine,
      read.entries.filter((entry) => ours.has(entry.requestId)),
    );
    if (read.blocks !== undefined) blocks.set(engine, read.blocks);
  }
  return { entries, blocks };
}

const PATIENCE_MS = 2000;
const RETRY_MS = 250;

/** Asks the endpoint where its emulated engines are; else says why it does not tell. */
export async function findEmulator(options: DriveOptions, io: DriveIo): Promise<Emulator | string> {
  const url = `${new URL(options.baseUrl).origin}/local/emulator`;
  try {
    const response = await io.fetch(url, {
      headers: { authorization: `Bearer ${options.apiKey}` },
    });
    return response.ok ? ((await response.json()) as Emulator) : `${url}: ${response.status}`;
  } catch {
    return `${url}: no answer`;
  }
}

async function readLedger(
  io: DriveIo,
  emulator: Emulator,
  engine: string,
): Promise<Ledger | string> {
  const url = `${emulator.url.replace(/\/$/, "")}/${engine}/admin/ledger`;
  try {
    const response = await io.fetch(url, {
      headers: { authorization: `Bearer ${emulator.token}` },
    });
    if (!response.ok) return `${url}: ${response.status}`;
    return (await response.json()) as Ledger;
  } catch {
    return `${url}: no answer`;
  }
}
