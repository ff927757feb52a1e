import { common, mean, share, sum, type EngineLoad } from "./engine-load.ts";
import { FACTS, REPLICA_LABELS, type Fact, type Source } from "./metric-names.ts";
import { readPrometheus, type Sample } from "./prometheus.ts";

/** An engine's load from its metrics page, whichever engine it is: over all its ranks, of what it tells. Never throws. */
export function readLoad(text: string): EngineLoad {
  const page = pageOf(text);
  const blockTokens = common(figures(page, "blockTokens"));
  const blocks = sum(figures(page, "blocks"));
  const used = sum(figures(page, "usedBlocks"));
  const hit = sum(figures(page, "hitBlocks"));
  const missed = sum(figures(page, "missedBlocks"));
  return {
    waiting: sum(figures(page, "waiting")),
    running: sum(figures(page, "running")),
    kvUse: share(mean(figures(page, "kvUse"))) ?? share(ratio(used, blocks)),
    cacheHitTokens: sum(figures(page, "cacheHitTokens")) ?? times(hit, blockTokens),
    cacheQueryTokens:
      sum(figures(page, "cacheQueryTokens")) ?? times(sum([hit, missed]), blockTokens),
    blockTokens,
    blocks,
    capacityTokens: sum(figures(page, "capacityTokens")),
  };
}

type Page = ReadonlyMap<string, readonly Sample[]>;

const WANTED: ReadonlySet<string> = new Set(
  Object.values(FACTS).flatMap((ways) => ways.flat().map(({ name }) => name)),
);

/** The samples that tell a fact, by the name they go by in the tables. */
function pageOf(text: string): Page {
  const page = new Map<string, Sample[]>();
  for (const sample of readPrometheus(text, (name) => WANTED.has(name))) {
    const others = page.get(sample.name);
    if (others === undefined) page.set(sample.name, [sample]);
    else others.push(sample);
  }
  return page;
}

/** What each rank tells, by the first name that any of them goes by; unknown of a rank that tells no number. */
function figures(page: Page, fact: Fact): (number | undefined)[] {
  const ways: readonly (readonly Source[])[] = FACTS[fact];
  for (const sources of ways) {
    const [first, ...others] = sources.map((source) => figuresOf(page, source));
    if (first !== undefined && first.length > 0) return [...first, ...others.flat()];
  }
  return [];
}

function figuresOf(page: Page, source: Source): (number | undefined)[] {
  const all = page.get(source.name) ?? [];
  const asked = Object.entries(source.where ?? {});
  const told = all.filter(({ labels }) => asked.every(([name, is]) => labels.get(name) === is));
  const ranks = new Map<string, number | undefined>();
  for (const sample of totals(told)) {
    const figure = figureOf(sample, source);
    const key = rankOf(sample, source);
    const before = ranks.get(key);
    // Replicas of one rank tell the same, give or take a step.
    const known = before !== undefined && figure !== undefined;
    ranks.set(key, known ? Math.max(before, figure) : (figure ?? before));
  }
  return [...ranks.values()];
}

/** SGLang tells requests of each priority, and all of them where that label is empty. */
function totals(samples: readonly Sample[]): readonly Sample[] {
  const all = samples.filter(({ labels }) => labels.get("priority") === "");
  return all.length > 0 ? all : samples;
}

function figureOf({ labels, value }: Sample, { label }: Source): number | undefined {
  const told = label === undefined ? value : Number(labels.get(label) || NaN);
  return Number.isFinite(told) && told >= 0 ? told : undefined;
}

function rankOf({ labels }: Sample, { label }: Source): string {
  // The labels of a configuration are what it tells, but for the rank's.
  const own = label === undefined ? [...labels] : [...labels].filter(([name]) => isRank(name));
  const parted = own.filter(([name]) => !REPLICA_LABELS.includes(name));
  return JSON.stringify(parted.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

function isRank(label: string): boolean {
  return label === "engine" || label === "dp_rank";
}

function times(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : one * other;
}

function ratio(part: number | undefined, whole: number | undefined): number | undefined {
  return part === undefined || whole === undefined || whole === 0 ? undefined : part / whole;
}
