import type { Work } from "../core/receipt.ts";
import type { DriveIo, DriveOptions } from "./options.ts";
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
  if (typeof emulator === "string") return { ok: false, engines: [], error: emulator, entries: [] };
  const until = io.now() + PATIENCE_MS;
  const ours = new Set(works.map((work) => work.requestId));
  for (;;) {
    const ledgers = new Map<string, readonly LedgerEntry[] | string>();
    await Promise.all(
      [...engines].map(async (engine) =>
        ledgers.set(engine, await readLedger(io, emulator, engine)),
      ),
    );
    const result = reconcile(works, ledgers);
    if (result.ok || io.now() + RETRY_MS > until) {
      const read = [...ledgers.values()].flatMap((ledger) =>
        typeof ledger === "string" ? [] : ledger,
      );
      return { ...result, entries: read.filter((entry) => ours.has(entry.requestId)) };
    }
    await io.sleep(RETRY_MS);
  }
}

/** `entries` are the ledgers' own, of this run's requests. */
export type Reconciled = Reconciliation & {
  readonly error?: string;
  readonly entries: readonly LedgerEntry[];
};

type Emulator = { readonly url: string; readonly token: string };

const PATIENCE_MS = 2000;
const RETRY_MS = 250;

async function findEmulator(options: DriveOptions, io: DriveIo): Promise<Emulator | string> {
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
): Promise<readonly LedgerEntry[] | string> {
  const url = `${emulator.url.replace(/\/$/, "")}/${engine}/admin/ledger`;
  try {
    const response = await io.fetch(url, {
      headers: { authorization: `Bearer ${emulator.token}` },
    });
    if (!response.ok) return `${url}: ${response.status}`;
    return ((await response.json()) as { entries: readonly LedgerEntry[] }).entries;
  } catch {
    return `${url}: no answer`;
  }
}
