import type { Work } from "../core/receipt.ts";

/** Compares what receipts say ran with what each engine's ledger says ran, for the receipts' own request ids. */
export function reconcile(
  works: readonly Work[],
  ledgers: ReadonlyMap<string, readonly LedgerEntry[] | string>,
): Reconciliation {
  const ours = new Set(works.map((work) => work.requestId));
  const engines = [...new Set([...works.map((work) => work.engine), ...ledgers.keys()])].toSorted();
  const alone = decodedAlone(works, ledgers);
  const reports = engines.map((engine) => {
    const claimed = works.filter((work) => work.engine === engine);
    const ledger = ledgers.get(engine) ?? "no ledger";
    if (typeof ledger === "string") return unread(engine, claimed.length, ledger);
    const entries = ledger
      .filter((entry) => ours.has(entry.requestId))
      .map((entry) => asTold(asDecode(entry, alone)));
    return compare(engine, claimed, entries, alone);
  });
  return { ok: reports.every((report) => report.ok), engines: reports };
}

/** Requests whose prefill leg another was to run, and whose decode engine did without it and told nobody. */
function decodedAlone(
  works: readonly Work[],
  ledgers: ReadonlyMap<string, readonly LedgerEntry[] | string>,
): ReadonlySet<string> {
  const assumed = new Set(
    works.filter(({ known }) => known === "assumed").map(({ requestId }) => requestId),
  );
  const entries = [...ledgers.values()].flatMap((ledger) =>
    typeof ledger === "string" ? [] : ledger,
  );
  const both = entries.filter(({ leg, requestId }) => leg === "both" && assumed.has(requestId));
  return new Set(both.map(({ requestId }) => requestId));
}

/** What was meant to be a decode leg, and cannot have been known to be another. */
function asDecode(entry: LedgerEntry, alone: ReadonlySet<string>): LedgerEntry {
  const isMeant = entry.leg === "both" && alone.has(entry.requestId);
  return isMeant ? { ...entry, leg: "decode" } : entry;
}

/** What a prompt's own leg fetched from elsewhere its engine counts among what it found cached. */
function asTold(entry: LedgerEntry): LedgerEntry {
  const { leg, cachedTokens, pulledTokens = 0 } = entry;
  return leg === "decode" ? entry : { ...entry, cachedTokens: cachedTokens + pulledTokens };
}

/** One leg as an engine's own ledger has it. */
export type LedgerEntry = {
  readonly requestId: string;
  readonly leg: Work["leg"];
  readonly promptTokens: number;
  readonly cachedTokens: number;
  /** Fetched from another engine or a store; absent where its ledger does not tell. */
  readonly pulledTokens?: number;
  readonly computedTokens: number;
  readonly outputTokens: number;
  /** Whether the engine told its caller any usage. */
  readonly reportedUsage: boolean;
};

export type Reconciliation = { readonly ok: boolean; readonly engines: readonly EngineReport[] };

export type EngineReport = {
  readonly engine: string;
  readonly ok: boolean;
  readonly legs: Sums;
  readonly prompt_tokens: Sums;
  readonly cached_tokens: Sums;
  readonly computed_tokens: Sums;
  readonly output_tokens: Sums;
  /** Of the cached ones, those that legs pulled from other engines before. */
  readonly pulled_tokens: Sums;
  /** Legs that failed or were given up before the engine saw them; receipts claim no tokens for them. */
  readonly unseen: number;
  /** Legs given up whose engine told its usage when nobody listened any more; receipts claim no tokens for them. */
  readonly unheard: number;
  /** Legs that found nothing cached, whose engine does not say so in words: receipts leave it unknown. */
  readonly untold: number;
  /** Prefill legs that receipts mark as assumed, and that never ran or came to nothing. */
  readonly disproved: number;
  readonly mismatches: number;
  readonly examples: readonly string[];
};

type Sums = { receipts: number; ledger: number };

const MOST_EXAMPLES = 5;
const FIELDS = ["promptTokens", "cachedTokens", "computedTokens", "outputTokens"] as const;
type Field = (typeof FIELDS)[number];

function compare(
  engine: string,
  works: readonly Work[],
  entries: readonly LedgerEntry[],
  alone: ReadonlySet<string> = new Set(),
): EngineReport {
  const sums = {
    legs: none(),
    promptTokens: none(),
    cachedTokens: none(),
    computedTokens: none(),
    outputTokens: none(),
    pulledTokens: none(),
  };
  const faults: string[] = [];
  let unseen = 0;
  let unheard = 0;
  let untold = 0;
  let disproved = 0;
  for (const [work, entry] of pairs(works, entries)) {
    if (work?.known === "assumed" && alone.has(work.requestId)) {
      disproved += 1;
      continue;
    }
    if (work && !entry && work.outcome !== "served" && !claims(work)) {
      unseen += 1;
      continue;
    }
    if (work && entry) {
      unheard += Number(isUnheard(work, entry));
      untold += Number(isUntold(work, entry));
    }
    sums.legs.receipts += work ? 1 : 0;
    sums.legs.ledger += entry ? 1 : 0;
    if (work && entry) faults.push(...legFaults(work, entry, sums));
    else if (work) faults.push(`${name(work)}: in a receipt, not in the ledger`);
    else if (entry) faults.push(`${name(entry)}: in the ledger, in no receipt`);
  }
  return {
    engine,
    ok: faults.length === 0,
    legs: sums.legs,
    prompt_tokens: sums.promptTokens,
    cached_tokens: sums.cachedTokens,
    computed_tokens: sums.computedTokens,
    output_tokens: sums.outputTokens,
    pulled_tokens: sums.pulledTokens,
    unseen,
    unheard,
    untold,
    disproved,
    mismatches: faults.length,
    examples: faults.slice(0, MOST_EXAMPLES),
  };
}

function legFaults(
  work: Work,
  entry: LedgerEntry,
  sums: Record<Field | "pulledTokens", Sums>,
): string[] {
  if (!entry.reportedUsage || isUnheard(work, entry)) return untoldFaults(work, entry);
  return [...pullFaults(work, entry, sums), ...countFaults(work, entry, sums)];
}

/** A leg that was to pull says how much came, where that was more than it had itself. */
function pullFaults(
  work: Work,
  { pulledTokens }: LedgerEntry,
  sums: Record<"pulledTokens", Sums>,
): string[] {
  if (work.pull === undefined || pulledTokens === undefined) return [];
  const fetched = work.told?.fetched;
  const isMoved = fetched !== undefined && !("failed" in fetched) && fetched.bytes > 0;
  const told = isMoved ? fetched.tokens : 0;
  sums.pulledTokens.receipts += told;
  sums.pulledTokens.ledger += pulledTokens;
  return told === pulledTokens
    ? []
    : [`${name(work)}: pulled ${told} tokens, the ledger ${pulledTokens}`];
}

function countFaults(work: Work, entry: LedgerEntry, sums: Record<Field, Sums>): string[] {
  return FIELDS.flatMap((field) => {
    if (!comparable(field, work, entry)) return [];
    sums[field].receipts += work[field] ?? 0;
    sums[field].ledger += entry[field];
    return work[field] === entry[field]
      ? []
      : [`${name(work)}: ${field} ${work[field] ?? "absent"}, the ledger ${entry[field]}`];
  });
}

/** Of a leg whose engine told no usage a receipt may know the tokens that came by; the engine may have made more. */
function untoldFaults(work: Work, entry: LedgerEntry): string[] {
  const { outputTokens, ...rest } = work;
  if (claims(rest)) return [`${name(work)}: the engine reported no usage, the receipt claims some`];
  return (outputTokens ?? 0) > entry.outputTokens
    ? [`${name(work)}: outputTokens ${outputTokens}, the ledger ${entry.outputTokens}`]
    : [];
}

/** The decode leg of a split reports its cache falsely, so its receipt need not say what it cached or computed. */
function comparable(field: Field, work: Work, entry: LedgerEntry): boolean {
  if (entry.leg !== "decode" && !isUntold(work, entry)) return true;
  const isTold = field !== "cachedTokens" && field !== "computedTokens";
  return isTold || work[field] !== undefined;
}

/** It answered in the moment that it was given up, or whoever had asked it did not pass it on. */
function isUnheard(work: Work, { reportedUsage }: LedgerEntry): boolean {
  const isGivenUp = work.outcome !== "served" || work.known === "assumed";
  return reportedUsage && isGivenUp && !claims(work);
}

/** Engines leave the figure out when it is zero, as do those that never tell it. */
function isUntold(work: Work, { leg, reportedUsage, cachedTokens }: LedgerEntry): boolean {
  const isTold = work.cachedTokens !== undefined || work.computedTokens !== undefined;
  const isHeard = work.promptTokens !== undefined;
  return reportedUsage && isHeard && leg !== "decode" && cachedTokens === 0 && !isTold;
}

/** Legs of the same request and kind side by side: those with usage first, then those that said most. */
function* pairs(
  works: readonly Work[],
  entries: readonly LedgerEntry[],
): Generator<[Work | undefined, LedgerEntry | undefined]> {
  const claimed = Map.groupBy(works, name);
  const entered = Map.groupBy(entries, name);
  for (const key of new Set([...claimed.keys(), ...entered.keys()])) {
    const left = (claimed.get(key) ?? []).toSorted(
      (a, b) => Number(claims(b)) - Number(claims(a)) || mostSaid(a, b),
    );
    const right = (entered.get(key) ?? []).toSorted(
      (a, b) => Number(b.reportedUsage) - Number(a.reportedUsage) || mostSaid(a, b),
    );
    for (let i = 0; i < Math.max(left.length, right.length); i += 1) yield [left[i], right[i]];
  }
}

function mostSaid(a: Work | LedgerEntry, b: Work | LedgerEntry): number {
  return (b.outputTokens ?? 0) - (a.outputTokens ?? 0);
}

function claims(work: Work): boolean {
  return FIELDS.some((field) => work[field] !== undefined);
}

function name({ requestId, leg }: Work | LedgerEntry): string {
  return `${requestId} ${leg}`;
}

function unread(engine: string, legs: number, why: string): EngineReport {
  const nothing = compare(engine, [], []);
  return {
    ...nothing,
    ok: legs === 0,
    legs: { receipts: legs, ledger: 0 },
    mismatches: legs,
    examples: legs === 0 ? [] : [why],
  };
}

function none(): Sums {
  return { receipts: 0, ledger: 0 };
}
