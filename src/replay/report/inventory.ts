import { classify } from "../../core/labels.ts";
import type { Fleet, Labels, Model } from "../../core/fleet.ts";
import { ceilingsOf } from "../ceilings.ts";
import { type Spread, spreadOf } from "../statistics.ts";
import type { Workload } from "../workload.ts";
import { type ArrivalPattern, arrivalPattern } from "./arrival-pattern.ts";
import { type Sharing, sharingOf } from "./sharing.ts";

/** What kind of work a trace is, whoever serves it. */
export type Inventory = {
  readonly name: string;
  readonly requests: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly prompts: Spread;
  readonly outputs: Spread;
  readonly promptSizes: readonly SizeBin[];
  readonly outputSizes: readonly SizeBin[];
  readonly axes: readonly LabelCount[];
  readonly kinds: readonly Kind[];
  readonly arrivals: ArrivalPattern;
  readonly sharing: Sharing;
};

/** Requests of at least `from` and less than twice as many tokens. */
export type SizeBin = { readonly from: number; readonly requests: number };

/** Requests and tokens under one label. */
export type LabelCount = {
  readonly axis: keyof Labels;
  readonly value: string;
  readonly requests: number;
  readonly promptTokens: number;
  /** Of the prompt tokens, those that an infinite shared cache would hold. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
};

/** Requests alike in phase and context, which is what decides the device. */
export type Kind = {
  readonly phase: Labels["phase"];
  readonly context: Labels["context"];
  /** Their numbers in the workload. */
  readonly requests: readonly number[];
};

/** Labels every request with the true length of its answer and what an infinite shared cache would hold of it. */
export function inventoryOf(
  workload: Workload,
  fleet: Pick<Fleet, "labels">,
  model: Model,
): Inventory {
  const { count, promptTokens, outputTokens } = workload;
  const { cachedTokens, infinite } = ceilingsOf(workload, 0);
  const axes = new Map<string, LabelCount>();
  const kinds = new Map<string, Kind & { readonly requests: number[] }>();
  for (let i = 0; i < count; i++) {
    const one = {
      promptTokens: promptTokens[i] as number,
      cachedTokens: cachedTokens[i] as number,
      outputTokens: outputTokens[i] as number,
    };
    const labels = classify({
      fleet,
      model,
      promptTokens: one.promptTokens,
      uncachedTokens: one.promptTokens - one.cachedTokens,
      expectedOutputTokens: Math.max(1, one.outputTokens),
    });
    for (const axis of AXES) enter(axes, axis, labels[axis], one);
    const { phase, context } = labels;
    const name = `${phase} ${context}`;
    const kind = kinds.get(name) ?? { phase, context, requests: [] };
    kind.requests.push(i);
    kinds.set(name, kind);
  }
  return {
    name: workload.name,
    requests: count,
    promptTokens: promptTokens.reduce((sum, tokens) => sum + tokens, 0),
    outputTokens: outputTokens.reduce((sum, tokens) => sum + tokens, 0),
    prompts: spreadOf([...promptTokens]),
    outputs: spreadOf([...outputTokens]),
    promptSizes: sizes(promptTokens),
    outputSizes: sizes(outputTokens),
    axes: [...axes.values()].toSorted((a, b) => rank(a) - rank(b)),
    kinds: [...kinds.values()].toSorted((a, b) => b.requests.length - a.requests.length),
    arrivals: arrivalPattern(workload),
    sharing: sharingOf(workload, cachedTokens, infinite),
  };
}

const AXES = ["phase", "context", "urgency", "size", "place"] as const;
const ORDER = ["prefill-heavy", "balanced", "decode-heavy", "short", "medium", "long", "ultra"];

function rank({ axis, value }: LabelCount): number {
  return AXES.indexOf(axis) * 100 + ORDER.indexOf(value);
}

function enter(
  axes: Map<string, LabelCount>,
  axis: keyof Labels,
  value: string,
  one: Pick<LabelCount, "promptTokens" | "cachedTokens" | "outputTokens">,
): void {
  const name = `${axis} ${value}`;
  const before = axes.get(name);
  axes.set(name, {
    axis,
    value,
    requests: (before?.requests ?? 0) + 1,
    promptTokens: (before?.promptTokens ?? 0) + one.promptTokens,
    cachedTokens: (before?.cachedTokens ?? 0) + one.cachedTokens,
    outputTokens: (before?.outputTokens ?? 0) + one.outputTokens,
  });
}

function sizes(tokens: Int32Array): SizeBin[] {
  const bins: number[] = [];
  for (const size of tokens) {
    const bin = Math.floor(Math.log2(Math.max(1, size)));
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  const first = bins.findIndex((requests) => requests !== undefined);
  return Array.from(bins, (requests = 0, bin) => ({ from: 2 ** bin, requests })).slice(
    Math.max(0, first),
  );
}
